"""What one BNB costs from moment to moment, for fees that are paid in it."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import numpy as np

from backtest.candles import BadCandles, Candles, IntColumn
from backtest.data.periods import utc
from domain.money import from_units


@dataclass(frozen=True, eq=False)
class BnbMarket:
    """Candles of BNB in the grid's quote asset, read as prices that were known.

    The price of a moment is the close of the last candle that had ended by then; within the first candle, before which
    none is known, its open. Where candles are missing the last known price goes on.
    """

    candles: Candles

    @property
    def symbol(self) -> str:
        return self.candles.symbol

    @cached_property
    def step(self) -> int:
        """Return the largest amount (1e-8 quote) of which every price is a multiple."""
        return int(np.gcd.reduce(self._prices))

    @property
    def highest(self) -> int:
        """Return the highest price, in 1e-8 quote."""
        return int(self._prices.max())

    @property
    def first_price(self) -> Decimal:
        """Return quote per BNB at the first candle's open."""
        return from_units(int(self._prices[0]))

    @cached_property
    def digest(self) -> str:
        """Return SHA-256 over everything that decides a price."""
        candles = self.candles
        digest = hashlib.sha256(f"{candles.symbol} {candles.interval_ms} {self._prices[0]}".encode())
        digest.update(candles.open_ms.tobytes())
        digest.update(candles.close.tobytes())
        return digest.hexdigest()

    @property
    def told(self) -> dict[str, object]:
        """Return what a report tells of it."""
        candles = self.candles
        return {
            "symbol": self.symbol,
            "interval_ms": candles.interval_ms,
            "from_ms": candles.start_ms,
            "until_ms": candles.end_ms,
            "candles": len(candles),
            "missing": self.missing_until(candles.end_ms),
            "sha256": self.digest,
        }

    def at(self, time_ms: IntColumn) -> IntColumn:
        """Return the price (1e-8 quote) at each of these moments, which are sorted.

        Raises:
            BadCandles: for a moment before the first candle.
        """
        candles = self.candles
        if time_ms[0] < candles.start_ms:
            raise BadCandles(
                f"what BNB cost at {utc(int(time_ms[0]))} is not known: the candles of {self.symbol} begin at "
                f"{utc(candles.start_ms)}; get earlier ones, or name a constant price"
            )
        ended = np.searchsorted(candles.open_ms, time_ms - candles.interval_ms, "right")
        found: IntColumn = self._prices[ended]
        return found

    def missing_until(self, end_ms: int) -> int:
        """Return how many candles are missing from the first one to `end_ms`."""
        after = max(end_ms - self.candles.end_ms, 0) // self.candles.interval_ms
        return sum(gap.missing for gap in self.candles.gaps) + after

    @cached_property
    def _prices(self) -> IntColumn:
        """Return the first open, then the closes: price `n` is known once `n` candles have ended."""
        return np.concatenate((self.candles.open[:1], self.candles.close))
