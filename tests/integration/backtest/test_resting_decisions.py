"""Grids of which not all orders rest, or none may take: the replay against the live grid, with and without delays."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from backtest.portfolio.replay import check_scenarios
from backtest.price_path import PricePath
from backtest.result import RanBy
from backtest.run import run_on
from backtest.scenario import Delays, PathRule, Scenario
from backtest.trade_replay import replay_trades
from domain.errors import InvalidRequest
from fakes.delayed_examples import (
    SPEC,
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
from fakes.live_replay import trade_prints
from fakes.replay_examples import scenario as generated
from fakes.replay_examples import walk

pytestmark = pytest.mark.no_cover  # the same lines thousands of times


def featured(plain: Scenario, random: Random) -> Scenario:
    """Return the scenario with orders that do not all rest, or never take, half of the time without delays."""
    resting, post_only = random.choice([(1, False), (2, False), (3, False), (None, True), (None, True), (2, True)])
    request = replace(plain.plan.request, resting_levels=resting, post_only=post_only)
    wanted = replace(plain, plan=replace(plain.plan, request=request))
    return replace(wanted, delays=Delays()) if random.random() < 0.5 else wanted


def over_trades(random: Random) -> Counter[str]:
    percent = random.choice(["0.1", "0.4", "1"])
    start, step = start_and_step(random, percent)
    trades = trades_about(random, random.choice([3, 40, 160]), start, step, SPEC)
    scenario = featured(scenario_about(random, start, percent, trades.candles()), random)
    spec = replace(SPEC, max_orders=scenario.rules.max_open_orders)
    plain = replay_trades([trades], scenario, form=RanBy.PLAIN).result()
    lived, happened = live_through_delays(trades.candles(), scenario, spec, trade_prints(trades, scenario, spec))
    assert_same(plain, lived, happened, scenario)
    assert_alike(plain, replay_trades([trades], scenario).result())
    return told(plain, happened)


def over_candles(random: Random) -> Counter[str]:
    percent = random.choice(["0.4", "1"])
    start, step = start_and_step(random, percent)
    interval_ms = random.choice([1_000, 10_000, 60_000])
    candles = candles_about(random, random.choice([2, 10, 40]), start, 3 * step, SPEC, interval_ms)
    scenario = featured(scenario_about(random, start, percent, candles), random)
    scenario = replace(scenario, path=random.choice(list(PathRule)))
    spec = replace(SPEC, max_orders=scenario.rules.max_open_orders)
    path = PricePath.of(candles, scenario)
    plain = run_on(path, scenario, curve=True, form=RanBy.PLAIN)
    lived, happened = live_through_delays(candles, scenario, spec)
    assert_same(plain, lived, happened, scenario)
    assert_alike(plain, run_on(path, scenario, curve=True))
    return told(plain, happened)


def test_orders_that_wait_for_their_turn_do_over_trades_what_they_do_live():
    seen = hold(60, over_trades)
    assert min(seen[name] for name in ("refused", "took", "too late", "above the limit", "unpaid")) > 0, seen


def test_orders_that_wait_for_their_turn_do_over_candles_what_they_do_live():
    seen = hold(30, over_candles)
    assert min(seen[name] for name in ("refused", "took")) > 0, seen


@pytest.mark.parametrize(("field", "value"), [("resting_levels", 2), ("post_only", True)])
def test_portfolios_refuse_it_by_name(field: str, value: object):
    market = walk(1, 20)
    wanted = generated(market)
    plan = replace(wanted.plan, request=replace(wanted.plan.request, **{field: value}))
    with pytest.raises(InvalidRequest, match=f"{field}: is replayed for one grid at a time"):
        check_scenarios([replace(wanted, plan=plan)])
