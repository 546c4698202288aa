"""Neutral, long and short ladders: the state of a grid that may sell what it does not hold."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, GridPlan, GridRequest
from domain.instrument import Instrument, InstrumentRules, Market
from domain.money import ZERO
from domain.orders import Fill, PositionSide, Role, Side, Slot
from grid.state import GridState
from orders.wanted import WantedOrder

BTC = Instrument("binance", Market.FUTURES, "BTC", "USDT")
RULES = InstrumentRules(
    instrument=BTC,
    status="TRADING",
    tick=Decimal("0.1"),
    lot=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(1000),
    min_notional=Decimal(5),
)
PRICES = tuple(Decimal(price) for price in (96, 98, 100, 102, 104, 106))
GAP = 2
BELOW, ABOVE = 2, 3  # cells
EACH = Decimal(1)


def plan(direction: Direction, *, hedge_mode: bool = False, empty: bool = False) -> GridPlan:
    entry = {Direction.LONG: ABOVE, Direction.NEUTRAL: 0, Direction.SHORT: BELOW}[direction]
    return GridPlan(
        request=GridRequest(instrument=BTC, levels=len(PRICES), direction=direction, start_empty=empty),
        start_price=Decimal(100),
        prices=PRICES,
        gap=GAP,
        quantity_per_rung=EACH,
        entry_quantity=ZERO if empty else entry * EACH,
        entry_limit_price=Decimal(100),
        capital_needed=Decimal(1000),
        profit_per_cycle=ZERO,
        rules=RULES,
        terms=ContractTerms(leverage=1, margin_type=MarginType.ISOLATED, hedge_mode=hedge_mode),
    )


class Desk:
    """Fills orders of one grid as asked."""

    def __init__(self, of: GridPlan) -> None:
        self.state = GridState(1, of, RULES)
        self.position = ZERO
        self.legs = dict.fromkeys(PositionSide, ZERO)
        self.trades = 0

    def fill(self, order: WantedOrder, quantity: Decimal | None = None) -> None:
        self.trades += 1
        amount = quantity or order.quantity
        signed = amount if order.slot.side is Side.BUY else -amount
        self.position += signed
        self.legs[order.position_side] += signed
        price = order.price or Decimal(100)
        self.state.apply(
            order.slot,
            Fill(
                instrument=BTC,
                trade_id=self.trades,
                client_id="x",
                venue_order_id=1,
                side=order.slot.side,
                price=price,
                quantity=amount,
                quote_quantity=price * amount,
                commission=Decimal("0.01"),
                commission_asset="USDT",
                is_maker=True,
                time_ms=self.trades,
            ),
        )

    def enter(self) -> None:
        while self.state.is_entering:
            (entry,) = self.state.wanted()
            self.fill(entry)

    def shown(self) -> list[tuple[str, int, bool]]:
        return [(order.slot.side, int(order.price or 0), order.is_exit) for order in self.state.wanted()]


BUYS = [("BUY", 96), ("BUY", 98)]
SELLS = [("SELL", 102), ("SELL", 104), ("SELL", 106)]


@pytest.mark.parametrize(
    ("direction", "position", "exits"),
    [(Direction.LONG, 3, "SELL"), (Direction.NEUTRAL, 0, ""), (Direction.SHORT, -2, "BUY")],
)
def test_every_direction_rests_the_same_orders_and_differs_in_what_it_holds(
    direction: Direction, position: int, exits: str
):
    desk = Desk(plan(direction))
    desk.enter()
    assert desk.position == desk.state.base_held == position
    assert desk.shown() == [(side, price, side == exits) for side, price in [*BUYS, *SELLS]]


def test_a_neutral_grid_sells_above_and_buys_back_one_rung_lower():
    desk = Desk(plan(Direction.NEUTRAL))
    (sale,) = [order for order in desk.state.wanted() if order.price == 102]
    desk.fill(sale)
    assert desk.state.base_held == -1
    (back,) = [order for order in desk.state.wanted() if order.price == 100]
    assert back.is_exit
    assert back.slot == Slot(1, Role.RUNG, Side.BUY, 1000)
    desk.fill(back)
    assert desk.state.base_held == 0
    assert desk.state.cycles == 1


def test_in_hedge_mode_no_more_is_bought_back_than_was_sold_short():
    desk = Desk(plan(Direction.NEUTRAL, hedge_mode=True))
    (sale,) = [order for order in desk.state.wanted() if order.price == 102]
    desk.fill(sale, Decimal("0.97"))  # what is left is worth less than the venue takes, and counts as sold
    (back,) = [order for order in desk.state.wanted() if order.price == 100]
    assert (back.is_exit, back.quantity) == (True, Decimal("0.97"))
    desk.fill(back, Decimal("0.5"))
    (rest,) = [order for order in desk.state.wanted() if order.price == 100]
    assert rest.quantity == Decimal("0.47")
    desk.fill(rest)
    (again,) = [order for order in desk.state.wanted() if order.price == 102]
    assert (desk.legs[PositionSide.SHORT], again.quantity) == (0, EACH)


def test_a_grid_started_empty_waits_on_the_side_it_begins_on():
    long, short = Desk(plan(Direction.LONG, empty=True)), Desk(plan(Direction.SHORT, empty=True))
    assert [(side, price) for side, price, _ in long.shown()] == BUYS
    assert [(side, price) for side, price, _ in short.shown()] == SELLS
    assert long.state.base_held == short.state.base_held == 0


def test_a_first_sale_in_parts_counts_all_of_them():
    desk = Desk(plan(Direction.SHORT))
    (entry,) = desk.state.wanted()
    assert (entry.slot.side, entry.is_exit, entry.quantity) == (Side.SELL, False, 2)
    desk.fill(entry, Decimal("0.5"))
    (rest,) = desk.state.wanted()
    assert rest.quantity == Decimal("1.5")
    desk.fill(rest)
    assert desk.state.base_held == -2
    assert len(desk.state.wanted()) == 5


@given(
    direction=st.sampled_from(Direction),
    hedge_mode=st.booleans(),
    steps=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 1000)), max_size=60),
)
def test_what_it_holds_is_what_was_traded_and_unwinding_ends_it(
    direction: Direction, hedge_mode: bool, steps: list[tuple[int, int]]
):
    desk = Desk(plan(direction, hedge_mode=hedge_mode))
    desk.enter()
    for pick, part in steps:
        wanted = desk.state.wanted()
        assert len({order.slot for order in wanted}) == len(wanted)
        order = wanted[pick % len(wanted)]
        desk.fill(order, min(order.quantity, part * RULES.lot))
        assert desk.state.base_held == desk.position
        if hedge_mode:
            assert desk.legs[PositionSide.LONG] >= 0 >= desk.legs[PositionSide.SHORT]
            assert desk.legs[PositionSide.BOTH] == 0
    for order in desk.state.wanted_unwind():
        assert order.is_exit
        assert order.reduce_only is not hedge_mode
        desk.fill(order)
    assert desk.position == desk.state.base_held == 0
    assert desk.state.wanted_unwind() == []
    assert all(held == 0 for held in desk.legs.values())


def test_spot_books_older_than_directions_read_as_long():
    assert replace(plan(Direction.LONG), terms=None).entry_side is Side.BUY
    assert plan(Direction.SHORT).entry_position == -2
