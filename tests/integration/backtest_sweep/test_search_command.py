"""`python -m backtest search`: proposals, walk-forward, fronts, and going on after a stop."""

import re
from itertools import product
from pathlib import Path
from threading import Event

import polars as pl
import pytest

from backtest.objectives import parse_objectives
from backtest.report.sentences import amount, percent
from backtest.search.command import main
from backtest.search.exploring import ROUND, Exploration, Plan, open_storage
from backtest.sweep.axes import parse_axes
from backtest.sweep.trials import Account, Ground, Trials
from domain.errors import Conflict, InvalidRequest
from fakes.backtest_studies import rules, walk, without
from fakes.sweep_commands import OUTSIDE, read_json, write_candles

VARIED = ["spacing_perc=0.05..4", "initial_levels=3..30", "spacing_mode=geometric,arithmetic"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("search")
    write_candles(walk(24 * 60), home / "BTCUSDT.csv")
    return home


def words(home: Path, *more: str) -> list[str]:
    market = ["--symbol", "BTCUSDT", "--data", str(home / "BTCUSDT.csv"), "--data-dir", str(home / "data")]
    varied = [word for value in VARIED for word in ("--vary", value)]
    return [*market, "--capital", "10000", "--rules", "builtin", *varied, *more]


def search(home: Path, out: str, *more: str) -> Path:
    assert main(words(home, "--out", str(home / out), *more), "search", OUTSIDE) == 0
    return home / out


def test_winners_are_judged_on_what_their_search_did_not_see(home: Path, capsys: pytest.CaptureFixture[str]):
    more = ("--walk-forward", "2", "--embargo", "1d", "--objective", "sharpe", "--max-time", "1d")
    out = search(home, "walked", "--trials", "24", *more)
    told = capsys.readouterr()
    assert re.search(
        r"24 trials in each of 3 windows, 1,440 candles in all: about .* machine, 8\.\d MB on disk", told.err
    )
    assert "Walk-forward" in told.out
    journal = (out / "optuna.journal").stat().st_size
    assert 72 * 1000 < journal < 72 * 2000
    facts = read_json(out / "result.json")
    (section,) = facts["sections"]
    first, second = section["rows"]
    assert len(section["rows"]) == 2
    # 60 days: two windows of 11 days judged, 33 searched, one left out between; they end with the candles.
    assert first[:2] == ["2024-01-05 to 2024-02-07", "2024-02-08 to 2024-02-19"]
    assert second[:2] == ["2024-01-16 to 2024-02-18", "2024-02-19 to 2024-03-01"]
    assert "windows after, which the search never saw" in section["text"]
    assert facts["honesty"]["trials"] <= 24
    table = pl.read_parquet(out / "results.parquet")
    assert 0 < table.height <= 24
    assert "Walk-forward" in (out / "report.html").read_text()


def test_a_walk_over_a_gap_is_refused_before_anything_is_left(home: Path):
    write_candles(without(walk(24 * 60), 24 * 48, 24 * 59), home / "gappy.csv")
    more = ("--data", str(home / "gappy.csv"), "--allow-gaps", "--walk-forward", "2", "--embargo", "1d")
    with pytest.raises(InvalidRequest, match=r"walk-forward: the window from 2024-02-19 .* lies mostly in a gap"):
        main(words(home, "--out", str(home / "gappy"), *more), "search", OUTSIDE)
    with pytest.raises(InvalidRequest, match=r"objective: sharpe is not told here: 18.3 % of the window is missing"):
        main(words(home, "--out", str(home / "gappy"), *more[:3], "--objective", "sharpe"), "search", OUTSIDE)
    assert not (home / "gappy").exists()


def test_several_aims_give_a_front(home: Path):
    out = search(home, "front", "--trials", "40", "--objective", "profit,drawdown")
    facts, table = read_json(out / "result.json"), pl.read_parquet(out / "results.parquet")
    front = table[facts["front"]]
    assert front.height >= 1
    for row, other in product(front.iter_rows(named=True), table.drop_nulls("equity_change").iter_rows(named=True)):
        gains = (other["equity_change"] - row["equity_change"], row["max_drawdown"] - other["max_drawdown"])
        assert not (min(gains) >= 0 and max(gains) > 0)
    assert facts["best"][0]["row"] in facts["front"]
    section = facts["sections"][0]
    assert (section["title"], section["columns"][-2:]) == ("Pareto front", ["profit", "drawdown"])
    best = table[facts["best"][0]["row"]]
    assert section["rows"][0][:3] == [str(facts["best"][0][key]) for key in section["columns"][:3]], "no digit is cut"
    assert section["rows"][0][-2:] == [
        f"{amount(best['equity_change'][0], signed=True)} USDT",
        percent(best["max_drawdown"][0]),
    ]
    assert any("--walk-forward" in note for note in facts["notes"])


def test_more_trials_go_on_where_it_ended_and_nothing_is_mixed(home: Path):
    out = search(home, "more", "--trials", "20")
    before = pl.read_parquet(out / "results.parquet")
    assert main(["--resume", str(out), "--trials", "40"], "search", OUTSIDE) == 0
    after = pl.read_parquet(out / "results.parquet")
    assert after.head(before.height).equals(before)
    assert after.height > before.height
    with pytest.raises(Conflict, match="--resume"):
        search(home, "more")
    with pytest.raises(Conflict, match=r"holds another search: other aims, seed or walk-forward\."):
        main(words(home, "--resume", str(out), "--seed", "2"), "search", OUTSIDE)


@pytest.mark.parametrize("aims", ["profit", "profit,drawdown"])
def test_a_broken_off_search_proposes_what_it_would_have(tmp_path: Path, aims: str):
    series, order_rules = walk(24 * 20), rules().rules
    ground = Ground(candles=series, rules=order_rules, account=Account(capital=None), base={"capital": "10000"})
    axes = parse_axes(VARIED, order_rules, dense=True)
    plan = Plan(axes=axes, aims=parse_objectives(aims), trials=2 * ROUND, seed=3)
    whole = Exploration(plan, open_storage(tmp_path / "whole"), "one")
    assert sum(len(found) for found in whole.explore(Trials(ground, 1), Event())) == 40
    stopping, broken = Event(), tmp_path / "broken"
    for _ in Exploration(plan, open_storage(broken), "one").explore(Trials(ground, 2), stopping):
        stopping.set()
    Exploration(plan, open_storage(broken), "one")._study.ask()  # a process that died while it asked
    (tmp_path / "broken.lock").symlink_to("broken")
    with broken.open("ab") as journal:
        journal.write(b'{"op_code": 4, "wor')
    again = Exploration(plan, open_storage(broken), "one")
    assert len(again.done) <= ROUND
    assert sum(len(found) for found in again.explore(Trials(ground, 2), Event())) == ROUND
    assert again.done == whole.done
    assert open_storage(broken).get_study_id_from_name("one") is not None


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--trials", "0"], "trials: must be at least 1"),
        (["--trials", "400000", "--walk-forward", "2"], "trials: 400,000 trials in each of 3 windows are 1,200,000"),
        (["--walk-forward", "60", "--max-time", "0s"], "max-time: .* longer than 0s; fewer --trials, or fewer windows"),
        (["--capital", "5"], "vary: not one could be started of 1,000 looked at in the window whole: "),
        (["--trials", "9999999"], "only 2,212,056 combinations; `sweep` tries them all"),
        (["--objective", "proft"], "did you mean profit"),
        (["--walk-forward", "0"], "walk-forward: needs at least one"),
        (["--walk-forward", "5000"], "walk-forward: the candles are too few"),
        (["--walk-forward", "8", "--objective", "sharpe", "--train", "1"], "sharpe needs at least 14 days"),
        (["--walk-forward", "2", "--embargo", "soon"], "embargo: "),
        (["--set", "spacing_perc=1"], "both set and varied"),
    ],
)
def test_mistakes_are_told_before_the_search(home: Path, more: list[str], told: str):
    with pytest.raises(InvalidRequest, match=told):
        main(words(home, "--out", str(home / "refused"), *more), "search", OUTSIDE)
    assert not (home / "refused").exists()
