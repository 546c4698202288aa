"""The desk, event by event: what it books, what it sends, and what it leaves alone."""

from dataclasses import replace
from decimal import Decimal

import pytest

from domain.events import (
    CancelRefused,
    OrderAbsent,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    ReadFailed,
)
from domain.orders import OrderType, PositionSide, Slot, Status, TimeInForce
from fakes.desk_driver import OTHER_BUY, Driver, want
from fakes.order_examples import BUY_SLOT, ONE, SELL_SLOT, fill, moment, venue_order
from orders.effects import (
    Cancel,
    LookUp,
    Record,
    StoreIntents,
    Submit,
)
from orders.placing import MAX_REFUSALS

# --- the straight way ---


def test_an_intent_is_stored_before_it_leaves():
    driver = Driver(want())
    kinds = [type(effect) for effect in driver.effects]
    assert kinds.index(StoreIntents) < kinds.index(Submit)
    sent = driver.submitted()
    assert (sent.type, sent.time_in_force, sent.attempt) == (OrderType.LIMIT_MAKER, None, 0)
    assert driver.take(StoreIntents) == [StoreIntents((sent,))]
    driver.aim()
    assert driver.take(Submit) == []


def test_an_answer_and_its_event_in_either_order_book_a_fill_once():
    for answer_first in (True, False):
        driver = Driver(want())
        sent = driver.submitted()
        done = OrderReported(venue_order(sent, Status.FILLED, ONE), (fill(sent, 1),))
        late = OrderReported(venue_order(sent))
        for event in (late, done, done) if answer_first else (done, late, done):
            driver.tell(event)
        assert [booked.trade_id for booked in driver.fills] == [1]
        assert driver.status(sent) is Status.FILLED
        assert driver.gate.exposure() == driver.submitted().quantity * 59_000  # the next attempt of the same want


def test_what_became_known_is_recorded_once_with_its_fills():
    driver = Driver(want())
    sent = driver.opened()
    driver.take(Record)
    part = OrderReported(venue_order(sent, executed=Decimal("0.0004")), (fill(sent, 1, Decimal("0.0004")),))
    driver.wanted = (want(quantity=Decimal("0.0006")),)
    driver.tell(part)
    driver.tell(part)
    (record,) = driver.take(Record)
    assert [row.status for row in record.orders] == [Status.OPEN]
    assert [booked.trade_id for booked in record.fills] == [1]
    assert driver.take(Cancel) == []


# --- outcomes that are not known ---


def test_an_unknown_outcome_is_looked_up_and_never_sent_again():
    driver = Driver(want())
    sent = driver.submitted()
    driver.tell(OutcomeUnknown(sent.client_id, "timed out"))
    assert driver.take(LookUp) == [LookUp(sent.client_id, sent.created_ms)]
    for _ in range(3):
        driver.timer()
    assert driver.take(Submit) == []
    assert driver.take(LookUp) == []
    assert driver.desk.in_flight


def test_an_unknown_outcome_found_resting_goes_on():
    driver = Driver(want())
    sent = driver.submitted()
    driver.tell(OutcomeUnknown(sent.client_id, "timed out"))
    driver.tell(OrderReported(venue_order(sent)))
    driver.timer()
    assert driver.status(sent) is Status.OPEN
    assert driver.take(Submit) == []


def test_an_unknown_outcome_found_absent_is_a_new_attempt_after_the_timer():
    driver = Driver(want())
    sent = driver.submitted()
    driver.tell(OutcomeUnknown(sent.client_id, "timed out"))
    driver.tell(OrderAbsent(sent.client_id))
    assert driver.take(Submit) == []
    driver.timer()
    again = driver.submitted()
    assert (again.attempt, again.slot) == (1, sent.slot)
    assert again.client_id != sent.client_id


@pytest.mark.parametrize("status", [Status.OPEN, Status.FILLED])
def test_an_absence_that_news_of_the_order_overtook_is_no_contradiction(status: Status):
    driver = Driver(want())
    sent = driver.submitted()
    driver.tell(OutcomeUnknown(sent.client_id, "timed out"))
    executed = ONE if status is Status.FILLED else Decimal(0)
    driver.tell(OrderReported(venue_order(sent, status, executed), (fill(sent, 1),) if executed else ()))
    driver.tell(OrderAbsent(sent.client_id))
    assert driver.desk.alarms == []
    assert driver.status(sent) is status


def test_an_open_order_the_venue_has_no_memory_of_needs_a_person():
    driver = Driver(want())
    sent = driver.opened()
    driver.read(ago_s=-1)
    assert driver.take(LookUp) == [LookUp(sent.client_id, sent.created_ms)]
    driver.tell(OrderAbsent(sent.client_id))
    assert "was reported as rejected" in driver.desk.alarms[0]


def test_an_order_taken_for_absent_that_shows_up_beside_its_successor_is_reduced_to_one():
    driver = Driver(want())
    first = driver.submitted()
    driver.tell(OutcomeUnknown(first.client_id, "timed out"))
    driver.tell(OrderAbsent(first.client_id))
    driver.timer()
    second = driver.opened()
    driver.tell(OrderReported(venue_order(first)))
    assert len(driver.take(Cancel)) == 1
    assert driver.status(second) is Status.OPEN


def test_a_request_that_never_left_is_sent_anew_after_the_timer():
    driver = Driver(want())
    sent = driver.submitted()
    driver.tell(OrderNotSent(sent.client_id, "no connection"))
    assert driver.take(Submit) == []
    driver.timer()
    assert driver.submitted().attempt == 1


def test_a_failed_look_up_is_asked_for_again_by_the_timer():
    driver = Driver(want())
    sent = driver.submitted()
    driver.tell(OutcomeUnknown(sent.client_id, "timed out"))
    driver.take(LookUp)
    driver.tell(ReadFailed("look-up", "timed out"))
    driver.timer()
    assert driver.take(LookUp) == [LookUp(sent.client_id, sent.created_ms)]


def test_a_look_up_whose_trades_are_still_missing_waits_for_the_timer():
    driver = Driver(want())
    sent = driver.opened()
    incomplete = OrderReported(venue_order(sent, Status.FILLED, ONE))
    driver.tell(incomplete)
    assert len(driver.take(LookUp)) == 1
    driver.tell(incomplete)
    assert driver.take(LookUp) == []
    assert driver.take(Submit) == []
    driver.timer()
    assert len(driver.take(LookUp)) == 1
    driver.tell(OrderReported(venue_order(sent, Status.FILLED, ONE), (fill(sent, 1),)))
    assert [booked.trade_id for booked in driver.fills] == [1]
    assert driver.submitted().attempt == 1


# --- cancels ---


def test_a_cancel_is_sent_once_and_its_side_waits_for_it():
    driver = Driver(want())
    sent = driver.opened()
    driver.aim(want(OTHER_BUY), want(SELL_SLOT))
    assert driver.take(Cancel) == [Cancel(sent.client_id)]
    assert driver.submitted().slot == SELL_SLOT
    driver.aim()
    assert driver.take(Cancel) == []
    driver.tell(OrderReported(venue_order(sent, Status.CANCELED)))
    assert driver.submitted().slot == OTHER_BUY


def test_a_cancel_that_lost_the_race_against_a_fill_books_the_fill():
    driver = Driver(want())
    sent = driver.opened()
    driver.nothing_wanted()
    driver.tell(CancelRefused(sent.client_id, -2011, "Unknown order sent."))
    assert driver.take(LookUp) == [LookUp(sent.client_id, sent.created_ms)]
    driver.tell(OrderReported(venue_order(sent, Status.FILLED, ONE), (fill(sent, 1),)))
    assert [booked.trade_id for booked in driver.fills] == [1]
    assert not driver.desk.in_flight


@pytest.mark.parametrize("event", [OutcomeUnknown, OrderNotSent])
def test_a_cancel_without_an_answer_is_tried_again_by_the_timer(event: type[OutcomeUnknown] | type[OrderNotSent]):
    driver = Driver(want())
    sent = driver.opened()
    driver.nothing_wanted()
    assert len(driver.take(Cancel)) == 1
    driver.tell(event(sent.client_id, "timed out"))
    assert driver.take(Cancel) == []
    driver.timer()
    assert driver.take(Cancel) == [Cancel(sent.client_id)]


@pytest.mark.parametrize("is_sent", [True, False])
def test_a_refused_cancel_is_repeated_after_growing_pauses_and_not_every_second(is_sent: bool):
    driver = Driver(want())
    sent = driver.opened()
    driver.nothing_wanted()
    cancels = 0
    for _ in range(300):
        for cancel in driver.take(Cancel):
            cancels += 1
            cid = cancel.client_id
            driver.tell(CancelRefused(cid, -4108, "closed") if is_sent else OrderNotSent(cid, "refused key"))
            driver.tell(OrderReported(venue_order(sent)))
        driver.now_s += 1
        driver.effects += driver.desk.on_timer(moment(driver.now_s))
        driver.aim()
    assert 7 <= cancels <= 10


def test_a_cancel_that_came_after_a_part_waits_for_the_parts_fill():
    driver = Driver(want())
    sent = driver.opened()
    driver.nothing_wanted()
    driver.tell(OrderReported(venue_order(sent, Status.CANCELED, Decimal("0.0004"))))
    assert driver.desk.in_flight
    assert driver.gate.exposure() == ONE * 59_000  # at risk until it is booked as inventory
    driver.tell(OrderReported(venue_order(sent, executed=Decimal("0.0004")), (fill(sent, 1, Decimal("0.0004")),)))
    assert not driver.desk.ledger.unsettled()
    assert driver.gate.exposure() == 0


# --- refusals ---


def test_a_post_only_order_that_would_take_becomes_a_plain_limit_order_at_once():
    driver = Driver(want())
    sent = driver.submitted()
    driver.tell(OrderRefused(sent.client_id, -2010, "would take", would_take=True))
    again = driver.submitted()
    assert (again.type, again.time_in_force, again.attempt) == (OrderType.LIMIT, TimeInForce.GTC, 1)
    assert driver.desk.placing.faulted == {}


def test_five_refusals_fault_the_slot_and_no_other():
    driver = Driver(want())
    for attempt in range(MAX_REFUSALS):
        sent = driver.submitted()
        assert sent.attempt == attempt
        driver.tell(OrderRefused(sent.client_id, -1013, "Filter failure: LOT_SIZE"))
        driver.timer()
    assert driver.take(Submit) == []
    assert "LOT_SIZE (-1013)" in driver.desk.placing.faulted[BUY_SLOT]
    driver.aim(want(), want(SELL_SLOT))
    assert driver.submitted().slot == SELL_SLOT


def test_an_order_that_expired_for_want_of_a_seller_waits_for_the_timer():
    driver = Driver(want(at_once=True))
    sent = driver.submitted()
    assert (sent.type, sent.time_in_force) == (OrderType.LIMIT, TimeInForce.IOC)
    driver.tell(OrderReported(venue_order(sent, Status.EXPIRED)))
    driver.aim()
    assert driver.take(Submit) == []
    driver.timer()
    assert driver.submitted().attempt == 1


def test_what_the_venue_would_refuse_for_its_size_is_never_sent():
    driver = Driver(want(quantity=Decimal("0.00002")))
    assert driver.take(Submit) == []
    assert "below the venue's minimum" in driver.desk.placing.faulted[BUY_SLOT]


@pytest.mark.parametrize(
    ("slot", "side", "reduce_only", "is_sent"),
    [
        (SELL_SLOT, PositionSide.BOTH, False, False),
        (SELL_SLOT, PositionSide.BOTH, True, True),
        (SELL_SLOT, PositionSide.LONG, False, True),
        (SELL_SLOT, PositionSide.SHORT, False, False),
        (BUY_SLOT, PositionSide.SHORT, False, True),
    ],
)
def test_what_can_only_reduce_a_position_needs_no_least_value(
    slot: Slot, side: PositionSide, reduce_only: bool, is_sent: bool
):
    small = want(slot, Decimal("0.00002"))
    driver = Driver(replace(small, position_side=side, reduce_only=reduce_only))
    assert bool(driver.take(Submit)) is is_sent


def test_what_the_gate_refuses_is_not_sent_and_its_reason_is_kept():
    driver = Driver(synced=True)
    effects = driver.desk.aim([want(), want(SELL_SLOT)], moment(9), None)
    assert [effect.intent.slot for effect in effects if isinstance(effect, Submit)] == [SELL_SLOT]
    assert driver.desk.placing.gate_reasons == {BUY_SLOT: "no price is known yet"}


# --- when nothing leaves ---


def test_orders_that_did_not_leave_are_tried_after_growing_pauses_and_not_every_second():
    driver = Driver(want())
    attempts = 0
    for _ in range(300):
        for submit in driver.take(Submit):
            attempts += 1
            driver.tell(OrderNotSent(submit.intent.client_id, "banned for a while"))
        driver.now_s += 1
        driver.effects += driver.desk.on_timer(moment(driver.now_s))
        driver.aim()
    assert 5 <= attempts <= 12
    assert driver.desk.placing.pause.reason == "banned for a while"
    driver.now_s += 60
    driver.aim()
    driver.tell(OrderReported(venue_order(driver.submitted())))
    assert driver.desk.placing.pause.reason == ""
