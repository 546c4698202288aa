"""Recorded days of BTC, ETH and SOL through live grid and replay, and the fills that every machine must find."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from backtest.candles import Candles
from backtest.price_path import PricePath
from backtest.result import Result
from backtest.run import run, run_on
from backtest.scenario import Fees, FillAssumption, FillKind, PathRule, Scenario
from chaos.translate import instrument_of, rules_of
from domain.grids import GridRequest
from domain.instrument import Market
from domain.money import exact, from_units
from fakes.live_replay import live_through
from fakes.replay_examples import bnb_walk, scenario, walk
from simulator.market.catalogue import SPECS
from simulator.market.files import parse_moment

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

DATA = os.environ.get("GRIDHIVE_TEST_DATA", "")
DAY_MS = 86_400_000
recorded = pytest.mark.skipif(
    not (Path(DATA) / "market" / "spot" / "BTCUSDT_1m.parquet").is_file() or not DATA,
    reason="GRIDHIVE_TEST_DATA names no folder with market/spot/BTCUSDT_1m.parquet; set it to replay recorded days",
)

RECORDED = [
    (
        "BTCUSDT",
        "2024-08-05",
        PathRule.CANDLE,
        FillAssumption(),
        "91c83c5a7ce61e202633c1f28be7a30067c836038991f20a97de1cb7d3723dba",
    ),
    (
        "ETHUSDT",
        "2024-08-05",
        PathRule.PESSIMISTIC,
        FillAssumption(),
        "a4ea7da6795e15b4e03ba5addc66d7e29fbd34aec69451ae18c08befe1f29149",
    ),
    (
        "SOLUSDT",
        "2024-01-03",
        PathRule.OPTIMISTIC,
        FillAssumption(FillKind.SHARE, 20_000),
        "dfc869b9482b1215dc125671c41ce5422f654b1bc5c0485438c65867bf2c3248",
    ),
]
GENERATED: list[tuple[dict[str, Any], str]] = [
    ({}, "52c7dfec62590e3975265efb3af67a78a5ca64eed4fd7635ccb35622819d4ab6"),
    ({"path": PathRule.OPTIMISTIC}, "3586ea704b5ef3ad2183b09cc634e041a68d88961dcfa67ea51c0ac07373aee2"),
    ({"fill": FillAssumption(FillKind.THROUGH)}, "ce2acff50b172d0ebec1f74ab1155069448f8bfe592326d12b737270f82b4c9d"),
    (
        {"fill": FillAssumption(FillKind.SHARE, 3_000)},
        "253285b5c69a19fe2f237f216bc4ec1bf29717fb7561a1f49612e2acbb904609",
    ),
    (
        {"fees": Fees(750, 1_000, Decimal("612.37")), "balances": {"USDT": Decimal(10_000), "BNB": Decimal(1)}},
        "4a6ebf3fdbe5dab0f611b0933acb1f963536401d8c9153e5711361260c5e4b35",
    ),
    (
        {
            "fees": Fees(750, 1_000, bnb_market=bnb_walk(7, walk(2024, 5_000, step=30))),
            "balances": {"USDT": Decimal(10_000), "BNB": Decimal(1)},
        },
        "640eb68f15c404a995e92b74d4f2ba6da7c2434b915b929b9f836da483653b7a",
    ),
    ({"start_empty": True}, "3467e332209a084e1a2f71ffc07bb90884600b9df0f3a5718f72fc1a12b3c9b3"),
]


def day_of(symbol: str, day: str) -> Candles:
    """Read one day; recorded prices are floats of at most 8 decimals."""
    frame = pl.read_parquet(Path(DATA) / "market" / "spot" / f"{symbol}_1m.parquet")
    opened = frame["open_time"].dt.epoch("ms").to_numpy()
    first, last = np.searchsorted(opened, [parse_moment(day), parse_moment(day) + DAY_MS])
    columns = {
        name: np.rint(frame[name].to_numpy()[first:last] * 1e8).astype(np.int64)
        for name in ("open", "high", "low", "close")
    }
    return Candles(
        symbol=symbol,
        market=Market.SPOT,
        interval_ms=60_000,
        open_ms=opened[first:last].astype(np.int64),
        volume=frame["volume"].to_numpy()[first:last].copy(),
        **columns,
    )


@recorded
@pytest.mark.parametrize(("symbol", "day", "path", "fill", "digest"), RECORDED)
def test_a_recorded_day_is_the_live_grids_day(symbol: str, day: str, path: PathRule, fill: FillAssumption, digest: str):
    market, spec = day_of(symbol, day), SPECS[symbol]
    low, high = from_units(int(market.low.min())), from_units(int(market.high.max()))
    request = GridRequest(instrument=instrument_of(spec), levels=40, lower=low, upper=high, capital=Decimal(9_000))
    funds = {"USDT": Decimal(10_000), "BNB": Decimal(0)}
    wanted = Scenario.of(request, market, rules_of(spec), balances=funds, path=path, fill=fill)
    result = run(market, wanted)
    assert result.books.trades > 100
    assert_lived(result, market, wanted, symbol)
    assert result.trades_hash == digest


@exact
def assert_lived(result: Result, market: Candles, wanted: Scenario, symbol: str) -> None:
    lived = live_through(market, wanted, SPECS[symbol])
    assert list(map(tuple, result.fills.rows.tolist())) == lived.rows
    books = result.books
    assert books.residual == 0
    for name in ("grid_profit", "fees", "fees_by_asset", "inventory_cost", "equity_change", "base_held", "cash_flow"):
        assert getattr(books, name) == getattr(lived.marked, name)
    assert (books.cycles, books.dust) == (lived.books.cycles, lived.books.dust)
    assert lived.balances["USDT"] == wanted.balances["USDT"] + books.cash_flow


@pytest.mark.parametrize(("shape", "digest"), GENERATED)
def test_generated_markets_give_the_same_fills_on_every_machine(shape: dict[str, Any], digest: str):
    market = walk(2024, 5_000, step=30)
    wanted = scenario(market, **shape)
    result = run_on(PricePath.of(market, wanted), wanted)
    assert result.books.trades > 300
    assert result.trades_hash == digest
