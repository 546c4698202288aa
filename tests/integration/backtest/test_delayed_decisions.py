"""Replays in which orders travel against the live grid behind a delay line: the same to the last digit.

GRIDHIVE_MORE_EXAMPLES=20 tries twenty times as many cases, drawn anew each time.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from os import environ
from pathlib import Path
from random import Random

import numpy as np
import pytest

from backtest.price_path import PricePath
from backtest.result import RanBy
from backtest.run import run_on
from backtest.scenario import Delays, Fees, FillAssumption, FillKind, PathRule, Scenario
from backtest.trade_replay import replay_trades
from backtest.trade_slices import TradeSlice
from chaos.translate import rules_of
from domain.grids import GridRequest, Spacing
from domain.instrument import Market
from fakes.delayed_examples import (
    SPEC,
    START_MS,
    assert_alike,
    assert_same,
    candles_about,
    hold,
    scenario_about,
    start_and_step,
    told,
    trades_about,
)
from fakes.delayed_replay import live_through_delays
from fakes.live_replay import recorded_trades, trade_prints
from fakes.replay_examples import scenario as generated
from fakes.replay_examples import walk

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

STREAM = Path(environ.get("GRIDHIVE_TEST_DATA", "")) / "stream" / "ws_spot_BTCUSDT_20240808.jsonl.gz"
RECORDED = [
    (200, "bcd2ed534adb2f5d48cee9c7bef4e1a567bc9c6ce20e8687e8abd4b223cc425c"),
    (1_000, "80639d01060bebf90b265f935625c77e297378c55a478b9366009634c8fe7448"),
]


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
