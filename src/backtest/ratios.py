"""Ratios of a series of returns. Each is a number, or `Absent` with the reason why there is none: never NaN.

Returns are fractions per period (0.01 is 1 %). Years have 365 periods, for crypto markets trade every day; the rate of
interest that cash would earn is taken as 0.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from backtest.candles import FloatColumn, IntColumn

YEAR_DAYS: Final = 365
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Absent:
    """A figure that does not exist here, and why, in words for a person."""

    reason: str


Figure = float | Absent

_FEW = Absent("needs at least two days")
_STILL = Absent("the equity changed by the same fraction every day, so there is nothing to divide by")


def sharpe(returns: FloatColumn, periods: int = YEAR_DAYS) -> Figure:
    """Return mean / standard deviation (n - 1) x sqrt(periods): reward per unit of all variability.

    Sharpe, The Sharpe Ratio, Journal of Portfolio Management 21 (1994).
    """
    if len(returns) < 2:
        return _FEW
    spread = _deviation(returns)
    return _STILL if spread == 0 else _finite(float(returns.mean()) / spread * math.sqrt(periods))


def sortino(returns: FloatColumn, periods: int = YEAR_DAYS) -> Figure:
    """Return mean x sqrt(periods) / sqrt(mean(min(return, 0)^2)): reward per unit of falling.

    Sortino and Price, Performance Measurement in a Downside Risk Framework, Journal of Investing 3 (1994). The mean
    runs over all periods, those without a loss included.
    """
    if len(returns) < 2:
        return _FEW
    falling = math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2)))
    if falling == 0:
        return Absent("no day lost anything, so there is nothing to divide by")
    return _finite(float(returns.mean()) * math.sqrt(periods) / falling)


def volatility(returns: FloatColumn, periods: int = YEAR_DAYS) -> Figure:
    """Return the standard deviation (n - 1) x sqrt(periods), as a fraction per year."""
    return _FEW if len(returns) < 2 else _finite(_deviation(returns) * math.sqrt(periods))


def annual_growth(total_return: float, days: float) -> Figure:
    """Return (1 + total return)^(365 / days) - 1: the same growth, kept up for a year."""
    if days <= 0:
        return Absent("no time passed")
    if total_return <= -1:
        return Absent("everything was lost")
    try:
        return _finite(math.expm1(math.log1p(total_return) * YEAR_DAYS / days))
    except OverflowError:
        return Absent("too large to be written")


def calmar(growth: Figure, drawdown: float) -> Figure:
    """Return annual growth / deepest drawdown, both as fractions.

    Young, Calmar Ratio: A Smoother Tool, Futures 20 (1991).
    """
    if isinstance(growth, Absent):
        return growth
    if drawdown == 0:
        return Absent("the equity never fell, so there is nothing to divide by")
    return _finite(growth / drawdown)


def drawdowns(equity: FloatColumn) -> FloatColumn:
    """Return for each moment how far the equity lies below its highest value so far, as a fraction from 0 to 1."""
    peaks = np.maximum.accumulate(equity)
    return np.divide(peaks - equity, peaks, out=np.zeros_like(equity), where=peaks > 0)


class UnderWater(NamedTuple):
    """A time below an earlier peak; `until_ms` is the end of the data where it did not get back."""

    from_ms: int
    until_ms: int
    is_over: bool

    @property
    def days(self) -> float:
        return (self.until_ms - self.from_ms) / DAY_MS


def under_water(time_ms: IntColumn, equity: FloatColumn, trough: int) -> UnderWater:
    """Return the time around the row `trough`: from the last peak before it until that peak is reached again."""
    # The last of equal peaks: until then nothing had been lost.
    peak = trough - int(np.argmax(equity[: trough + 1][::-1]))
    later = np.flatnonzero(equity[trough:] >= equity[peak])
    is_over = bool(len(later)) and trough != peak
    end = trough + int(later[0]) if is_over else len(equity) - 1
    return UnderWater(int(time_ms[peak]), int(time_ms[end]), is_over)


class Days(NamedTuple):
    """One row per UTC day that has a candle: where it starts, the equity at its last candle's close, the return."""

    start_ms: IntColumn
    equity: FloatColumn
    returns: FloatColumn

    def __len__(self) -> int:
        return len(self.start_ms)


def by_day(time_ms: IntColumn, equity: FloatColumn, start_equity: float) -> Days:
    """Return the days of a curve. A day without a candle has no row: the return across a gap is one day's.

    Raises:
        ValueError: where the equity is not above 0, for then there is no return.
    """
    day = time_ms // DAY_MS
    last = np.flatnonzero(np.append(np.diff(day) != 0, True))
    closes = equity[last]
    before = np.concatenate(([start_equity], closes[:-1]))
    if not (before > 0).all():
        raise ValueError("the equity fell to nothing; no return can be told from there on")
    return Days(day[last] * DAY_MS, closes, closes / before - 1.0)


def _deviation(returns: FloatColumn) -> float:
    # Equal numbers may differ from their own mean by a rounding, and that is no variability.
    return 0.0 if np.ptp(returns) == 0 else float(np.std(returns, ddof=1))


def _finite(value: float) -> Figure:
    return value if math.isfinite(value) else Absent("too large to be written")
