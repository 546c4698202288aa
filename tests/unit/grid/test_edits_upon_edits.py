"""A ladder that is edited anew before the trade of its last edit is done."""

from contextlib import suppress
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.edits import GridChanges
from domain.errors import InvalidRequest
from domain.orders import Role, Side
from grid.state import GridState
from unit.grid.test_edits_of_a_ladder import CHANGES, PLANS, PRICE, Lived, changed_back


def trade_a_part(grid: Lived, random: Random) -> None:
    trades = [order for order in grid.state.wanted() if order.slot.role is Role.ENTRY]
    lots = grid.rules.lots(trades[0].quantity) if trades else 0
    if trades and random.random() < 0.6:
        grid.fill(trades[0].slot, grid.rules.quantity(random.randint(1, lots)), grid.price)


def sells_no_more_than_it_holds(grid: Lived) -> bool:
    orders = [order for order in grid.state.wanted() if order.slot.side is Side.SELL]
    return sum(order.quantity for order in orders) <= grid.state.base_held


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(PLANS)),
    picks=st.lists(st.sampled_from([*CHANGES, None]), min_size=2, max_size=4),
    seed=st.integers(0, 10**9),
)
def test_nothing_is_lost_or_sold_twice_and_late_fills_fit(name: str, picks: list[GridChanges | None], seed: int):
    grid, random = Lived(PLANS[name]), Random(seed)
    for changes in picks:
        grid.live(random, 5)
        with suppress(InvalidRequest):
            grid.edit(changes or changed_back(grid.plan), trades=False)
        trade_a_part(grid, random)
        assert not name.startswith("spot") or sells_no_more_than_it_holds(grid)
    grid.trade()
    wanted, cells = grid.state.wanted(), len(grid.state.plan.prices) - 1
    if name in ("spot", "long", "short"):  # all cells trade again
        assert cells - 1 <= len(wanted) <= cells
    grid.live(random, 20)
    assert grid.books.base_held == grid.state.base_held
    assert grid.books.marked(PRICE).residual == 0
    told, state = list(grid.fills), GridState(1, grid.plan, grid.rules)
    random.shuffle(told)
    for move in grid.moves:
        state.move(move)
    for slot, fill in told:
        state.apply(slot, fill)
    assert (state.wanted(), state.base_held) == (grid.state.wanted(), grid.state.base_held)
