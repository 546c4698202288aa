"""Long work as the API shows it."""

from typing import Any, Self

from pydantic import Field

from ports.jobs import Job, JobState
from routes.formats import iso, iso_or_none
from routes.views import View


class JobView(View):
    job_id: str
    kind: str
    state: str = Field(description="queued, running, succeeded, failed, cancelled or interrupted (the server ended)")
    progress: float | None = Field(description="0 to 1, null while it is not known")
    doing: str = Field(description="what it does just now")
    eta_seconds: float | None = Field(description="until it ends at its speed so far, null while it is not known")
    reason: str = Field(description="why it has not succeeded")
    waiting_before: int = Field(description="how many jobs a queued one waits for")
    created_at: str
    started_at: str | None
    ended_at: str | None
    parameters: dict[str, Any] = Field(description="what it was given")
    results: list[str] = Field(description="the files it left, once it has succeeded")

    @classmethod
    def of(cls, job: Job) -> Self:
        return cls(**facts_of(job))


def facts_of(job: Job) -> dict[str, Any]:
    """Return the fields of a job."""
    return {
        "job_id": job.job_id,
        "kind": job.kind,
        "state": job.state.value,
        "progress": job.progress.fraction,
        "doing": job.progress.doing,
        "eta_seconds": None if job.eta_s is None else round(job.eta_s, 1),
        "reason": job.reason,
        "waiting_before": job.waiting_before,
        "created_at": iso(job.created_ms),
        "started_at": iso_or_none(job.started_ms),
        "ended_at": iso_or_none(job.ended_ms),
        "parameters": dict(job.parameters),
        "results": list(job.results),
    }


class JobsView(View):
    jobs: list[JobView] = Field(description="the newest first")


class RemovedView(View):
    job_id: str
    removed: bool
    state: str = Field(description="what it was when it was removed")


class LogView(View):
    job_id: str
    state: str
    log: str = Field(description="what its processes said; of a long log the newest part")


class BacktestView(JobView):
    report: str | None = Field(description="address of the report, once it has succeeded")
    result: dict[str, Any] | None = Field(
        None, description="what came out: money, risk, work, months, assumptions; amounts are exact texts"
    )

    @classmethod
    def of(cls, job: Job, result: dict[str, Any] | None = None) -> Self:
        report = f"/api/backtest/{job.job_id}/report" if job.state is JobState.SUCCEEDED else None
        return cls(**facts_of(job), report=report, result=result)


class BacktestsView(View):
    backtests: list[BacktestView] = Field(description="the newest first, without their results")
