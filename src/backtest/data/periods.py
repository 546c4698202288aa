"""Months and days of UTC, and the windows of time that people write."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from backtest.data.series import refuse

_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month of UTC."""

    year: int
    month: int

    @classmethod
    def of(cls, ms: int) -> Self:
        moment = _moment(ms)
        return cls(moment.year, moment.month)

    @property
    def start_ms(self) -> int:
        return _ms(datetime(self.year, self.month, 1, tzinfo=UTC))

    @property
    def end_ms(self) -> int:
        """Return the first instant of the next month."""
        return self.next().start_ms

    @property
    def days(self) -> int:
        return (self.end_ms - self.start_ms) // 86_400_000

    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def until(self, last: "Month") -> Iterator["Month"]:
        """Yield the months from this one to `last`, both included."""
        month = self
        while month <= last:
            yield month
            month = month.next()

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def parse_window(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Return a window in ms, its start within and its end not; None where nothing was said.

    A month or day as the end is meant whole: `2023-12` ends where January begins.

    Raises:
        InvalidRequest: naming `from` or `to`, also for a window that holds nothing.
    """
    from_ms = None if start is None else _parse("from", start)[0]
    to_ms = None if end is None else _parse("to", end)[1]
    check_window(from_ms, to_ms)
    return from_ms, to_ms


def check_window(from_ms: int | None, to_ms: int | None) -> None:
    """Refuse a window in which no time lies.

    Raises:
        InvalidRequest: naming `to`.
    """
    if from_ms is not None and to_ms is not None and to_ms <= from_ms:
        refuse("to", f"the window is empty: it ends at {utc(to_ms)}, not after its start {utc(from_ms)}")


def utc(ms: int) -> str:
    """Return `2023-01-01 00:00` (seconds and ms only where there are any)."""
    moment = _moment(ms)
    if ms % 1000:
        return f"{moment:%Y-%m-%d %H:%M:%S}.{ms % 1000:03}"
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment.second else f"{moment:%Y-%m-%d %H:%M}"


def day_of(ms: int) -> str:
    return f"{_moment(ms):%Y-%m-%d}"


def _parse(field: str, text: str) -> tuple[int, int]:
    """Return where what the text names begins and ends."""
    try:
        if found := _MONTH.fullmatch(text):
            month = Month(int(found[1]), int(found[2]))
            return month.start_ms, month.end_ms
        moment = datetime.fromisoformat(text)
    except ValueError:
        refuse(field, f"{text!r} is no time; write 2023-01, 2023-01-31 or 2023-01-31T14:30 (UTC)")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    length = timedelta(days=1) if _DAY.fullmatch(text) else timedelta()
    return _ms(moment), _ms(moment + length)


def _moment(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


def _ms(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
