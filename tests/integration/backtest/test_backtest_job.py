"""A back-test from the API through its own process to the report."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from adapters.jobs.kinds import KINDS
from adapters.jobs.queue import ChildJobs
from backtest.brackets import built_in
from backtest.candles import Candles
from backtest.data.columns import SCHEMAS
from backtest.data.options import parse as data_options
from backtest.data.series import DAY_MS, Series
from backtest.data.store import FOLDER, Store
from backtest.job import main, study_of
from backtest.job_check import main as check
from backtest.job_inputs import candles_of, inputs_of
from domain.errors import InvalidRequest
from domain.instrument import Market
from fakes.backtest_studies import START_MS, a_study, walk, without
from fakes.house import House, app_of
from fakes.job_examples import ended, jobs_in
from ports.archives import Recording
from ports.backtest_job import RESULTS, BacktestParameters
from ports.jobs import JobState, read_progress, read_refusal

BODY = {
    "symbol": "BTCUSDT",
    "config": {"initial_levels": 12, "spacing_perc": 1, "capital": 10_000},
    "interval": "1h",
    "from": "2024-01-01",
    "windows": "month",
}


def keep(folder: Path, candles: Candles, symbol: str = "BTCUSDT", market: str = "spot") -> Store:
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
            Series.named(symbol, market, "klines", "1h"),
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


def test_what_cannot_work_is_refused_before_it_is_taken(jobs: ChildJobs, tmp_path: Path) -> None:
    keep(tmp_path, without(walk(24 * 3), 30, 40))
    client = app_of(House(), jobs=jobs).test_client()
    refused = client.post("/api/backtest", json={**BODY, "config": {**BODY["config"], "capital": 20}})
    assert (refused.status_code, refused.json["error"]) == (422, "InvalidRequest"), refused.text
    told = {mistake["field"]: mistake["message"] for mistake in refused.json["fields"]}
    assert list(told) == ["allow_gaps", "config.capital"], "all at once"
    assert "10 candles of BTCUSDT (1h) are missing" in told["allow_gaps"]
    assert "set allow_gaps to true" in told["allow_gaps"]
    assert "the smallest that works is" in told["config.capital"]
    damaged = next((tmp_path / FOLDER).rglob("*.parquet"))
    damaged.write_bytes(b"no Parquet")
    refused = client.post("/api/backtest", json=BODY)
    assert (refused.status_code, refused.json["error"]) == (409, "Conflict"), refused.text
    assert str(damaged) in refused.json["message"]
    assert jobs.jobs() == ()
    assert not list((tmp_path / "jobs").iterdir()), "a look leaves nothing"


def parameters(tmp_path: Path, **change: Any) -> BacktestParameters:
    """Return those of a request, and write them where a job's process looks."""
    jobs = app_of(House()).test_client()
    job = jobs.post("/api/backtest", json={**BODY, **change}).json
    assert "parameters" in job, job
    folder = tmp_path / "jobs/one"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "parameters.json").write_text(json.dumps(job["parameters"]))
    return BacktestParameters.model_validate(job["parameters"])


def look_at(tmp_path: Path) -> None:
    """Put what lies there for a job into the list of a look, behind one that can be replayed."""
    file = tmp_path / "jobs/one/parameters.json"
    given = json.loads(file.read_text())
    fits = {**given, **json.loads(parameters(tmp_path, allow_gaps=True).model_dump_json())}
    file.write_text(json.dumps([fits, given]))


PLAIN = {"initial_levels": 12, "spacing_perc": 1}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        (
            {"from": "2025-01", "to": "2025-02"},
            "from",
            "stored are those from 2024-01-01T00:00Z until 2024-01-04T00:00Z",
        ),
        ({"from": None, "to": "2023-01"}, "to", "Choose another window between these"),
        ({"from": None, "to": "2025-01", "days": 3}, "days", "no candles of BTCUSDT (1h) lie in this window"),
        ({"to": "2024-01-01T12:00", "interval": "1d"}, "interval", "no whole candle of 1d lies in this window"),
        ({"symbol": "ETHUSDT"}, "symbol", "no candles of ETHUSDT are stored; choose a symbol"),
        ({"interval": "1m"}, "interval", "no candles of 1m can be made of those that are stored of BTCUSDT (1h)"),
        (
            {"from": "2024-01-02"},
            "allow_gaps",
            "2024-01-02 06:00 to 2024-01-02 16:00 (10 missing), UTC. Choose another window",
        ),
        ({"from": "2023-12-31", "to": "2024-01-01"}, "from", "this window asks for 24 before that; begin there"),
        ({"from": None, "to": "2024-01-01", "days": 2}, "days", "stored from 2024-01-01T00:00Z on"),
        (
            {"from": "2024-01-03", "to": "2024-01-05"},
            "to",
            "until 2024-01-04T00:00Z, this window asks for 48 after that",
        ),
        (
            {"fees": {"bnb_price": "market"}, "allow_gaps": True},
            "fees.bnb_price",
            "instead, or get more on the server's machine: python -m backtest data get BNBUSDT --interval 1h",
        ),
        ({"fees": {"bnb_price": "0.000000001"}, "allow_gaps": True}, "fees.bnb_price", "at most 8 decimals"),
        ({"capital": 20, "config": PLAIN, "allow_gaps": True}, "capital", "20 is too little for 12 levels"),
        ({"capital": 500, "allow_gaps": True}, "config.capital", "only 500 are free"),
    ],
)
def test_what_cannot_be_replayed_is_told_in_the_words_of_the_api(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], field: str, words: str
) -> None:
    keep(tmp_path, without(walk(24 * 3), 30, 40))
    parameters(tmp_path, **change)
    folder = str(tmp_path / "jobs/one")
    assert main([folder]) == 1, "the job itself, where data changed meanwhile"
    *before, last = capsys.readouterr().out.splitlines()
    assert all(map(read_progress, before))
    assert last.startswith(f"{field}: ")
    assert words in last
    assert not re.search(r"--(allow|from \S+ to|capital|set)|`data list`", last), "no word of the command line"
    look_at(tmp_path)
    assert check([folder]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = read_refusal(line)
    assert told is not None
    assert (told.number, str(told.refusal)) == (1, last)
    assert [mistake.field for mistake in getattr(told.refusal, "mistakes", [])] == [field]


def test_the_remedy_that_an_owner_has_works_as_it_stands(tmp_path: Path) -> None:
    keep(tmp_path, without(walk(24 * 3), 30, 40))
    with pytest.raises(InvalidRequest) as refused:
        inputs_of(parameters(tmp_path), Store(tmp_path / FOLDER))
    command = str(refused.value).partition("machine: python -m backtest ")[2]
    assert command == f"data get BTCUSDT --interval 1h --from 2024-01 --data-dir {tmp_path}"
    given = data_options(shlex.split(command)[1:], "backtest data")
    assert (given.symbol, given.interval, given.data_dir) == ("BTCUSDT", "1h", str(tmp_path))


def test_a_contract_is_replayed_by_the_accounts_brackets_and_stored_funding(tmp_path: Path) -> None:
    candles = walk(24 * 5)
    store = keep(tmp_path, candles, market="um")
    asked = parameters(tmp_path)
    contract = replace(asked.rules, instrument=replace(asked.rules.instrument, market=Market.FUTURES))
    futures = {"market_type": Market.FUTURES, "rules": contract, "brackets": built_in("BTCUSDT"), "allow_gaps": True}
    config = {**asked.config, "direction": "short", "leverage": 2, "margin_type": "isolated"}
    given = BacktestParameters.model_validate_json(
        asked.model_copy(update={**futures, "config": config}).model_dump_json()
    )
    with pytest.raises(InvalidRequest, match="funding: no funding of um BTCUSDT are stored"):
        inputs_of(given, store)
    times = range(START_MS, START_MS + 5 * DAY_MS, DAY_MS // 3)
    rows = {"time_ms": list(times), "rate": [20_000] * len(times), "interval_hours": [8] * len(times)}
    with store.writing():
        store.put(Series.named("BTCUSDT", "um", "funding"), pl.DataFrame(rows, schema=SCHEMAS[Recording.FUNDING]))
    found = study_of(inputs_of(given, store), 0)
    assert found.result.contract is not None
    assert found.result.contract.settlements == len(times)
    assert found.result.books.funding > 0, "longs pay"
    assert found.result.scenario.terms.leverage == 2
    free = study_of(inputs_of(given.model_copy(update={"funding": "none"}), store), 0)
    assert free.result.books.funding == 0


def test_prices_off_todays_tick_are_refused_before_the_replay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(tmp_path, walk(24))
    given = parameters(tmp_path)
    changed = given.model_copy(update={"rules": replace(given.rules, tick=Decimal("0.07"))})
    folder = tmp_path / "jobs/one"
    (folder / "parameters.json").write_text(changed.model_dump_json())
    assert main([str(folder)]) == 1
    look_at(tmp_path)
    assert check([str(folder)]) == 0
    *_, job, look = capsys.readouterr().out.splitlines()
    told = read_refusal(look)
    assert told is not None
    assert job == str(told.refusal)
    assert "from: the stored candles cannot be replayed under the exchange's present rules (row " in job


def test_days_count_back_from_the_end_of_what_is_stored_or_asked_for(tmp_path: Path) -> None:
    store = keep(tmp_path, without(walk(24 * 10), 30, 40))
    last = candles_of(parameters(tmp_path, **{"from": None}, days=2), store)
    assert (last.start_ms, last.end_ms) == (START_MS + 8 * DAY_MS, START_MS + 10 * DAY_MS)
    earlier = candles_of(parameters(tmp_path, **{"from": None}, to="2024-01-04", days=1), store)
    assert (earlier.start_ms, earlier.end_ms) == (START_MS + 3 * DAY_MS, START_MS + 4 * DAY_MS)
    with pytest.raises(InvalidRequest, match="gaps"):
        candles_of(parameters(tmp_path, **{"from": None}, to="2024-01-03", days=2), store)


def test_fees_follow_what_bnb_cost_over_the_same_time(tmp_path: Path) -> None:
    candles = walk(24 * 3)
    keep(tmp_path, candles)
    store = keep(tmp_path, without(walk(24 * 3, seed=2), 60, 72), "BNBUSDT")
    given = parameters(tmp_path, fees={"bnb_price": "market"})
    with pytest.raises(InvalidRequest, match=r"fees.bnb_price: .* until 2024-01-03T12:00Z, too short; give a number"):
        inputs_of(given, store)
    inputs = inputs_of(given.model_copy(update={"allow_gaps": True}), store)
    market = inputs.scenario.fees.bnb_market
    assert market is not None
    assert inputs.scenario.balances["BNB"] == round(100 / market.first_price, 8)
    found = study_of(inputs, START_MS)
    assert found.result.scenario.fees.bnb_market is market
    assert found.result.books.fees_by_asset.keys() == {"BNB"}
    named = parameters(tmp_path, fees={"bnb_price": "market", "bnb": 2}, allow_gaps=True)
    assert inputs_of(named, store).scenario.balances["BNB"] == 2
    keep(tmp_path / "late", candles)
    late = keep(tmp_path / "late", without(walk(24 * 3, seed=2), 0, 5), "BNBUSDT")
    with pytest.raises(InvalidRequest, match=r"fees.bnb_price: .* from 2024-01-01T05:00Z on, too late; give a number"):
        inputs_of(named, late)
