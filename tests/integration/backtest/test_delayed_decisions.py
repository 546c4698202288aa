"""Replays in which orders travel against the live grid behind a delay line: the same to the last digit.

GRIDHIVE_MORE_EXAMPLES=20 tries twenty times as many cases, drawn anew each time.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
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
from fakes.replay_examples import MINUTE_MS, bnb_walk, walk
from fakes.replay_examples import scenario as generated
from simulator.core.symbols import UNIT, SymbolSpec

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

STREAM = Path(environ.get("GRIDHIVE_TEST_DATA", "")) / "stream" / "ws_spot_BTCUSDT_20240808.jsonl.gz"
RECORDED = [
    (200, "bcd2ed534adb2f5d48cee9c7bef4e1a567bc9c6ce20e8687e8abd4b223cc425c"),
    (1_000, "80639d01060bebf90b265f935625c77e297378c55a478b9366009634c8fe7448"),
]
FACTOR = int(environ.get("GRIDHIVE_MORE_EXAMPLES", "1"))
START_MS = 1_722_729_600_000
LATENCIES = [1, 3, 20, 150, 900, 2_500, 7_000]
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


def trades_about(random: Random, count: int, start: int, step: int, spec: SymbolSpec) -> TradeSlice:
    """Return trades that cross rungs while orders travel.

    They come as far apart as latencies are, or much closer, so that many of them meet orders under way; their moves are
    of about a step, some of them to the rung of an evenly spaced ladder, and their sizes below and above an order's.
    """
    price, time_ms, rows = start, START_MS, []
    apart = random.choice([[0, 0, 1, 2, 8, 30, 200, 700, 1_000, 3_000, 25_000], [0, 1, 3, 7, 20, 60], [5, 100, 400]])
    for _ in range(count):
        rows.append((time_ms, price, random.choice([1, 7, 400, 30_000]) * random.randint(1, 90) * spec.lot))
        time_ms += random.choice(apart)
        move = random.choice([0, 1, -1, step, -step, 2 * step, -3 * step, random.randint(-step, step)])
        price += (start - price) // spec.tick // 10 * spec.tick + move // spec.tick * spec.tick
        if random.random() < 0.5:
            price = start + round((price - start) / step) * step
        price = max(price, spec.tick)
    time_column, prices, quantities = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    return TradeSlice(symbol=spec.symbol, market=Market.SPOT, time_ms=time_column, price=prices, quantity=quantities)


def candles_about(random: Random, count: int, start: int, step: int, spec: SymbolSpec, interval_ms: int) -> Candles:
    """Return candles of moves of about a step, the first of them maybe away from `start`."""
    price, rows = start + random.choice([0, 0, -step, step]), []
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


def scenario_about(random: Random, start: int, step_percent: str, market: Candles) -> Scenario:
    """Return a grid planned at `start`, with delays and fees, its account sometimes too small.

    Raises:
        InvalidRequest: for a grid that cannot be.
    """
    levels = random.randint(2, 10)
    request = GridRequest(
        instrument=rules_of(SPEC).instrument,
        levels=levels,
        spacing_percent=Decimal(step_percent),
        spacing=random.choice(list(Spacing)),
        capital=Decimal(random.randint(100, 5_000)),
        start_empty=random.random() < 0.3,
    )
    planned_at = replace(
        market,
        open=np.concatenate(([start], market.open[1:])),
        high=np.maximum(market.high, start),
        low=np.minimum(market.low, start),
    )
    scenario = Scenario.of(
        request,
        planned_at,
        rules_of(SPEC),
        balances={"USDT": Decimal(20_000), "BNB": Decimal(random.choice(["0", "0.001", "5"]))},
        fees=fees_about(random, market),
        fill=FillAssumption(random.choice(list(FillKind)), random.choice([50_000, 1_000_000])),
        delays=Delays(random.choice(LATENCIES), random.choice([0, 0, 2, 5])) if random.random() < 0.9 else Delays(0, 3),
    )
    if random.random() < 0.1:  # the exchange allows fewer than when the plan was made
        fewer = replace(scenario.rules, max_open_orders=max(levels - 1 - random.randint(1, 3), 1))
        scenario = replace(scenario, rules=fewer)
    if random.random() < 0.2:
        little = round(scenario.plan.capital_needed * random.choice([6, 10]) / 10, 8)
        scenario = replace(scenario, balances={**scenario.balances, "USDT": little})
    if random.random() < 0.4:
        limit = round(scenario.plan.capital_needed * random.choice([50, 90, 100, 104]) / 100, 8)
        scenario = replace(scenario, max_exposure=limit)
    return scenario


def fees_about(random: Random, market: Candles) -> Fees:
    fees = Fees(random.choice([0, 0, 200]), random.choice([0, 400, 1_000]))
    if market.interval_ms == MINUTE_MS and random.random() < 0.4:
        return replace(fees, bnb_market=bnb_walk(random.randint(0, 999), market))
    return replace(fees, bnb_price=random.choice([None, Decimal("612.37")]))


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
    for name in (*names, "post_only_refusals", "late_cancels", "rate_waits", "over_limit_orders"):
        assert getattr(plain, name) == getattr(compiled, name)


def hold(examples: int, body: Callable[[Random], Counter[str]]) -> Counter[str]:
    """Run a property on seeded cases and return what came about over all of them."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=examples * FACTOR,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=FACTOR == 1,
    )
    @given(seed=st.integers(0, 2**64))
    def each(seed: int) -> None:
        try:
            seen.update(body(Random(seed)))
        except InvalidRequest:
            assume(False)

    each()
    return seen


def start_and_step(random: Random, percent: str) -> tuple[int, int]:
    start = random.randint(2_000, 90_000) * SPEC.tick
    return start, max(start * int(Decimal(percent) * 10) // 1_000 // SPEC.tick, 1) * SPEC.tick


def test_over_trades_orders_arrive_late_and_are_refused_as_live():
    def one(random: Random) -> Counter[str]:
        percent = random.choice(["0.1", "0.4", "1"])
        start, step = start_and_step(random, percent)
        trades = trades_about(random, random.choice([3, 40, 160]), start, step, SPEC)
        scenario = scenario_about(random, start, percent, trades.candles())
        spec = replace(SPEC, max_orders=scenario.rules.max_open_orders)
        plain = replay_trades([trades], scenario, form=RanBy.PLAIN).result()
        lived, happened = live_through_delays(trades.candles(), scenario, spec, trade_prints(trades, scenario, spec))
        assert_same(plain, lived, happened, scenario)
        assert_alike(plain, replay_trades([trades], scenario).result())
        return told(plain, happened)

    seen = hold(300, one)
    wanted = ("refused", "too late", "took", "waited", "unpaid", "other refusals", "above the limit")
    assert min(seen[name] for name in wanted) >= 5, seen


def test_over_candles_orders_arrive_late_and_are_refused_as_live():
    def one(random: Random) -> Counter[str]:
        percent = random.choice(["0.4", "1"])
        start, step = start_and_step(random, percent)
        interval_ms = random.choice([1_000, 1_000, 10_000, 60_000])
        candles = candles_about(random, random.choice([2, 10, 40]), start, step, SPEC, interval_ms)
        scenario = replace(scenario_about(random, start, percent, candles), path=random.choice(list(PathRule)))
        spec = replace(SPEC, max_orders=scenario.rules.max_open_orders)
        path = PricePath.of(candles, scenario)
        plain = run_on(path, scenario, curve=True, form=RanBy.PLAIN)
        lived, happened = live_through_delays(candles, scenario, spec)
        assert_same(plain, lived, happened, scenario)
        assert_alike(plain, run_on(path, scenario, curve=True))
        return told(plain, happened)

    seen = hold(80, one)
    assert min(seen[name] for name in ("refused", "took", "waited", "too late")) > 0, seen


def told(result: Result, happened: Happened) -> Counter[str]:
    return Counter(
        {
            "refused": happened.post_only_refusals,
            "too late": happened.late_cancels,
            "other refusals": happened.other_refusals,
            "took": happened.takes,
            "waited": result.rate_waits,
            "unpaid": result.unpaid_orders,
            "above the limit": result.over_limit_orders * result.is_entered,
            "fills": len(result.fills),
            "examples": 1,
        }
    )


@dataclass(frozen=True)
class Course:
    """Prints at (ms from the start, price in cents) about rungs of 50 cents, and what is to come of them."""

    levels: int
    latency_ms: int
    kind: FillKind
    prints: list[tuple[int, int]]
    fills: list[tuple[int, int]]  # ms from the start, price in cents; but for the first purchase
    refusals: int
    late_cancels: int = 0
    capital: int = 1_000
    sizes: list[int] = field(default_factory=list)  # of the prints, in 1e-8; empty: enough for all


COURSES = {
    "post-only is refused by an order of the account's own": Course(
        levels=3,
        latency_ms=1_000,
        kind=FillKind.TOUCH,
        # The upper cell sells and buys back, the lower one buys before that arrives and would sell at the same rung.
        prints=[(0, 10_000), (3_000, 10_050), (3_400, 9_940), (3_800, 10_000), (6_000, 10_000)],
        fills=[(3_000, 10_050), (3_400, 9_950), (6_000, 10_000)],
        refusals=1,
    ),
    "a taker would meet an order of the account's own, which ends": Course(
        levels=5,
        latency_ms=1_000,
        kind=FillKind.THROUGH,
        # It may go again with the timer of the same moment: what prints at 5,500 does not meet it.
        prints=[(0, 10_000), (3_000, 9_940), (3_500, 10_120), (4_700, 10_050), (5_500, 10_040), (9_000, 10_040)],
        fills=[(3_000, 9_950), (3_500, 10_050), (3_500, 10_100), (5_000, 10_050), (7_000, 10_040)],
        refusals=2,
    ),
    "a rest too small to be an order fills after all, so that the sale is placed anew": Course(
        levels=3,
        latency_ms=1_000,
        kind=FillKind.TOUCH,
        capital=60,
        prints=[(0, 10_000), (3_000, 9_950), (3_500, 9_940), (7_000, 10_000)],
        sizes=[10**12, 26_000_000, 10**12, 10**12],
        fills=[(3_000, 9_950), (3_500, 9_950), (7_000, 10_000)],
        refusals=0,
        late_cancels=1,
    ),
    "a cancel comes too late, so that its slot waits for the timer": Course(
        levels=3,
        latency_ms=100,
        kind=FillKind.TOUCH,
        prints=[
            (0, 10_000),
            (1_000, 10_050),
            (1_040, 9_940),
            (1_080, 10_010),
            (1_150, 10_000),  # fills the purchase that is not wanted any more
            (1_300, 10_060),
            (1_500, 9_990),  # meets no purchase at 100, for it may not go before 2,000
            (3_000, 9_990),
        ],
        fills=[
            (1_000, 10_050),
            (1_040, 9_950),
            (1_150, 10_000),
            (1_300, 10_000),
            (1_300, 10_050),
            (2_200, 9_990),
        ],
        refusals=2,
        late_cancels=1,
    ),
}


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_a_rare_course_of_things_is_the_live_grids(course: Course):
    times, prices = (np.array(column, dtype=np.int64) for column in zip(*course.prints, strict=True))
    trades = TradeSlice(
        symbol=SPEC.symbol,
        market=Market.SPOT,
        time_ms=START_MS + times,
        price=prices * SPEC.tick,
        quantity=np.array(course.sizes or [10**12] * len(prices), dtype=np.int64),
    )
    request = GridRequest(
        instrument=rules_of(SPEC).instrument,
        levels=course.levels,
        spacing_percent=Decimal("0.5"),
        spacing=Spacing.ARITHMETIC,
        capital=Decimal(course.capital),
    )
    scenario = Scenario.of(
        request,
        trades.candles(),
        rules_of(SPEC),
        balances={"USDT": Decimal(2_000), "BNB": Decimal(0)},
        fill=FillAssumption(course.kind),
        delays=Delays(course.latency_ms),
    )
    result = replay_trades([trades], scenario).result()
    assert_same(
        result, *live_through_delays(trades.candles(), scenario, SPEC, trade_prints(trades, scenario, SPEC)), scenario
    )
    rows = result.fills.rows.tolist()[1:]
    assert [(time_ms - START_MS, price) for time_ms, _, _, price, *_ in rows] == course.fills
    assert (result.post_only_refusals, result.late_cancels) == (course.refusals, course.late_cancels)


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
