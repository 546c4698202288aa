"""The local store of recordings: Parquet files in folders. What lies there is what there is.

One folder per market, kind, symbol and interval, in it one file per month (of trades: per day). A file carries, in its
own metadata, which days the venue's archive told completely, so that a download knows where to go on.
"""

import calendar
import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
from filelock import FileLock, Timeout

from backtest.data import columns
from backtest.data.merging import merge
from backtest.data.periods import Month
from backtest.data.series import DAY_MS, INTERVALS_MS, MARKET_WORDS, Series
from backtest.whole_files import as_os_error
from domain.errors import Conflict, NotFound
from ports.archives import Recording

FOLDER: Final = "market"
"""Where recordings lie in the data folder."""
_ARCHIVED_DAYS: Final = "gridhive.archived_days"
_FILE: Final = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2}))?\.parquet")
_PARTS: Final = "parts"
_PART_ROWS: Final = 1 << 18


@dataclass(frozen=True, slots=True, order=True)
class Holding:
    """One file of a series: where it lies, and the window of time it is for."""

    from_ms: int
    to_ms: int
    path: Path


@dataclass(frozen=True, slots=True)
class Put:
    """What became of rows that were stored."""

    added: int = 0
    same: int = 0
    replaced: int = 0

    def __add__(self, other: "Put") -> "Put":
        return Put(self.added + other.added, self.same + other.same, self.replaced + other.replaced)


class Store:
    """All recordings below one folder, which need not exist yet.

    Readers need no lock, since a file is only ever replaced as a whole; writers take turns by `writing`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def parts(self) -> Path:
        """Return the folder of downloads under way."""
        return self.folder / _PARTS

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other processes from writing meanwhile.

        Raises:
            Conflict: if one is at it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                yield
        except Timeout:
            raise Conflict(f"another command is writing to {self.folder}; wait until it has ended") from None

    def series(self) -> list[Series]:
        """Return what is stored, in order."""
        found = []
        for word, market in MARKET_WORDS.items():
            for kind in Recording:
                for path in (self.folder / word / kind).glob("*"):
                    candidates = [Series(market, kind, path.name, interval) for interval in INTERVALS_MS]
                    candidates.append(Series(market, kind, path.name))
                    found += [series for series in candidates if self.holdings(series)]
        return sorted(found, key=str)

    def holdings(self, series: Series) -> list[Holding]:
        """Return the files of a series, oldest first."""
        folder = self.folder / series.folder
        return sorted(_holding(path, found) for path in folder.glob("*.parquet") if (found := _FILE.match(path.name)))

    def read(self, series: Series, from_ms: int | None = None, to_ms: int | None = None) -> pl.DataFrame:
        """Return the rows of [from_ms, to_ms), oldest first; none is no error.

        Raises:
            NotFound: if nothing of the series is stored.
            Conflict: if a file of it cannot be read.
        """
        holdings = self.holdings(series)
        if not holdings:
            raise NotFound(f"nothing of {series} is stored in {self.folder}")
        name, per_ms = columns.TIMES[series.kind]
        wanted = [held for held in holdings if _overlaps(held, from_ms, to_ms)]
        rows = pl.concat([columns.empty_frame(series.kind), *(_read(held.path, series) for held in wanted)])
        if from_ms is not None:
            rows = rows.filter(pl.col(name) >= from_ms * per_ms)
        return rows if to_ms is None else rows.filter(pl.col(name) < to_ms * per_ms)

    def parts_of(
        self, series: Series, names: Sequence[str], from_ms: int | None = None, to_ms: int | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield some columns of the rows of [from_ms, to_ms), oldest first, in parts that need little memory.

        Raises:
            Conflict: if a file cannot be read.
        """
        time, per_ms = columns.TIMES[series.kind]
        types = pl.Schema({name: columns.SCHEMAS[series.kind][name] for name in names})
        for held in self.holdings(series):
            if not _overlaps(held, from_ms, to_ms):
                continue
            with _legible(held.path):
                rows = pl.scan_parquet(held.path, low_memory=True, cache=False).select(names).cast(types)
                height = int(pl.scan_parquet(held.path).select(pl.len()).collect().item())
            for offset in range(0, height, _PART_ROWS):
                with _legible(held.path):
                    part = rows.slice(offset, _PART_ROWS).collect()
                first = 0 if from_ms is None else part[time].search_sorted(from_ms * per_ms)
                until = part.height if to_ms is None else part[time].search_sorted(to_ms * per_ms)
                yield part[first:until]

    def extent_of(self, held: Holding, series: Series) -> tuple[int, int, int] | None:
        """Return rows, first and last time of a file as it counts time; None if it holds no rows."""
        time = pl.col(columns.TIMES[series.kind][0])
        with _legible(held.path):
            told = pl.scan_parquet(held.path).select(rows=pl.len(), first=time.min(), last=time.max()).collect()
        rows, first, last = told.row(0)
        return (int(rows), int(first), int(last)) if rows else None

    def archived_days(self, series: Series, month: Month) -> frozenset[int]:
        """Return the days of a month which the archive told completely."""
        days: set[int] = set()
        for held in self.holdings(series):
            if month.start_ms <= held.from_ms < month.end_ms:
                days |= _archived_days(held.path)
        return frozenset(days)

    def put(
        self, series: Series, rows: pl.DataFrame, *, archived_days: Sequence[str] = (), replace: bool = False
    ) -> Put:
        """Keep rows beside those that are there; call it within `writing`.

        Args:
            series: what the rows are of.
            rows: in the store's columns, in order.
            archived_days: days (`2023-01-31`) which these rows tell completely, as the venue's archive has them.
            replace: rows that contradict stored ones take their place.

        Raises:
            Conflict: if rows contradict stored ones; nothing was changed then.
        """
        planned = []
        for held, part in self._split(series, rows, archived_days):
            stored = _read(held.path, series) if held.path.exists() else columns.empty_frame(series.kind)
            planned.append((held, merge(stored, part, series, replace=replace)))
        told = Put()
        for held, merged in planned:
            known = _archived_days(held.path) if not merged.replaced or archived_days else frozenset()
            fresh = {int(day[8:]) for day in archived_days if held.from_ms <= _day_ms(day) < held.to_ms}
            if merged.changed or not fresh <= known:
                _write(held.path, merged.rows, known | fresh)
            told += Put(merged.added, merged.same, merged.replaced)
        return told

    def drop(self, series: Series, from_ms: int | None = None, to_ms: int | None = None) -> int:
        """Delete a series, or its files that lie wholly in a window; return how many. Call it within `writing`."""
        dropped = 0
        for held in self.holdings(series):
            if (from_ms is None or held.from_ms >= from_ms) and (to_ms is None or held.to_ms <= to_ms):
                held.path.unlink()
                dropped += 1
        for folder in (series.folder, *series.folder.parents[:-1]):
            with contextlib.suppress(OSError):  # not empty: something else is stored there
                (self.folder / folder).rmdir()
        return dropped

    def _split(
        self, series: Series, rows: pl.DataFrame, archived_days: Sequence[str]
    ) -> Iterator[tuple[Holding, pl.DataFrame]]:
        """Yield the rows of each file, and no rows for a file whose days turned out to be empty."""
        name, per_ms = columns.TIMES[series.kind]
        length = 10 if series.of_days else 7
        periods = {day[:length] for day in archived_days}
        named = rows.with_columns(
            (pl.col(name) // per_ms).cast(pl.Datetime("ms")).dt.strftime("%Y-%m-%d").str.head(length).alias("__period")
        )
        parts = {str(key[0]): part.drop("__period") for key, part in named.group_by("__period", maintain_order=True)}
        for period in sorted(periods | parts.keys()):
            path = self.folder / series.folder / f"{period}.parquet"
            found = _FILE.match(path.name)
            assert found is not None  # noqa: S101 - it was named just above
            yield _holding(path, found), parts.get(period, columns.empty_frame(series.kind))


def _holding(path: Path, found: re.Match[str]) -> Holding:
    month = Month(int(found[1]), int(found[2]))
    if found[3] is None:
        return Holding(month.start_ms, month.end_ms, path)
    start_ms = month.start_ms + (int(found[3]) - 1) * DAY_MS
    return Holding(start_ms, start_ms + DAY_MS, path)


def _day_ms(day: str) -> int:
    year, month, of_month = map(int, day.split("-"))
    return calendar.timegm((year, month, of_month, 0, 0, 0)) * 1000


def _overlaps(held: Holding, from_ms: int | None, to_ms: int | None) -> bool:
    return (from_ms is None or held.to_ms > from_ms) and (to_ms is None or held.from_ms < to_ms)


def _read(path: Path, series: Series) -> pl.DataFrame:
    with _legible(path):
        return pl.read_parquet(path).cast(columns.SCHEMAS[series.kind])


@contextlib.contextmanager
def _legible(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).splitlines()[0]
        raise Conflict(f"{path} is damaged ({said}); delete that file and get or import its time anew") from error


def _archived_days(path: Path) -> frozenset[int]:
    if not path.exists():
        return frozenset()
    try:
        text = pl.read_parquet_metadata(path).get(_ARCHIVED_DAYS, "")
    except (pl.exceptions.PolarsError, OSError):
        return frozenset()
    return frozenset(int(day) for day in text.split(",") if day)


def _write(path: Path, rows: pl.DataFrame, days: frozenset[int] | set[int]) -> None:
    """Write a file so that after a crash the old one or the new one is there, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".fresh")
    try:
        with as_os_error(path):
            rows.write_parquet(
                fresh, compression="zstd", metadata={_ARCHIVED_DAYS: ",".join(map(str, sorted(days)))}, statistics=True
            )
        _sync(fresh)
        fresh.replace(path)
        _sync(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
