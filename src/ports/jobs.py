"""Long work beside trading: back-tests, sweeps, downloads, training. Each job is a process of its own.

A job's process tells how far it is by lines on its standard output that `progress_line` writes; everything else it
says is its log. What a look at parameters finds before a job is taken is told the same way, by `refusal_line`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from domain.errors import Conflict, FieldMistake, InvalidRequest

LONGEST_SENTENCE: Final = 200


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the server ended, or was killed, while it ran

    @property
    def has_ended(self) -> bool:
        return self not in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is: `fraction` of 0 to 1 (None: not known), and what it does just now in one sentence."""

    fraction: float | None
    doing: str


NO_PROGRESS: Final = Progress(None, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job at one moment. Times are wall time in ms, `eta_s` is in seconds, both None where not known (yet).

    `reason` says in one sentence why it did not succeed, `waiting_before` how many jobs a queued one waits for,
    `parameters` is the JSON it was given, `results` are the names of its files once it has succeeded.
    """

    job_id: str
    kind: str
    state: JobState
    created_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    progress: Progress = NO_PROGRESS
    eta_s: float | None = None
    reason: str = ""
    waiting_before: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[str, ...] = ()


class Jobs(Protocol):
    """Safe to ask from any thread; nothing waits for a job but `cancel` and `remove`, for seconds at most."""

    def submit(self, kind: str, parameters: Mapping[str, Any]) -> Job:
        """Put a job into the queue; it is stored when this returns.

        Raises:
            NotFound: if there is no such kind.
            InvalidRequest: if a parameter is missing, unknown or of the wrong type, or the kind's own look at them
                finds what cannot work. That look takes seconds at most; what it has not seen by then the job tells.
            Conflict: if that look finds what only a person can put right, such as a damaged file.
            Busy: if the queue or the disk is full.
        """
        ...

    def job(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: if it is not known, or no longer kept.
        """
        ...

    def jobs(self, kind: str | None = None) -> tuple[Job, ...]:
        """Return all jobs that are kept, the newest first."""
        ...

    def cancel(self, job_id: str) -> Job:
        """End a job; its processes are asked first and killed after a grace. Returns once it ended, or seconds later.

        Raises:
            NotFound: see `job`.
            Conflict: if it has ended already.
        """
        ...

    def remove(self, job_id: str) -> Job:
        """End a job if it has not ended, and forget it with all its files; return what it was.

        Raises:
            NotFound: see `job`.
            Conflict: if its processes do not end; ask again.
        """
        ...

    def result(self, job_id: str, name: str) -> Path:
        """Return one of the files of a job that has succeeded.

        Raises:
            NotFound: see `job`; also if its kind yields no such file.
            Conflict: if it has not succeeded.
        """
        ...

    def log(self, job_id: str) -> str:
        """Return what its processes said, without the middle where that is long.

        Raises:
            NotFound: see `job`.
        """
        ...


def progress_line(progress: Progress) -> str:
    """Return the line a job's process prints to tell how far it is; print it with `flush`."""
    return json.dumps({"progress": progress.fraction, "doing": progress.doing})


def read_progress(line: str) -> Progress | None:
    """Return what `progress_line` wrote; None for any other line."""
    if not line.startswith('{"progress"'):
        return None
    try:
        told = json.loads(line)
        fraction = told["progress"]
        if fraction is not None:
            fraction = min(1.0, max(0.0, float(fraction)))
        return Progress(fraction, str(told["doing"])[:LONGEST_SENTENCE])
    except (ValueError, TypeError, KeyError):
        return None


class Refusal(NamedTuple):
    """Why the parameters at place `number` (from 0) of those looked at must not be taken as a job."""

    number: int
    refusal: InvalidRequest | Conflict


def refusal_line(number: int, refusal: InvalidRequest | Conflict) -> str:
    """Return the line by which a look tells of the parameters at place `number`; print it with `flush`."""
    mistakes = refusal.mistakes if isinstance(refusal, InvalidRequest) else ()
    return json.dumps({"refusal": str(refusal), "of": number, "fields": [[it.field, it.message] for it in mistakes]})


def read_refusal(line: str) -> Refusal | None:
    """Return what `refusal_line` wrote; None for any other line."""
    if not line.startswith('{"refusal"'):
        return None
    try:
        told = json.loads(line)
        mistakes = [FieldMistake(str(name), str(message)) for name, message in told["fields"]]
        refusal = InvalidRequest(mistakes) if mistakes else Conflict(str(told["refusal"]))
        return Refusal(abs(int(told["of"])), refusal)
    except (ValueError, TypeError, KeyError):
        return None
