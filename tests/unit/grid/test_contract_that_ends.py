"""A contract whose end is announced: its grid winds down ahead of it, and books what the venue settled without it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.errors import InvalidRequest
from domain.events import PriceSeen, RulesChanged
from domain.grids import OnStop, Phase
from domain.orders import Side
from fakes.contract_grid import futures_facts, futures_request
from fakes.house import contract_of
from grid.contract_end import NO_ENTRIES_MS, UNWIND_MS
from grid.preflight import plan_grid
from grid.worker_events import StopRequested
from orders.position_check import CONFIRM_S
from orders.readings import CROSS_CHECK_S
from orders.settlement import SETTLED
from unit.grid.test_contract_money import BTC, RULES, Place

HOUR_MS = 3_600_000


@pytest.fixture
def place() -> Place:
    return Place()


def announce(place: Place, ahead_ms: int) -> int:
    settles_ms = place.clock.market_ms() + ahead_ms
    place.host.handle(RulesChanged(BTC, replace(RULES, settles_ms=settles_ms)))
    place.settle()
    return settles_ms


def until(place: Place, at_ms: int) -> None:
    place.pass_time((at_ms - place.clock.market_ms()) / 1000 + 10, step_s=60.0)


def test_it_is_told_ahead_then_opens_nothing_then_closes_what_it_holds(place: Place) -> None:
    before = {(order.side, order.price) for order in place.gateway.open_orders}
    settles_ms = announce(place, NO_ENTRIES_MS + HOUR_MS)
    place.pass_time(2)
    assert (place.shown.phase, place.host.is_open) == (Phase.TRADING, True)
    assert "its contract is settled at" in place.shown.phase_reason
    assert "its contract is settled at" in place.shown.alarms[0]
    assert {(order.side, order.price) for order in place.gateway.open_orders} == before
    until(place, settles_ms - NO_ENTRIES_MS)
    assert (place.shown.phase, place.shown.books.base_held) == (Phase.PAUSED, -2)
    assert "nothing is opened any more" in place.shown.phase_reason
    assert {order.side for order in place.gateway.open_orders} == {Side.BUY}, "what closes the short position"
    place.gateway.trade_at(Decimal(98))
    place.settle()
    assert place.shown.books.base_held == -1, "it still takes profit, and sells no more"
    assert {order.side for order in place.gateway.open_orders} == {Side.BUY}
    until(place, settles_ms - UNWIND_MS)
    assert (place.gateway.position, place.gateway.open_orders) == (0, ())
    place.pass_time(700, step_s=10.0)
    assert place.host.finished
    (row,) = place.store.grids()
    assert (row.phase, row.on_stop) == (Phase.ENDED, OnStop.UNWIND)
    assert "what is held is closed at market before that" in row.phase_reason
    assert place.shown.books.residual == 0


def test_an_announcement_that_is_taken_back_lets_the_grid_go_on(place: Place) -> None:
    before = {(order.side, order.price) for order in place.gateway.open_orders}
    announce(place, NO_ENTRIES_MS - HOUR_MS)
    place.pass_time(2)
    assert place.shown.phase is Phase.PAUSED
    place.host.handle(RulesChanged(BTC, RULES))
    place.pass_time(2)
    assert (place.shown.phase, place.shown.phase_reason, place.shown.alarms) == (Phase.TRADING, "", ())
    assert {(order.side, order.price) for order in place.gateway.open_orders} == before


def settle(place: Place, price: str) -> None:
    """Let the venue end the contract: nothing rests any more, and it closes the position itself."""
    for order in place.gateway.open_orders:
        place.gateway.expire(order.client_id)
    place.gateway.price = Decimal(price)
    place.gateway.trade_by_hand(Side.BUY, Decimal(2), "settlement_autoclose-77")


@pytest.mark.parametrize("was_off", [True, False])
def test_a_settlement_closes_the_books_and_ends_the_grid(place: Place, was_off: bool) -> None:
    sent = len(place.gateway.sent)
    if was_off:
        place.host.drop()
        place.told.clear()
    settle(place, "90")
    if was_off:
        place.told.clear()
        place.begin()
    place.host.handle(RulesChanged(BTC, replace(RULES, status="SETTLING")))
    place.settle()
    place.pass_time(2 * CROSS_CHECK_S + 2 * CONFIRM_S)
    place.pass_time(700, step_s=10.0)
    shown = place.shown
    assert (place.host.finished, shown.phase, shown.alarms) == (True, Phase.ENDED, ())
    assert shown.phase_reason == "its contract was settled at 90"
    assert (shown.books.base_held, shown.books.residual) == (0, 0)
    assert shown.books.realized_profit == 20
    assert len(place.gateway.sent) == sent, "nothing is sent to a contract that ends"
    (order,) = [row for row in place.store.orders(1) if row.intent.reason == SETTLED]
    assert order.intent.quantity == 2
    assert place.store.fills(1)[-1].client_id == order.intent.client_id
    assert place.store.grids()[0].phase_reason == shown.phase_reason


def test_a_settlement_is_booked_once_whatever_is_read_again(place: Place) -> None:
    settle(place, "90")
    place.host.handle(RulesChanged(BTC, replace(RULES, status="SETTLING")))
    place.host.handle(StopRequested(OnStop.UNWIND))
    place.settle()
    place.pass_time(CROSS_CHECK_S + CONFIRM_S + 5)
    trades = len(place.store.fills(1))
    place.host.drop()
    place.told.clear()
    place.begin()
    place.host.handle(PriceSeen(BTC, Decimal(90), place.clock.market_ms(), place.clock.monotonic_s()))
    place.pass_time(CROSS_CHECK_S + CONFIRM_S + 700, step_s=5.0)
    assert len(place.store.fills(1)) == trades
    assert (place.host.finished, place.shown.books.base_held) == (True, 0)


@pytest.mark.parametrize("orders", [(901, 901), (901, 902)])
@pytest.mark.parametrize("is_late", [True, False])
def test_a_settlement_in_parts_ends_the_grid_once_all_of_it_is_booked(
    place: Place, orders: tuple[int, int], is_late: bool
) -> None:
    for order in place.gateway.open_orders:
        place.gateway.expire(order.client_id)
    place.gateway.price = Decimal(90)
    told = place.gateway.foreign_fills
    for number in orders:
        place.gateway.trade_by_hand(Side.BUY, Decimal(1), f"settlement_autoclose-{number}")
        told[-1] = replace(told[-1], venue_order_id=number)
    rest = [told.pop()] if is_late else []
    place.host.handle(RulesChanged(BTC, replace(RULES, status="SETTLING")))
    place.settle()
    place.pass_time(CROSS_CHECK_S + 2 * CONFIRM_S + 5)
    if is_late:
        assert (place.host.finished, place.shown.books.base_held) == (False, -1)
        place.host.drop()
        place.begin()
    told += rest
    place.pass_time(CROSS_CHECK_S + 5)
    place.host.drop()
    place.begin()
    place.pass_time(700, step_s=10.0)
    shown = place.shown
    assert (place.host.finished, shown.phase) == (True, Phase.ENDED)
    assert (shown.books.base_held, shown.books.realized_profit) == (0, 20)
    its_orders = [row for row in place.store.orders(1) if row.intent.reason == SETTLED]
    assert len(its_orders) == len(set(orders))


def test_no_grid_is_begun_on_a_contract_that_ends() -> None:
    facts = futures_facts(contract_of(Decimal(60_000)))
    ends = replace(facts, rules=replace(facts.rules, settles_ms=1_800_000_000_000))
    with pytest.raises(InvalidRequest, match="symbol: the contract is settled at 2027-01-15 08:00 UTC; choose another"):
        plan_grid(futures_request(), ends)
