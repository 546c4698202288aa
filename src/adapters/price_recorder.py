"""Keeps the prices that grids hear, in small files beside the books. It never stands in the way of trading.

Hearing is an append to a queue. A thread of its own writes, once a second, and gives up for good where the disk fails
or grows full: the books need the room more.
"""

import gzip
import logging
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from domain.events import PriceSeen
from domain.instrument import Instrument
from ports.clock import Clock
from ports.heard_prices import ENDING, PACKED, Heard, Mark, Marked, Writer, folder_of
from ports.store import GridRow
from utils.worker_loop import WorkerLoop

log = logging.getLogger(__name__)

WRITE_EVERY_S: Final = 1.0
MOST_WAITING: Final = 50_000
SPARE_BYTES: Final = 500_000_000
_DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLimits:
    """`bytes_per_day` of one grid, as written; packed days take a fifth of it. Older days than `days` are deleted."""

    bytes_per_day: int = 32_000_000
    days: int = 14
    spare_bytes: int = SPARE_BYTES


class _Ear:
    """Implements ports.heard_prices.Ear."""

    def __init__(self, folder: Path, row: GridRow) -> None:
        self.writing = _Writing(folder, Writer(row.plan.master or row.plan.prices))
        self._waiting: deque[PriceSeen | Mark] = deque()
        self._is_behind = False

    def heard(self, event: PriceSeen) -> None:
        self._put(event)

    def lost(self) -> None:
        self._put(Mark.LOST)

    def _put(self, item: PriceSeen | Mark) -> None:
        if len(self._waiting) < MOST_WAITING:
            if self._is_behind:
                self._waiting.append(Mark.DROPPED)
            self._is_behind = False
            self._waiting.append(item)
        else:
            self._is_behind = True

    def taken(self) -> list[PriceSeen | Mark]:
        """Return what was heard since the last time."""
        return [self._waiting.popleft() for _ in range(len(self._waiting))]


@dataclass(slots=True)
class _Writing:
    """The newest file of one grid."""

    folder: Path
    writer: Writer
    day: int = -1
    size: int = 0
    is_full: bool = False
    last_ms: int = 0
    texts: list[str] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return self.folder / f"{_date(self.day)}{ENDING}"

    def take(self, heard: Heard | Mark, limits: RecordLimits) -> None:
        """Write what was heard; what the day has no room for is left out, and that is noted.

        Raises:
            OSError: if the disk refuses.
        """
        time_ms = self.last_ms if isinstance(heard, Mark) else max(heard.time_ms, self.last_ms)
        if time_ms // _DAY_MS != self.day:
            self._begin(time_ms)
        if self.is_full:
            return
        self.last_ms = time_ms
        if isinstance(heard, Mark):
            self._add(self.writer.mark(Marked(time_ms, heard)))
        else:
            self._add(self.writer.price(Heard(time_ms, heard.price, heard.quantity, heard.lag_ms)))
        if self.size > limits.bytes_per_day:
            self._add(self.writer.mark(Marked(time_ms, Mark.FULL)))
            self.is_full = True
            log.warning("%s is as large as it may be; the rest of the day is not kept", self.path)

    def flush(self) -> None:
        """Append the finished lines.

        Raises:
            OSError: if the disk refuses.
        """
        if self.texts:
            with self.path.open("a", encoding="ascii") as file:
                file.write("".join(self.texts))
            self.texts.clear()

    def close(self) -> None:
        """Write what still waits.

        Raises:
            OSError: if the disk refuses.
        """
        if self.day >= 0:
            self._add(self.writer.rest())
            self.flush()

    def _begin(self, time_ms: int) -> None:
        word = Mark.OPEN if self.day < 0 else Mark.DAY
        self.close()
        self.day, self.is_full, self.last_ms = time_ms // _DAY_MS, False, time_ms
        self.folder.mkdir(parents=True, exist_ok=True)
        _pack_older(self.folder, self.path)
        self.size = self.path.stat().st_size if self.path.exists() else 0
        if self.size:
            self._add("\n")  # it may have been cut short
        self._add(self.writer.mark(Marked(time_ms, word)))

    def _add(self, text: str) -> None:
        if text:
            self.texts.append(text)
            self.size += len(text)


class FilePriceRecorder:
    """Implements ports.heard_prices.PriceRecorder.

    Args:
        data_dir: the data folder.
        account_id: whose grids are heard.
    """

    def __init__(self, data_dir: Path, account_id: str, clock: Clock, limits: RecordLimits | None = None) -> None:
        self._data_dir, self._account_id, self._clock = data_dir, account_id, clock
        self._limits = limits or RecordLimits()
        self._ears: dict[tuple[int, Instrument], _Ear] = {}
        self._loop = WorkerLoop("price-record", self.write, clock=clock, on_fault=_failed, every_s=WRITE_EVERY_S)
        self.stopped = ""
        """Why nothing is kept any more; empty while it is."""

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """End the thread and write what waits."""
        self._loop.stop()
        self._loop.join(5.0)
        self.write()
        self._guarded(self._close)

    def ear(self, row: GridRow) -> _Ear:
        key = row.grid_id, row.instrument
        if key not in self._ears:
            self._ears[key] = _Ear(folder_of(self._data_dir, self._account_id, *key), row)
        return self._ears[key]

    def write(self) -> None:
        """Write what was heard since the last time; the first failure ends the recording, with a notice."""
        self._guarded(self._write)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            if not self.stopped:
                work()
        except OSError as error:
            self.stopped = f"{error.strerror or error} ({error.filename or self._data_dir})"
            log.warning("prices are not recorded any more, trading goes on: %s", self.stopped)
        if self.stopped:
            for ear in list(self._ears.values()):
                ear.taken()

    def _write(self) -> None:
        ears = list(self._ears.values())
        ahead_ms = self._clock.wall_ms() - self._clock.monotonic_s() * 1000
        for ear in ears:
            for heard in ear.taken():
                ear.writing.take(heard if isinstance(heard, Mark) else _with_lag(heard, ahead_ms), self._limits)
            if ear.writing.texts:
                self._check_room()
                self._forget_older(ear.writing)
                ear.writing.flush()

    def _close(self) -> None:
        for ear in self._ears.values():
            ear.writing.close()

    def _check_room(self) -> None:
        free = shutil.disk_usage(self._data_dir).free
        if free < self._limits.spare_bytes:
            raise OSError(28, f"only {free / 1e9:.1f} GB are free", str(self._data_dir))

    def _forget_older(self, writing: _Writing) -> None:
        oldest = _date(writing.day - self._limits.days + 1)
        for path in writing.folder.glob(f"*{ENDING}*"):
            if path.name[: len(oldest)] < oldest:
                path.unlink(missing_ok=True)


def _failed(_name: str, error: BaseException) -> None:
    log.error("prices are not recorded any more, trading goes on: %r", error)


def _with_lag(event: PriceSeen, ahead_ms: float) -> Heard:
    return Heard(
        event.market_ms, event.price, event.quantity, round(event.arrived_s * 1000 + ahead_ms) - event.market_ms
    )


def _date(day: int) -> str:
    return str((datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date())


def _pack_older(folder: Path, newest: Path) -> None:
    for path in folder.glob(f"*{ENDING}"):
        if path < newest:
            packed = path.with_name(path.name.removesuffix(ENDING) + PACKED)
            fresh = packed.with_suffix(".part")
            with path.open("rb") as raw, gzip.open(fresh, "wb", compresslevel=6) as file:
                shutil.copyfileobj(raw, file)
            fresh.replace(packed)
            path.unlink()
