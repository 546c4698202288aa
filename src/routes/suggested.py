"""What searches for grids left, read back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import orjson

from domain.errors import Conflict, NotFound
from domain.instrument import Instrument
from ports.jobs import Job, JobState
from ports.suggest_job import CANDLES, RESULT, SUGGEST, SuggestParameters
from routes.services import services

_FRESH_MS: Final = 86_400_000


class NewestSuggestion(NamedTuple):
    """`spacing` is percent between neighbouring rungs; `gains`: the measure was above 0."""

    job_id: str
    levels: int
    spacing: Decimal
    gains: bool


def given_to(job: Job) -> SuggestParameters:
    """Return what a search was given, without its candles."""
    return SuggestParameters.model_validate({**job.parameters, CANDLES: ()})


def result_of(job: Job) -> Mapping[str, Any]:
    """Return what a search that has succeeded found, as it wrote it.

    Raises:
        Conflict: if it has not succeeded.
        NotFound: if it is no longer kept.
    """
    found: Mapping[str, Any] = orjson.loads(services().jobs.result(job.job_id, RESULT).read_bytes())
    return found


def newest_suggestion(instrument: Instrument) -> NewestSuggestion | None:
    """Return the best grid of the instrument's newest search of the last day on the present prices' source."""
    oldest_ms, source = services().wall_ms() - _FRESH_MS, services().market_data.market_source()
    for job in services().jobs.jobs(SUGGEST):
        if job.created_ms < oldest_ms:
            return None
        if job.state is not JobState.SUCCEEDED:
            continue
        given = given_to(job)
        if given.rules.instrument == instrument and given.market_source == source:
            try:
                best = result_of(job)["ranked"][0]
            except (NotFound, Conflict, OSError):  # removed meanwhile
                continue
            return NewestSuggestion(job.job_id, best["levels"], Decimal(best["spacing_perc"]), gains=best["score"] > 0)
    return None
