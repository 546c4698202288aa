"""`python -m backtest sweep` as people use it: begun, stopped, gone on with, refused."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from backtest.command_run import main as run_one
from backtest.sweep.command import main
from domain.errors import Conflict, InvalidRequest
from fakes.backtest_studies import walk
from fakes.sweep_commands import OUTSIDE, read_json, write_candles

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("sweep")
    write_candles(walk(24 * 60), home / "BTCUSDT.csv")
    return home


def words(home: Path, *more: str) -> list[str]:
    market = ["--symbol", "BTCUSDT", "--data", str(home / "BTCUSDT.csv"), "--data-dir", str(home / "data")]
    return [*market, "--capital", "10000", "--rules", "builtin", *more]


VARIED = ("--vary", "spacing_perc=0.1..3:12", "--vary", "initial_levels=3..14")


def sweep(home: Path, out: str, *more: str) -> Path:
    assert main(words(home, *VARIED, "--out", str(home / out), *more), "sweep", OUTSIDE) == 0
    return home / out


@pytest.fixture(scope="module")
def swept(home: Path) -> Path:
    return sweep(home, "whole")


def test_a_sweep_leaves_a_table_a_page_and_numbers(swept: Path, capsys: pytest.CaptureFixture[str]):
    table = pl.read_parquet(swept / "results.parquet")
    assert table.height == 144
    assert table["row"].to_list() == list(range(144))
    assert 0 < table["refusal"].is_not_null().sum() < 30  # 0.1 % does not pay the fees
    told = read_json(swept / "result.json")
    assert told["configurations"] == 144
    best = table.filter(pl.col("equity_change") == pl.col("equity_change").max())
    assert told["best"][0]["row"] == best["row"][0]
    assert "luck" in told["verdict"]
    assert " independent one" in told["verdict"]
    page = (swept / "report.html").read_text()
    assert "Is the winner luck?" in page
    assert "could not have been started" in page
    assert not (swept / "parts").exists()
    assert main(["--resume", str(swept)], "sweep", OUTSIDE) == 0
    assert "is finished" in capsys.readouterr().err


def test_the_command_that_is_printed_replays_the_winner(home: Path, capsys: pytest.CaptureFixture[str]):
    delayed = ("--latency", "40000", "--orders-per-10s", "30", "--max-exposure", "9999.9")
    out = home / "delayed"
    varied = ("--vary", "spacing_perc=0.4,0.7", "--set", "initial_levels=9")
    assert main(words(home, *varied, *delayed, "--out", str(out)), "sweep", OUTSIDE) == 0
    printed = capsys.readouterr().out.split("look at the winner: python -m backtest run ")[1].splitlines()[0]
    command = shlex.split(printed)[:-1]
    assert run_one([*command, str(home / "winner")], "run", OUTSIDE) == 0
    again, best = read_json(home / "winner" / "result.json"), read_json(out / "result.json")["best"][0]
    assert again["assumed"]["delays"] == {"latency_ms": 40_000, "orders_per_10s": 30}
    assert again["assumed"]["max_exposure"] == "9999.9"
    assert again["work"]["over_limit_orders"] == best["over_limit_orders"]
    assert again["money"]["equity_change"] == best["equity_change"]
    assert again["work"]["cycles"] == best["cycles"]


def stopped(home: Path, out: Path, *more: str) -> tuple[int, str]:
    """Begin a sweep and stop it as by Ctrl-C once it has begun; return its exit code and what it said."""
    child = subprocess.Popen(
        [sys.executable, "-m", "backtest", "sweep", *words(home, *VARIED, *more, "--out", str(out), "--threads", "1")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    try:
        assert "2,160 configurations on 1,440 candles" in child.stderr.readline()
        child.send_signal(signal.SIGINT)
        told = child.communicate(timeout=200)[1]
    finally:
        child.kill()
        child.wait()
    return child.returncode, told


def test_the_result_is_the_same_bytes_after_a_stop_and_a_resume(home: Path):
    more = ("--vary", "capital=9000..20000:15")
    whole = sweep(home, "long", *more)
    for number in range(10):  # on a busy machine it may be over before it is told to stop
        out = home / f"stopped-{number}"
        code, told = stopped(home, out, *more)
        if code != 0:
            break
    assert code == 130, told
    assert f"of 2,160 are saved. Go on: --resume {out}" in told
    assert not (out / "results.parquet").exists()
    assert main(["--resume", str(out), "--threads", "2"], "sweep", OUTSIDE) == 0
    assert (out / "results.parquet").read_bytes() == (whole / "results.parquet").read_bytes()
    assert read_json(out / "result.json") == read_json(whole / "result.json")


def test_nothing_is_mixed_and_nothing_overwritten(home: Path, swept: Path):
    with pytest.raises(Conflict, match="holds a sweep; go on with it: --resume"):
        sweep(home, "whole")
    with pytest.raises(Conflict, match=r"holds another sweep: other grid, .* path, delays or limit\."):
        main(
            words(home, *VARIED[:2], "--set", "initial_levels=5", "--resume", str(swept), "--fees", "0.05"),
            "sweep",
            OUTSIDE,
        )
    write_candles(walk(24 * 60, seed=2), home / "other.csv")
    moved = words(home, *VARIED, "--resume", str(swept))
    moved[3] = str(home / "other.csv")
    with pytest.raises(Conflict, match=r"other candles\."):
        main(moved, "sweep", OUTSIDE)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--vary", "initial_levels=3..9"], "spacing_perc: is needed"),
        (["--vary", "initial_levels=3..9", "--set", "spacing_perc=abc"], "spacing_perc: must be a number"),
        ([*VARIED, "--set", "spacing_perc=1"], "both set and varied"),
        ([*VARIED, "--set", "levels=1"], "did you mean resting_levels or initial_levels"),
        ([*VARIED, "--objective", "profit,drawdown"], "`search` takes several"),
        ([*VARIED, "--threads", "0"], "threads: must be at least 1"),
        ([*VARIED, "--vary", "capital=1..1000000:50000"], "at most 1,000,000 are tried"),
        ([*VARIED, "--fees", "x", "--fill", "y"], "fees: .*fill: "),
        ([*VARIED, "--max-time", "0s"], "longer than 0s"),
        ([*VARIED, "--from", "2031-01"], "from: "),
        ([*VARIED, "--market", "um", "--funding", "stored"], "funding: .* data get BTCUSDT --market um"),
    ],
)
def test_mistakes_are_told_before_work_starts(home: Path, more: list[str], told: str):
    with pytest.raises(InvalidRequest, match=told):
        main(words(home, *more, "--out", str(home / "refused")), "sweep", OUTSIDE)
    assert not (home / "refused").exists()


def test_where_nothing_can_start_the_reasons_are_told_and_nothing_is_left(home: Path):
    few = ["--vary", "spacing_perc=0.05,0.06", "--set", "initial_levels=5", "--out", str(home / "none")]
    with pytest.raises(InvalidRequest, match=r"not one could be started: 2 times spacing_perc: fees of 0\.2 %"):
        main(words(home, *few), "sweep", OUTSIDE)
    assert not (home / "none").exists()


def test_draws_and_another_aim_are_told_as_json(home: Path, capsys: pytest.CaptureFixture[str]):
    drawn = ["--random", "40", "--seed", "7", "--objective", "drawdown", "--json"]
    out = sweep(home, "drawn", *drawn)
    told = json.loads(capsys.readouterr().out)
    assert told == read_json(out / "result.json")
    assert told["configurations"] == 40
    table = pl.read_parquet(out / "results.parquet")
    assert told["best"][0]["max_drawdown"] == table["max_drawdown"].min()
