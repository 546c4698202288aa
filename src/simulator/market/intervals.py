"""Binance's spot candle intervals and where each one begins (UTC)."""

from datetime import UTC, datetime, timedelta
from typing import Final

from simulator.market.feed import MarketError

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
_WEEK_MS: Final = 7 * DAY_MS
_FIRST_MONDAY_MS: Final = 4 * DAY_MS
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

DURATION_MS: Final = {
    "1s": SECOND_MS,
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1h": HOUR_MS,
    "2h": 2 * HOUR_MS,
    "4h": 4 * HOUR_MS,
    "6h": 6 * HOUR_MS,
    "8h": 8 * HOUR_MS,
    "12h": 12 * HOUR_MS,
    "1d": DAY_MS,
    "3d": 3 * DAY_MS,
    "1w": _WEEK_MS,
    "1M": 31 * DAY_MS,
}
"""Length of each interval, the longest one for the calendar month; shortest first."""

INTERVALS: Final = tuple(DURATION_MS)


def interval_bounds(interval: str, time_ms: int) -> tuple[int, int]:
    """Return first and last millisecond of the interval that holds `time_ms`.

    Weeks begin on Monday, months with the calendar, everything else at multiples since the epoch.

    Raises:
        MarketError: for an interval Binance does not have.
    """
    if interval == "1M":
        return _month_bounds(time_ms)
    length = DURATION_MS.get(interval)
    if length is None:
        raise MarketError(f"interval {interval!r} is unknown; use one of {' '.join(INTERVALS)}")
    offset = _FIRST_MONDAY_MS if interval == "1w" else 0
    open_ms = time_ms - (time_ms - offset) % length
    return open_ms, open_ms + length - 1


def _month_bounds(time_ms: int) -> tuple[int, int]:
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return epoch_ms(first), epoch_ms(following) - 1


def epoch_ms(moment: datetime) -> int:
    """Return an aware moment as whole milliseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)
