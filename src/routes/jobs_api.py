"""Long work of every kind: look at it, read its log, end and remove it."""

from typing import Literal

from flask import Response
from pydantic import Field

from routes.job_views import JobsView, JobView, LogView, RemovedView
from routes.mistakes import Strict
from routes.resource import resource
from routes.services import services
from routes.views import answer

bp = resource("jobs", "Jobs", writes=True)


class JobPath(Strict):
    job_id: str = Field(description="as told when the job was submitted")


class CancelBody(Strict):
    """Body of a cancel: an empty object."""


class JobsQuery(Strict):
    kind: str | None = Field(None, description="only jobs of this kind, e.g. backtest")
    state: Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"] | None = None
    limit: int = Field(100, ge=1, le=1000)


@bp.get("/jobs", responses={200: JobsView})
def jobs(query: JobsQuery) -> Response:
    """List all jobs that are kept, the newest first."""
    found = [job for job in services().jobs.jobs(query.kind) if query.state in (None, job.state.value)]
    return answer(JobsView(jobs=[JobView.of(job) for job in found[: query.limit]]))


@bp.get("/jobs/<job_id>", responses={200: JobView})
def job(path: JobPath) -> Response:
    """Show a job of any kind."""
    return answer(JobView.of(services().jobs.job(path.job_id)))


@bp.get("/jobs/<job_id>/log", responses={200: LogView})
def log(path: JobPath) -> Response:
    """Give what a job's processes said."""
    found = services().jobs.job(path.job_id)
    return answer(LogView(job_id=found.job_id, state=found.state.value, log=services().jobs.log(path.job_id)))


@bp.post("/jobs/<job_id>/cancel", responses={200: JobView})
def cancel(path: JobPath, body: CancelBody) -> Response:  # noqa: ARG001 - an empty one is asked for, as of every POST
    """End a job of any kind; it is still listed."""
    return answer(JobView.of(services().jobs.cancel(path.job_id)))


@bp.delete("/jobs/<job_id>", responses={200: RemovedView})
def remove(path: JobPath) -> Response:
    """End a job if it has not ended, and remove it with its results."""
    removed = services().jobs.remove(path.job_id)
    return answer(RemovedView(job_id=removed.job_id, removed=True, state=removed.state.value))
