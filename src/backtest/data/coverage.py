"""How far a recording reaches, and what is missing in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from backtest.candles import Gap
from backtest.data import columns
from backtest.data.periods import utc
from backtest.data.series import CANDLE_KINDS, HOUR_MS, TRADE_KINDS, Series
from backtest.data.store import Store
from domain.errors import NotFound

_SHOWN_GAPS: Final = 3


@dataclass(frozen=True, slots=True)
class Coverage:
    """Rows from `first_ms` until just before `end_ms`, and the stretches in between that hold none.

    Of candles and funding rates a gap tells how many are missing, of trades how many ids.
    """

    series: Series
    rows: int
    first_ms: int
    end_ms: int
    gaps: tuple[Gap, ...]

    @property
    def missing(self) -> int:
        return sum(gap.missing for gap in self.gaps)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is stored of a series, its gaps unknown; `end_ms` is the last row's time, of a candle its end."""

    series: Series
    rows: int
    first_ms: int
    end_ms: int
    bytes_on_disk: int


def cover(store: Store, series: Series, from_ms: int | None = None, to_ms: int | None = None) -> Coverage:
    """Look through a stored recording; with a window, what it lacks at both ends of that counts too.

    Raises:
        NotFound: if nothing of it is stored, or nothing in the window.
    """
    rows = store.read(series, from_ms, to_ms)
    if rows.is_empty():
        raise NotFound(f"{series} is stored, but nothing of it between {window_text(from_ms, to_ms)}; see `data list`")
    return coverage_of(series, rows, from_ms, to_ms)


def coverage_of(series: Series, rows: pl.DataFrame, from_ms: int | None, to_ms: int | None) -> Coverage:
    """Tell what `rows`, which are some, lack within a window."""
    name, per_ms = columns.TIMES[series.kind]
    times = rows[name] // per_ms
    length = _length(series, times)
    if series.kind in TRADE_KINDS:
        gaps = _missing_ids(rows["id"], times)
    else:
        gaps = [*_missing(times, length), *_at_the_ends(times, length, series, from_ms, to_ms)]
    return Coverage(series, rows.height, int(times[0]), int(times[-1]) + length, tuple(sorted(gaps)))


def window_text(from_ms: int | None, to_ms: int | None) -> str:
    start = "its beginning" if from_ms is None else utc(from_ms)
    return f"{start} and {'its end' if to_ms is None else utc(to_ms)}"


def gap_text(gap: Gap) -> str:
    """Return a gap for people: `2023-03-24 12:40 to 2023-03-24 14:00 (80 missing)`."""
    return f"{utc(gap.from_ms)} to {utc(gap.until_ms)} ({gap.missing:,} missing)"


def gaps_text(gaps: Sequence[Gap]) -> str:
    """Return the first gaps for people, and how many more there are."""
    shown = "; ".join(gap_text(gap) for gap in gaps[:_SHOWN_GAPS])
    return f"{shown} and {len(gaps) - _SHOWN_GAPS} more" if len(gaps) > _SHOWN_GAPS else shown


def _length(series: Series, times: pl.Series) -> int:
    """Return the time one row stands for."""
    if series.kind in CANDLE_KINDS:
        return series.interval_ms
    if series.kind in TRADE_KINDS:
        return 1
    steps = times.diff().drop_nulls()
    return min(8 * HOUR_MS, int(steps.mode().sort()[0])) if len(steps) else 8 * HOUR_MS


def _missing(times: pl.Series, length: int) -> Sequence[Gap]:
    steps = times.diff().fill_null(length)
    return [
        Gap(int(times[at - 1]) + length, int(times[at]), int(steps[at]) // length - 1)
        for at in (steps >= 2 * length).arg_true()
    ]


def _missing_ids(ids: pl.Series, times: pl.Series) -> Sequence[Gap]:
    steps = ids.diff().fill_null(1)
    return [Gap(int(times[at - 1]), int(times[at]), int(steps[at]) - 1) for at in (steps > 1).arg_true()]


def _at_the_ends(
    times: pl.Series, length: int, series: Series, from_ms: int | None, to_ms: int | None
) -> Sequence[Gap]:
    """Return what a window asks for before the first and after the last candle."""
    if series.kind not in CANDLE_KINDS:
        return []
    first, end = int(times[0]), int(times[-1]) + length
    before = 0 if from_ms is None else (first - from_ms) // length
    after = 0 if to_ms is None else (to_ms - end) // length
    ends = [Gap(first - before * length, first, before), Gap(end, end + after * length, after)]
    return [gap for gap in ends if gap.missing > 0]


def extent(store: Store, series: Series) -> Extent:
    """Tell how much is stored of a series, without looking for gaps.

    Raises:
        NotFound: if nothing is.
    """
    held = [(counted, file) for file in store.holdings(series) if (counted := store.extent_of(file, series))]
    if not held:
        raise NotFound(f"nothing of {series} is stored in {store.folder}")
    _, per_ms = columns.TIMES[series.kind]
    first, last = held[0][0][1] // per_ms, held[-1][0][2] // per_ms
    length = series.interval_ms if series.kind in CANDLE_KINDS else 0
    size = sum(file.path.stat().st_size for _, file in held)
    return Extent(series, sum(counted[0] for counted, _ in held), first, last + length, size)
