"""Copies, restores, full disks, locked and damaged databases: a real server, a real exchange, seen from outside."""

import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from fakes.processes import (
    SHADOW_ACCOUNT,
    Exchange,
    Gridhive,
    agreed,
    clean_environment,
    refused,
    until,
    wait_for_orders,
    write_flat_candles,
)
from fakes.venue_process import VenueProcess

pytestmark = pytest.mark.e2e


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[VenueProcess]:
    """An exchange of its own, so that its disk is not the server's; its market stands still unless told to trade."""
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    options = ("--speed", "60", "--request-weight-limit", "1000000", *SHADOW_ACCOUNT)  # this test asks often
    with VenueProcess("--market", "replay", "--data", recording, *options) as venue:
        yield venue


@pytest.fixture
def exchange(venue: VenueProcess) -> Iterator[Exchange]:
    with Exchange(venue.url) as exchange:
        yield exchange


def cli(folder: Path, *words: str) -> tuple[int, Any, str]:
    """Run one command; return exit code, its JSON, and what it complains about."""
    command, *rest = words
    done = subprocess.run(
        [sys.executable, "-m", "cli", command, "--data-dir", str(folder), "--json", *rest],
        cwd=folder,
        env=clean_environment({"PYTHONPATH": str(Path(__file__).parents[2] / "src")}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def ready(server: Gridhive) -> tuple[int, list[str]]:
    answer = requests.get(server.url + "/ready", timeout=60)
    return answer.status_code, answer.json()["reasons"]


def ids(orders: list[dict[str, Any]]) -> set[str]:
    return {order["clientOrderId"] for order in orders}


# --- restore, from beginning to end ---


def test_a_restored_copy_raises_the_epoch_and_takes_over_what_happened_since(
    tmp_path: Path, venue: VenueProcess, exchange: Exchange
) -> None:
    folder, options = tmp_path / "data", ("--exchange-url", venue.url)
    with Gridhive(folder, *options) as server:
        wait_for_orders(exchange)
        agreed(server, exchange)
        code, made, _ = cli(folder, "backup")
        assert code == 0
        until(lambda: ready(server) == (200, []), "the server to be ready")
        code, told, _ = cli(folder, "status")
        assert (code, told["running"], told["ready"]["ready"]) == (0, True, True)
        assert cli(folder, "restore", made["file"])[0] == 1, "a server holds the folder"
        exchange.print_trade("49400")  # two purchases fill, their sales are placed and fill: the copy knows none of it
        until(lambda: len(exchange.trades()) >= 3 or None, "fills")
        later = agreed(server, exchange)
        assert server.stop() == 0, server.errors
    before = exchange.all_orders()
    code, restored, _ = cli(folder, "restore", made["file"])
    assert (code, restored["epoch"]) == (0, 2)
    assert (Path(restored["kept"]) / "gridhive.db").is_file()
    assert cli(folder, "status")[0] == 3
    with Gridhive(folder, *options) as again:
        after = agreed(again, exchange)
        assert after["grid_id"] == later["grid_id"]
        assert after["total_trades"] >= later["total_trades"]
        exchange.print_trade("49600")
        until(lambda: len(exchange.all_orders()) > len(before) or None, "orders of the new life")
        agreed(again, exchange)
        fresh = ids(exchange.all_orders()) - ids(before)
        assert {name.split("-")[2] for name in fresh} == {"2"}, "orders of the new life carry its epoch"
        assert again.stop() == 0, again.errors
    code, told, _ = cli(folder, "verify")
    assert (code, told["faults"], told["epoch"]) == (0, [], 2)
    assert told["grids"][0]["residual"] == "0"
    bought = next(
        row for row in before if row["side"] == "BUY" and row["status"] == "FILLED" and row["type"] != "MARKET"
    )
    code, told, _ = cli(folder, "order", bought["clientOrderId"])
    (shown,) = told["orders"]
    assert (code, shown["order_id"], shown["history"][-1]["what"]) == (0, bought["orderId"], "filled")
    assert shown["history"][0]["what"] == "created"
    assert shown["fills"]
    assert cli(folder, "order", "gh-nobody")[0] == 1


def test_a_grid_is_paused_resumed_and_stopped_from_the_command_line(
    tmp_path: Path, venue: VenueProcess, exchange: Exchange
) -> None:
    folder = tmp_path / "data"
    with Gridhive(folder, "--exchange-url", venue.url) as server:
        wait_for_orders(exchange)
        agreed(server, exchange)
        code, told, _ = cli(folder, "pause", "BTCUSDT", "--keep", "nothing")
        assert (code, told["phase"], told["paused_by_request"]) == (0, "paused", "nothing")
        until(lambda: exchange.open_orders() == [], "the orders to be off the book")
        assert cli(folder, "resume", "BTC/USDT")[0] == 0
        wait_for_orders(exchange)
        assert cli(folder, "stop", "ETHUSDT")[0] == 1
        assert cli(folder, "stop", "BTC/USDT")[0] == 0
        until(lambda: server.get("/api/grid/status/BTCUSDT")["status"] == "stopped", "the grid to end")
        assert exchange.open_orders() == []
        code, told, _ = cli(folder, "grids")
        assert (code, told["grids"][0]["status"], told["grids"][0]["live_orders"]) == (0, "stopped", 0)


# --- a disk that is full, a database that is locked ---


@contextmanager
def no_more_room(server: Gridhive) -> Iterator[None]:
    """Let no file of the server grow: each commit fails at the same place as on a full disk."""
    pid, hard = server.process.pid, resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextmanager
def locked(server: Gridhive) -> Iterator[None]:
    """Hold the write lock as another program would."""
    other = sqlite3.connect(server.folder / "gridhive.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(no_more_room, "the disk"), (locked, "another process holds the database")],
    ids=["full disk", "locked database"],
)
def test_no_commit_means_no_order_and_trading_goes_on_by_itself_afterwards(
    tmp_path: Path, venue: VenueProcess, exchange: Exchange, trouble: Any, words: str
) -> None:
    with Gridhive(tmp_path / "data", "--exchange-url", venue.url) as server:
        wait_for_orders(exchange)
        before = agreed(server, exchange)
        placed = ids(exchange.all_orders())
        beat = until(lambda: cli(server.folder, "status")[1]["heartbeat"], "a heartbeat")
        assert beat["pid"] == server.process.pid
        with trouble(server):
            exchange.print_trade("49400")  # two purchases fill; their sales would be placed next

            def paused() -> Any:
                shown = server.get("/api/grid/status/BTCUSDT")
                return shown if shown["phase"] == "paused" and words in shown["phase_reason"] else None

            shown = until(paused, "the page to say why nothing is sent")
            assert shown["status"] == "running"
            assert ids(exchange.all_orders()) == placed, "an order left without a stored intent"
            code, reasons = ready(server)
            assert code == 503
            assert any(reason.startswith("database: ") and words in reason for reason in reasons)
            assert requests.get(server.url + "/health", timeout=60).json()["status"] == "degraded"
            assert server.post("/api/grid/start", {"symbol": "ETHUSDT", "config": {}}).status_code >= 400
            assert cli(server.folder, "status")[0] == 1
        after = agreed(server, exchange)
        assert after["total_trades"] >= before["total_trades"] + 2
        assert ids(exchange.all_orders()) > placed
        until(lambda: ready(server) == (200, []), "trading to go on")
        assert server.stop() == 0, server.errors
        assert cli(server.folder, "verify")[0] == 0


def test_a_stop_that_was_asked_for_on_a_full_disk_is_done_once_there_is_room(
    tmp_path: Path, venue: VenueProcess, exchange: Exchange
) -> None:
    with Gridhive(tmp_path / "data", "--exchange-url", venue.url) as server:
        wait_for_orders(exchange)
        agreed(server, exchange)
        placed = ids(exchange.all_orders())
        with no_more_room(server):
            answer = server.post("/api/grid/stop", {"symbol": "BTCUSDT"})
            assert answer.status_code in (200, 202, 503)
            assert ids(exchange.all_orders()) == placed
        until(lambda: not exchange.open_orders(), "the orders to go")
        until(lambda: server.get("/api/grid/status/BTCUSDT")["status"] == "stopped", "the grid to end")
        assert server.stop() == 0, server.errors


# --- a damaged database ---


def test_a_damaged_database_ends_the_start_in_one_sentence_and_a_copy_helps(
    tmp_path: Path, venue: VenueProcess, exchange: Exchange
) -> None:
    folder, options = tmp_path / "data", ("--exchange-url", venue.url)
    with Gridhive(folder, *options) as server:
        wait_for_orders(exchange)
        agreed(server, exchange)
        made = cli(folder, "backup")[1]["file"]
        assert server.stop() == 0, server.errors
    books = folder / "gridhive.db"
    with books.open("r+b") as raw:
        raw.seek(books.stat().st_size // 2)
        raw.write(b"\xff" * 8192)
    damaged = books.read_bytes()
    code, told = refused(folder, "--port", "0", *options)
    assert code == 1
    assert len(told) == 1
    assert "are damaged" in told[0]
    assert "python -m cli restore" in told[0]
    assert books.read_bytes() == damaged
    assert cli(folder, "verify")[0] == 1
    assert cli(folder, "restore", made)[0] == 0
    with Gridhive(folder, *options) as again:
        agreed(again, exchange)
        assert again.stop() == 0, again.errors


def test_books_in_a_database_server_carry_a_whole_run(
    tmp_path: Path, venue: VenueProcess, exchange: Exchange, postgres: Any
) -> None:
    folder, url = tmp_path / "data", postgres.new_database()
    options = ("--exchange-url", venue.url, "--database-url", url)
    with Gridhive(folder, *options) as server:
        wait_for_orders(exchange)
        agreed(server, exchange)
        exchange.print_trade("49400")
        until(lambda: len(exchange.trades()) >= 3 or None, "fills")
        before = agreed(server, exchange)
        server.kill()
    with Gridhive(folder, *options) as again:
        after = agreed(again, exchange)
        # The recording goes on at 50000 meanwhile and may fill sells; `agreed` has held every trade to the exchange's.
        assert after["total_trades"] >= before["total_trades"]
        assert again.stop() == 0, again.errors
    code, told, _ = cli(folder, "verify", "--database-url", url)
    assert (code, told["epoch"], told["faults"]) == (0, 1, [])
    assert not (folder / "gridhive.db").exists()
    code, _, complaint = cli(folder, "backup", "--database-url", url)
    assert code == 1
    assert "pg_dump" in complaint
