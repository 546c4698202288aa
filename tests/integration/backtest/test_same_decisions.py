"""The compiled replay against the live grid: same fills, same money, to the last digit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backtest.candles import Candles
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.run import run_on
from backtest.scenario import Fees, FillAssumption, FillKind, PathRule, Scenario
from chaos.translate import rules_of
from domain.errors import InvalidRequest
from domain.grids import GridRequest, Profit, Spacing
from domain.instrument import Market
from domain.money import exact, from_units
from fakes.live_replay import Lived, live_through
from fakes.replay_examples import bnb_walk
from simulator.core.symbols import UNIT, SymbolSpec

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

START_MS = 1_722_729_600_000
MINUTE_MS = 60_000
BNB_CENTS = st.sampled_from([1_500, 61_237])


@st.composite
def specs(draw: st.DrawFn) -> SymbolSpec:
    tick, lot = draw(
        st.sampled_from(
            [
                (UNIT // 100, 1_000),  # like BTC
                (UNIT // 100, UNIT // 1_000),  # like SOL
                (UNIT // 10_000, UNIT // 10),
                (1_000, UNIT),  # like DOGE
                (5 * UNIT // 100, 25_000),
            ]
        )
    )
    return SymbolSpec(
        symbol="TSTUSDT",
        base="TST",
        quote="USDT",
        tick=tick,
        lot=lot,
        min_qty=lot,
        min_notional=draw(st.sampled_from([1, 5])) * UNIT,
        max_orders=200,
    )


@st.composite
def candles_near(draw: st.DrawFn, start: int, tick: int, step: int) -> Candles:
    """Candles whose moves are of the size of a step between rungs; closes and next opens may gap."""
    rows = []
    price = start
    moves = st.integers(-2 * step, 2 * step)
    for _ in range(draw(st.integers(5, 40))):
        first = max(price + draw(st.sampled_from([0, 0, 0, step, -step])), tick)
        last = max(first + draw(moves), tick)
        high = max(first, last) + draw(st.integers(0, step))
        low = max(min(first, last) - draw(st.integers(0, step)), tick)
        rows.append([value // tick * tick for value in (first, high, low, last)])
        price = last
    rows[0][0] = start
    rows[0][1], rows[0][2] = max(rows[0][1], start), min(rows[0][2], start)
    columns = np.array(rows, dtype=np.int64).T.copy()
    volume = np.array(draw(st.lists(st.integers(0, 400), min_size=len(rows), max_size=len(rows))), dtype=np.float64)
    return Candles(
        symbol="TSTUSDT",
        market=Market.SPOT,
        interval_ms=MINUTE_MS,
        open_ms=START_MS + MINUTE_MS * np.arange(len(rows), dtype=np.int64),
        open=columns[0],
        high=columns[1],
        low=columns[2],
        close=columns[3],
        volume=volume * draw(st.sampled_from([0.01, 1.0])),
    )


@st.composite
def cases(draw: st.DrawFn, kind: FillKind) -> tuple[Candles, Scenario, SymbolSpec]:
    spec = draw(specs())
    start = draw(st.integers(400, 90_000)) * spec.tick
    spacing = draw(st.sampled_from(["0.4", "1", "2.5"]))
    step = max(start * int(Decimal(spacing) * 10) // 1_000 // spec.tick, 1) * spec.tick
    candles = draw(candles_near(start, spec.tick, step))
    fees = Fees(
        maker_ppm=draw(st.sampled_from([0, 200, 750, 1_000])),
        taker_ppm=draw(st.sampled_from([0, 1_000, 1_750])),
    )
    bnb = draw(st.sampled_from(["none", "constant", "market"]))
    if bnb == "market":
        fees = replace(fees, bnb_market=bnb_walk(draw(st.integers(0, 999)), candles, start=draw(BNB_CENTS)))
    elif bnb == "constant":
        fees = replace(fees, bnb_price=Decimal("612.37"))
    request = GridRequest(
        instrument=rules_of(spec).instrument,
        levels=draw(st.integers(2, 12)),
        spacing_percent=Decimal(spacing),
        spacing=draw(st.sampled_from(Spacing)),
        capital=Decimal(draw(st.integers(100, 5_000))),
        start_empty=draw(st.booleans()),
        quantity_growth_percent=draw(st.sampled_from([None, None, Decimal(7), Decimal("33.3")])),
    )
    request = replace(request, profit=draw(st.sampled_from([Profit.RELEASE, Profit.REINVEST])))
    if draw(st.integers(0, 4)) == 0:
        lower = from_units(start) * (1 - Decimal(spacing) * (request.levels // 2) / 100)
        unlike = {
            "spacing": Spacing.GEOMETRIC,
            "start_empty": False,
            "quantity_growth_percent": None,
            "profit": Profit.RELEASE,
        }
        request = replace(request, infinity=True, lower=lower, **unlike)
    # What sales bring less than purchases took while dust gathers, the account has to spare.
    balances = {"USDT": Decimal(20_000), "BNB": Decimal(draw(st.sampled_from(["0", "0.002", "5"])))}
    if draw(st.booleans()):
        balances["TST"] = Decimal("1.00000007")
    try:
        scenario = Scenario.of(
            request,
            candles,
            rules_of(spec),
            balances=balances,
            fees=fees,
            fill=FillAssumption(kind, draw(st.sampled_from([50_000, 1_000_000]))),
            path=draw(st.sampled_from(PathRule)),
        )
    except InvalidRequest:
        assume(False)
    limit = draw(st.sampled_from([None, None, 50, 90, 100, 104]))
    if limit is not None:
        scenario = replace(scenario, max_exposure=round(scenario.plan.capital_needed * limit / 100, 8))
    # Passing two rungs before the start makes the live grid's cancel of the second meet a fill, after which that rung
    # waits for the minute: core.prints.activate does not replay this wait.
    passed = scenario.plan.prices[max(scenario.plan.gap - 2, 0)] * UNIT
    by = draw(st.sampled_from([0, 0, 0, -step, step, 3 * step]))
    assume(by >= 0 or start + by > passed)
    return opening_elsewhere(candles, by), scenario, spec


def opening_elsewhere(candles: Candles, by: int) -> Candles:
    """Shift the first open by whole ticks: the market moved between planning and starting."""
    first, high, low = candles.open.copy(), candles.high.copy(), candles.low.copy()
    if first[0] + by > 0:
        first[0] += by
    high[0], low[0] = max(high[0], first[0]), min(low[0], first[0])
    return replace(candles, open=first, high=high, low=low)


@exact
def assert_same(result: Result, lived: Lived, scenario: Scenario, last: Decimal) -> None:
    assert list(map(tuple, result.fills.rows.tolist())) == lived.rows
    books = result.books
    changed: dict[str, Any] = {name: getattr(lived.books, name) for name in ("cycles", "dust")}
    hold = scenario.plan.entry_quantity * (last - scenario.plan.start_price)
    changed |= {"hold_change": hold, "versus_hold": books.equity_change - hold}
    assert books == replace(lived.marked, **changed)
    assert books.residual == 0
    assert not result.is_entered or books.base_held >= scenario.plan.reserve_quantity
    start = scenario.balances
    assert lived.balances["USDT"] == start["USDT"] + books.cash_flow
    assert lived.balances.get("TST", Decimal(0)) == start.get("TST", Decimal(0)) + books.base_held
    assert lived.balances.get("BNB", Decimal(0)) == start["BNB"] - books.fees_by_asset.get("BNB", Decimal(0))
    bnb = books.fees_by_asset.get("BNB", Decimal(0)) * books.fee_prices.get("BNB", 0)
    assert result.end_equity == lived.balances["USDT"] + lived.balances.get("TST", Decimal(0)) * last - bnb


def assert_alike(plain: Result, compiled: Result) -> None:
    assert (plain.ran_by, compiled.ran_by) == (RanBy.PLAIN, RanBy.COMPILED)
    assert plain.trades_hash == compiled.trades_hash
    assert plain.curve is not None
    assert compiled.curve is not None
    assert plain.curve.change.tolist() == compiled.curve.change.tolist()
    assert plain.curve.base.tolist() == compiled.curve.base.tolist()
    for name in (
        "books",
        "drawdown",
        "candles_in_range",
        "unpaid_orders",
        "faulted_slots",
        "is_entered",
        "over_limit_orders",
    ):
        assert getattr(plain, name) == getattr(compiled, name)


@pytest.mark.timeout(900)  # of a machine with other work; alone each takes some ten seconds
@pytest.mark.parametrize(("kind", "examples"), [(FillKind.TOUCH, 700), (FillKind.SHARE, 900), (FillKind.THROUGH, 400)])
def test_the_compiled_replay_does_what_the_live_grid_does(kind: FillKind, examples: int):
    held_back = []

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(case=cases(kind))
    def hold(case: tuple[Candles, Scenario, SymbolSpec]) -> None:
        candles, scenario, spec = case
        path = PricePath.of(candles, scenario)
        compiled = run_on(path, scenario, curve=True)
        assert_same(compiled, live_through(candles, scenario, spec), scenario, from_units(int(candles.close[-1])))
        assert_alike(run_on(path, scenario, curve=True, form=RanBy.PLAIN), compiled)
        held_back.append(compiled.is_entered and compiled.over_limit_orders > 0)

    hold()
    assert sum(held_back) >= examples // 20
