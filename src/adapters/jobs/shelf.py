"""What is known of all jobs: read at the start, shown, and thrown away in time. Not safe to share without a lock."""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Final

from adapters.jobs.folder import JobFolder, Record, sweep
from adapters.jobs.kinds import JobKind, JobLimits
from adapters.jobs.processes import JobProcess
from domain.errors import NotFound
from ports.jobs import NO_PROGRESS, Job, JobState, Progress

log = logging.getLogger(__name__)

_LEAST_FOR_ETA: Final = 0.01


@dataclass(slots=True, eq=False)
class Entry:
    """A job as this process knows it. `stop_as` is what becomes of it because it was told to end."""

    record: Record
    folder: JobFolder
    progress: Progress = NO_PROGRESS
    process: JobProcess | None = None
    stop_as: JobState | None = None
    size: int = 0

    @property
    def has_ended(self) -> bool:
        return self.record.state.has_ended

    def store(self) -> None:
        """Store the record; where the disk is full the job is only remembered until the server ends."""
        try:
            self.folder.store(self.record)
        except OSError as error:
            log.error("the state of job %s could not be stored: %s", self.record.job_id, error)  # noqa: TRY400


class Shelf:
    """Jobs by id, the oldest first."""

    def __init__(self, folder: Path, limits: JobLimits) -> None:
        self._folder, self._limits = folder, limits
        self._entries: dict[str, Entry] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def read(self) -> None:
        """Read what lies in the folder, which is made where it is missing.

        Raises:
            OSError: if it cannot be read or made.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        sweep(self._folder)
        found = []
        for path in self._folder.iterdir():
            folder = JobFolder(path)
            try:
                found.append(Entry(folder.record(), folder, size=folder.size()))
            except (OSError, ValueError) as error:
                log.warning("%s is no job's folder (%s) and is left alone", path, error)
        found.sort(key=lambda entry: (entry.record.created_ms, entry.record.job_id))
        self._entries = {entry.record.job_id: entry for entry in found}

    def add(self, record: Record, given: Mapping[str, Any]) -> Entry:
        """Give the record an id, store it and `given`, which its job reads.

        Raises:
            OSError: if there is no room.
        """
        moment = datetime.fromtimestamp(record.created_ms / 1000, UTC).strftime("%Y%m%d-%H%M%S")
        while (job_id := f"{moment}-{secrets.token_hex(3)}") in self._entries:
            continue
        record.job_id = job_id
        entry = Entry(record, JobFolder(self._folder / job_id))
        entry.folder.begin(record, given)
        self._entries[job_id] = entry
        return entry

    def entry(self, job_id: str) -> Entry:
        """Return a job.

        Raises:
            NotFound: if it is not known.
        """
        found = self._entries.get(job_id)
        if found is None:
            raise NotFound(
                f"there is no job {job_id[:40]!a}; it may have been removed, GET /api/jobs lists what is kept"
            )
        return found

    def before(self, entry: Entry, counts: Callable[[Entry], bool]) -> int:
        """Return how many jobs that have not ended, of those that count, came before this one."""
        before = takewhile(lambda other: other is not entry, self)
        return sum(not other.has_ended and counts(other) for other in before)

    def forget(self, entry: Entry) -> None:
        del self._entries[entry.record.job_id]
        try:
            entry.folder.remove()
        except OSError as error:
            log.warning("the files of job %s could not be removed: %s", entry.record.job_id, error)

    def prune(self, now_ms: int) -> None:
        """Throw away the oldest of those that have ended, as the limits say; the newest one stays."""
        ended = sorted((entry for entry in self if entry.has_ended), key=_ended_ms, reverse=True)
        oldest_ms, size = now_ms - self._limits.kept_ms, 0
        for place, entry in enumerate(ended):
            size += entry.size
            too_much = place >= self._limits.kept or size > self._limits.kept_bytes or _ended_ms(entry) < oldest_ms
            if place and too_much:
                self.forget(entry)


def _ended_ms(entry: Entry) -> int:
    return entry.record.ended_ms or 0


def view_of(entry: Entry, kind: JobKind | None, before: int, now_ms: int) -> Job:
    """Return a job as it is shown: of `kind`, None if this version knows no such; `before` it came that many."""
    record = entry.record
    has_succeeded = record.state is JobState.SUCCEEDED
    return Job(
        job_id=record.job_id,
        kind=record.kind,
        state=record.state,
        created_ms=record.created_ms,
        started_ms=record.started_ms,
        ended_ms=record.ended_ms,
        progress=Progress(1.0, "done") if has_succeeded else entry.progress,
        eta_s=_eta_s(entry, now_ms),
        reason=record.reason,
        waiting_before=before if record.state is JobState.QUEUED else 0,
        parameters=record.parameters,
        results=kind.results if kind is not None and has_succeeded else (),
    )


def _eta_s(entry: Entry, now_ms: int) -> float | None:
    fraction, started_ms = entry.progress.fraction, entry.record.started_ms
    if entry.record.state is not JobState.RUNNING or started_ms is None or fraction is None:
        return None
    if fraction < _LEAST_FOR_ETA:
        return None
    return max(0.0, (now_ms - started_ms) / 1000 * (1 - fraction) / fraction)
