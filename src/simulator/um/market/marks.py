"""Mark price and funding rate of one contract by Binance's formulas (protocol section 4).

Prices are scaled by UNIT, rates are fractions scaled by UNIT (0.0001 is 10_000), times are market time in ms.
"""

from collections import deque
from collections.abc import Sequence
from typing import Final

from simulator.core.symbols import UNIT

INTEREST_RATE: Final = UNIT // 10_000
"""0.01 % per eight hours."""
RATE_BOUND: Final = 2 * UNIT // 100
"""Funding rates stay within +/-2 %."""
_DAMPER: Final = UNIT // 2_000
_AVERAGE_MS: Final = 30_000
_STANDARD_HOURS: Final = 8


class MarkPrice:
    """The mark price of one contract, and what its moving average remembers."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._premiums: deque[tuple[int, int]] = deque()
        self.rate = INTEREST_RATE
        """The rate last settled."""

    def next_funding_ms(self, now_ms: int) -> int:
        return (now_ms // self._interval_ms + 1) * self._interval_ms

    def at(self, now_ms: int, *, index: int, mid: int, last: int) -> int:
        """Return the median of index with funding, index with the mean premium of 30 s, and the last price."""
        left_ms = self.next_funding_ms(now_ms) - now_ms
        by_funding = index + index * self.rate * left_ms // (self._interval_ms * UNIT)
        by_premium = index + self._mean_premium(now_ms, mid - index)
        return sorted((by_funding, by_premium, last))[1]

    def _mean_premium(self, now_ms: int, premium: int) -> int:
        """Count the premium from now on, and return its mean over the 30 s up to now."""
        held = self._premiums
        if held and held[-1][0] == now_ms:
            held.pop()
        held.append((now_ms, premium))
        since_ms = now_ms - _AVERAGE_MS
        while len(held) > 1 and held[1][0] <= since_ms:
            held.popleft()
        if len(held) == 1:
            return premium
        spans = [(max(begun, since_ms), value) for begun, value in held]
        ends = [begun for begun, _ in spans[1:]]
        total = sum(value * (end - begun) for (begun, value), end in zip(spans, ends, strict=False))
        return total // max(1, now_ms - spans[0][0])


def funding_rate(premiums: Sequence[int], interval_hours: int) -> int:
    """Return the rate for an interval from premium fractions (UNIT) sampled evenly over it.

    F = (mean + clamp(I - mean, -0.05 %, 0.05 %)) / (8 / hours), bounded at 2 %.
    """
    mean = sum(premiums) // len(premiums) if premiums else 0
    damped = max(-_DAMPER, min(_DAMPER, INTEREST_RATE - mean))
    rate = (mean + damped) * interval_hours // _STANDARD_HOURS
    return max(-RATE_BOUND, min(RATE_BOUND, rate))
