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


def test_an_order_the_price_went_through_has_rest_read_soon_then_ever_later() -> None:
    canary = Canary()
    assert canary.reading_every_s(["a"], 0.0) == CROSS_CHECK_S, "the event may be on its way"
    waits = []
    for second in range(3, 9):
        waits.append(canary.reading_every_s(["a"], float(second)))
        canary.read()
    assert waits == [QUICK_S, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert canary.reading_every_s([], 10.0) == CROSS_CHECK_S
    canary.reading_every_s(["a"], 11.0)
    assert canary.reading_every_s(["a"], 14.0) == QUICK_S


def test_only_resting_orders_beyond_the_price_are_crossed() -> None:
    buy, sell = intent(BUY_SLOT), intent(SELL_SLOT)
    orders = [
        replace(Order(buy), status=Status.OPEN),
        replace(Order(sell), status=Status.OPEN),
        Order(intent(attempt=1)),
    ]
    assert buy.side is Side.BUY
    assert buy.price is not None
    assert sell.price is not None
    assert crossed_by(buy.price, orders) == [], "at the limit others may stand before it"
    assert crossed_by(buy.price - 1, orders) == [buy.client_id]
    assert crossed_by(sell.price + 1, orders) == [sell.client_id]
    assert crossed_by(Decimal(60_000), orders) == []
