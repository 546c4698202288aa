"""Pairs to choose from: their figures, their candles, and a venue that tells them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from domain.errors import VenueError
from domain.events import Candle
from domain.instrument import Instrument, Market
from domain.pairs import PairFacts
from fakes.clock import FakeClock
from grid.selection.judging import PairLimits
from ports.pairs import DayFigures

FOUR_HOURS_MS = 4 * 3_600_000


def pair(base: str, market: Market = Market.SPOT, quote: str = "USDT") -> Instrument:
    return Instrument("binance", market, base, quote)


def limits_of(market: Market = Market.SPOT, **other: object) -> PairLimits:
    """Return the limits of the shipped settings."""
    usual: dict[str, object] = {
        "min_volume_usd": Decimal(100_000_000),
        "min_atr_percent": Decimal(2),
        "max_adx": Decimal(25),
        "max_spread_percent": Decimal("0.1"),
        "min_liquidity_usd": Decimal(1_000_000),
    }
    return PairLimits(market=market, **{**usual, **other})  # type: ignore[arg-type]


def facts_of(instrument: Instrument, **other: object) -> PairFacts:
    """Return facts that pass the limits of the shipped settings."""
    usual: dict[str, object] = {
        "is_trading": True,
        "price": Decimal(100),
        "volume_usd": Decimal(500_000_000),
        "spread_percent": Decimal("0.01"),
        "atr_percent": Decimal(4),
        "adx": Decimal(15),
        "liquidity_usd": Decimal(3_000_000),
        "candles_age_s": 60.0,
    }
    return PairFacts(instrument=instrument, **{**usual, **other})  # type: ignore[arg-type]


def day_of(instrument: Instrument, volume: int = 500_000_000, **other: object) -> DayFigures:
    usual: dict[str, object] = {
        "is_trading": True,
        "price": Decimal(100),
        "quote_volume": Decimal(volume),
        "bid": Decimal("99.995"),
        "ask": Decimal("100.005"),
    }
    return DayFigures(instrument=instrument, **{**usual, **other})  # type: ignore[arg-type]


def waves(last_close_ms: int, count: int = 199, width: str = "0.02") -> tuple[Candle, ...]:
    """Return candles of four hours that go nowhere; each is `width` of 100 high."""
    half = Decimal(100) * Decimal(width) / 2
    first_ms = last_close_ms + 1 - count * FOUR_HOURS_MS
    return tuple(
        Candle(
            open_ms=first_ms + place * FOUR_HOURS_MS,
            close_ms=first_ms + (place + 1) * FOUR_HOURS_MS - 1,
            open=Decimal(100),
            high=Decimal(100) + half,
            low=Decimal(100) - half,
            close=Decimal(100) + (half / 2 if place % 2 else -half / 2),
            volume=Decimal(1),
            quote_volume=Decimal(100),
            trades=1,
        )
        for place in range(count)
    )


@dataclass
class PairVenue:
    """Implements PairData, and of MarketData what a selection asks. `failures` are raised by symbol or by market."""

    clock: FakeClock
    days: Sequence[DayFigures]
    width: str = "0.02"
    liquidity: Decimal = Decimal(3_000_000)
    failures: dict[str, VenueError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def day_figures(self, market: Market) -> tuple[DayFigures, ...]:
        self._told(market.value)
        return tuple(day for day in self.days if day.instrument.market is market)

    def candles(
        self, instrument: Instrument, interval: str, limit: int, end_ms: int | None = None
    ) -> tuple[Candle, ...]:
        assert end_ms is None
        self._told(f"{instrument.base} {interval}")
        return waves(self.clock.market_ms() - 60_000, limit, self.width)

    def depth(self, instrument: Instrument, within: Decimal, enough: Decimal) -> Decimal:
        self._told(f"{instrument.base} depth {within} {enough}")
        return self.liquidity

    def open_interest(self, instrument: Instrument) -> Decimal:
        self._told(f"{instrument.base} open interest")
        return self.liquidity / 100

    def _told(self, question: str) -> None:
        self.asked.append(question)
        self.clock.advance(self.seconds)
        if (failure := self.failures.get(question.split(maxsplit=1)[0])) is not None:
            raise failure
