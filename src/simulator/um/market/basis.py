"""How far a modelled contract stands from its spot symbol: small, mean-reverting, a pure function of time.

Because nothing is remembered, a contract nobody looks at costs nothing, and its past is known when somebody does.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import Final

from simulator.market.feed import Candle
from simulator.market.intervals import HOUR_MS, MINUTE_MS
from simulator.um.core.contracts import ContractSpec

_WAVES: Final = ((24 * HOUR_MS, 600), (3 * HOUR_MS, 150), (20 * MINUTE_MS, 80), (2 * MINUTE_MS, 30))
"""Length of each wave and how far it swings at most, in ppm of the price."""
_MEAN_PPM: Final = 60
_PPM: Final = 1_000_000
_SPAN: Final = 2**32


class Basis:
    """The basis of every contract of one market: the same seed gives the same basis at the same time."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._knot = lru_cache(maxsize=4_096)(self._drawn)

    def ppm(self, symbol: str, time_ms: int) -> int:
        """Return the basis in parts per million of the spot price."""
        return _MEAN_PPM + sum(self._wave(symbol, length, reach, time_ms) for length, reach in _WAVES)

    def price(self, contract: ContractSpec, spot: int, time_ms: int) -> int:
        """Return the contract's price for a spot price, on the contract's tick."""
        return _moved(spot, self.ppm(contract.symbol, time_ms), contract.tick)

    def candle(self, contract: ContractSpec, spot: Candle) -> Candle:
        """Return the contract's candle for a candle of the spot symbol."""
        first, last = self.ppm(contract.symbol, spot.open_ms), self.ppm(contract.symbol, spot.close_ms)
        tick, lot = contract.tick, contract.lot
        return Candle(
            spot.open_ms,
            spot.close_ms,
            _moved(spot.open, first, tick),
            _moved(spot.high, max(first, last), tick),
            _moved(spot.low, min(first, last), tick),
            _moved(spot.close, last, tick),
            spot.volume - spot.volume % lot,
            spot.quote_volume,
            spot.trades,
            spot.taker_buy_base - spot.taker_buy_base % lot,
            spot.taker_buy_quote,
        )

    def _wave(self, symbol: str, length_ms: int, reach: int, time_ms: int) -> int:
        knot, inside_ms = divmod(time_ms, length_ms)
        left, right = self._knot(symbol, length_ms, knot), self._knot(symbol, length_ms, knot + 1)
        return (left * (length_ms - inside_ms) + right * inside_ms) * reach // (length_ms * _SPAN)

    def _drawn(self, symbol: str, length_ms: int, knot: int) -> int:
        """Return a number spread evenly over -_SPAN to _SPAN."""
        text = f"{self._seed} {symbol} {length_ms} {knot}"
        return int.from_bytes(blake2b(text.encode(), digest_size=5).digest(), "big") % (2 * _SPAN) - _SPAN


def _moved(price: int, ppm: int, tick: int) -> int:
    """Return a price so many ppm away, on the nearest tick."""
    raw = price * (_PPM + ppm) // _PPM
    return max(tick, (raw + tick // 2) // tick * tick)
