"""When a user stream counts as deaf, and when REST is read early."""

from dataclasses import replace
from decimal import Decimal

from domain.orders import Side, Status
from fakes.order_examples import BUY_SLOT, ONE, SELL_SLOT, fill, intent, moment, venue_order
from orders.canary import OWED_S, QUICK_S, Canary, crossed_by
from orders.life_cycle import Order
from orders.readings import CROSS_CHECK_S

SENT = intent()
UP_MS = moment(0).market_ms
TRADED = fill(SENT, 7)


def told(canary: Canary, now_s: float) -> str:
    return canary.complaint(now_s)


def test_what_rest_told_first_and_the_stream_never_is_a_complaint_once() -> None:
    canary = Canary()
    canary.resumed(UP_MS)
    canary.told_by_rest([], [TRADED], 1.0)
    assert told(canary, OWED_S) == ""
    assert "trade 7" in told(canary, 1.0 + OWED_S)
    assert told(canary, 100.0) == ""


def test_a_stream_that_follows_owes_nothing() -> None:
    canary = Canary()
    canary.resumed(UP_MS)
    ended = replace(Order(SENT), status=Status.FILLED, updated_ms=TRADED.time_ms)
    canary.told_by_rest([ended], [TRADED], 1.0)
    canary.told_by_stream(venue_order(SENT, Status.FILLED, ONE), [TRADED])
    assert told(canary, 100.0) == ""


def test_what_happened_before_it_was_up_or_while_it_was_down_it_does_not_owe() -> None:
    canary = Canary()
    canary.told_by_rest([], [TRADED], 1.0)
    canary.resumed(TRADED.time_ms + 1)
    canary.told_by_rest([], [TRADED], 1.0)
    assert told(canary, 100.0) == ""
    canary.resumed(UP_MS)
    canary.told_by_rest([], [TRADED], 1.0)
    canary.lost()
    assert told(canary, 100.0) == ""


BUY, SELL = intent(BUY_SLOT), intent(SELL_SLOT)
assert BUY.price is not None
assert SELL.price is not None
BELOW = BUY.price - 1
BETWEEN = Decimal(60_000)
RESTING = [replace(Order(order), status=Status.OPEN) for order in (BUY, SELL)]


def test_an_order_the_price_went_through_has_rest_read_soon_then_ever_later() -> None:
    canary = Canary()
    assert canary.reading_every_s(BELOW, None, RESTING, 0.0) == CROSS_CHECK_S, "the event may be on its way"
    waits = []
    for second in range(3, 9):
        waits.append(canary.reading_every_s(BELOW, None, RESTING, float(second)))
        canary.read()
    assert waits == [QUICK_S, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert canary.reading_every_s(BETWEEN, None, RESTING, 10.0) == CROSS_CHECK_S
    canary.reading_every_s(BELOW, None, RESTING, 11.0)
    assert canary.reading_every_s(BELOW, None, RESTING, 14.0) == QUICK_S


def test_a_price_that_went_through_an_order_and_back_has_rest_read_soon_once() -> None:
    canary = Canary()
    wick = (BELOW, BETWEEN)
    assert canary.reading_every_s(BETWEEN, None, RESTING, 0.0) == CROSS_CHECK_S
    assert canary.reading_every_s(BETWEEN, wick, RESTING, 1.0) == CROSS_CHECK_S, "the event may be on its way"
    assert canary.reading_every_s(BETWEEN, (BETWEEN, BETWEEN), RESTING, 4.0) == QUICK_S
    canary.read()
    assert canary.reading_every_s(BETWEEN, (BETWEEN, BETWEEN), RESTING, 5.0) == CROSS_CHECK_S
    assert canary.reading_every_s(BETWEEN, (BETWEEN, BETWEEN), RESTING, 9.0) == CROSS_CHECK_S


def test_an_order_that_the_stream_ended_or_that_came_after_the_wick_is_none_to_look_into() -> None:
    canary = Canary()
    canary.reading_every_s(BETWEEN, (BELOW, BETWEEN), RESTING, 1.0)
    assert canary.reading_every_s(BETWEEN, None, RESTING, 9.0) == CROSS_CHECK_S, "it was not there at the wick"
    canary.reading_every_s(BETWEEN, (BELOW, BETWEEN), RESTING, 10.0)
    assert canary.reading_every_s(BETWEEN, None, RESTING[1:], 14.0) == CROSS_CHECK_S, "the stream has told its end"


def test_only_resting_orders_beyond_the_price_are_crossed() -> None:
    assert BUY.side is Side.BUY
    assert BUY.price is not None
    assert SELL.price is not None
    assert crossed_by((BUY.price, BUY.price), RESTING) == set(), "at the limit others may stand before it"
    assert crossed_by((BELOW, BETWEEN), RESTING) == {BUY.client_id}
    assert crossed_by((BETWEEN, SELL.price + 1), RESTING) == {SELL.client_id}
    assert crossed_by((BELOW, SELL.price + 1), RESTING) == {BUY.client_id, SELL.client_id}
    assert crossed_by((BETWEEN, BETWEEN), RESTING) == set()
    canary = Canary()
    for second in (0.0, 4.0):
        assert canary.reading_every_s(BELOW, None, [Order(intent(attempt=1))], second) == CROSS_CHECK_S, "not at rest"
