"""The limit of exposure in the replay against the live worker with the real risk gate: same fills, same money."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtest.portfolio.replay import replay_together
from fakes.live_replay import live_through
from fakes.portfolio_examples import Shape, portfolio
from fakes.replay_examples import walk
from simulator.core.symbols import UNIT, SymbolSpec

pytestmark = pytest.mark.no_cover  # the same lines thousands of times

SPEC = SymbolSpec(
    symbol="AAAUSDT",
    base="AAA",
    quote="USDT",
    tick=UNIT // 100,
    lot=UNIT // 1_000,
    min_qty=UNIT // 1_000,
    min_notional=5 * UNIT,
    max_orders=200,
)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(5, 13),
    st.booleans(),
    st.sampled_from([40, 150]),
    st.integers(50, 105),
)
def test_what_the_limit_holds_back_is_what_the_gate_refuses(seed, levels, start_empty, step, percent):
    (member,) = portfolio([Shape(levels=levels, start_empty=start_empty)], count=60)
    member = replace(member, candles=replace(walk(seed, 60, step=step), symbol="AAAUSDT"))
    limit = (member.scenario.plan.capital_needed * percent / 100).quantize(Decimal("0.01"))
    together = replay_together([member], max_exposure=limit)
    lived = live_through(member.candles, member.scenario, SPEC, max_exposure=limit)
    (result,) = together.results
    assert [tuple(row) for row in result.fills.rows.tolist()] == lived.rows
    assert lived.balances["USDT"] == together.start_quote + result.books.cash_flow
    assert (result.books.grid_profit, result.books.inventory_cost) == (
        lived.books.grid_profit,
        lived.books.inventory_cost,
    )
