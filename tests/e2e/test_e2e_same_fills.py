"""One recording, played over real ports to a real server and in one process on an event heap: the same fills."""

from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from chaos.host import InProcessHost
from fakes.grid_examples import gate, plan
from fakes.processes import API_ONLY, Gridhive, until
from fakes.store import InMemoryStore
from simulator.market.files import DataSource
from simulator.market.recordings import Stretch
from simulator.market.replay import ReplayFeed

pytestmark = pytest.mark.e2e

BEGIN_MS = 1_704_067_200_000
PAST, PLAYED = 5, 900
GRID: dict[str, Any] = {"initial_levels": 12, "lower_price": 58_000, "upper_price": 62_000}


def write_walk(file: Path) -> Path:
    """Write seeded minutes that begin above the ladder, so that only buys rest first, and swing through all of it."""
    random, price = Random(11), 62_600.0
    rows = ["open_time,open,high,low,close,volume"]
    for minute in range(PAST + PLAYED):
        close = price + (60_000 - price) * 0.02 + random.gauss(0, 180)
        high, low = max(price, close) + random.random() * 60, min(price, close) - random.random() * 60
        rows.append(f"{BEGIN_MS + 60_000 * minute},{price:.2f},{high:.2f},{low:.2f},{close:.2f},500")
        price = round(close, 2)
    file.write_text("\n".join(rows) + "\n")
    return file


def fills_in_process(recording: Path, start_price: Decimal) -> list[tuple[Any, ...]]:
    stretch = Stretch(BEGIN_MS + 60_000 * PAST)
    feed = ReplayFeed.open([DataSource.parse(f"BTCUSDT={recording}")], stretch)
    host = InProcessHost(
        spec=feed.specs["BTCUSDT"],
        balances={"USDT": Decimal(10_000)},
        store=InMemoryStore(),
        gate=gate(),
        start_ms=feed.start_ms,
        seed=1,
    )
    bounds = {"lower": Decimal(GRID["lower_price"]), "upper": Decimal(GRID["upper_price"])}
    facts = {"price": start_price, "rules": host.rules}
    host.start(plan(facts, levels=12, spacing_percent=None, **bounds))
    host.play(feed.steps())
    return [
        (fill.time_ms, fill.side.value, fill.price, fill.quantity, fill.commission, fill.is_maker)
        for fill in host.store.fills(1)
    ]


def fills_over_the_wire(recording: Path, folder: Path) -> tuple[Decimal, list[tuple[Any, ...]]]:
    options = ("--market", "replay", "--replay", f"BTCUSDT={recording}", "--speed", "max")
    start = str(BEGIN_MS + 60_000 * PAST)
    with Gridhive(folder, *options, "--from", start, program=API_ONLY) as server, server.exchange() as exchange:
        price = Decimal(str(server.get("/api/market_data", symbols="BTCUSDT")[0]["price"]))
        answer = server.post("/api/grid/start", {"symbol": "BTCUSDT", "config": {**GRID, "market_type": "spot"}})
        assert answer.ok, answer.text
        until(exchange.market_is_over, "the recording to end", 150)
        trades = exchange.trades()
    return price, [
        (
            trade["time"],
            "BUY" if trade["isBuyer"] else "SELL",
            Decimal(trade["price"]),
            Decimal(trade["qty"]),
            Decimal(trade["commission"]),
            trade["isMaker"],
        )
        for trade in trades
    ]


def test_the_wire_gives_the_very_fills_of_the_in_process_run(tmp_path: Path) -> None:
    recording = write_walk(tmp_path / "BTCUSDT_1m.csv")
    start_price, over_the_wire = fills_over_the_wire(recording, tmp_path / "data")
    assert len(over_the_wire) > 50
    assert over_the_wire == fills_in_process(recording, start_price)
