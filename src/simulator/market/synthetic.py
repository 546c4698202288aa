"""A seeded market that never was, for any length of time.

The same seed, symbols and start give the same market to the last print.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.books import BookModel
from simulator.market.catalogue import specs_of
from simulator.market.dynamics import SECONDS, Dynamics, Floats, MarketMood
from simulator.market.feed import ORIGIN, Candle, FeedStep, MarketError
from simulator.market.intervals import HOUR_MS, MINUTE_MS, interval_bounds
from simulator.market.synthetic_past import SyntheticPast, draw_past
from simulator.market.synthetic_prints import CHARACTERS, MinutePrinter

_PREROLL_MINUTES: Final = 20
"""Minutes before the start that are drawn print by print, so that 500 seconds have one."""


@dataclass(slots=True)
class _Position:
    """Where the market stands: the mood and log prices at the start of a minute, and the last prints."""

    minute_ms: int
    mood: MarketMood
    log_prices: Floats
    market_ms: int = 0
    last: dict[str, int] = field(default_factory=dict)


class SyntheticFeed:
    """The synthetic market as a feed. `state` tells where the newest iterator of `steps` stands."""

    source: Literal["synthetic"] = "synthetic"
    outage_ms = HOUR_MS

    def __init__(
        self, symbols: Sequence[str], *, seed: int, start_ms: int, resume: Mapping[str, Any] | None = None
    ) -> None:
        """Draw the past of a market that starts with the minute of `start_ms`.

        Args:
            symbols: symbols of the catalogue.
            seed: 0 or above.
            start_ms: market time of the start, usually now.
            resume: `state()` of an earlier run: prices and moods go on from there, later than its market
                time. The past is drawn anew so that it ends at those prices.

        Raises:
            MarketError: for unknown symbols, a negative seed, or a state of another market.
        """
        if seed < 0:
            raise MarketError(f"--seed {seed} is negative; use 0 or above")
        self.specs: Mapping[str, SymbolSpec] = specs_of(symbols)
        self.symbols = tuple(self.specs)
        self._seed = seed
        if resume is not None:
            self._refuse_another(resume)
            start_ms = max(start_ms, int(resume["market_ms"]) + MINUTE_MS)
        self.start_ms = start_ms // MINUTE_MS * MINUTE_MS
        self.notices: tuple[str, ...] = (f"{ORIGIN}synthetic (seed {seed}): its prices are made up",)
        characters = [CHARACTERS[symbol] for symbol in self.symbols]
        specs = tuple(self.specs.values())
        self._dynamics = Dynamics([character.minute_sd for character in characters])
        self._printer = MinutePrinter(specs, characters)
        usual = {
            character_symbol: round(CHARACTERS[character_symbol].price * UNIT) for character_symbol in self.symbols
        }
        prices: Mapping[str, int] = usual if resume is None else resume["last"]
        log_prices = np.log(np.array([prices[symbol] / UNIT for symbol in self.symbols]))
        mood = MarketMood.drawn(len(specs), np.random.default_rng([seed, len(specs)]))
        preroll_ms = self.start_ms - _PREROLL_MINUTES * MINUTE_MS
        past = draw_past(self._dynamics, mood, np.random.default_rng([seed, 0]), preroll_ms)
        if resume is not None:
            drifted, _ = self._preroll(_Position(preroll_ms, deepcopy(mood), log_prices))
            log_prices = 2 * log_prices - drifted.log_prices  # the drawn minutes then end at the saved prices
        position, prints = self._preroll(_Position(preroll_ms, mood, log_prices))
        self._past = SyntheticPast(past, log_prices, specs, characters, prints, seed)
        if resume is not None:
            position.mood = MarketMood.load(resume["mood"])
        self._position = self._start = position

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return candles of the past; every interval up to 1d has at least 500. See `MarketPast.history`."""
        self._check(symbol)
        interval_bounds(interval, 0)
        return self._past.candles(symbol, interval, end_ms, limit) if limit > 0 else []

    def last_price(self, symbol: str) -> int:
        self._check(symbol)
        return self._past.candles(symbol, "1s", self.start_ms, 1)[-1].close

    def steps(self, after_ms: int | None = None) -> Iterator[FeedStep]:
        """Yield prints without end, each with the book after it."""
        books = {symbol: BookModel(spec) for symbol, spec in self.specs.items()}
        for trade in self.prints():
            if after_ms is None or trade.time_ms > after_ms:
                yield FeedStep(trade.time_ms, (trade,), books[trade.symbol].after(trade))

    def prints(self) -> Iterator[MarketTrade]:
        """Yield the prints alone, without end."""
        position = self._position = deepcopy(self._start)
        while True:
            opened = deepcopy(position)
            for trade in self._minute(position):
                opened.market_ms = trade.time_ms
                opened.last[trade.symbol] = trade.price
                self._position = opened
                yield trade
            position.minute_ms += MINUTE_MS
            position.last = opened.last

    def state(self) -> dict[str, Any]:
        position = self._position
        last = {symbol: position.last.get(symbol, self.last_price(symbol)) for symbol in self.symbols}
        market_ms = position.market_ms or self.start_ms
        return {**self._identity(), "market_ms": market_ms, "last": last, "mood": position.mood.dump()}

    def _preroll(self, position: _Position) -> tuple[_Position, list[MarketTrade]]:
        prints: list[MarketTrade] = []
        for _ in range(_PREROLL_MINUTES):
            prints.extend(self._minute(position))
            position.minute_ms += MINUTE_MS
        return position, prints

    def _minute(self, position: _Position) -> list[MarketTrade]:
        """Draw the minute at `position` and move its mood and prices to the minute's end."""
        minute = position.minute_ms // MINUTE_MS
        rng = np.random.default_rng([self._seed, minute])
        moves = self._dynamics.draw(position.mood, rng, start_minute=minute, bars=1, minutes=1, points=SECONDS)
        prints = self._printer.prints(moves, position.log_prices, position.minute_ms, rng)
        position.log_prices = position.log_prices + moves.path[0, -1]
        return prints

    def _identity(self) -> dict[str, Any]:
        return {"source": "synthetic", "seed": self._seed, "symbols": list(self.symbols)}

    def _refuse_another(self, state: Mapping[str, Any]) -> None:
        for name, value in self._identity().items():
            if state.get(name) != value:
                raise MarketError(
                    f"the saved state is of another market ({name} {state.get(name)!r}, now {value!r}); "
                    "start with the old options or another --state folder"
                )

    def _check(self, symbol: str) -> None:
        if symbol not in self.specs:
            raise MarketError(f"symbol {symbol!r} is not in this market; it has {', '.join(self.symbols)}")
