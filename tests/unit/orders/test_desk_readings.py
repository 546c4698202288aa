"""The desk and the account: what gaps, readings and restarts make it ask, book and wait for."""

from decimal import Decimal

import pytest

from domain.events import (
    OrderAbsent,
    OrderReported,
    ReadFailed,
    StreamLost,
    StreamResumed,
    TradesRead,
)
from domain.orders import Status
from fakes.desk_driver import LADDER, Driver, Restarted, want
from fakes.grid_examples import BTC
from fakes.order_examples import ONE, SELL_SLOT, fill, intent, moment, venue_order
from orders.effects import (
    Cancel,
    HoldsAllOrders,
    LookUp,
    ReadOpen,
    ReadTrades,
    Submit,
)
from orders.readings import FEW, TRADES_EVERY_S
from ports.store import OrderRow

# --- the stream ---


def test_nothing_is_sent_before_stream_and_account_are_known():
    driver = Driver(want(), synced=False)
    driver.aim()
    driver.read()
    assert driver.take(Submit) == []
    driver.tell(StreamResumed("user"))
    assert driver.take(Submit) == []
    driver.read()
    assert len(driver.take(Submit)) == 1


def test_a_lost_stream_stops_everything_until_a_reading_that_began_after_its_return():
    driver = Driver(want())
    sent = driver.opened()
    driver.take(ReadOpen)
    driver.tell(StreamLost("user", "silent"))
    driver.aim(want(SELL_SLOT))
    driver.tell(StreamResumed("user"))
    assert driver.take(ReadOpen) == [ReadOpen(None)]
    driver.read(ago_s=5)
    assert driver.take(Submit) == []
    assert driver.take(Cancel) == []
    assert driver.take(ReadOpen) == [ReadOpen(None)]
    driver.read((venue_order(sent),))
    assert driver.submitted().slot == SELL_SLOT


def test_a_failed_reading_is_asked_for_again_by_the_timer():
    driver = Driver(want(), synced=False)
    driver.tell(StreamResumed("user"))
    driver.tell(ReadFailed("open orders", "timed out"))
    driver.take(ReadOpen)
    driver.timer()
    assert driver.take(ReadOpen) == [ReadOpen(None)]


def test_the_market_stream_is_not_the_desks_business():
    driver = Driver(want())
    driver.tell(StreamLost("market", "silent"))
    assert driver.desk.synced
    driver.tell(StreamResumed("market"))
    assert driver.desk.synced


def test_a_reading_brings_the_fills_that_the_stream_missed_and_reads_on_from_there():
    driver = Driver(want())
    sent = driver.opened()
    driver.take(ReadOpen)
    half = Decimal("0.0005")
    driver.wanted = (want(quantity=half),)
    driver.read((venue_order(sent, executed=half),), (fill(sent, 41, half, client_id=""),))
    assert [booked.client_id for booked in driver.fills] == [sent.client_id]
    for _ in range(int(TRADES_EVERY_S / 60) + 1):
        driver.timer()
        driver.list_orders((venue_order(sent, executed=half),))
    assert ReadOpen(42) in driver.take(ReadOpen)


def test_an_order_that_a_reading_lacks_is_looked_up_unless_it_is_newer():
    driver = Driver(want())
    sent = driver.opened()
    driver.read(ago_s=1)
    assert driver.take(LookUp) == []
    driver.read(ago_s=-1)
    assert driver.take(LookUp) == [LookUp(sent.client_id, sent.created_ms)]


def test_an_older_reading_takes_nothing_back():
    driver = Driver(want())
    sent = driver.opened()
    driver.nothing_wanted()
    driver.tell(OrderReported(venue_order(sent, Status.CANCELED)))
    driver.read((venue_order(sent),), ago_s=5)
    assert driver.status(sent) is Status.CANCELED
    assert driver.take(Cancel) == [Cancel(sent.client_id)]


# --- restart ---


def test_a_restart_looks_up_what_was_under_way_and_reserves_its_slot():
    driver = Driver(want(), want(SELL_SLOT), synced=False)
    sent, resting = intent(), intent(SELL_SLOT)
    rows = [
        OrderRow(intent=sent, status=Status.CREATED, venue_order_id=None, updated_ms=0),
        OrderRow(intent=resting, status=Status.OPEN, venue_order_id=7, updated_ms=0),
    ]
    driver.desk.restore(rows, [])
    assert driver.gate.exposure() == ONE * 59_000
    driver.tell(StreamResumed("user"))
    driver.list_orders((venue_order(resting),))
    assert driver.take(LookUp) == [LookUp(sent.client_id, sent.created_ms)]
    driver.timer()
    assert driver.take(Submit) == []
    driver.tell(OrderAbsent(sent.client_id))
    assert driver.submitted().attempt == 1


# --- how much of the account is read ---


def test_orders_that_all_still_rest_cost_one_listing_and_nothing_else():
    driver = Restarted()
    assert driver.take(ReadOpen) == [ReadOpen(None)]
    driver.list_orders(tuple(map(driver.there, driver.rested)))
    assert driver.desk.synced
    assert driver.effects == []
    assert driver.counts() == {"orders_restored": 5, "orders_open": 5, "orders_kept": 5}


@pytest.mark.parametrize("part", [None, Decimal("0.0004")])
def test_few_orders_that_changed_are_asked_for_by_their_trades(part: Decimal | None):
    driver = Restarted()
    changed = driver.rested[0]
    rest = [driver.there(one) for one in driver.rested[1:]]
    listed = [] if part is None else [driver.there(changed, executed=part)]
    driver.list_orders((*listed, *rest))
    (asked,) = driver.take(LookUp)
    assert asked.presumed is not None
    executed = part or ONE
    assert (asked.presumed.client_id, asked.presumed.executed_quantity) == (changed.client_id, executed)
    assert asked.presumed.status is (Status.FILLED if part is None else Status.OPEN)
    driver.wanted = ()
    driver.tell(OrderReported(asked.presumed, (fill(changed, 31, executed),)))
    assert driver.counts()["fills_booked_late"] == 1
    assert driver.status(changed) is asked.presumed.status


def test_many_orders_that_changed_are_asked_for_by_one_reading_of_trades():
    driver = Restarted()
    driver.list_orders()
    assert driver.take(LookUp) == []
    (asked,) = driver.take(ReadTrades)
    assert asked.since_trade_id == 31
    assert dict(asked.known) == {driver.there(one).venue_order_id: one.client_id for one in driver.rested}
    *filled, canceled = driver.rested
    driver.wanted = ()
    driver.tell(TradesRead(BTC, tuple(fill(one, 31 + n, client_id="") for n, one in enumerate(filled))))
    assert [driver.status(one) for one in filled] == [Status.FILLED] * FEW
    assert [one.client_id for one in driver.take(LookUp)] == [canceled.client_id]
    assert driver.counts()["fills_booked_late"] == FEW


def test_a_reading_of_trades_that_failed_begins_again_with_the_listing():
    driver = Restarted()
    driver.list_orders()
    driver.tell(ReadFailed("trades", "timed out"))
    driver.take(ReadOpen)
    driver.timer()
    assert driver.take(ReadOpen) == [ReadOpen(None)]


def test_books_in_doubt_are_whole_only_after_every_trade_was_read():
    driver = Restarted(is_whole=False)
    assert driver.take(ReadOpen) == [ReadOpen(31)]
    lost = intent(SELL_SLOT, cycle=2)
    driver.read(tuple(map(driver.there, driver.rested)), (fill(lost, 40),))
    assert (driver.take(HoldsAllOrders), driver.desk.synced) == ([], False)
    driver.tell(OrderReported(driver.there(lost, status=Status.FILLED, executed=ONE), (fill(lost, 40),)))
    assert (driver.counts()["orders_adopted"], driver.counts()["fills_booked_late"]) == (1, 1)
    assert driver.take(ReadOpen) == [ReadOpen(40)]
    listed = tuple(map(driver.there, driver.rested))
    driver.read(listed, (fill(lost, 40),))
    driver.read(listed)  # too soon: what is gone from the list may have trades that a replica does not show yet
    assert (driver.take(HoldsAllOrders), driver.desk.synced) == ([], False)
    driver.timer()
    assert driver.take(ReadOpen) == [ReadOpen(41)]
    driver.read(listed)
    assert (driver.take(HoldsAllOrders), driver.desk.synced) == ([HoldsAllOrders()], True)


def test_an_order_of_ours_that_the_books_lack_makes_a_listing_ask_for_all_trades():
    driver = Restarted()
    driver.take(ReadOpen)
    driver.list_orders((*map(driver.there, driver.rested), driver.there(intent(SELL_SLOT))))
    assert not driver.desk.synced
    assert driver.take(ReadOpen) == [ReadOpen(31)]
    assert driver.counts()["orders_adopted"] == 1


def test_a_gap_in_the_stream_is_a_recovery_of_its_own():
    driver = Restarted()
    driver.list_orders(tuple(map(driver.there, driver.rested)))
    driver.tell(StreamLost("user", "silent"))
    driver.tell(StreamResumed("user"))
    driver.list_orders(tuple(map(driver.there, driver.rested[1:])))
    report = driver.desk.recovery.report(())
    assert (report.cause, report.counts["orders_gone"], report.ended_ms) == ("reconnect", 1, None)
    driver.wanted = [want(slot) for slot in LADDER[1:]]
    driver.tell(OrderReported(driver.there(driver.rested[0], status=Status.CANCELED)))
    assert driver.desk.recovery.report(()).ended_ms == moment(driver.now_s).wall_ms


def test_nothing_is_decided_before_it_is_known_what_became_of_every_order_that_is_gone():
    driver = Restarted()
    first, second, *rest = driver.rested
    driver.list_orders(tuple(map(driver.there, rest)))
    driver.wanted = [want(slot) for slot in LADDER[2:]]
    assert not driver.desk.synced
    driver.tell(OrderReported(driver.there(first, status=Status.FILLED, executed=ONE), (fill(first, 31),)))
    assert driver.take(Cancel) == []
    driver.tell(OrderReported(driver.there(second, status=Status.FILLED, executed=ONE), (fill(second, 32),)))
    assert driver.desk.synced
    assert driver.take(Cancel) == []


def test_an_order_that_a_lagging_listing_lacked_is_told_to_rest_and_holds_nothing_up():
    driver = Restarted()
    driver.list_orders(tuple(map(driver.there, driver.rested[1:])))
    driver.tell(ReadFailed("look-up", "timed out"))
    driver.take(LookUp)
    driver.timer()
    driver.list_orders(tuple(map(driver.there, driver.rested[1:])))
    assert not driver.desk.synced
    driver.tell(OrderReported(driver.there(driver.rested[0])))
    assert driver.desk.synced
