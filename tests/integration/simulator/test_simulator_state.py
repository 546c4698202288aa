"""What survives: clean stops, SIGKILL, replay positions; and what refuses to start."""

import os
import socket
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest

from fakes.simulator_calls import Caller
from fakes.venue_process import SRC, VenueProcess

STANDING = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max")


def candles(folder: Path, rows: int = 600) -> Path:
    """Write a recording of one-minute candles that swings around 100."""
    lines = ["open_time,open,high,low,close,volume"]
    for row in range(rows):
        base = Decimal(100) + Decimal(row % 40 - 20) / 10
        lines.append(f"{1_722_816_000_000 + row * 60_000},{base},{base + 1},{base - 1},{base + Decimal('0.1')},12.5")
    path = folder / "BTCUSDT_1m.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def what_is_kept(caller: Caller) -> dict[str, object]:
    account = caller.signed("GET", "/api/v3/account", omitZeroBalances="true").json()
    return {
        "balances": account["balances"],
        "open": caller.signed("GET", "/api/v3/openOrders").json(),
        "orders": caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT").json(),
        "trades": caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT").json(),
    }


def trade_a_little(caller: Caller) -> None:
    price = caller.price()
    caller.place(type="MARKET", quantity="0.002")
    for step in range(1, 6):
        caller.place(price=f"{price * (1 - step / 100):.2f}", newClientOrderId=f"rest-{step}")
    caller.place(side="SELL", price=f"{price * 1.01:.2f}", newClientOrderId="sell-1")
    caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="rest-2")


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_accounts_orders_and_trades_survive(tmp_path: Path, ending: str) -> None:
    options = (*STANDING, "--state", str(tmp_path / "state"))
    with VenueProcess(*options) as venue, Caller(venue.url) as caller:
        trade_a_little(caller)
        rest = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="rest-1").json()
        venue.print_trade("BTCUSDT", Decimal(rest["price"]), "100")
        before = what_is_kept(caller)
        last_id = caller.get("/api/v3/trades", symbol="BTCUSDT")[-1]["id"]
        end(venue, ending)
    with VenueProcess(*options) as again, Caller(again.url) as caller:
        assert what_is_kept(caller) == before
        placed = caller.place(price="90000.00", newClientOrderId="after")
        assert placed["orderId"] > max(order["orderId"] for order in before["orders"])  # type: ignore[attr-defined]
        again.step(200)  # so many that both symbols trade, whichever minute the market goes on in
        assert caller.get("/api/v3/trades", symbol="BTCUSDT")[-1]["id"] > last_id
        assert caller.place(price="80000.00", newClientOrderId="rest-3")["msg"] == "Duplicate order sent."
        cancelled = caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
        assert len(cancelled) == len(before["open"]) + 1  # type: ignore[arg-type]
        assert all(Decimal(row["locked"]) == 0 for row in what_is_kept(caller)["balances"])  # type: ignore[attr-defined]


def end(venue: VenueProcess, how: str) -> None:
    (venue.stop if how == "stop" else venue.kill)()


def test_a_kill_during_a_storm_of_orders_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    options = (*STANDING, "--state", str(tmp_path), "--orders-10s", "100000")
    with VenueProcess(*options) as venue, Caller(venue.url) as caller:
        orders = [{"price": "50000.00", "quantity": "0.0002", "newClientOrderId": f"s-{n}"} for n in range(150)]
        answered = [caller.place(**order)["orderId"] for order in orders]
        venue.kill()
    with VenueProcess(*options) as again, Caller(again.url) as caller:
        rows = caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT").json()
        assert [row["orderId"] for row in rows] == answered
        locked = next(row for row in what_is_kept(caller)["balances"] if row["asset"] == "USDT")  # type: ignore[attr-defined]
        assert Decimal(locked["locked"]) == 150 * Decimal("0.0002") * 50_000


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_a_replay_goes_on_where_it_was(tmp_path: Path, ending: str) -> None:
    file = candles(tmp_path)
    plain = ("--market", "replay", "--data", str(file), "--speed", "max")
    with VenueProcess(*plain) as twin, Caller(twin.url) as caller:
        twin.step(500)
        expected = caller.get("/api/v3/trades", symbol="BTCUSDT", limit=300)
        candles_expected = caller.get("/api/v3/klines", symbol="BTCUSDT", interval="5m", limit=100)
    kept = (*plain, "--state", str(tmp_path / "state"))
    with VenueProcess(*kept) as venue:
        venue.step(200)
        end(venue, ending)
    with VenueProcess(*kept) as again, Caller(again.url) as caller:
        again.step(300)
        shown = caller.get("/api/v3/trades", symbol="BTCUSDT", limit=300)
        keys = ("price", "qty", "time", "isBuyerMaker")
        assert [[row[k] for k in keys] for row in shown] == [[row[k] for k in keys] for row in expected]
        rebuilt = caller.get("/api/v3/klines", symbol="BTCUSDT", interval="5m", limit=100)
        assert [row[:6] for row in rebuilt] == [row[:6] for row in candles_expected]


def test_a_recording_is_rebuilt_exactly_and_ends(tmp_path: Path) -> None:
    file = candles(tmp_path, rows=60)
    recorded = [line.split(",") for line in file.read_text().splitlines()[1:]]
    with VenueProcess("--data", str(file), "--speed", "max") as venue, Caller(venue.url) as caller:
        progress = venue.step(10_000)
        assert (progress["finished"], progress["played"] + progress["remaining"]) == (True, 10_000)
        assert progress["market_ms"] >= 1_722_816_000_000 + 59 * 60_000
        rows = caller.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=60)
        shown = [[Decimal(str(cell)) for cell in row[:6]] for row in rows]
        assert shown == [[Decimal(cell) for cell in row] for row in recorded]
        assert venue.step(1)["played"] == 0
        assert venue.ready["market_source"] == "replay"
        assert abs(caller.get("/api/v3/time")["serverTime"] - time.time_ns() // 1_000_000) < 60_000


def test_a_step_stops_after_the_first_that_changes_an_account(tmp_path: Path) -> None:
    with VenueProcess("--data", str(candles(tmp_path)), "--speed", "max") as venue, Caller(venue.url) as caller:
        venue.step(1)
        placed = caller.place(price="97.50", quantity="1")
        progress = venue.admin("step", points=2_000, until="account")
        assert 0 < progress["played"] < 2_000
        assert progress["remaining"] == 2_000 - progress["played"]
        filled = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"]).json()
        assert (filled["status"], filled["updateTime"]) == ("FILLED", progress["market_ms"])


def refusal(*options: str) -> tuple[int, str]:
    """Start the simulator with options that cannot work; return status and what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", "simulator", "--futures-port", "0", *options],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "PYTHONPATH": str(SRC)},
    )  # fmt: skip
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def test_what_cannot_work_is_one_plain_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, text = refusal("--market", "synthetic", "--port", str(taken.getsockname()[1]))
    assert status == 1
    assert "cannot listen on 127.0.0.1" in text
    bad = tmp_path / "BTCUSDT_1m.csv"
    bad.write_text("open_time,open\n1,2\n")
    assert refusal("--port", "0", "--data", str(bad))[0] != 0
    status, text = refusal("--port", "0", "--market", "synthetic", "--symbols", "NOPEUSDT")
    assert status == 1
    assert "NOPEUSDT" in text


def test_a_state_serves_its_own_market_and_one_process_alone(tmp_path: Path) -> None:
    state = str(tmp_path)
    with VenueProcess(*STANDING, "--state", state):
        status, text = refusal("--port", "0", *STANDING, "--state", state)
        assert status == 1
        assert "cannot be used" in text
    status, text = refusal("--port", "0", "--market", "synthetic", "--seed", "8", "--symbols", "BTCUSDT,ETHUSDT",
                           "--speed", "max", "--state", state)  # fmt: skip
    assert status == 1
    assert "another --state folder" in text


def test_the_ready_line_and_a_quick_clean_end() -> None:
    with VenueProcess("--market", "synthetic", "--symbols", "BTCUSDT") as venue:
        ready = venue.ready
        assert ready["ready"] is True
        assert {"spot_url", "spot_ws_url", "futures_url", "market_source", "market_ms", "pid"} <= set(ready)
        assert abs(ready["market_ms"] - time.time_ns() // 1_000_000) < 60_000
        began = time.monotonic()
        venue.stop()
        assert time.monotonic() - began < 15.0
