"""A ladder that moves between fills: the same whatever was told late, and nothing held is lost on the way."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.grids import GridPlan, Move, MoveKind
from domain.orders import Fill, Role, Side, Slot
from fakes.grid_examples import btc_rules, plan
from grid.state import GridState
from unit.grid.test_state_order_of_fills import fill_of

RULES = btc_rules()


def with_master(levels: int, beyond: int = 4) -> GridPlan:
    """A grid on rungs of one step, with as many more below and above as `beyond` says."""
    made = plan(levels=levels)
    step = made.prices[1] - made.prices[0]
    prices = tuple(made.prices[0] + step * k for k in range(levels))
    below = (prices[0] - step * k for k in range(beyond, 0, -1))
    return replace(
        made, prices=prices, master=(*below, *prices, *(prices[-1] + step * k for k in range(1, beyond + 1)))
    )


def told_of(grid_plan: GridPlan, seed: int, length: int) -> tuple[list[tuple[Slot, Fill]], list[Move], GridState]:
    """Fills of wanted orders, whole or in parts, and now and then a move to a window nearby."""
    random, state, fills, moves = Random(seed), GridState(1, grid_plan, RULES), [], []
    for trade_id in range(1, length + 1):
        if random.random() < 0.3 and not state.is_entering:
            window = random.randint(0, len(grid_plan.master) - len(grid_plan.prices))
            held, count = state.base_held, len(state.wanted())
            moves.append(state.next_move(MoveKind.TRAIL, {"first": window}, trade_id))
            state.move(moves[-1])
            assert state.base_held == held
            assert len(state.wanted()) >= count - 1  # a remainder may be too small one rung lower
        want = random.choice(state.wanted())
        lots = RULES.lots(want.quantity)
        part = RULES.quantity(random.choice([lots, lots, random.randint(1, lots)]))
        fills.append((want.slot, fill_of(want.slot, trade_id, part, want.price or Decimal(60_000))))
        state.apply(*fills[-1])
    return fills, moves, state


def outcome(state: GridState, fills: list[tuple[Slot, Fill]]) -> object:
    lanes = {fill.trade_id: state.lane(fill) for _, fill in fills}
    return [replace(want, reason="") for want in state.wanted()], state.base_held, state.cycles, lanes


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9), levels=st.integers(2, 8), length=st.integers(1, 40))
def test_a_fill_told_late_is_booked_where_it_belongs_between_the_moves(seed: int, levels: int, length: int):
    fills, moves, lived = told_of(with_master(levels), seed, length)
    told, state = list(fills), GridState(1, with_master(levels), RULES)
    Random(seed + 1).shuffle(told)
    for move in moves:  # as after a restart in which what is told now was not stored
        state.move(move)
    for slot, fill in told:
        state.apply(slot, fill)
    assert outcome(state, fills) == outcome(lived, fills)
    slots = [want.slot for want in state.wanted()]
    assert len(set(slots)) == len(slots)


def test_a_fill_beyond_the_window_tells_of_a_move_that_was_lost():
    grid_plan = with_master(5)
    ticks = [RULES.ticks(price) for price in grid_plan.master]
    state = GridState(1, replace(grid_plan, entry_quantity=Decimal(0), gap=4), RULES)
    assert all(one < other for one, other in pairwise(ticks))
    bought = Slot(1, Role.RUNG, Side.BUY, ticks[9])
    state.apply(bought, fill_of(bought, 1, grid_plan.quantity_per_rung, grid_plan.master[9]))
    sides = [(want.slot.side, want.slot.price_ticks) for want in state.wanted()]
    assert sides == [(Side.BUY, ticks[6]), (Side.BUY, ticks[7]), (Side.BUY, ticks[8]), (Side.SELL, ticks[10])]
    nowhere = Slot(1, Role.RUNG, Side.BUY, ticks[9] + 1)
    with pytest.raises(ValueError, match="no rung"):
        state.apply(nowhere, fill_of(nowhere, 2, grid_plan.quantity_per_rung, grid_plan.master[9]))
    again = [(want.slot.side, want.slot.price_ticks) for want in state.wanted()]
    assert again == sides


def test_no_window_reaches_beyond_the_ladder():
    for grid_plan, first in ((with_master(5), 9), (with_master(5), -1), (plan(), 1)):
        state = GridState(1, grid_plan, RULES)
        move = state.next_move(MoveKind.TRAIL, {"first": first}, 0)
        with pytest.raises(ValueError, match="no window"):
            state.move(move)
