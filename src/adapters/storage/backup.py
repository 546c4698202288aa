"""Copies of a SQLite database taken while it is in use, and which of them are kept."""

import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

from adapters.storage.integrity import problems
from ports.store import StoreFailed

DAILY: Final = 7
WEEKLY: Final = 4
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_SCHEDULED: Final = re.compile(r"gridhive-(\d{8}T\d{6}Z)\.db")


@dataclass(frozen=True, slots=True)
class Copy:
    """One scheduled copy. `taken_ms` is wall time, read from the file's name."""

    file: Path
    taken_ms: int

    @property
    def day(self) -> date:
        return datetime.fromtimestamp(self.taken_ms / 1000, UTC).date()


def stamp(wall_ms: int) -> str:
    """Return a moment for a file's name, e.g. 20261120T063000Z."""
    return datetime.fromtimestamp(wall_ms / 1000, UTC).strftime(_STAMP)


def scheduled_file(folder: Path, wall_ms: int) -> Path:
    return folder / f"gridhive-{stamp(wall_ms)}.db"


def scheduled_copies(folder: Path) -> tuple[Copy, ...]:
    """Return the scheduled copies in `folder`, oldest first. Files of other names are nobody's business here."""
    found = []
    for file in folder.glob("gridhive-*.db"):
        if named := _SCHEDULED.fullmatch(file.name):
            taken = datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC)
            found.append(Copy(file, int(taken.timestamp() * 1000)))
    return tuple(sorted(found, key=lambda copy: copy.taken_ms))


def outdated(copies: Iterable[Copy], daily: int = DAILY, weekly: int = WEEKLY) -> tuple[Copy, ...]:
    """Return the copies that may go.

    Kept are the newest copy of each of the last `daily` days that have one, and of each of the last `weekly` weeks
    (Monday to Sunday, UTC) that have one. Days without a copy do not count, so a machine that was off loses nothing.
    """
    newest_first = sorted(copies, key=lambda copy: copy.taken_ms, reverse=True)
    of_days = _newest_of_each(newest_first, lambda day: day)[:daily]
    of_weeks = _newest_of_each(newest_first, lambda day: day.isocalendar()[:2])[:weekly]
    kept = {*of_days, *of_weeks}
    return tuple(copy for copy in newest_first if copy not in kept)


def _newest_of_each(newest_first: Iterable[Copy], span: Callable[[date], object]) -> list[Copy]:
    found: dict[object, Copy] = {}
    for copy in newest_first:
        found.setdefault(span(copy.day), copy)
    return list(found.values())


def copy_online(source: Path, target: Path) -> None:
    """Write one consistent copy of `source`, which may be in use and is never held up, to the new file `target`.

    The copy is checked, on disk and complete when it gets its name.

    Raises:
        StoreFailed: if it could not be made; nothing is left behind.
    """
    if target.exists():
        raise StoreFailed(f"{target} exists already; name another file")
    part = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        _copy(source, part)
        if found := problems(part):
            raise StoreFailed(f"the copy would be damaged ({found[0]}); check the disk and the books: cli verify")
        shutil.copymode(source, part)
        _to_disk(part)
        part.rename(target)
        _to_disk(target.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(f"{source} could not be copied to {target}: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _copy(source: Path, part: Path) -> None:
    if not source.is_file():
        raise FileNotFoundError(f"there is no {source}")
    # Where it may be written, so that closing it tidies up its log as usual.
    mode = "rw" if os.access(source, os.W_OK) else "ro"
    address = f"file:{quote(str(source))}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True)) as books, closing(sqlite3.connect(part)) as copy:
        books.execute("PRAGMA query_only=ON")
        books.backup(copy)  # in one step: one state of the books, whatever is written meanwhile
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete by itself


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
