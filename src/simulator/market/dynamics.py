"""Price dynamics of the synthetic market: how far and how wildly prices move, without their level.

Per minute and symbol, log volatility is the sum of three AR(1) processes (days, hours, minutes; the slow
ones partly shared by all symbols) over a daily rhythm; a minute's variance is further mixed by an inverse
gamma, which makes minute returns Student t given their volatility; jumps come on top; and the log price
is pulled back to its anchor over weeks. Floats are at home here: prices are made up, and become whole ticks
and lots in `synthetic`. docs/synthetic-market.md compares it with recorded returns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SECONDS: Final = 60
_DAY_MINUTES: Final = 1_440.0
MEMORY_MINUTES: Final = np.array([4 * _DAY_MINUTES, 180.0, 15.0])
"""Time constants of the volatility processes."""
_LOG_VOL_SD: Final = np.sqrt(np.array([0.15, 0.10, 0.16]))
_SHARED: Final = np.array([0.5, 0.3, 0.0])
"""Part of each volatility process's variance that all symbols have in common."""
_FREEDOM: Final = 6.0
"""Degrees of freedom of minute returns given their volatility."""
_COMMON: Final = 0.35
"""Part of the return variance that comes from the common factor, hence the correlation of two symbols."""
_REVERSION_MINUTES: Final = 20 * _DAY_MINUTES
_JUMPS_PER_MINUTE: Final = 1.0 / _DAY_MINUTES
_JUMP_SD: Final = 8.0
"""Size of a jump in ordinary minute standard deviations."""


@dataclass(slots=True)
class MarketMood:
    """What the dynamics carry from minute to minute.

    Attributes:
        log_vol: (3, symbols) the volatility processes.
        deviation: (symbols,) log price over its anchor.
    """

    log_vol: Floats
    deviation: Floats

    @classmethod
    def drawn(cls, symbols: int, rng: np.random.Generator) -> Self:
        """Draw a mood from its stationary distribution, prices at their anchors."""
        return cls(rng.standard_normal((3, symbols)) * _LOG_VOL_SD[:, None], np.zeros(symbols))

    def dump(self) -> dict[str, Any]:
        return {"log_vol": self.log_vol.tolist(), "deviation": self.deviation.tolist()}

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        return cls(np.array(saved["log_vol"], dtype=float), np.array(saved["deviation"], dtype=float))


@dataclass(frozen=True, slots=True)
class Moves:
    """Consecutive bars of `minutes` each.

    Attributes:
        path: (bars, points, symbols) log price relative to the start of the first bar.
        wildness: (bars, symbols) standard deviation of the bar's return over the symbol's usual one.
    """

    path: Floats
    wildness: Floats


class Dynamics:
    """Draws moves for a fixed set of symbols.

    Args:
        minute_sd: (symbols,) usual standard deviation of a minute's log return.
    """

    def __init__(self, minute_sd: Sequence[float]) -> None:
        self._minute_sd = np.array(minute_sd)

    def draw(
        self, mood: MarketMood, rng: np.random.Generator, *, start_minute: int, bars: int, minutes: int, points: int
    ) -> Moves:
        """Advance `mood` by `bars` bars of `minutes` minutes and return how prices moved.

        Args:
            mood: changed in place.
            rng: where all chance comes from.
            start_minute: minutes since the epoch of the first bar, for the daily rhythm.
            bars: how many bars.
            minutes: length of a bar.
            points: prices per bar, the last one at its end.
        """
        symbols = len(self._minute_sd)
        wildness = self._wildness(mood, rng, start_minute, bars, minutes)
        bar_sd = wildness * self._minute_sd * np.sqrt(minutes)
        common = rng.standard_normal((bars, points, 1))
        own = rng.standard_normal((bars, points, symbols))
        noise = np.sqrt(_COMMON) * common + np.sqrt(1.0 - _COMMON) * own
        steps = noise * (bar_sd / np.sqrt(points))[:, None, :]
        jumped = rng.random((bars, points, symbols)) < _JUMPS_PER_MINUTE * minutes / points
        steps += jumped * rng.standard_normal(steps.shape) * (_JUMP_SD * self._minute_sd)
        path = np.cumsum(steps.reshape(bars * points, symbols), axis=0)
        path = self._pulled_back(mood, path.reshape(bars, points, symbols), minutes)
        return Moves(path, wildness)

    def _wildness(
        self, mood: MarketMood, rng: np.random.Generator, start_minute: int, bars: int, minutes: int
    ) -> Floats:
        symbols = len(self._minute_sd)
        keep = np.exp(-minutes / MEMORY_MINUTES)[:, None]
        fresh = np.sqrt(1.0 - keep**2) * _LOG_VOL_SD[:, None]
        shared = np.sqrt(_SHARED)[:, None] * rng.standard_normal((bars, 3, 1))
        own = np.sqrt(1.0 - _SHARED)[:, None] * rng.standard_normal((bars, 3, symbols))
        shocks = (shared + own) * fresh
        levels = np.empty((bars, symbols))
        log_vol = mood.log_vol
        for at in range(bars):
            log_vol = keep * log_vol + shocks[at]
            levels[at] = log_vol.sum(axis=0)
        mood.log_vol = log_vol
        hours = (start_minute + minutes * (np.arange(bars) + 0.5)) % _DAY_MINUTES / 60.0
        rhythm = 0.25 * np.cos((hours - 15.0) / 24.0 * 2 * np.pi)
        mixing = (_FREEDOM - 2.0) / rng.chisquare(_FREEDOM, (bars, symbols))
        # Centred so that the mean variance is the symbol's usual one.
        centre = float((_LOG_VOL_SD**2).sum()) + 0.25**2 / 2
        wildness: Floats = np.exp(levels + rhythm[:, None] - centre) * np.sqrt(mixing)
        return wildness

    @staticmethod
    def _pulled_back(mood: MarketMood, path: Floats, minutes: int) -> Floats:
        """Add the drift towards the anchor, bar by bar, and note where prices ended."""
        pull = 1.0 - np.exp(-minutes / _REVERSION_MINUTES)
        ends = np.concatenate([np.zeros((1, path.shape[2])), path[:, -1, :]])
        deviation, moved = mood.deviation, np.zeros(path.shape[2])
        drift = np.empty((len(path), path.shape[2]))
        for at in range(len(path)):
            moved = moved - pull * deviation
            drift[at] = moved
            deviation = mood.deviation + ends[at + 1] + moved
        mood.deviation = deviation
        return path + drift[:, None, :]
