"""Jobs that nobody runs: a test says what becomes of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from domain.errors import Busy, Conflict, NotFound
from ports.jobs import NO_PROGRESS, Job, JobState

CREATED_MS = 1_705_321_800_000


@dataclass
class Jobs:
    """Implements the port. `files` are the results that lie in a job's folder; `full` is why none is taken."""

    full: str = ""
    known: dict[str, Job] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def submit(self, kind: str, parameters: Mapping[str, Any]) -> Job:
        if self.full:
            raise Busy(self.full, retry_after_s=29.5)
        number = len(self.known) + 1
        job = Job(
            job_id=f"20240115-123000-{number:06}",
            kind=kind,
            state=JobState.QUEUED,
            created_ms=CREATED_MS + number,
            waiting_before=number - 1,
            parameters=dict(parameters),
        )
        self.known[job.job_id] = job
        return job

    def becomes(self, job_id: str, **facts: Any) -> Job:
        self.known[job_id] = replace(self.known[job_id], **facts)
        return self.known[job_id]

    def job(self, job_id: str) -> Job:
        if job_id not in self.known:
            raise NotFound(f"there is no job {job_id}")
        return self.known[job_id]

    def jobs(self, kind: str | None = None) -> tuple[Job, ...]:
        return tuple(job for job in reversed(self.known.values()) if kind in (None, job.kind))

    def cancel(self, job_id: str) -> Job:
        if self.job(job_id).state.has_ended:
            raise Conflict("it has ended already")
        return self.becomes(job_id, state=JobState.CANCELLED, reason="it was cancelled", progress=NO_PROGRESS)

    def remove(self, job_id: str) -> Job:
        self.job(job_id)
        return self.known.pop(job_id)

    def result(self, job_id: str, name: str) -> Path:
        if self.job(job_id).state is not JobState.SUCCEEDED:
            raise Conflict(f"job {job_id} is {self.known[job_id].state}")
        return self.files[name]

    def log(self, job_id: str) -> str:
        return f"what {self.job(job_id).job_id} said"
