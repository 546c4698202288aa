"""An edit of an isolated grid reckons with the price its position was entered at, not with today's."""

from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.edits import GridChanges
from domain.errors import InvalidRequest
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, GridPlan
from domain.orders import Role, Side
from fakes.contract_grid import contract_facts, planned
from grid.core.kept_position import traded
from grid.core.margin import Leg, liquidation_price, position_margin
from unit.grid.test_edits_of_a_ladder import Lived

ISOLATED = ContractTerms(leverage=2, margin_type=MarginType.ISOLATED, hedge_mode=False)
BRACKETS = contract_facts().brackets


def begun(direction: Direction = Direction.LONG, leverage: int = 2, **changes: object) -> GridPlan:
    terms = replace(ISOLATED, leverage=leverage)
    bounds = {"lower": Decimal(57_000), "upper": Decimal(61_000), "spacing_percent": None}
    return planned(direction, terms, capital=Decimal(2_000), levels=10, **bounds, **changes)


def run_to_end(grid: Lived, side: Side, until: Decimal | None = None) -> None:
    """Let the market fill all orders of a side, nearest first, up to a price."""
    while True:
        rungs = [order for order in grid.state.wanted() if order.slot.role is Role.RUNG and order.slot.side is side]
        sign = 1 if side is Side.BUY else -1
        near = max(rungs, key=lambda order: sign * (order.price or 0), default=None)
        if near is None or near.price is None or (until is not None and sign * near.price < sign * until):
            return
        liquidation = liquidated_at(grid)
        if liquidation is not None and sign * grid.state.base_held > 0:
            assert sign * liquidation < sign * near.price, "it ends before its next rung"
        grid.price = near.price
        grid.fill(near.slot, near.quantity, near.price)


def liquidated_at(grid: Lived) -> Decimal | None:
    held, cost = grid.books.base_held, abs(grid.books.inventory_cost())
    leverage = grid.plan.terms.leverage if grid.plan.terms else 1
    if not held:
        return None
    return liquidation_price(BRACKETS, [Leg(held, cost)], position_margin(cost, leverage), grid.price) or None


def bounds(lower: int, upper: int, levels: int = 10) -> GridChanges:
    return GridChanges(lower=Decimal(lower), upper=Decimal(upper), levels=levels)


def test_a_range_in_which_the_kept_position_would_be_liquidated_is_refused():
    grid = Lived(begun())
    run_to_end(grid, Side.BUY)
    grid.price = Decimal(30_000)
    with pytest.raises(InvalidRequest, match=r"entered at, would be liquidated at 2.*, inside the range") as refused:
        grid.sketch(bounds(25_800, 52_000, 4))
    assert [mistake.field for mistake in refused.value.mistakes] == ["lower_price"]


def test_the_kept_position_is_what_the_answer_tells():
    grid = Lived(begun())
    run_to_end(grid, Side.BUY)
    grid.price = Decimal(50_000)
    sketch = grid.edit(bounds(46_000, 58_000))
    told = sketch.shown.plan.liquidation_below
    assert told is not None
    assert told == grid.state.plan.liquidation_below
    run_to_end(grid, Side.BUY)
    real = liquidated_at(grid)
    assert real is not None
    assert abs(told - real) < 1_000  # funding is kept, the trade may be at its limit


def test_a_stop_that_the_kept_position_would_not_live_to_see_is_refused():
    grid = Lived(begun())
    run_to_end(grid, Side.BUY)
    grid.price, before = Decimal(40_000), grid.state.plan  # its stop is from a time of other maintenance rates
    grid.state.plan = replace(before, request=replace(before.request, stop_below=Decimal(26_000)))
    with pytest.raises(InvalidRequest, match=r"what is held would be liquidated at 26134\.8") as refused:
        grid.sketch(bounds(36_000, 52_000, 4))
    assert [mistake.field for mistake in refused.value.mistakes] == ["stop_below"]


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    direction=st.sampled_from(list(Direction)),
    leverage=st.sampled_from([2, 4, 8]),
    seed=st.integers(0, 10**6),
    away=st.sampled_from([-30, -12, -4, 0, 4, 12, 30]),
    wide=st.tuples(st.integers(3, 20), st.integers(3, 20)),
)
def test_no_edited_grid_is_liquidated_inside_its_range(
    direction: Direction, leverage: int, seed: int, away: int, wide: tuple[int, int]
):
    try:
        grid = Lived(begun(direction, leverage))
    except InvalidRequest:
        return
    grid.live(Random(seed), 20, whole=True)
    grid.price = grid.price * (100 + away) // 100
    lower, upper = int(grid.price) * (100 - wide[0]) // 100, int(grid.price) * (100 + wide[1]) // 100
    try:
        grid.edit(bounds(lower, upper))
    except InvalidRequest:
        return
    run_to_end(grid, Random(seed).choice(list(Side)))


@given(held=st.integers(-9, 9), sold=st.integers(-9, 9))
def test_a_trade_against_a_position_takes_its_share_of_the_cost(held: int, sold: int):
    before = Leg(Decimal(held), Decimal(abs(held) * 50))
    after = traded(before, Decimal(sold), Decimal(50))
    assert after == Leg(Decimal(held + sold), Decimal(abs(held + sold) * 50))
