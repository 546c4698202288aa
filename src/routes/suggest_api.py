"""A grid for those who ask which: tried on recent candles by a process of its own, and checked as a start would be."""

import time
from threading import Event

from flask import Response, url_for

from domain.errors import NotFound
from ports.jobs import Job, JobState
from ports.suggest_job import SUGGEST
from routes.addressing import asked_for
from routes.jobs_api import JobPath
from routes.messages import say
from routes.resource import resource
from routes.services import services
from routes.suggest_inputs import SuggestBody, parameters_of
from routes.suggest_views import SuggestedView, SuggestionView
from routes.suggested import given_to, result_of
from routes.views import answer

bp = resource("suggest", "Grid suggestions", writes=True)

_LOOK_S = 0.1


@bp.post("/grid/suggest", responses={200: SuggestionView, 202: SuggestionView})
def suggest(body: SuggestBody) -> Response:
    """Suggest range, levels and spacing; 202 with the job's id where that takes longer than `wait_s`."""
    instrument = asked_for(body.symbol, body.market_type)
    job = services().jobs.submit(SUGGEST, parameters_of(body, instrument))
    job = _ended(job, body.wait_s)
    response = answer(_shown(job), 200 if job.state.has_ended else 202)
    response.headers["Location"] = url_for("suggest.suggestion", job_id=job.job_id)
    return response


@bp.get("/grid/suggest/<job_id>", responses={200: SuggestionView})
def suggestion(path: JobPath) -> Response:
    """Show how far the search is, and what it suggests once it has succeeded, checked at the present price."""
    job = services().jobs.job(path.job_id)
    if job.kind != SUGGEST:
        raise NotFound(say("no_suggestion", job_id=path.job_id))
    return answer(_shown(job))


def _ended(job: Job, wait_s: float) -> Job:
    """Wait for a job to end, for so long at most."""
    end_s, never = time.monotonic() + wait_s, Event()
    while not job.state.has_ended and time.monotonic() < end_s:
        never.wait(_LOOK_S)
        job = services().jobs.job(job.job_id)
    return job


def _shown(job: Job) -> SuggestionView:
    if job.state is not JobState.SUCCEEDED:
        return SuggestionView.of(job)
    return SuggestionView.of(job, SuggestedView.of(given_to(job), result_of(job)))
