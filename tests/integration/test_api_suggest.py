"""A grid suggested over the API: what is asked of the exchange, what is refused, what may be started as it stands."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from domain.grids import Direction
from fakes.house import BTC, House, app_of
from fakes.jobs import Jobs
from ports.jobs import Job, JobState
from ports.suggest_job import CANDLES, RESULT, SuggestParameters
from routes.lanes import lane_of

BODY: dict[str, Any] = {"symbol": "BTC/USDT", "capital": "2000.5", "wait_s": 0}
WINDOW = {"name": "held_out", "from_ms": 0, "until_ms": 1000, "seen_when_chosen": "none", "refusal": "", "cycles": 3}


def ladder(levels: int, spacing: str, *warnings: dict[str, Any]) -> dict[str, Any]:
    return {
        "levels": levels,
        "spacing_perc": spacing,
        "score": 1.5,
        "scores": [1.0, 2.0],
        "cycles": 40,
        "within_noise": False,
        "windows": [WINDOW],
        "warnings": list(warnings),
    }


def found(*ranked: dict[str, Any]) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "market_source": "synthetic",
        "price": "45000.5",
        "measure": "m",
        "assumptions": "a",
        "candles": {
            "interval": "15m",
            "count": 9,
            "missing": 0,
            "from_ms": 0,
            "until_ms": 1,
            "low": "1",
            "high": "2",
        },
        "volatility": {"hourly_range_perc": 0.5, "daily_move_perc": 2.5},
        "starts": 4,
        "replayed": 40,
        "refused": 0,
        "within_noise": 0,
        "ranked": list(ranked),
        "warnings": [{"key": "suggest_synthetic", "values": {}}],
    }


@pytest.fixture
def jobs() -> Jobs:
    return Jobs()


@pytest.fixture
def client(jobs: Jobs) -> FlaskClient:
    return app_of(House(), jobs=jobs).test_client()


def succeeded(jobs: Jobs, client: FlaskClient, folder: Path, *ranked: dict[str, Any], **changes: Any) -> str:
    """Submit a search and let it find these ladders; return its id."""
    job_id: str = client.post("/api/grid/suggest", json={**BODY, **changes}).json["job_id"]
    jobs.becomes(job_id, state=JobState.SUCCEEDED, results=(RESULT,))
    jobs.files[RESULT] = folder / RESULT
    jobs.files[RESULT].write_text(json.dumps(found(*ranked)))
    return job_id


def test_a_search_is_submitted_with_all_that_it_needs(client: FlaskClient, jobs: Jobs) -> None:
    response = client.post("/api/grid/suggest", json=BODY)
    assert response.status_code == 202, response.text
    told = response.json
    assert (told["kind"], told["state"], told["suggestion"]) == ("suggest", "queued", None)
    assert response.headers["Location"] == f"/api/grid/suggest/{told['job_id']}"
    given = SuggestParameters.model_validate(jobs.known[told["job_id"]].parameters)
    assert (given.symbol, given.rules.instrument, given.market_source) == ("BTCUSDT", BTC, "synthetic")
    assert (given.capital, given.price) == (Decimal("2000.5"), Decimal("45000.50"))
    assert (given.direction, given.leverage, given.margin_type) == (Direction.LONG, None, None)
    assert (given.interval, len(given.candles)) == ("15m", 30 * 96)
    assert lane_of("/api/grid/suggest", "POST") == "submissions"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"symbol": "NONEUSDT"}, "symbol"),
        ({"symbol": "OLDUSDT"}, "symbol"),
        ({"capital": 0}, "capital"),
        ({"capital": 3}, "capital"),
        ({"capital": "NaN"}, "capital"),
        ({"capital": None}, "capital"),
        ({"direction": "short"}, "direction"),
        ({"leverage": 3}, "leverage"),
        ({"leverage": 1.5}, "leverage"),
        ({"margin_type": "cross"}, "margin_type"),
        ({"market_type": "options"}, "market_type"),
        ({"wait_s": 31}, "wait_s"),
        ({"levels": 5}, "levels"),
    ],
)
def test_a_mistake_is_told_with_its_field_before_any_work(
    client: FlaskClient, jobs: Jobs, change: dict[str, Any], field: str
) -> None:
    response = client.post("/api/grid/suggest", json={**BODY, **change})
    assert response.status_code == 422, response.text
    assert field in [mistake["field"] for mistake in response.json["fields"]]
    assert not jobs.known


def test_what_is_suggested_starts_as_it_stands(client: FlaskClient, jobs: Jobs, tmp_path: Path) -> None:
    weak = {"key": "suggest_few_cycles", "values": {"cycles": 3, "wanted": 30}}
    job_id = succeeded(jobs, client, tmp_path, ladder(400, "0.61"), ladder(6, "0.8", weak), ladder(10, "0.7"))
    told = client.get(f"/api/grid/suggest/{job_id}", headers={"Accept-Language": "pt"}).json
    suggested = told["suggestion"]
    assert [row["passes"] for row in suggested["ranked"]] == [False, True, None]
    assert suggested["ranked"][0]["refusal"]
    assert (suggested["levels"], suggested["spacing_perc"]) == (6, "0.8")
    low, high = map(float, suggested["grid_range"].split(" - "))
    assert low < 45000.5 < high
    assert (suggested["windows"][0]["name"], suggested["windows"][0]["cycles"]) == ("held_out", 3)
    assert "sintéticos" in suggested["warnings"][0]
    assert "só 3 ciclos" in suggested["warnings"][1]
    checked = client.post("/api/grid/config", json=suggested["start"])
    assert checked.status_code == 200, checked.text
    assert checked.json["calculated_params"]["capital_needed"] == suggested["capital_needed"]
    assert client.post("/api/grid/start", json=suggested["start"]).status_code == 200


def test_where_nothing_passes_nothing_is_suggested(client: FlaskClient, jobs: Jobs, tmp_path: Path) -> None:
    job_id = succeeded(jobs, client, tmp_path, ladder(400, "0.61"))
    suggested = client.get(f"/api/grid/suggest/{job_id}").json["suggestion"]
    assert (suggested["start"], suggested["levels"], suggested["windows"]) == (None, None, [])
    assert suggested["ranked"][0]["passes"] is False


def test_who_waits_is_answered_when_the_search_ends(tmp_path: Path) -> None:
    class Quick(Jobs):
        """Its jobs end while somebody waits for them."""

        def job(self, job_id: str) -> Job:
            return self.becomes(job_id, state=JobState.SUCCEEDED)

    jobs = Quick(files={RESULT: tmp_path / RESULT})
    jobs.files[RESULT].write_text(json.dumps(found(ladder(6, "0.8"))))
    response = app_of(House(), jobs=jobs).test_client().post("/api/grid/suggest", json={**BODY, "wait_s": 30})
    assert (response.status_code, response.json["suggestion"]["levels"]) == (200, 6)


def test_other_jobs_are_no_searches(client: FlaskClient, jobs: Jobs) -> None:
    other = jobs.submit("backtest", {})
    assert client.get(f"/api/grid/suggest/{other.job_id}").status_code == 404


def test_the_validator_recommends_what_the_newest_search_found(client: FlaskClient, jobs: Jobs, tmp_path: Path) -> None:
    address = "/api/validate/symbol/BTCUSDT"
    before = client.get(address).json["grid_recommendations"]
    assert (before["suggested_by"], before["suggestion"]) == ("volatility", None)
    job_id = succeeded(jobs, client, tmp_path, ladder(6, "0.83"))
    # as jobs keep them: without their candles
    shown = {name: value for name, value in jobs.known[job_id].parameters.items() if name != CANDLES}
    jobs.becomes(job_id, parameters=shown)
    after = client.get(address).json["grid_recommendations"]
    assert (after["suggested_levels"], after["suggested_spacing"]) == (6, 0.83)
    assert (after["suggested_by"], after["suggestion"]) == ("replay", f"/api/grid/suggest/{job_id}")
    assert client.get("/api/validate/symbol/ETHUSDT").json["grid_recommendations"]["suggested_by"] == "volatility"
    jobs.files[RESULT].write_text(json.dumps(found({**ladder(6, "0.83"), "score": -0.1})))
    against = client.get(address).json
    assert (against["suitable_for_grid"], len(against["reasons"])) == (False, 1)
    jobs.becomes(job_id, parameters={**shown, "market_source": "live"})
    assert client.get(address).json["grid_recommendations"]["suggested_by"] == "volatility"
    jobs.becomes(job_id, parameters=shown)
    jobs.becomes(job_id, created_ms=jobs.known[job_id].created_ms - 90_000_000)
    assert client.get(address).json["grid_recommendations"]["suggested_by"] == "volatility"
