"""Trades replayed one by one against the live grid that meets the same prints: same fills, same money."""

import os
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backtest.result import RanBy, Result
from backtest.scenario import Fees, FillAssumption, FillKind, Scenario
from backtest.trade_replay import TradeReplay, replay_trades
from backtest.trade_slices import Slicing, TradeSlice
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.grids import GridRequest, Spacing
from domain.instrument import Market
from domain.money import from_units
from fakes.live_replay import live_through, offer_at, recorded_trades, trade_prints
from fakes.replay_examples import bnb_walk
from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.market.feed import BookUpdate, FeedStep

STREAM = Path(os.environ.get("GRIDHIVE_TEST_DATA", "")) / "stream" / "ws_spot_BTCUSDT_20240808.jsonl.gz"
START_MS = 1_722_729_600_000
SPEC = SymbolSpec(
    symbol="TSTUSDT",
    base="TST",
    quote="USDT",
    tick=UNIT // 100,
    lot=1_000,
    min_qty=1_000,
    min_notional=5 * UNIT,
    max_orders=200,
)


@st.composite
def trades_near(draw: st.DrawFn, start: int, step: int) -> TradeSlice:
    """Trades that wander by parts of a step, many at one time and at one price, in sizes below and above an order's."""
    count = draw(st.integers(2, 120))
    random = Random(draw(st.integers(0, 2**32)))
    price, time_ms, rows = start, START_MS, []
    for _ in range(count):
        rows.append((time_ms, price, random.choice([1, 7, 400, 30_000]) * random.randint(1, 90) * 1_000))
        time_ms += random.choice([0, 0, 1, 700, 25_000, 90_000])
        move = random.choice([0, 0, 1, -1, step, -step, 2 * step, -2 * step, random.randint(-step, step)])
        price = max(price + (start - price) // SPEC.tick // 20 * SPEC.tick + move // SPEC.tick * SPEC.tick, SPEC.tick)
    columns = np.array(rows, dtype=np.int64).T
    return slice_of(columns[0], columns[1], columns[2])


def slice_of(*columns: np.ndarray[tuple[int], np.dtype[np.int64]]) -> TradeSlice:
    time_ms, price, quantity = (column.copy() for column in columns)
    return TradeSlice(symbol="TSTUSDT", market=Market.SPOT, time_ms=time_ms, price=price, quantity=quantity)


@st.composite
def cases(draw: st.DrawFn) -> tuple[TradeSlice, Scenario]:
    start = draw(st.integers(400, 90_000)) * SPEC.tick
    spacing = draw(st.sampled_from(["0.4", "1", "2.5"]))
    trades = draw(trades_near(start, max(start * int(Decimal(spacing) * 10) // 1_000 // SPEC.tick, 1) * SPEC.tick))
    request = GridRequest(
        instrument=rules_of(SPEC).instrument,
        levels=draw(st.integers(2, 10)),
        spacing_percent=Decimal(spacing),
        spacing=draw(st.sampled_from(Spacing)),
        capital=Decimal(draw(st.integers(100, 5_000))),
        start_empty=draw(st.booleans()),
    )
    kind = draw(st.sampled_from(FillKind))
    fees = Fees(draw(st.sampled_from([0, 750, 1_000])), 1_000)
    bnb = draw(st.sampled_from(["none", "constant", "market"]))
    if bnb == "market":
        fees = replace(fees, bnb_market=bnb_walk(draw(st.integers(0, 999)), trades.candles()))
    elif bnb == "constant":
        fees = replace(fees, bnb_price=Decimal("612.37"))
    try:
        scenario = Scenario.of(
            request,
            trades.candles(),
            rules_of(SPEC),
            balances={"USDT": Decimal(20_000), "BNB": Decimal(5)},
            fees=fees,
            fill=FillAssumption(kind, draw(st.sampled_from([50_000, 333_333, 1_000_000]))),
        )
    except InvalidRequest:
        assume(False)
    return trades, scenario


def columns_of(trades: TradeSlice) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...]:
    return trades.time_ms, trades.price, trades.quantity


def cut(trades: TradeSlice, at: int) -> list[TradeSlice]:
    return [slice_of(*(c[:at] for c in columns_of(trades))), slice_of(*(c[at:] for c in columns_of(trades)))]


def assert_alike(one: Result, other: Result) -> None:
    assert one.trades_hash == other.trades_hash
    assert one.curve is not None
    assert other.curve is not None
    assert one.curve.change.tolist() == other.curve.change.tolist()
    assert one.curve.base.tolist() == other.curve.base.tolist()
    for name in ("books", "drawdown", "candles_in_range", "unpaid_orders", "is_entered", "start_ms", "end_ms"):
        assert getattr(one, name) == getattr(other, name)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(case=cases())
def test_each_trade_is_one_print_that_fills_what_it_fills_live(case: tuple[TradeSlice, Scenario]):
    trades, scenario = case
    replayed = replay_trades([trades], scenario)
    result = replayed.result()
    lived = live_through(trades.candles(), scenario, SPEC, trade_prints(trades, scenario, SPEC))
    assert list(map(tuple, result.fills.rows.tolist())) == lived.rows
    books, marked = result.books, lived.marked
    for name in (
        "equity_change",
        "grid_profit",
        "fees",
        "base_held",
        "cash_flow",
        "fee_asset_revaluation",
        "fee_prices",
        "buys",
        "sells",
        "residual",
    ):
        assert getattr(books, name) == getattr(marked, name)
    assert books.cycles == lived.books.cycles
    assert result.end_equity == from_units(0) + result.start_equity + books.equity_change
    assert result.curve is not None
    assert result.curve.change_quote[-1] == pytest.approx(float(books.equity_change))
    assert_alike(replay_trades([trades], scenario, form=RanBy.PLAIN).result(), result)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(case=cases(), data=st.data())
def test_slices_change_nothing_but_where_they_are_cut(case: tuple[TradeSlice, Scenario], data: st.DataObject):
    trades, scenario = case
    assume(scenario.fill.kind is not FillKind.SHARE)  # less than a lot is lost where it is cut
    ends = trades.minute_ends[:-1]
    assume(len(ends))
    at = int(data.draw(st.sampled_from(ends.tolist()))) + 1
    assert_alike(replay_trades(cut(trades, at), scenario).result(), replay_trades([trades], scenario).result())


def test_what_outgrows_int64_is_played_by_pythons_own_integers_from_there_on():
    base = replace(SPEC, tick=1, lot=1, min_qty=1)
    time_ms = START_MS + 1_000 * np.arange(400, dtype=np.int64)
    price = (9_000_000 + 200_000 * np.resize([0, 1, 2, 1, 0, -1, -2, -1], 400)).astype(np.int64)
    trades = slice_of(time_ms, price, np.full(400, 10**18, dtype=np.int64))
    request = GridRequest(instrument=rules_of(base).instrument, levels=6, spacing_percent=Decimal(1))
    scenario = Scenario.of(request, trades.candles(), rules_of(base), balances={"USDT": Decimal(10) ** 9})
    played = TradeReplay(scenario)
    for part in cut(trades, 180):
        played.play(part)
    result = played.result()
    assert result.ran_by is RanBy.PLAIN
    lived = live_through(trades.candles(), scenario, base, prints_of_touch(trades, scenario, base))
    assert list(map(tuple, result.fills.rows.tolist())) == lived.rows


def prints_of_touch(trades: TradeSlice, scenario: Scenario, spec: SymbolSpec) -> Iterator[FeedStep]:
    for time_ms, price, quantity in zip(*(c.tolist() for c in columns_of(trades)), strict=True):
        trade = MarketTrade(spec.symbol, price, quantity, time_ms, buyer_is_maker=False)
        yield FeedStep(time_ms, (trade,), BookUpdate(spec.symbol, (), ((price, offer_at(scenario, price)),)))


def test_rows_of_the_store_become_slices_of_whole_minutes_and_gaps_are_told():
    count = 50
    frame = pl.DataFrame(
        {
            "id": [*range(30), *range(32, 52)],
            "time_us": [START_MS * 1_000 + 7_000_000 * at for at in range(count)],
            "price": [100_000_000 + at for at in range(count)],
            "quantity": pl.Series(["0.5"] * count).cast(pl.Decimal(38, 8)),
        }
    )
    slicing = Slicing("TSTUSDT", Market.SPOT, most_rows=20)
    slices = list(slicing.slices([frame[:33], frame[33:]]))
    assert sum(map(len, slices)) == count
    assert np.concatenate([part.price for part in slices]).tolist() == frame["price"].to_list()
    assert set(slices[0].quantity.tolist()) == {50_000_000}
    for one, after in pairwise(slices):
        assert one.time_ms[-1] // 60_000 < after.time_ms[0] // 60_000
    assert [gap.missing for gap in slicing.gaps] == [2]


@pytest.mark.skipif(
    not STREAM.is_file(),
    reason="GRIDHIVE_TEST_DATA names no folder with stream/ws_spot_BTCUSDT_20240808.jsonl.gz; set it to replay trades",
)
@pytest.mark.parametrize("fill", [FillAssumption(), FillAssumption(FillKind.SHARE, 20_000)])
def test_recorded_trades_fill_what_they_fill_live(fill: FillAssumption):
    trades = recorded_trades(STREAM, SPEC.symbol)
    request = GridRequest(
        instrument=rules_of(SPEC).instrument, levels=24, spacing_percent=Decimal("0.02"), capital=Decimal(100_000)
    )
    balances = {"USDT": Decimal(200_000)}
    scenario = Scenario.of(request, trades.candles(), rules_of(SPEC), balances=balances, fees=Fees(0, 0), fill=fill)
    result = replay_trades([trades], scenario).result()
    lived = live_through(trades.candles(), scenario, SPEC, trade_prints(trades, scenario, SPEC))
    assert list(map(tuple, result.fills.rows.tolist())) == lived.rows
    assert result.books.equity_change == lived.marked.equity_change
    assert result.books.cycles > 5
