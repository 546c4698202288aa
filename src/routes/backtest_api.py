"""Back-tests: submit, look at, cancel, read the report. The work itself is done by a process of its own."""

from typing import Final

import orjson
from flask import Response, send_file, url_for
from pydantic import Field

from domain.errors import FieldMistake, InvalidRequest, NotFound
from domain.instrument import FeeRates, Instrument, Market
from ports.backtest_job import BACKTEST, REPORT, RESULT
from ports.jobs import Job, JobState
from routes.addressing import asked_for, symbol_of
from routes.backtest_schemas import BacktestBody, ContractDefaults
from routes.job_views import BacktestsView, BacktestView
from routes.jobs_api import CancelBody, JobPath
from routes.messages import say
from routes.mistakes import Strict
from routes.resource import resource
from routes.services import services
from routes.views import answer

bp = resource("backtest", "Back-tests", writes=True)

REPORT_POLICY: Final = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""A report holds all it needs, scripts too. The sandbox gives it an origin of its own: it reaches nothing of ours."""


class BacktestsQuery(Strict):
    limit: int = Field(100, ge=1, le=1000)


@bp.post("/backtest", responses={202: BacktestView})
def submit(body: BacktestBody) -> Response:
    """Submit a back-test of one grid on stored candles; 202 with its id at once."""
    instrument = asked_for(body.symbol, body.market)
    contract = _contract(instrument)
    rules = services().market_data.rules(instrument)
    parameters = body.parameters(
        symbol_of(instrument),
        rules,
        _fees(body, instrument),
        services().default_capital,
        contract,
    )
    job = services().jobs.submit(BACKTEST, parameters)
    response = answer(BacktestView.of(job), 202)
    response.headers["Location"] = url_for("backtest.backtest", job_id=job.job_id)
    return response


@bp.get("/backtest", responses={200: BacktestsView})
def backtests(query: BacktestsQuery) -> Response:
    """List back-tests, the newest first, without their results."""
    found = services().jobs.jobs(BACKTEST)[: query.limit]
    return answer(BacktestsView(backtests=[BacktestView.of(job) for job in found]))


@bp.get("/backtest/<job_id>", responses={200: BacktestView})
def backtest(path: JobPath) -> Response:
    """Show how far a back-test is, and what came out once it has succeeded."""
    job = _backtest(path.job_id)
    if job.state is not JobState.SUCCEEDED:
        return answer(BacktestView.of(job))
    return answer(BacktestView.of(job, orjson.loads(services().jobs.result(job.job_id, RESULT).read_bytes())))


@bp.post("/backtest/<job_id>/cancel", responses={200: BacktestView})
def cancel(path: JobPath, body: CancelBody) -> Response:  # noqa: ARG001 - an empty one is asked for, as of every POST
    """End a back-test; it is still listed."""
    return answer(BacktestView.of(services().jobs.cancel(_backtest(path.job_id).job_id)))


@bp.get("/backtest/<job_id>/report", responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}})
def report(path: JobPath) -> Response:
    """Give the report as one HTML page; 409 until the back-test has succeeded."""
    page = services().jobs.result(_backtest(path.job_id).job_id, REPORT)
    response = send_file(page, mimetype="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = REPORT_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    return response


def _backtest(job_id: str) -> Job:
    job = services().jobs.job(job_id)
    if job.kind != BACKTEST:
        raise NotFound(say("no_backtest", job_id=job_id))
    return job


def _contract(instrument: Instrument) -> ContractDefaults | None:
    """Return what a contract is replayed by; None on spot."""
    given = services()
    if instrument.market is Market.SPOT:
        return None
    if given.futures is None:
        sentence = say("not_replayed", field="market_type", market=instrument.market)
        raise InvalidRequest([FieldMistake("market_type", sentence)])
    return ContractDefaults(
        brackets=given.futures.brackets(instrument),
        grid={
            "direction": given.futures_direction,
            "leverage": given.futures_leverage,
            "margin_type": given.futures_margin_type,
        },
    )


def _fees(body: BacktestBody, instrument: Instrument) -> FeeRates:
    """Return the account's rates; it is not asked where both were given."""
    given = body.fees
    if given.maker_perc is not None and given.taker_perc is not None:
        return FeeRates(given.maker_perc / 100, given.taker_perc / 100)
    return services().account_reader.fee_rates(instrument)
