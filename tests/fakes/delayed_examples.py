"""Seeded markets and grids whose orders travel, and what has to be equal between a replay of them and the live code.

GRIDHIVE_MORE_EXAMPLES=20 tries twenty times as many cases, drawn anew each time.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from os import environ
from random import Random

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backtest.candles import Candles
from backtest.result import RanBy, Result
from backtest.scenario import Delays, Fees, FillAssumption, FillKind, Scenario
from backtest.trade_slices import TradeSlice
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.grids import GridRequest, Profit, Spacing
from domain.instrument import Market
from domain.money import exact
from fakes.delayed_replay import Happened
from fakes.live_replay import Lived
from fakes.replay_examples import MINUTE_MS, bnb_walk
from simulator.core.symbols import UNIT, SymbolSpec

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
        quantity_growth_percent=[None, None, Decimal(7)][levels % 3],
    )
    if levels % 2:
        request = replace(request, profit=Profit.REINVEST)
    if levels % 5 == 3:
        lower = Decimal(start) / UNIT * (1 - Decimal(step_percent) * (levels // 2) / 100)
        unlike = {
            "spacing": Spacing.GEOMETRIC,
            "start_empty": False,
            "quantity_growth_percent": None,
            "profit": Profit.RELEASE,
        }
        request = replace(request, infinity=True, lower=lower, **unlike)
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
