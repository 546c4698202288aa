"""Months and days from the venue's archive into the store."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from backtest.data.intake import Intake
from backtest.data.periods import Month, check_window, day_of
from backtest.data.progress import Watcher
from backtest.data.reading import open_source
from backtest.data.room import check_room
from backtest.data.series import DAY_MS, Series
from backtest.data.store import Put, Store
from domain.errors import Conflict, InvalidRequest, NotFound, Unreachable, VenueError
from ports.archives import ArchiveFile, Archives, Recording

_MONTH_LATE_MS: Final = 40 * DAY_MS
"""For so long after a month's end its file may not be there yet, and its days are asked for instead."""
_COPIES: Final = 2
"""The archive's file and what becomes of it lie on the disk together for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be got: the days of UTC that [from_ms, to_ms) touches, as far as they are over."""

    series: Series
    from_ms: int
    to_ms: int
    replace: bool = False

    def __post_init__(self) -> None:
        check_window(self.from_ms, self.to_ms)

    @property
    def months(self) -> list[Month]:
        return list(Month.of(self.from_ms).until(Month.of(self.to_ms - 1)))

    def days(self, month: Month, now_ms: int) -> list[int]:
        """Return the days of a month that are asked for and over."""
        return [
            day
            for day in range(1, month.days + 1)
            if self._touches(month.start_ms + (day - 1) * DAY_MS) and month.start_ms + day * DAY_MS <= now_ms
        ]

    def by_month(self, month: Month, now_ms: int) -> bool:
        """Whether the file of the whole month is wanted; funding rates have no other."""
        return len(self.days(month, now_ms)) == month.days or (self.series.kind is Recording.FUNDING)

    def _touches(self, day_ms: int) -> bool:
        return self.from_ms - DAY_MS < day_ms < self.to_ms


@dataclass(slots=True)
class Outcome:
    """What came of a request."""

    put: Put = field(default_factory=Put)
    fetched: list[str] = field(default_factory=list)
    stored_before: list[str] = field(default_factory=list)
    not_listed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    not_yet: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Found:
    file: ArchiveFile
    size: int


def files_of(request: Request, now_ms: int) -> list[ArchiveFile]:
    """Return every file the archive may have for a request."""
    files: list[ArchiveFile] = []
    for month in request.months:
        if request.by_month(month, now_ms):
            files.append(_file(request.series, month))
        else:
            files += _days(request.series, month, request.days(month, now_ms))
    return files


class Getting:
    """One request, from the plan to the store. Call `run` within `store.writing()`."""

    def __init__(self, request: Request, archives: Archives, store: Store, watcher: Watcher, now_ms: int) -> None:
        self._request = request
        self._series = request.series
        self._archives = archives
        self._store = store
        self._watcher = watcher
        self._now_ms = now_ms
        self._told = Outcome()
        self._one_at_a_time = asyncio.Lock()
        self._intake = Intake(tidy=True, replace=request.replace)

    async def run(self) -> Outcome:
        """Get all that is not stored yet.

        What cannot be used (a wrong checksum, rows that contradict the store) is told in `failed`; the rest is stored.

        Raises:
            Unreachable: if the archive does not answer; what came before is stored, what was under way is continued
                by the next call.
            NotFound: if the archive has nothing of this symbol.
            InvalidRequest: if the disk is too small.
        """
        found = await self._look()
        total = sum(one.size for one in found)
        check_room(self._store.folder, _COPIES * total)
        self._watcher.planned(len(found), total)
        try:
            async with asyncio.TaskGroup() as tasks:
                for one in found:
                    tasks.create_task(self._get(one.file))
        except BaseExceptionGroup as failures:  # the first one ended the others
            raise failures.exceptions[0] from None
        return self._told

    async def _look(self) -> list[_Found]:
        wanted = self._wanted()
        months = [month for month in wanted if self._request.by_month(month, self._now_ms)]
        whole = await self._sizes([_file(self._series, month) for month in months])
        there = {Month(one.file.year, one.file.month) for one in whole}
        days = [
            file
            for month, lacking in wanted.items()
            if month not in there and (month not in months or self._may_be_late(month))
            for file in _days(self._series, month, lacking)
        ]
        found = [*whole, *await self._sizes(days)]
        if months or days:
            self._refuse_unknown(found)
        self._tell_missing(list(wanted), found, days)
        return found

    def _wanted(self) -> dict[Month, list[int]]:
        """Return the days of each month that are over and not stored yet; months that lack none are left out."""
        wanted = {}
        for month in self._request.months:
            over = self._request.days(month, self._now_ms)
            known = () if self._request.replace else self._store.archived_days(self._series, month)
            lacking = [day for day in over if day not in known]
            if lacking:
                wanted[month] = lacking
            else:
                (self._told.stored_before if over else self._told.not_yet).append(str(month))
        return wanted

    def _may_be_late(self, month: Month) -> bool:
        return month.end_ms + _MONTH_LATE_MS > self._now_ms

    async def _sizes(self, files: Sequence[ArchiveFile]) -> list[_Found]:
        sizes = await asyncio.gather(*(self._archives.size(file) for file in files))
        return [_Found(file, size) for file, size in zip(files, sizes, strict=True) if size is not None]

    def _refuse_unknown(self, found: Sequence[_Found]) -> None:
        if found or self._store.holdings(self._series):
            return
        raise NotFound(
            f"{self._archives.address} has nothing of {self._series} in this window: is the symbol right, and was it "
            f"listed then? Asked for e.g. {self._archives.url(files_of(self._request, self._now_ms)[0])}"
        )

    def _tell_missing(self, months: list[Month], found: Sequence[_Found], days: Sequence[ArchiveFile]) -> None:
        told = self._told
        there = {Month(one.file.year, one.file.month) for one in found}
        first = min([*there, *(Month.of(held.from_ms) for held in self._store.holdings(self._series))], default=None)
        for month in months:
            if month not in there:
                early = first is not None and month < first
                late = told.not_yet if self._may_be_late(month) else told.missing
                (told.not_listed if early else late).append(str(month))
        got = {one.file for one in found}
        just_over = day_of(self._now_ms - 2 * DAY_MS)
        for file in days:
            if file not in got and Month(file.year, file.month) in there:
                (told.not_yet if file.period >= just_over else told.missing).append(file.period)

    async def _get(self, file: ArchiveFile) -> None:
        try:
            path = await self._archives.fetch(
                file, self._store.parts, lambda size: self._watcher.arrived(file.period, size)
            )
            async with self._one_at_a_time:
                put = await asyncio.to_thread(self._keep, path, file)
        except Unreachable:
            raise
        except (VenueError, NotFound, InvalidRequest, Conflict) as error:
            self._told.failed[file.period] = str(error)
            return
        self._told.put += put
        self._told.fetched.append(file.period)
        self._watcher.stored(file.period)

    def _keep(self, path: Path, file: ArchiveFile) -> Put:
        month = Month(file.year, file.month)
        days = range(1, month.days + 1) if file.day is None else [file.day]
        try:
            parts = self._intake.checked(open_source(path), self._series, self._told.notices)
            put = self._intake.keep(self._store, self._series, parts, [f"{month}-{day:02}" for day in days])
        except InvalidRequest:
            path.unlink()  # its checksum was right: only another file will do
            raise
        path.unlink()  # after a conflict it stays: --replace needs no second download
        return put


def _file(series: Series, month: Month, day: int | None = None) -> ArchiveFile:
    return ArchiveFile(
        market=series.market,
        kind=series.kind,
        symbol=series.symbol,
        interval=series.interval,
        year=month.year,
        month=month.month,
        day=day,
    )


def _days(series: Series, month: Month, days: Sequence[int]) -> Iterator[ArchiveFile]:
    if series.kind is not Recording.FUNDING:  # which has no files of days
        yield from (_file(series, month, day) for day in days)
