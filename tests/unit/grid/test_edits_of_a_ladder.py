"""A ladder that a person edits: what is held is kept, what need not move stays, and the way back leads back."""

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.edits import GridChanges, OrderLine
from domain.errors import Conflict, InvalidRequest
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, GridPlan, Move, MoveKind, Spacing
from domain.money import exact
from domain.orders import Fill, Role, Side, Slot
from fakes.contract_grid import contract_facts, futures_facts, planned
from fakes.grid_examples import facts, plan
from grid.core.planning import PreflightFacts
from grid.editing import Sketch, sketch_edit
from grid.state import GridState
from orders.books import FifoBooks

PRICE = Decimal(60_000)
ONE_WAY = ContractTerms(leverage=3, margin_type=MarginType.CROSS, hedge_mode=False)
HEDGED = replace(ONE_WAY, hedge_mode=True)
PLANS = {
    "spot": plan(capital=Decimal(1_000)),
    "spot, growing": plan(capital=Decimal(2_000), quantity_growth_percent=Decimal(12), resting_levels=3),
    "spot, started empty": plan(capital=Decimal(1_000), start_empty=True),
    **{f"{direction}": planned(direction, ONE_WAY, capital=Decimal(10_000)) for direction in Direction},
    "long, hedged": planned(Direction.LONG, HEDGED, capital=Decimal(10_000)),
    "short, hedged": planned(Direction.SHORT, HEDGED, capital=Decimal(10_000)),
}
CHANGES = [
    GridChanges(levels=6),
    GridChanges(levels=14),
    GridChanges(capital=Decimal(2_500)),
    GridChanges(capital=Decimal(400)),
    GridChanges(spacing_percent=Decimal("0.8")),
    GridChanges(spacing_percent=Decimal("0.35"), spacing=Spacing.ARITHMETIC),
    GridChanges(lower=Decimal(58_000), upper=Decimal(61_500)),
    GridChanges(lower=Decimal(58_000), upper=Decimal(61_500), levels=12, quantity=Decimal("0.004")),
]
EXAMPLES = settings(max_examples=60, deadline=None)


def sketched_back(grid: "Lived", changes: GridChanges, **now: object) -> Sketch:
    """Edit a grid there, and sketch the way back by facts that have changed meanwhile."""
    grid.edit(changes)
    there = replace(facts_of(grid.plan, grid.price), **now)
    return sketch_edit(grid.state, changed_back(grid.plan), there, [grid.plan], grid.books.inventory_cost())


def facts_of(grid_plan: GridPlan, price: Decimal) -> PreflightFacts:
    if grid_plan.terms is None:
        return facts(price=price, free_quote=Decimal(100_000))
    contract = contract_facts(terms=grid_plan.terms, price=price)
    return futures_facts(contract, price=price, free_quote=Decimal(1_000_000))


class OnlyBuys(Random):
    """Chooses the first of what there is: of the nearest orders the purchase."""

    def choice(self, seq):
        return seq[0]


class Lived:
    """A grid whose orders are filled as a venue would, its books beside it. `fee` is taken from the base bought."""

    def __init__(self, grid_plan: GridPlan, fee: Decimal = Decimal(0)) -> None:
        assert grid_plan.rules is not None
        self.plan, self.rules, self.fee = grid_plan, grid_plan.rules, fee
        self.state = GridState(1, grid_plan, grid_plan.rules)
        self.books = FifoBooks(grid_plan.rules.instrument)
        self.fills: list[tuple[Slot, Fill]] = []
        self.moves: list[Move] = []
        self.price = PRICE
        self.trade()

    def trade(self) -> None:
        """Do what is to be done at once."""
        while self.state.is_entering:
            want = next(order for order in self.state.wanted() if order.slot.role is Role.ENTRY)
            self.fill(want.slot, want.quantity, self.price)

    @exact
    def fill(self, slot: Slot, quantity: Decimal, price: Decimal) -> None:
        bought = slot.side is Side.BUY
        fill = Fill(
            instrument=self.rules.instrument,
            trade_id=len(self.fills) + 1,
            client_id=f"order-{len(self.fills)}",
            venue_order_id=len(self.fills) + 1,
            side=slot.side,
            price=price,
            quantity=quantity,
            quote_quantity=price * quantity,
            commission=(quantity * self.fee).quantize(Decimal("0.00000001")) if bought else Decimal(0),
            commission_asset=self.rules.instrument.base,
            is_maker=True,
            time_ms=1,
        )
        self.fills.append((slot, fill))
        self.state.apply(slot, fill)
        self.books.add(fill, lane=self.state.lane(fill))

    def live(self, random: Random, steps: int, *, whole: bool = False) -> None:
        """Let the market fill the orders nearest the gap, in part too unless all of it is to be `whole`."""
        for _ in range(steps):
            rungs = [order for order in self.state.wanted() if order.slot.role is Role.RUNG]
            sides = [[order for order in rungs if order.slot.side is side] for side in Side]
            nearest = [max, min]
            near = [pick(its, key=lambda order: order.price) for pick, its in zip(nearest, sides, strict=True) if its]
            if not near:
                return
            want = random.choice(near)
            lots = self.rules.lots(want.quantity)
            part = lots if whole else random.choice([lots, lots, lots, random.randint(1, lots)])
            self.price = want.price or self.price
            self.fill(want.slot, self.rules.quantity(part), self.price)

    def sketch(self, changes: GridChanges) -> Sketch:
        cost = self.books.inventory_cost()
        return sketch_edit(self.state, changes, facts_of(self.plan, self.price), [self.plan], cost)

    def edit(self, changes: GridChanges, *, trades: bool = True) -> Sketch:
        sketch = self.sketch(changes)
        made = self.state.edited(sketch.asked, self.price)
        held = self.state.base_held
        self.moves.append(self.state.next_move(MoveKind.EDIT, made.data(), 1))
        self.state.move(self.moves[-1])
        assert self.state.base_held == held
        if trades:
            self.trade()
        return sketch

    def orders(self) -> list[OrderLine]:
        return sorted(OrderLine(want.slot.side, want.price or PRICE, want.quantity) for want in self.state.wanted())


def changed_back(grid_plan: GridPlan) -> GridChanges:
    request = grid_plan.request
    return GridChanges(
        levels=request.levels,
        spacing=request.spacing,
        spacing_percent=request.spacing_percent,
        lower=request.lower,
        upper=request.upper,
        capital=request.capital,
        quantity=request.quantity,
    )


@EXAMPLES
@given(
    name=st.sampled_from(sorted(PLANS)),
    changes=st.sampled_from(CHANGES),
    seed=st.integers(0, 10**9),
    steps=st.integers(0, 25),
    fee=st.sampled_from(["0", "0.001"]),
)
def test_what_is_told_is_what_comes_and_nothing_held_is_lost(
    name: str, changes: GridChanges, seed: int, steps: int, fee: str
):
    grid = Lived(PLANS[name], Decimal(fee) if name.startswith("spot") else Decimal(0))
    grid.live(Random(seed), steps)
    before = grid.orders()
    try:
        sketch = grid.edit(changes)
    except InvalidRequest:
        return
    shown = sketch.shown
    assert sorted([*shown.keep, *shown.cancel, *(moved.before for moved in shown.move)]) == before
    told = sorted([*shown.keep, *shown.add, *(moved.after for moved in shown.move)])
    if shown.trade is None or shown.trade.side is Side.SELL or not name.startswith("spot"):
        assert grid.orders() == told
    else:  # its fee or rounding may be more or less than was reckoned with
        assert [(order.side, order.price) for order in grid.orders()] == [(order.side, order.price) for order in told]
    slots = [(order.side, order.price) for order in grid.orders()]
    assert len(set(slots)) == len(slots)
    grid.live(Random(seed + 1), 20)
    assert grid.books.base_held == grid.state.base_held
    assert grid.books.marked(PRICE).residual == 0


@EXAMPLES
@given(
    name=st.sampled_from(sorted(PLANS)),
    changes=st.sampled_from(CHANGES),
    seed=st.integers(0, 10**9),
    steps=st.integers(0, 25),
    whole=st.booleans(),
)
def test_an_edit_and_the_edit_back_return_to_the_same_orders(
    name: str, changes: GridChanges, seed: int, steps: int, whole: bool
):
    grid = Lived(PLANS[name])
    grid.live(Random(seed), steps, whole=whole)
    before = grid.orders()
    try:
        there = grid.edit(changes)
        back = grid.edit(changed_back(grid.plan))
    except InvalidRequest:
        return
    if (there.shown.trade is None and back.shown.trade is None) or (whole and not name.startswith("spot")):
        assert grid.orders() == before
    else:  # a fee reckoned with and not taken, and what was partly filled before, may be in other cells
        assert [(order.side, order.price) for order in grid.orders()] == [(order.side, order.price) for order in before]
    assert grid.state.plan == grid.plan


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(sorted(PLANS)),
    seed=st.integers(0, 10**9),
    picks=st.lists(st.sampled_from(CHANGES), max_size=3),
)
def test_fills_told_late_are_booked_where_they_belong_between_the_edits(name: str, seed: int, picks: list[GridChanges]):
    grid = Lived(PLANS[name])
    for number, changes in enumerate(picks):
        grid.live(Random(seed + number), 8)
        with suppress(InvalidRequest):
            grid.edit(changes)
    grid.live(Random(seed - 1), 8)
    told, state = list(grid.fills), GridState(1, grid.plan, grid.rules)
    Random(seed).shuffle(told)
    for move in grid.moves:
        state.move(move)
    for slot, fill in told:
        state.apply(slot, fill)
    assert state.wanted() == grid.state.wanted()
    assert (state.base_held, state.cycles) == (grid.state.base_held, grid.state.cycles)
    assert [state.lane(fill) for _, fill in told] == [grid.state.lane(fill) for _, fill in told]


def test_orders_that_both_ladders_want_are_not_touched():
    bounds = {"lower": Decimal(59_000), "upper": Decimal(61_000), "spacing_percent": None}
    grid = Lived(plan(**bounds, levels=11, quantity=Decimal("0.002"), spacing=Spacing.ARITHMETIC))
    before = grid.orders()
    shown = grid.edit(GridChanges(lower=Decimal(58_000), levels=16)).shown
    assert sorted(shown.keep) == before
    assert (shown.move, shown.cancel, shown.trade) == ((), (), None)
    assert [order.price for order in shown.add] == [Decimal(59_000) - 200 * k for k in range(1, 6)]


def test_a_ladder_that_the_price_has_left_is_laid_around_the_price():
    grid = Lived(plan(capital=Decimal(1_000)))
    grid.price = Decimal(66_000)
    grid.edit(GridChanges(capital=Decimal(900)))
    assert grid.state.plan.prices == grid.plan.prices  # who changes the size moves no rung
    grid.edit(GridChanges(spacing_percent=Decimal("0.4")))
    assert grid.state.plan.prices[5] == Decimal(66_000)
    assert grid.state.plan.start_price == Decimal(66_000)


def test_what_the_exchange_takes_now_is_judged_by_where_the_ladder_stands_now():
    grid = Lived(planned(Direction.NEUTRAL, ONE_WAY, lower=Decimal(50_000), upper=Decimal(70_000), levels=21))
    for _ in range(7):  # further below the start than the exchange's band reaches
        grid.live(OnlyBuys(0), 1, whole=True)
    assert grid.price < Decimal(54_000)
    shown = grid.edit(GridChanges(levels=25)).shown
    assert {line.side for line in shown.add} == {Side.BUY, Side.SELL}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (GridChanges(), "config"),
        (GridChanges(lower=Decimal(50_000)), "upper_price"),
        (GridChanges(lower=Decimal(62_000), upper=Decimal(61_000)), "upper_price"),
        (GridChanges(levels=1), "initial_levels"),
        (GridChanges(capital=Decimal(500_000)), "capital"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(changes: GridChanges, field: str):
    with pytest.raises(InvalidRequest) as refused:
        Lived(plan(capital=Decimal(1_000))).sketch(changes)
    assert refused.value.mistakes[0].field == field


def test_the_way_back_is_judged_by_what_is_so_now():
    made = PLANS["spot"]
    assert made.rules is not None
    grid = Lived(made)
    assert sketched_back(grid, GridChanges(levels=6)).asked.plan == made
    with pytest.raises(InvalidRequest, match="status is HALT"):
        sketched_back(Lived(made), GridChanges(levels=6), rules=replace(made.rules, status="HALT"))
    with pytest.raises(InvalidRequest, match="is settled at"):
        sketched_back(Lived(made), GridChanges(levels=6), rules=replace(made.rules, settles_ms=1_800_000_000_000))


def test_a_neutral_grid_in_hedge_mode_is_not_edited():
    with pytest.raises(Conflict, match="hedge mode"):
        Lived(planned(Direction.NEUTRAL, HEDGED)).sketch(GridChanges(levels=6))


def offered(lived: Lived) -> Decimal:
    wanted = lived.state.wanted()
    return sum((order.quantity for order in wanted if order.slot.side is Side.SELL), Decimal(0))


@pytest.mark.parametrize("change", [GridChanges(capital=Decimal(400)), GridChanges(levels=6)])
@pytest.mark.parametrize("name", ["spot", "long", "long, hedged"])
def test_a_sale_whose_last_part_comes_when_it_counts_as_done_is_taken_from_the_cells_all_the_same(
    name: str, change: GridChanges
):
    capital = change.capital and (change.capital if name == "spot" else Decimal(5_000))
    lived = Lived(PLANS[name])
    lived.edit(replace(change, capital=capital), trades=False)
    if not lived.state.is_entering:
        pytest.skip("this edit needs no trade here")
    sale = next(order for order in lived.state.wanted() if order.slot.role is Role.ENTRY)
    ladder = lived.state.ladder
    too_little = lived.rules.quantity(max(1, (ladder.min_notional - 1) // ladder.entry_price))
    lived.fill(sale.slot, sale.quantity - too_little, PRICE)
    assert not lived.state.is_entering
    lived.fill(sale.slot, too_little, PRICE)
    assert offered(lived) <= lived.state.base_held == lived.books.base_held


def test_an_edit_after_which_no_cell_waits_keeps_what_its_sale_leaves_over():
    lived = Lived(plan(quantity=Decimal("0.00186")), fee=Decimal("0.001"))
    lived.edit(GridChanges(levels=16))
    lived.edit(GridChanges(levels=6))
    assert not lived.state.is_entering
    assert offered(lived) <= lived.state.base_held == lived.books.base_held
