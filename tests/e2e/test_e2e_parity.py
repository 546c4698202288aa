"""A Shadow grid trades through a recording; while its server runs, its replay is found to agree with it entirely."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from backtest.parity.heard import read_recorded
from fakes.processes import API_ONLY, ROOT, Exchange, Gridhive, clean_environment, until

pytestmark = pytest.mark.e2e

BEGIN_MS = 1_704_067_200_000
PAST, PLAYED = 5, 250
GRID: dict[str, Any] = {"initial_levels": 12, "lower_price": 58_000, "upper_price": 62_000, "market_type": "spot"}


def write_walk(file: Path) -> Path:
    """Write seeded minutes that swing about the middle of the ladder."""
    random, price = Random(7), 60_000.0
    rows = ["open_time,open,high,low,close,volume"]
    for minute in range(PAST + PLAYED):
        close = price + (60_000 - price) * 0.02 + random.gauss(0, 220)
        high, low = max(price, close) + random.random() * 60, min(price, close) - random.random() * 60
        rows.append(f"{BEGIN_MS + 60_000 * minute},{price:.2f},{high:.2f},{low:.2f},{close:.2f},500")
        price = round(close, 2)
    file.write_text("\n".join(rows) + "\n")
    return file


def parity(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backtest", "parity", "--data-dir", str(folder), *words],
        cwd=ROOT / "src",
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def all_is_kept(server: Gridhive, exchange: Exchange, folder: Path) -> bool:
    """Tell whether the books have every fill, and the record every price but the last, which waits there."""
    booked = {trade["id"] for trade in server.get("/api/trades/BTCUSDT", limit=1000)}
    kept = next(folder.glob("prices/*/*/*.prices"), None)
    heard = read_recorded(kept.parent) if kept else None
    prints = exchange.get("/api/v3/trades", symbol="BTCUSDT", limit=100)
    before_last_ms = max(one["time"] for one in prints if one["price"] != prints[-1]["price"])
    return (
        booked == {trade["id"] for trade in exchange.trades()}
        and heard is not None
        and int(heard.time_ms[-1]) >= before_last_ms
    )


def test_what_a_shadow_grid_did_is_what_its_replay_does(tmp_path: Path) -> None:
    recording, folder = write_walk(tmp_path / "BTCUSDT_1m.csv"), tmp_path / "data"
    options = ("--market", "replay", "--replay", f"BTCUSDT={recording}", "--speed", "max")
    start = ("--from", str(BEGIN_MS + 60_000 * PAST))
    with Gridhive(folder, *options, *start, program=API_ONLY) as server, server.exchange() as exchange:
        answer = server.post("/api/grid/start", {"symbol": "BTCUSDT", "config": GRID})
        assert answer.ok, answer.text
        until(exchange.market_is_over, "the recording to end", 150)
        until(lambda: all_is_kept(server, exchange, folder), "fills and prices to be written")
        told = parity(folder, "--json", "--out", str(tmp_path / "result"))
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["prices"]["source"] == "recorded"
    assert found["fills"]["live"] > 30
    assert found["fills"]["agreement"] == 1.0
    assert found["equity"]["difference"] == "0"
    assert "agree" in (tmp_path / "result/report.html").read_text()
    assert found["fills"]["exact"] == found["fills"]["live"] == found["fills"]["replayed"]
