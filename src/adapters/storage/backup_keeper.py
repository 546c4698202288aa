"""Takes the scheduled copies of a SQLite database, by wall time, and lets old ones go."""

import logging
from pathlib import Path
from typing import Final

from adapters.storage.backup import copy_online, outdated, scheduled_copies, scheduled_file
from ports.clock import Clock
from ports.control import PartState
from ports.store import StoreFailed
from utils.worker_loop import LoopState, WorkerLoop

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
_HOUR_MS: Final = 3_600_000


class BackupKeeper:
    """Looks once a minute whether a copy is due: the newest one is older than `every_hours`, or there is none.

    A clock that was set back makes one due too. A copy that failed is told and tried again at the next look.

    Args:
        books: the database.
        folder: where the copies lie.
        every_hours: the age at which the newest copy calls for the next.
        clock: wall time and a wait; market time does not matter here.
    """

    def __init__(self, books: Path, folder: Path, every_hours: int, clock: Clock) -> None:
        self._books, self._folder, self._every_ms, self._clock = books, folder, every_hours * _HOUR_MS, clock
        self._failure = ""
        self._loop = WorkerLoop(
            "backup-keeper",
            self.look,
            clock=clock,
            every_s=LOOK_S,
            on_fault=lambda _name, _error: None,
            max_failures=10**9,
            longest_pause_s=LOOK_S,
        )

    def start(self) -> None:
        self._loop.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """End the thread, after the copy it may be writing."""
        self._loop.stop()
        self._loop.join(timeout_s)

    def look(self) -> None:
        """Take a copy if one is due, and remove what rotation no longer keeps."""
        now_ms = self._clock.wall_ms()
        newest_ms = self._newest_ms()
        if newest_ms is not None and 0 <= now_ms - newest_ms < self._every_ms:
            return
        try:
            copy_online(self._books, scheduled_file(self._folder, now_ms))
            for old in outdated(scheduled_copies(self._folder)):
                old.file.unlink()
                log.info("removed the old copy %s", old.file.name)
        except (StoreFailed, OSError) as error:
            if not self._failure:
                log.error("no copy of the books could be taken: %s", error)  # noqa: TRY400 - the sentence says it all
            self._failure = str(error)
            return
        self._failure = ""
        log.info("copied the books to %s", self._folder)

    def part(self) -> PartState:
        """Return how it fares. A missing copy is told, and stops no trading."""
        newest_ms = self._newest_ms()
        notice = f"The books could not be copied: {self._failure}" if self._failure else ""
        return PartState(
            name="backup",
            alive=self._loop.state is LoopState.RUNNING,
            ready=True,
            reason=self._failure,
            age_s=None if newest_ms is None else max(0.0, (self._clock.wall_ms() - newest_ms) / 1000),
            notice=notice,
        )

    def _newest_ms(self) -> int | None:
        copies = scheduled_copies(self._folder)
        return copies[-1].taken_ms if copies else None
