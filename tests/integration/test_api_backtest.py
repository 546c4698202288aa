"""Back-tests and other long work over the API."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from backtest.brackets import built_in
from domain.futures import Bracket
from domain.instrument import FeeRates, Instrument, Market
from fakes.house import BTC, House, app_of
from fakes.jobs import Jobs
from ports.backtest_job import REPORT, RESULT, BacktestParameters
from ports.jobs import JobState, Progress
from routes.lanes import lane_of

CONFIG = {"initial_levels": 10, "spacing_perc": 0.5}
BODY: dict[str, Any] = {"symbol": "BTC/USDT", "config": CONFIG}


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def client(jobs: Jobs) -> FlaskClient:
    return app_of(House(), jobs=jobs).test_client()


def given(jobs: Jobs, job_id: str) -> BacktestParameters:
    return BacktestParameters.model_validate(jobs.known[job_id].parameters)


def test_a_back_test_is_submitted_with_what_it_needs(client: FlaskClient, jobs: Jobs) -> None:
    body = {
        **BODY,
        "config": {**CONFIG, "spacing_perc": "0.25", "capital": 500},
        "from": "2023-12",
        "to": "2024-01-15",
        "interval": "5m",
        "capital": "2000.5",
        "fees": {"maker_perc": 0.075, "taker_perc": "0.1", "bnb_price": 300},
        "fill": "share",
        "share_perc": 20,
        "path": "pessimistic",
        "latency_ms": 200,
        "orders_per_10s": 50,
        "max_exposure": 1500.5,
        "windows": "week",
        "allow_gaps": True,
    }
    response = client.post("/api/backtest", json=body)
    assert response.status_code == 202
    told = response.json
    assert (told["kind"], told["state"], told["waiting_before"]) == ("backtest", "queued", 0)
    assert response.headers["Location"] == f"/api/backtest/{told['job_id']}"
    parameters = given(jobs, told["job_id"])
    assert parameters.symbol == "BTCUSDT"
    assert (parameters.from_ms, parameters.to_ms, parameters.days) == (1_701_388_800_000, 1_705_363_200_000, None)
    assert parameters.config == {
        "initial_levels": 10,
        "spacing_perc": "0.25",
        "spacing_mode": "geometric",
        "capital": "500",
        "start_empty": False,
        "infinity": False,
        "post_only": False,
        "profit": "release",
    }
    assert [str(it) for it in (parameters.maker_rate, parameters.taker_rate)] == ["0.00075", "0.001"]
    assert {asset: str(amount) for asset, amount in parameters.balances.items()} == {
        "USDT": "2000.5",
        "BNB": "0.06668333",
    }
    assert (parameters.fill, str(parameters.share_perc), parameters.path) == ("share", "20", "pessimistic")
    assert (parameters.windows, parameters.allow_gaps, parameters.interval) == ("week", True, "5m")
    assert (parameters.latency_ms, parameters.orders_per_10s) == (200, 50)
    assert str(parameters.max_exposure) == "1500.5"
    assert parameters.rules.instrument == BTC


def test_what_is_left_out_comes_from_the_house(jobs: Jobs) -> None:
    house = House()
    house.fees = FeeRates(*map(type(house.fees.maker), ("0.0002", "0.0004")))
    client = app_of(house, jobs=jobs).test_client()
    parameters = given(jobs, client.post("/api/backtest", json={**BODY, "days": 30}).json["job_id"])
    assert [str(it) for it in (parameters.maker_rate, parameters.taker_rate)] == ["0.0002", "0.0004"]
    assert (parameters.balances, parameters.days) == ({"USDT": 1000}, 30)
    assert (parameters.from_ms, parameters.interval) == (None, "1m")
    body = {**BODY, "config": {**CONFIG, "capital_usd": 77}, "from": 1_701_388_800_000, "to": "2024-01-15T12:00+02:00"}
    parameters = given(jobs, client.post("/api/backtest", json=body).json["job_id"])
    assert parameters.balances == {"USDT": 77}
    assert (parameters.from_ms, parameters.to_ms) == (1_701_388_800_000, 1_705_312_800_000)


class Futures:
    """An account on futures, asked for its brackets alone."""

    def brackets(self, instrument: Instrument) -> tuple[Bracket, ...]:
        assert instrument.market is Market.FUTURES
        return built_in("BTCUSDT")


def test_a_contract_comes_with_the_accounts_brackets_and_the_settings_defaults(jobs: Jobs) -> None:
    client = app_of(House(), jobs=jobs, futures=Futures(), futures_leverage=3).test_client()
    body = {**BODY, "config": {**CONFIG, "direction": "short"}, "market_type": "futures", "funding": "none"}
    response = client.post("/api/backtest", json=body)
    assert response.status_code == 202, response.text
    parameters = given(jobs, response.json["job_id"])
    assert parameters.market_type is parameters.rules.instrument.market is Market.FUTURES
    assert parameters.brackets == built_in("BTCUSDT")
    assert (parameters.funding, parameters.config["direction"]) == ("none", "short")
    assert (parameters.config["leverage"], parameters.config["margin_type"]) == (3, "cross")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"symbol": "NONEUSDT"}, "symbol"),
        ({"config": {"initial_levels": 10}}, "spacing_perc"),
        ({"config": {**CONFIG, "levels": 3}}, "levels"),
        ({"form": "2024"}, "form"),
        ({"from": "last week"}, "from"),
        ({"from": "2024-13"}, "from"),
        ({"from": True}, "from"),
        ({"from": 10**15}, "from"),
        ({"to": 1.5}, "to"),
        ({"from": "2024-02", "to": "2024-01"}, "to"),
        ({"from": "2024-02", "days": 3}, "days"),
        ({"days": 0}, "days"),
        ({"days": 1.5}, "days"),
        ({"interval": "7m"}, "interval"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"latency_ms": 60_001}, "latency_ms"),
        ({"orders_per_10s": 1.5}, "orders_per_10s"),
        ({"capital": 0}, "capital"),
        ({"max_exposure": 0}, "max_exposure"),
        ({"capital": "NaN"}, "capital"),
        ({"fees": {"maker_perc": -1}}, "fees.maker_perc"),
        ({"fees": {"maker_perc": 10.0001}}, "fees.maker_perc"),
        ({"fees": {"taker_perc": 0.00001}}, "fees.taker_perc"),
        ({"fees": {"bnb_price": 0}}, "fees.bnb_price"),
        ({"fees": {"bnb_price": "markt"}}, "fees.bnb_price"),
        ({"fees": {"bnb_price": True}}, "fees.bnb_price"),
        ({"fees": {"rebate": 1}}, "fees.rebate"),
        ({"fees": {"bnb": 1}}, "fees.bnb"),
        ({"market_type": "futures"}, "market_type"),
        ({"fill": "always"}, "fill"),
        ({"fill": "share"}, "share_perc"),
        ({"share_perc": 10}, "share_perc"),
        ({"path": "best"}, "path"),
        ({"windows": "year"}, "windows"),
        ({"allow_gaps": "yes"}, "allow_gaps"),
        ({"funding": "some"}, "funding"),
        ({"config": {**CONFIG, "market_type": "spot"}, "market_type": "futures"}, "market_type"),
    ],
)
def test_a_mistake_is_told_with_its_field_before_any_work(
    client: FlaskClient, jobs: Jobs, change: dict[str, Any], field: str
) -> None:
    response = client.post("/api/backtest", json={**BODY, **change})
    assert response.status_code == 422, response.text
    (mistake,) = response.json["fields"]
    assert mistake["field"] == field
    assert field in mistake["message"] or "is not listed" in mistake["message"]
    assert not jobs.known


def test_a_full_queue_is_503_and_says_when(jobs: Jobs, client: FlaskClient) -> None:
    jobs.full = "20 jobs wait already; cancel one or wait"
    response = client.post("/api/backtest", json=BODY)
    assert (response.status_code, response.json["error"]) == (503, "Busy")
    assert response.headers["Retry-After"] == "30"


def test_a_job_is_shown_from_queue_to_report(client: FlaskClient, jobs: Jobs, tmp_path: Path) -> None:
    job_id = client.post("/api/backtest", json=BODY).json["job_id"]
    address = f"/api/backtest/{job_id}"
    assert client.get(f"{address}/report").status_code == 409
    jobs.becomes(
        job_id, state=JobState.RUNNING, started_ms=1_705_321_801_000, progress=Progress(0.25, "replaying"), eta_s=3.04
    )
    shown = client.get(address).json
    assert (shown["state"], shown["progress"], shown["doing"], shown["eta_seconds"]) == (
        "running",
        0.25,
        "replaying",
        3.0,
    )
    assert (shown["created_at"], shown["started_at"], shown["ended_at"]) == (
        "2024-01-15T12:30:00Z",
        "2024-01-15T12:30:01Z",
        None,
    )
    assert (shown["report"], shown["result"]) == (None, None)
    for name, text in ((RESULT, json.dumps({"money": {"fees": "0.1"}})), (REPORT, "<!doctype html>drawn")):
        (tmp_path / name).write_text(text)
        jobs.files[name] = tmp_path / name
    jobs.becomes(job_id, state=JobState.SUCCEEDED, results=(RESULT, REPORT))
    shown = client.get(address).json
    assert shown["result"] == {"money": {"fees": "0.1"}}
    with client.get(shown["report"]) as page:
        assert (page.status_code, page.text, page.mimetype) == (200, "<!doctype html>drawn", "text/html")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'")
    assert "allow-same-origin" not in policy
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    (listed,) = client.get("/api/backtest").json["backtests"]
    assert (listed["job_id"], listed["result"]) == (job_id, None)


def test_jobs_of_every_kind_are_listed_logged_and_removed(client: FlaskClient, jobs: Jobs) -> None:
    first, second = jobs.submit("backtest", {}), jobs.submit("training", {"steps": 3})
    assert [job["job_id"] for job in client.get("/api/jobs").json["jobs"]] == [second.job_id, first.job_id]
    (shown,) = client.get("/api/jobs?kind=training&state=queued&limit=1").json["jobs"]
    assert shown["parameters"] == {"steps": 3}
    assert client.get("/api/jobs?state=failed").json["jobs"] == []
    assert client.get(f"/api/jobs/{second.job_id}").json == shown
    assert client.get(f"/api/jobs/{second.job_id}/log").json["log"] == f"what {second.job_id} said"
    assert client.get(f"/api/backtest/{second.job_id}").status_code == 404, "a training is no back-test"
    cancelled = client.post(f"/api/backtest/{first.job_id}/cancel", json={})
    assert (cancelled.status_code, cancelled.json["state"]) == (200, "cancelled")
    assert client.post(f"/api/backtest/{first.job_id}/cancel", json={}).status_code == 409
    assert client.post(f"/api/backtest/{second.job_id}/cancel", json={}).status_code == 404
    assert client.post(f"/api/jobs/{second.job_id}/cancel", json={}).json["reason"] == "it was cancelled"
    empty = client.post(f"/api/jobs/{first.job_id}/cancel", content_type="application/json")
    assert (empty.status_code, "it is empty" in empty.json["message"]) == (400, True)
    removed = client.delete(f"/api/jobs/{second.job_id}", content_type="application/json")
    assert (removed.status_code, removed.json["removed"]) == (200, True)
    assert list(jobs.known) == [first.job_id]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/jobs/none"),
        ("get", "/api/jobs/none/log"),
        ("delete", "/api/jobs/none"),
        ("post", "/api/jobs/none/cancel"),
        ("get", "/api/backtest/none"),
        ("get", f"/api/backtest/{'9' * 300}"),
        ("get", "/api/backtest/none/report"),
        ("post", "/api/backtest/none/cancel"),
    ],
)
def test_unknown_jobs_are_404(client: FlaskClient, method: str, path: str) -> None:
    response = getattr(client, method)(path, json={} if method == "post" else None)
    assert (response.status_code, response.json["error"]) == (404, "NotFound")


def test_a_page_of_another_origin_removes_nothing(client: FlaskClient, jobs: Jobs) -> None:
    job = jobs.submit("backtest", {})
    response = client.delete(f"/api/jobs/{job.job_id}", headers={"Origin": "https://evil.example"})
    assert response.status_code == 403
    assert client.delete(f"/api/jobs/{job.job_id}", data="x", content_type="text/plain").status_code == 415
    assert job.job_id in jobs.known


def test_jobs_have_threads_of_their_own() -> None:
    paths = ("/api/jobs", "/api/jobs/1/log", "/api/backtest", "/api/backtest/1/report")
    assert {lane_of(path) for path in paths} == {"jobs"}
    assert lane_of("/api/backtest", "POST") == "submissions", (
        "it asks the exchange, and is looked at before it is taken"
    )
    assert lane_of("/api/grid/start", "POST") == "exchange"
