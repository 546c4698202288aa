"""Replays in which orders travel against the live grid behind a delay line: the same to the last digit."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from os import environ
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backtest.candles import Candles
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.run import run_on
from backtest.scenario import Delays, Fees, FillAssumption, FillKind, PathRule, Scenario
from backtest.trade_replay import replay_trades
from backtest.trade_slices import TradeSlice
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.grids import GridRequest, Spacing
from domain.instrument import Market
from domain.money import exact
from fakes.delayed_replay import Happened, live_through_delays
from fakes.live_replay import Lived, recorded_trades, trade_prints
from fakes.replay_examples import scenario as generated
from fakes.replay_examples import walk
from simulator.core.symbols import UNIT, SymbolSpec

STREAM = Path(environ.get("GRIDHIVE_TEST_DATA", "")) / "stream" / "ws_spot_BTCUSDT_20240808.jsonl.gz"
RECORDED = [
    (200, "bcd2ed534adb2f5d48cee9c7bef4e1a567bc9c6ce20e8687e8abd4b223cc425c"),
    (1_000, "80639d01060bebf90b265f935625c77e297378c55a478b9366009634c8fe7448"),
]
FACTOR = int(environ.get("GRIDHIVE_MORE_EXAMPLES", "1"))
START_MS = 1_722_729_600_000
LATENCIES = st.sampled_from([1, 3, 20, 150, 900, 2_500, 7_000])
RATES = st.sampled_from([2, 5])
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


def trades_about(seed: int, count: int, start: int, step: int, spec: SymbolSpec) -> TradeSlice:
    """Return trades that cross rungs while orders travel: times apart as latencies are, moves of about a step."""
    random, price, time_ms, rows = Random(seed), start, START_MS, []
    for _ in range(count):
        rows.append((time_ms, price, random.choice([1, 7, 400, 30_000]) * random.randint(1, 90) * spec.lot))
        time_ms += random.choice([0, 0, 1, 2, 8, 30, 200, 700, 1_000, 3_000, 25_000])
        move = random.choice([0, 1, -1, step, -step, 2 * step, -3 * step, random.randint(-step, step)])
        price = max(price + (start - price) // spec.tick // 10 * spec.tick + move // spec.tick * spec.tick, spec.tick)
    time_column, prices, quantities = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return TradeSlice(symbol=spec.symbol, market=Market.SPOT, time_ms=time_column, price=prices, quantity=quantities)


def candles_about(seed: int, count: int, start: int, step: int, spec: SymbolSpec, interval_ms: int) -> Candles:
    """Return candles of moves of about a step, the first of them maybe away from `start`."""
    random, price, rows = Random(seed), start + random_shift(seed, step), []
    for _ in range(count):
        last = price + random.randint(-2 * step, 2 * step) + (start - price) // 8
        high, low = max(price, last) + random.randint(0, step), min(price, last) - random.randint(0, step)
        rows.append([max(value, spec.tick) // spec.tick * spec.tick for value in (price, high, low, last)])
        price = last + random.choice([0, 0, step, -step])
    table = np.array(rows, dtype=np.int64).T.copy()
    return Candles(
        symbol=spec.symbol,
        market=Market.SPOT,
        interval_ms=interval_ms,
        open_ms=START_MS + interval_ms * np.arange(count, dtype=np.int64),
        open=table[0],
        high=np.maximum(table[1], np.maximum(table[0], table[3])),
        low=np.minimum(table[2], np.minimum(table[0], table[3])),
        close=table[3],
        volume=np.array([random.randint(0, 400) for _ in rows], dtype=np.float64),
    )


def random_shift(seed: int, step: int) -> int:
    return Random(seed).choice([0, 0, -step, step])


@st.composite
def scenarios(draw: st.DrawFn, start: int, step_percent: str, market: Candles, kind: FillKind) -> Scenario:
    """A grid planned at `start`, with delays, fees and an account that may be too small."""
    request = GridRequest(
        instrument=rules_of(SPEC).instrument,
        levels=draw(st.integers(2, 10)),
        spacing_percent=Decimal(step_percent),
        spacing=draw(st.sampled_from(Spacing)),
        capital=Decimal(draw(st.integers(100, 5_000))),
        start_empty=draw(st.booleans()),
    )
    fees = Fees(
        draw(st.sampled_from([0, 0, 200])),
        draw(st.sampled_from([0, 400, 1_000])),
        draw(st.sampled_from([None, None, Decimal("612.37")])),
    )
    planned_at = replace(
        market,
        open=np.concatenate(([start], market.open[1:])),
        high=np.maximum(market.high, start),
        low=np.minimum(market.low, start),
    )
    rules = replace(rules_of(SPEC), max_open_orders=draw(st.sampled_from([200, 200, request.levels - 1])))
    try:
        scenario = Scenario.of(
            request,
            planned_at,
            rules,
            balances={"USDT": Decimal(20_000), "BNB": Decimal(draw(st.sampled_from(["0", "0.001", "5"])))},
            fees=fees,
            fill=FillAssumption(kind, draw(st.sampled_from([50_000, 1_000_000]))),
            delays=draw(
                st.one_of(st.just(Delays(0, 3)), st.builds(Delays, LATENCIES, RATES), st.builds(Delays, LATENCIES))
            ),
        )
    except InvalidRequest:
        assume(False)
    if draw(st.integers(0, 4)) == 0:
        little = round(scenario.plan.capital_needed * draw(st.sampled_from([6, 10])) / 10, 8)
        scenario = replace(scenario, balances={**scenario.balances, "USDT": little})
    return scenario


@exact
def assert_same(result: Result, lived: Lived, happened: Happened, scenario: Scenario) -> None:
    assert list(map(tuple, result.fills.rows.tolist())) == lived.rows
    books, marked = result.books, lived.marked
    for name in (
        "equity_change",
        "grid_profit",
        "fees",
        "fees_by_asset",
        "inventory_cost",
        "base_held",
        "cash_flow",
        "buys",
        "sells",
        "residual",
    ):
        assert getattr(books, name) == getattr(marked, name), name
    assert (books.cycles, books.dust) == (lived.books.cycles, lived.books.dust)
    assert lived.balances["USDT"] == scenario.balances["USDT"] + books.cash_flow
    assert lived.balances.get("TST", Decimal(0)) == books.base_held
    assert result.post_only_refusals == happened.post_only_refusals
    assert result.late_cancels == happened.late_cancels


def assert_alike(plain: Result, compiled: Result) -> None:
    assert (plain.ran_by, compiled.ran_by) == (RanBy.PLAIN, RanBy.COMPILED)
    assert plain.trades_hash == compiled.trades_hash
    assert plain.curve is not None
    assert compiled.curve is not None
    assert plain.curve.change.tolist() == compiled.curve.change.tolist()
    names = ("books", "drawdown", "candles_in_range", "unpaid_orders", "faulted_slots", "is_entered")
    for name in (*names, "post_only_refusals", "late_cancels", "rate_waits"):
        assert getattr(plain, name) == getattr(compiled, name)


def hold(examples: int, body: Callable[[st.DataObject], Counter[str]]) -> Counter[str]:
    """Run a property and return what came about over all examples."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=examples * FACTOR,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=FACTOR == 1,
    )
    @given(data=st.data())
    def each(data: st.DataObject) -> None:
        seen.update(body(data))

    each()
    return seen


def test_over_trades_orders_arrive_late_and_are_refused_as_live():
    def one(data: st.DataObject) -> Counter[str]:
        start = data.draw(st.integers(400, 90_000)) * SPEC.tick
        percent = data.draw(st.sampled_from(["0.1", "0.4", "1"]))
        step = max(start * int(Decimal(percent) * 10) // 1_000 // SPEC.tick, 1) * SPEC.tick
        seed, count = data.draw(st.integers(0, 2**32)), data.draw(st.integers(2, 160))
        trades = trades_about(seed, count, start, step, SPEC)
        kind = data.draw(st.sampled_from(FillKind))
        scenario = data.draw(scenarios(start, percent, trades.candles(), kind))
        spec = replace(SPEC, max_orders=scenario.rules.max_open_orders)
        compiled = replay_trades([trades], scenario).result()
        lived, happened = live_through_delays(trades.candles(), scenario, spec, trade_prints(trades, scenario, spec))
        assert_same(compiled, lived, happened, scenario)
        assert_alike(replay_trades([trades], scenario, form=RanBy.PLAIN).result(), compiled)
        return told(compiled, happened)

    seen = hold(250, one)
    assert min(seen[name] for name in ("refused", "too late", "took", "waited", "unpaid", "other refusals")) > 0, seen


def test_over_candles_orders_arrive_late_and_are_refused_as_live():
    def one(data: st.DataObject) -> Counter[str]:
        start = data.draw(st.integers(400, 90_000)) * SPEC.tick
        percent = data.draw(st.sampled_from(["0.4", "1"]))
        step = max(start * int(Decimal(percent) * 10) // 1_000 // SPEC.tick, 1) * SPEC.tick
        interval_ms = data.draw(st.sampled_from([1_000, 1_000, 10_000, 60_000]))
        seed, count = data.draw(st.integers(0, 2**32)), data.draw(st.integers(2, 25))
        candles = candles_about(seed, count, start, step, SPEC, interval_ms)
        scenario = data.draw(scenarios(start, percent, candles, data.draw(st.sampled_from(FillKind))))
        scenario = replace(scenario, path=data.draw(st.sampled_from(PathRule)))
        spec = replace(SPEC, max_orders=scenario.rules.max_open_orders)
        path = PricePath.of(candles, scenario)
        compiled = run_on(path, scenario, curve=True)
        lived, happened = live_through_delays(candles, scenario, spec)
        assert_same(compiled, lived, happened, scenario)
        assert_alike(run_on(path, scenario, curve=True, form=RanBy.PLAIN), compiled)
        return told(compiled, happened)

    seen = hold(100, one)
    assert min(seen[name] for name in ("refused", "took", "waited")) > 0, seen


def told(result: Result, happened: Happened) -> Counter[str]:
    return Counter(
        {
            "refused": happened.post_only_refusals,
            "too late": happened.late_cancels,
            "other refusals": happened.other_refusals,
            "took": happened.takes,
            "waited": result.rate_waits,
            "unpaid": result.unpaid_orders,
            "fills": len(result.fills),
            "examples": 1,
        }
    )


@pytest.mark.skipif(
    not STREAM.is_file(),
    reason="GRIDHIVE_TEST_DATA names no folder with stream/ws_spot_BTCUSDT_20240808.jsonl.gz; set it to replay trades",
)
@pytest.mark.parametrize(("latency_ms", "digest"), RECORDED)
def test_recorded_trades_refuse_and_fill_what_they_do_live(latency_ms: int, digest: str):
    trades = recorded_trades(STREAM, SPEC.symbol)
    request = GridRequest(
        instrument=rules_of(SPEC).instrument, levels=60, spacing_percent=Decimal("0.005"), capital=Decimal(100_000)
    )
    scenario = Scenario.of(
        request,
        trades.candles(),
        rules_of(SPEC),
        balances={"USDT": Decimal(200_000), "BNB": Decimal(0)},
        fees=Fees(0, 0),
        delays=Delays(latency_ms),
    )
    result = replay_trades([trades], scenario).result()
    assert_same(
        result, *live_through_delays(trades.candles(), scenario, SPEC, trade_prints(trades, scenario, SPEC)), scenario
    )
    assert min(result.post_only_refusals, result.late_cancels) > 0
    assert result.trades_hash == digest


def test_a_generated_market_gives_the_same_late_fills_on_every_machine():
    market = walk(2024, 5_000, step=60)
    wanted = generated(market, spacing_percent=Decimal("0.3"), delays=Delays(latency_ms=40_000, orders_per_10s=3))
    result = run_on(PricePath.of(market, wanted), wanted)
    assert result.books.trades > 300
    assert min(result.post_only_refusals, result.rate_waits) > 0
    assert result.trades_hash == "3fb593a2eab370407138e8072d0a30b686e04d95c1fd77ad0a325b41244927fb"
