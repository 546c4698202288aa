"""A back-test from the API through its own process to the report."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from adapters.jobs.kinds import KINDS
from adapters.jobs.queue import ChildJobs
from backtest.candles import Candles
from backtest.data.columns import SCHEMAS
from backtest.data.series import DAY_MS, Series
from backtest.data.store import FOLDER, Store
from backtest.job import candles_of, main
from domain.errors import InvalidRequest
from fakes.backtest_studies import START_MS, a_study, walk, without
from fakes.house import House, app_of
from fakes.job_examples import ended, jobs_in
from ports.archives import Recording
from ports.backtest_job import RESULTS, BacktestParameters
from ports.jobs import JobState, read_progress

BODY = {
    "symbol": "BTCUSDT",
    "config": {"initial_levels": 12, "spacing_perc": 1, "capital": 10_000},
    "interval": "1h",
    "from": "2024-01-01",
    "windows": "month",
}


def keep(folder: Path, candles: Candles) -> Store:
    """Store candles of an hour where a job of the data folder `folder` finds them."""
    columns = {name: getattr(candles, name) for name in ("open_ms", "open", "high", "low", "close")}
    rows = {
        "volume": [Decimal(str(round(volume, 8))) for volume in candles.volume.tolist()],
        "quote_volume": [None] * len(candles),
        "trades": [None] * len(candles),
    }
    store = Store(folder / FOLDER)
    with store.writing():
        store.put(
            Series.named("BTCUSDT", "spot", "klines", "1h"),
            pl.DataFrame({**columns, **rows}, schema=SCHEMAS[Recording.KLINES]),
        )
    return store


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[ChildJobs]:
    made = jobs_in(tmp_path, kinds=KINDS)
    made.start()
    yield made
    made.close()


def test_a_back_test_over_the_api_trades_as_the_plain_engine_does(jobs: ChildJobs, tmp_path: Path) -> None:
    candles = walk(24 * 40)
    keep(tmp_path, candles)
    client = app_of(House(), jobs=jobs).test_client()
    job = ended(jobs, client.post("/api/backtest", json=BODY).json["job_id"])
    assert job.state is JobState.SUCCEEDED, (job, jobs.log(job.job_id))
    told = client.get(f"/api/backtest/{job.job_id}").json
    assert told["results"] == list(RESULTS)
    plain = a_study(candles, bounds=False)
    assert told["result"]["declared"]["trades_hash"] == plain.result.trades_hash
    assert len(told["result"]["windows"]) == 1, "January is whole, February is not"
    with client.get(told["report"]) as page:
        assert page.text.startswith("<!doctype html>")
    fills = pl.read_parquet(jobs.result(job.job_id, "fills.parquet"))
    assert len(fills) == len(plain.result.fills)


def parameters(tmp_path: Path, **change: Any) -> BacktestParameters:
    """Return those of a request, and write them where a job's process looks."""
    jobs = app_of(House()).test_client()
    job = jobs.post("/api/backtest", json={**BODY, **change}).json
    assert "parameters" in job, job
    folder = tmp_path / "jobs/one"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "parameters.json").write_text(json.dumps(job["parameters"]))
    return BacktestParameters.model_validate(job["parameters"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"from": "2025-01", "to": "2025-02"}, "from: nothing of spot BTCUSDT"),
        ({"symbol": "ETHUSDT"}, "symbol: no klines of spot ETHUSDT"),
        ({"interval": "1m"}, "interval: of spot BTCUSDT only 1h"),
        ({"from": "2024-01-01"}, "gaps in this window"),
        ({"capital": 20, "config": {"initial_levels": 12, "spacing_perc": 1}, "allow_gaps": True}, "capital"),
    ],
)
def test_what_cannot_be_replayed_is_told_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], reason: str
) -> None:
    keep(tmp_path, without(walk(24 * 3), 30, 40))
    parameters(tmp_path, **change)
    assert main([str(tmp_path / "jobs/one")]) == 1
    *before, last = capsys.readouterr().out.splitlines()
    assert reason in last
    assert all(map(read_progress, before))


def test_days_count_back_from_the_end_of_what_is_stored_or_asked_for(tmp_path: Path) -> None:
    store = keep(tmp_path, without(walk(24 * 10), 30, 40))
    last = candles_of(parameters(tmp_path, **{"from": None}, days=2), store)
    assert (last.start_ms, last.end_ms) == (START_MS + 8 * DAY_MS, START_MS + 10 * DAY_MS)
    earlier = candles_of(parameters(tmp_path, **{"from": None}, to="2024-01-04", days=1), store)
    assert (earlier.start_ms, earlier.end_ms) == (START_MS + 3 * DAY_MS, START_MS + 4 * DAY_MS)
    with pytest.raises(InvalidRequest, match="gaps"):
        candles_of(parameters(tmp_path, **{"from": None}, to="2024-01-03", days=2), store)
