"""A plausible order book for feeds that carry no depth, a pure function of the prints so far.

Around each print stand LEVELS levels a side. A print that the taker bought is the best ask, with the best
bid one tick below; one that was sold is the best bid. Sizes grow away from the touch and follow the
volume of the last minutes; a price keeps its share of it, so a level does not flicker from print to print.
"""

from typing import Final

from simulator.core.events import MarketTrade
from simulator.core.symbols import SymbolSpec
from simulator.market.feed import BookUpdate, Level
from simulator.market.intervals import MINUTE_MS

LEVELS: Final = 20
_GAP_PPM: Final = 20
"""Distance between levels as a part of the price, at least one tick."""
_SHARES: Final = tuple(20_000 + depth * 8_000 for depth in range(LEVELS))
"""Mean size of each level from the touch outwards, in ppm of a minute's volume."""
# Fibonacci hashing: neighbouring prices get sizes evenly spread over 0.5 to 1.5 of the mean, in ppm.
_WOBBLES: Final = tuple(500_000 + (at * 2_654_435_769 % 2**32 * 1_000_000 >> 32) for at in range(1_024))
_SMOOTHING: Final = 8
_PPM: Final = 10**6


class BookModel:
    """The book of one symbol."""

    def __init__(self, spec: SymbolSpec, *, minute_volume: int = 0) -> None:
        """Start with `minute_volume` (scaled by 10**8) as the volume of an ordinary minute, if known."""
        self._spec = spec
        self._pace = minute_volume
        self._minute = -1
        self._volume = 0

    def after(self, trade: MarketTrade) -> BookUpdate:
        """Return the book that stands after this print."""
        self._count(trade)
        tick = self._spec.tick
        best_bid = trade.price if trade.buyer_is_maker else trade.price - tick
        best_ask = best_bid + tick
        gap = max(1, trade.price * _GAP_PPM // _PPM // tick)
        return BookUpdate(trade.symbol, self._side(best_bid, -gap), self._side(best_ask, gap))

    def _count(self, trade: MarketTrade) -> None:
        minute = trade.time_ms // MINUTE_MS
        if minute != self._minute:
            if self._minute >= 0:
                gain = self._volume - self._pace
                self._pace = self._volume if self._pace == 0 else self._pace + gain // _SMOOTHING
            self._minute, self._volume = minute, 0
        self._volume += trade.qty

    def _side(self, best: int, gap_ticks: int) -> tuple[Level, ...]:
        lot, tick = self._spec.lot, self._spec.tick
        lots = (self._pace or self._volume) // lot
        touch, offset = divmod(best, tick)
        prices = range(touch, touch + LEVELS * gap_ticks, gap_ticks)
        return tuple(
            [
                (
                    price * tick + offset,
                    (lots * share * _WOBBLES[price & 1_023] // _PPM**2 or 1) * lot,
                )
                for price, share in zip(prices, _SHARES, strict=True)
                if price > 0
            ]
        )


def opening_book(spec: SymbolSpec, price: int, time_ms: int) -> BookUpdate:
    """Return a book of smallest sizes around the last price known, to stand until the first print."""
    return BookModel(spec).after(MarketTrade(spec.symbol, price, spec.lot, time_ms, buyer_is_maker=True))
