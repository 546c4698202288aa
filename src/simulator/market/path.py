"""The way the price takes inside a recorded candle.

Open, nearer extreme, other extreme, close: single prints whose prices and volumes rebuild the candle
exactly. Where both extremes are equally near, a rising candle visits its low first.
"""

from collections.abc import Sequence

from simulator.core.events import MarketTrade
from simulator.market.feed import Candle

POINTS = 4
Share = tuple[int, int]
"""Price and quantity of one print, scaled by 10**8."""


def waypoints(open_: int, high: int, low: int, close: int) -> tuple[int, int, int, int]:
    """Return the four prices in the order in which they are visited."""
    up, down = high - open_, open_ - low
    high_first = up < down or (up == down and close < open_)
    return (open_, high, low, close) if high_first else (open_, low, high, close)


def shares(prices: Sequence[int], volume: int, lot: int) -> list[Share]:
    """Split `volume` over the prices in whole lots; what does not divide goes to the last print.

    A volume of fewer lots than points is spread over the changes of price alone, below the lot only where
    it cannot be helped. Without volume there is no print.
    """
    if volume < POINTS * lot:
        prices = [price for at, price in enumerate(prices) if at == 0 or price != prices[at - 1]]
    count = len(prices)
    unit = lot if volume >= count * lot else 1
    each = volume // unit // count * unit
    if each == 0:
        return []
    return [(price, each) for price in prices[:-1]] + [(prices[-1], volume - (count - 1) * each)]


class CandlePath:
    """Turns the candles of one symbol into prints, one candle after the other.

    A print above the one before was bought by the taker, one below was sold; at the same price the last
    direction goes on (tick rule), upwards at the very beginning.
    """

    def __init__(self, symbol: str, lot: int) -> None:
        self._symbol = symbol
        self._lot = lot
        self._last_price = 0
        self._falling = False

    def prints(self, candle: Candle) -> list[MarketTrade]:
        """Return the candle's prints; the first at its open time, the last in its last millisecond.

        A single print comes at the open time, a candle without volume has none.
        """
        points = waypoints(candle.open, candle.high, candle.low, candle.close)
        parts = shares(points, candle.volume, self._lot)
        span_ms = candle.close_ms - candle.open_ms
        steps = max(1, len(parts) - 1)
        return [
            MarketTrade(self._symbol, price, quantity, candle.open_ms + at * span_ms // steps, self._falls_to(price))
            for at, (price, quantity) in enumerate(parts)
        ]

    def _falls_to(self, price: int) -> bool:
        if price != self._last_price:
            self._falling = price < self._last_price
            self._last_price = price
        return self._falling
