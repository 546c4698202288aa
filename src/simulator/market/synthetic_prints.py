"""Which symbols the synthetic market has, and how one minute of its moves becomes prints."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.dynamics import SECONDS, Floats, Moves
from simulator.market.intervals import MINUTE_MS, SECOND_MS

_PRINTS_PER_SECOND: Final = 3.0
_SIZE_SIGMA: Final = 1.3
_TREND_FOLLOWING: Final = 0.15
"""By how much more likely than not the taker trades in the direction of the second."""


@dataclass(frozen=True, slots=True)
class Character:
    """How a symbol trades.

    Attributes:
        price: usual price, quote per base.
        minute_sd: usual standard deviation of a minute's log return.
        minute_quote: quote traded in an ordinary minute.
    """

    price: float
    minute_sd: float
    minute_quote: float

    def minute_lots(self, spec: SymbolSpec) -> float:
        return self.minute_quote / self.price * UNIT / spec.lot


CHARACTERS: Final = {
    "BTCUSDT": Character(96_000.0, 0.00060, 1_200_000),
    "ETHUSDT": Character(3_300.0, 0.00085, 800_000),
    "BNBUSDT": Character(880.0, 0.00070, 150_000),
    "SOLUSDT": Character(165.0, 0.00105, 400_000),
    "ADAUSDT": Character(0.62, 0.00115, 80_000),
    "XRPUSDT": Character(2.35, 0.00105, 300_000),
    "DOGEUSDT": Character(0.19, 0.00120, 200_000),
    "LINKUSDT": Character(16.5, 0.00120, 60_000),
    "LTCUSDT": Character(88.0, 0.00105, 50_000),
    "TRXUSDT": Character(0.29, 0.00060, 60_000),
    "AVAXUSDT": Character(19.5, 0.00130, 50_000),
    "DOTUSDT": Character(3.1, 0.00125, 30_000),
    "BCHUSDT": Character(540.0, 0.00100, 30_000),
    "NEARUSDT": Character(2.4, 0.00140, 30_000),
    "UNIUSDT": Character(6.2, 0.00145, 30_000),
    "ATOMUSDT": Character(3.2, 0.00120, 15_000),
    "ETCUSDT": Character(15.8, 0.00115, 15_000),
    "FILUSDT": Character(1.9, 0.00140, 20_000),
    "XLMUSDT": Character(0.28, 0.00120, 30_000),
    "AAVEUSDT": Character(210.0, 0.00140, 40_000),
}


class MinutePrinter:
    """Draws the prints of one minute, several a second per symbol, more of them when prices run."""

    def __init__(self, specs: Sequence[SymbolSpec], characters: Sequence[Character]) -> None:
        self._specs = specs
        self._print_lots = [
            character.minute_lots(spec) / (_PRINTS_PER_SECOND * SECONDS)
            for spec, character in zip(specs, characters, strict=True)
        ]

    def prints(self, moves: Moves, log_prices: Floats, minute_ms: int, rng: np.random.Generator) -> list[MarketTrade]:
        """Return the prints of one minute in time order.

        Args:
            moves: one bar of a minute with a price per second.
            log_prices: (symbols,) log price in quote per base at the minute's start.
            minute_ms: start of the minute.
            rng: the minute's own generator.
        """
        found: list[MarketTrade] = []
        for at, spec in enumerate(self._specs):
            path = np.concatenate([np.zeros(1), moves.path[0, :, at]]) + log_prices[at]
            found.extend(self._symbol_prints(spec, at, path, float(moves.wildness[0, at]), minute_ms, rng))
        found.sort(key=_time_ms)
        return found

    def _symbol_prints(
        self, spec: SymbolSpec, at: int, path: Floats, wildness: float, minute_ms: int, rng: np.random.Generator
    ) -> list[MarketTrade]:
        pace = float(np.clip(wildness**0.6, 0.3, 5.0))
        count = rng.poisson(_PRINTS_PER_SECOND * SECONDS * pace)
        times = np.sort(rng.integers(0, MINUTE_MS, count))
        logs = np.interp(times / SECOND_MS, np.arange(SECONDS + 1), path)
        rising = np.sign(np.diff(path))[times // SECOND_MS]
        sold = rng.random(count) > 0.5 + _TREND_FOLLOWING * rising
        bids = np.floor(np.exp(logs) * (UNIT / spec.tick)).astype(np.int64)
        ticks = np.maximum(1, np.where(sold, bids, bids + 1))
        sizes = rng.lognormal(-(_SIZE_SIGMA**2) / 2, _SIZE_SIGMA, count) * self._print_lots[at]
        lots = np.maximum(1, np.rint(sizes)).astype(np.int64)
        rows = zip(ticks.tolist(), lots.tolist(), times.tolist(), sold.tolist(), strict=True)
        return [
            MarketTrade(spec.symbol, tick * spec.tick, lot * spec.lot, minute_ms + ms, maker)
            for tick, lot, ms, maker in rows
        ]


def _time_ms(trade: MarketTrade) -> int:
    return trade.time_ms
