"""`python -m backtest portfolio` as a person runs it, against `run` of each of its grids."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from backtest.command_run import main as run_one
from backtest.portfolio.command import main as run_together
from domain.errors import InvalidRequest
from fakes.backtest_studies import walk
from fakes.sweep_commands import OUTSIDE, read_json, write_candles

ROOT = Path(__file__).parents[3]
GRID = "initial_levels: 12\nspacing_perc: 1\ncapital: 4000\n"


def portfolio(folder, *words):
    command = [sys.executable, "-m", "backtest", "portfolio", "--data-dir", str(folder / "data"), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


def test_grids_on_one_account_do_what_each_does_alone_and_add_up(tmp_path):
    for seed, symbol in enumerate(("BTCUSDT", "ETHUSDT"), start=3):
        write_candles(replace(walk(24 * 20, seed=seed), symbol=symbol), tmp_path / f"{symbol}.csv")
    (tmp_path / "btc.yaml").write_text(GRID)
    (tmp_path / "grids.yaml").write_text(f"ETHUSDT: {{{', '.join(GRID.splitlines())}}}\n")
    markets = ("--data-of", "BTCUSDT=BTCUSDT.csv", "--data-of", "ETHUSDT=ETHUSDT.csv")
    done = portfolio(
        *(tmp_path, "--grid-of", "BTCUSDT=btc.yaml", "--grids", "grids.yaml", *markets),
        *("--capital", "10000", "--max-exposure", "9500", "--out", "out"),
    )
    assert done.returncode == 0, done.stderr
    assert "These 2 grids on one account would have" in done.stdout
    told = read_json(tmp_path / "out" / "result.json")
    assert (tmp_path / "out" / "report.html").stat().st_size > 10**6
    assert [grid["symbol"] for grid in told["grids"]] == ["BTCUSDT", "ETHUSDT"]
    assert told["max_exposure"] == "9500"
    assert Decimal(told["total"]["most_at_risk"]) <= 9500
    gains = [Decimal(grid["money"]["equity_change"]) for grid in told["grids"]]
    assert Decimal(told["total"]["end_equity"]) == 10_000 + sum(gains)
    for grid in told["grids"]:
        symbol = grid["symbol"]
        words = ["--symbol", symbol, "--data", str(tmp_path / f"{symbol}.csv"), "--grid", str(tmp_path / "btc.yaml")]
        out = tmp_path / symbol
        account = ["--capital", "10000", "--no-bounds", "--data-dir", str(tmp_path / "data"), "--out", str(out)]
        assert run_one([*words, *account], "test", OUTSIDE) == 0
        assert read_json(out / "result.json")["declared"]["trades_hash"] == grid["trades_hash"]

    bnb = replace(walk(24 * 20, seed=9), symbol="BNBUSDT")
    write_candles(bnb, tmp_path / "bnb.csv")
    paying = ("--bnb-price", "market", "--bnb-data", "bnb.csv", "--no-bounds", "--json")
    done = portfolio(tmp_path, "--grids", "grids.yaml", *markets[2:], "--capital", "10000", *paying)
    assert done.returncode == 0, done.stderr
    total = {name: Decimal(str(value)) for name, value in json.loads(done.stdout)["total"].items()}
    parts = ("grid_profit", "inventory_change", "fee_asset_revaluation", "residual")
    assert total["equity_change"] == sum(total[name] for name in parts) - total["fees"]
    assert total["fee_asset_revaluation"] != 0 == total["residual"]

    refused = portfolio(tmp_path, "--grids", "grids.yaml", *markets[2:], "--capital", "10000", "--max-exposure", "3000")
    assert refused.returncode == 2
    assert "ETHUSDT.capital: needs" in refused.stderr
    assert "above --max-exposure 3000; use less" in refused.stderr


def test_single_trades_and_orders_that_travel_are_replayed_for_all_grids(tmp_path):
    for seed, symbol in enumerate(("BTCUSDT", "ETHUSDT"), start=3):
        write_trades(seed, tmp_path / f"{symbol}-trades.csv")
    grid = "{initial_levels: 6, spacing_perc: 1, capital: 400}"
    (tmp_path / "grids.yaml").write_text(f"BTCUSDT: {grid}\nETHUSDT: {grid}\n")
    markets = [f"--data-of={symbol}={tmp_path}/{symbol}-trades.csv" for symbol in ("BTCUSDT", "ETHUSDT")]
    words = ["--grids", str(tmp_path / "grids.yaml"), *markets, "--capital", "1000", "--data-dir", str(tmp_path / "d")]
    words += ["--trades", "--rules", "builtin"]
    late = ["--latency", "400", "--orders-per-10s", "3", "--out", str(tmp_path / "out")]
    assert run_together([*words, *late], "test", OUTSIDE) == 0
    found = read_json(tmp_path / "out" / "result.json")
    assert [grid["trades"] for grid in found["grids"]] == [{"count": 900, "missing": 0}] * 2
    assert sum(grid["work"]["rate_waits"] for grid in found["grids"]) > 0
    assert any("900 trades from" in line for line in found["assumptions"])
    assert any("of one millisecond" in line for line in found["assumptions"])
    assert any("reach the exchange 400 ms after" in line for line in found["assumptions"])
    assert "Last in every queue" in found["headline"]
    page = (tmp_path / "out" / "report.html").read_text()
    assert "single trades" in page
    assert "the most at the end of a minute" in page
    assert Decimal(found["total"]["residual"]) == 0
    for wrong, field in ((["--interval", "1m"], "interval"), (["--path", "optimistic"], "path")):
        with pytest.raises(InvalidRequest, match=f"{field}: goes with candles"):
            run_together([*words, *wrong], "test", OUTSIDE)


def write_trades(seed: int, file: Path) -> None:
    random, price, time_ms, lines = (
        Random(seed),
        10_000,
        1_722_729_600_000,
        ["id,price,qty,quote_qty,time,is_buyer_maker"],
    )
    for number in range(900):
        price += random.randint(-60, 60) + (10_000 - price) // 40
        time_ms += random.choice([0, 3, 200, 5_000])
        lines.append(f"{number},{price // 100}.{price % 100:02},5,500,{time_ms},true")
    file.write_text("\n".join(lines) + "\n")
