"""How far and how straight a price moves: a day's true range and ADX, by TA-Lib, from candles of four hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any, Final

from domain.events import Candle

INTERVAL: Final = "4h"
CANDLES: Final = 199
"""33 days, in one request of weight 2 on either market; the last one is still open."""
_PER_DAY: Final = 6
_DAYS: Final = 14
_ADX_CANDLES: Final = 14
FEWEST_CANDLES: Final = (_DAYS + 1) * _PER_DAY
_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Movement:
    """`atr_percent`: ATR(14) of whole days that end now, percent of the last close. `adx`: ADX(14) of four hours."""

    atr_percent: Decimal
    adx: Decimal


def movement_of(closed: Sequence[Candle]) -> Movement | None:
    """Return how the price moved over closed candles of four hours, oldest first; None where they are too few."""
    if len(closed) < FEWEST_CANDLES or closed[-1].close <= 0:
        return None
    import talib  # noqa: PLC0415  it loads a data frame library that no start should wait for

    high, low, close = _days(closed)
    atr = float(talib.ATR(high, low, close, timeperiod=_DAYS)[-1])
    high, low, close = (_column(closed, name) for name in ("high", "low", "close"))
    adx = float(talib.ADX(high, low, close, timeperiod=_ADX_CANDLES)[-1])
    if not (isfinite(atr) and isfinite(adx)):
        return None
    last = float(closed[-1].close)
    return Movement(_rounded(100 * atr / last), _rounded(adx))


def _days(closed: Sequence[Candle]) -> tuple[Any, Any, Any]:
    """Return high, low and close of whole days that end with the last candle."""
    days = len(closed) // _PER_DAY
    used = closed[len(closed) - days * _PER_DAY :]
    highs, lows, closes = (_column(used, name).reshape(days, _PER_DAY) for name in ("high", "low", "close"))
    return highs.max(axis=1), lows.min(axis=1), closes[:, -1].copy()


def _column(candles: Sequence[Candle], name: str) -> Any:
    import numpy as np  # noqa: PLC0415  as above

    return np.array([float(getattr(candle, name)) for candle in candles])


def _rounded(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_PLACES)
