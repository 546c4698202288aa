"""Recorded mark prices and funding rates of one contract, as far as a replay may know them at a moment."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from simulator.core.symbols import UNIT
from simulator.market.feed import Candle, MarketError
from simulator.market.files import DataSource, read_candles, read_decimals, read_frame, read_times
from simulator.market.intervals import DURATION_MS
from simulator.market.past import RecordedPast

_FUNDING_COLUMNS: Final = ("funding_time", "funding_rate")


class MarkRecord:
    """Recorded candles of the mark price, shifted by `shift_ms`."""

    def __init__(self, source: DataSource, shift_ms: int) -> None:
        """Read the file.

        Raises:
            MarketError: it cannot be used; the text names the row and the remedy.
        """
        file = read_candles(source)
        self._length_ms = DURATION_MS[file.interval]
        self._past = RecordedPast(file, 1, shift_ms)
        self._rows = self._past.rows(0, len(file.columns))
        self._opens = [candle.open_ms for candle in self._rows]

    def history(self, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return candles that had ended; finer intervals than the file's have none."""
        return self._past.history(interval, end_ms, limit)

    def opening(self, time_ms: int) -> int | None:
        """Return the mark price at the very beginning of a recorded candle; None at any other time."""
        at = bisect_left(self._opens, time_ms)
        return self._rows[at].open if at < len(self._rows) and self._opens[at] == time_ms else None

    def held(self, mark: int, time_ms: int) -> int:
        """Return a modelled mark kept within the recorded range around it; as it is where nothing is recorded."""
        at = bisect_right(self._opens, time_ms) - 1
        if at < 0 or time_ms - self._opens[at] >= self._length_ms:
            return mark
        return max(self._rows[at].low, min(self._rows[at].high, mark))


@dataclass(frozen=True, slots=True)
class FundingRow:
    """One settlement: rate as a fraction scaled by UNIT, mark price scaled by UNIT (0 where unknown)."""

    time_ms: int
    rate: int
    mark: int = 0


class FundingRecord:
    """Recorded funding rates, shifted by `shift_ms`, oldest first."""

    def __init__(self, source: DataSource, shift_ms: int) -> None:
        """Read the file.

        Raises:
            MarketError: it cannot be used; the text names the row and the remedy.
        """
        frame = read_frame(source.path)
        missing = [name for name in _FUNDING_COLUMNS if name not in frame.columns]
        if missing:
            raise MarketError(
                f"{source.path}: column {', '.join(missing)} is missing; a funding file needs "
                f"{', '.join(_FUNDING_COLUMNS)}"
            )
        times = read_times(source.path, frame["funding_time"]).tolist()
        rates = read_decimals(source.path, frame["funding_rate"], UNIT).tolist()
        pairs = zip(times, rates, strict=True)
        self.rows: Sequence[FundingRow] = sorted(
            (FundingRow(time_ms + shift_ms, rate) for time_ms, rate in pairs), key=lambda row: row.time_ms
        )

    def rate(self, time_ms: int, reach_ms: int) -> int | None:
        """Return the rate settled within `reach_ms` around a moment; None where none was."""
        at = bisect_left(self.rows, time_ms - reach_ms, key=lambda row: row.time_ms)
        near = self.rows[at : bisect_right(self.rows, time_ms + reach_ms, key=lambda row: row.time_ms)]
        return min(near, key=lambda row: abs(row.time_ms - time_ms)).rate if near else None
