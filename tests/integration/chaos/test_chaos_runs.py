"""Crashes at every boundary under every fault: 300 clean runs hold, and each planted mistake is found."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.binance.look_ups import LOOK_UP_PAUSES_S, SETTLED_MARGIN_MS
from adapters.binance.transport import RECV_WINDOW_MS
from chaos import line
from chaos.__main__ import main
from chaos.bugs import BUGS, planted
from chaos.campaign import Bench, Tally
from chaos.drawing import draw_plan
from chaos.plan import START_MS
from chaos.points import OF_CONTRACTS, Boundary, Fault
from domain.futures import MarginType
from domain.grids import Direction
from domain.instrument import Market

RUNS, PARTS = 300, 2
FOUND_BY = {
    "attempt-again": 2,
    "blind-resend": 10,
    "decide-unread": 16,
    "early-edit": 69,
    "early-move": 9,
    "edit-forgotten": 35,
    "end-forgotten": 27,
    "end-in-doubt": 3,
    "end-unstored": 17,
    "fill-twice": 1,
    "fills-later": 1,
    "forget-in-flight": 2,
    "funding-missed": 6,
    "funding-not-awaited": 6,
    "funding-twice": 6,
    "funding-unstored": 6,
    "intent-after-send": 2,
    "late-fill": 69,
    "lost-race": 13,
    "no-adoption": 2,
    "no-new-epoch": 2,
    "partial-counter": 2,
    "pause-forgotten": 17,
    "stale-reading": 2,
    "unknown-is-refused": 5,
    "wrong-leg": 2,
}
"""The first seed that finds a mistake: tried first, so that the others need not be played."""

pytestmark = [pytest.mark.timeout(900), pytest.mark.no_cover]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", range(1, RUNS + 1, RUNS // PARTS))
def test_300_runs_double_orphan_and_lose_nothing(tmp_path: Path, first: int):
    bench, tally = Bench(tmp_path), Tally()
    for seed in range(first, first + RUNS // PARTS):
        tally.add(bench.run(seed))
    assert tally.failed == {}
    assert 0 < tally.on_contracts < tally.runs
    assert min(tally.twins, tally.payments) > 0
    assert set(tally.deaths) == set(Boundary)
    assert set(tally.strikes) == set(Fault)


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_planted_mistake_is_found_within_300_runs(tmp_path: Path, name: str):
    bench = Bench(tmp_path, name)
    assert any(bench.run(seed).reason for seed in (FOUND_BY[name], *range(1, RUNS + 1)))


def test_what_was_planted_is_gone_afterwards(tmp_path: Path):
    right = {(holder, name): vars(holder)[name] for changes in BUGS.values() for holder, name, _ in changes()}

    def differs() -> bool:
        return any(vars(holder)[name] is not kept for (holder, name), kept in right.items())

    for bug in BUGS:
        with planted(bug):
            assert differs(), bug
        assert not differs(), bug
    assert Bench(tmp_path).run(1).reason == ""


def test_a_seed_replays_to_the_last_line(tmp_path: Path):
    def log_of(folder: Path) -> list[str]:
        lines: list[str] = []
        folder.mkdir()
        Bench(folder).run(7, lines.append)
        return lines

    assert log_of(tmp_path / "first") == log_of(tmp_path / "second")
    assert draw_plan(7) == draw_plan(7)


def test_a_seed_has_a_plan_for_each_market_and_one_that_is_its_own():
    plans = [draw_plan(seed) for seed in range(1, 301)]
    contracts = [plan.contract for plan in plans if plan.contract is not None]
    assert [plan.seed for plan in plans if plan.contract is not None] == list(range(2, 301, 2))
    assert {contract.direction for contract in contracts} == set(Direction)
    assert {(it.terms.hedge_mode, it.terms.margin_type) for it in contracts} == {
        (hedge_mode, margin_type) for hedge_mode in (False, True) for margin_type in MarginType
    }
    for seed in (1, 2):
        spot, contract = draw_plan(seed, Market.SPOT), draw_plan(seed, Market.FUTURES)
        assert draw_plan(seed) == (contract if seed == 2 else spot)
        assert not any(fault in OF_CONTRACTS for episode in spot.episodes for fault in episode.faults)
        assert contract.start_ms < START_MS == spot.start_ms


def test_the_command_tells_failures_apart_and_how_to_replay_them(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    files = ["--json", str(tmp_path / "summary.json"), "--markdown", str(tmp_path / "table.md")]
    assert main(["--runs", "3", "--processes", "1", *files]) == 0
    assert "3 runs" in capsys.readouterr().out
    assert '"failed": {}' in (tmp_path / "summary.json").read_text("utf-8")
    rows = [line for line in (tmp_path / "table.md").read_text("utf-8").splitlines() if line.startswith("| ")]
    assert len(rows) == len(Boundary) + 2
    assert {row.count("|") for row in rows} == {len(Fault) + 3}
    assert main(["--runs", "5", "--processes", "1", "--plant", "fill-twice"]) == 1
    assert "--runs 1 --plant fill-twice -v" in capsys.readouterr().out
    assert main(["--runs", "1", "--seed", "3", "--market", "um", "-v"]) == 0
    assert "seed 3: held" in capsys.readouterr().out


def test_the_line_promises_what_the_gateway_promises():
    assert (line.RECV_WINDOW_MS, line.SETTLED_MARGIN_MS, line.LOOK_UP_PAUSES_S) == (
        RECV_WINDOW_MS,
        SETTLED_MARGIN_MS,
        LOOK_UP_PAUSES_S,
    )
