"""The desk, event by event: what it books, what it sends, and what it leaves alone."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

import pytest

from domain.events import (
    CancelRefused,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    ReadFailed,
    StreamLost,
    StreamResumed,
    TradesRead,
)
from domain.orders import Fill, Intent, OrderType, Role, Side, Slot, Status, TimeInForce, VenueOrder
from fakes.grid_examples import BTC, btc_rules, gate
from fakes.order_examples import BUY_SLOT, INSTANCE, ONE, SELL_SLOT, fill, intent, moment, venue_order
from fakes.store import SHADOW_ACCOUNT
from orders.client_ids import ClientId
from orders.desk import OrderDesk
from orders.effects import (
    Cancel,
    HoldsAllOrders,
    LookUp,
    OrderEffect,
    ReadOpen,
    ReadTrades,
    Record,
    StoreIntents,
    Submit,
)
from orders.ledger import Ledger
from orders.placing import MAX_REFUSALS, Placing, Price
from orders.readings import FEW, TRADES_EVERY_S
from orders.wanted import WantedOrder
from ports.store import OrderRow

E = TypeVar("E", bound=OrderEffect)
OTHER_BUY = Slot(1, Role.RUNG, Side.BUY, 5_800_000)


def want(slot: Slot = BUY_SLOT, quantity: Decimal = ONE, *, at_once: bool = False) -> WantedOrder:
    return WantedOrder(
        slot=slot,
        cycle=0,
        quantity=quantity,
        price=Decimal(slot.price_ticks) / 100,
        at_once=at_once,
        is_exit=slot.side is Side.SELL,
        reason="test",
    )


class Driver:
    """Gives a desk one event a second, aims after each, and keeps what it wanted done."""

    def __init__(self, *wanted: WantedOrder, synced: bool = True, epoch: int = 1) -> None:
        self.gate = gate()
        ledger = Ledger(SHADOW_ACCOUNT, BTC)
        placing = Placing(grid=1, ledger=ledger, rules=btc_rules(), gate=self.gate, instance=INSTANCE, epoch=epoch)
        self.desk = OrderDesk(placing, ledger, self.gate)
        self.wanted: Sequence[WantedOrder] = wanted
        self.effects: list[OrderEffect] = []
        self.fills: list[Fill] = []
        self.now_s = 0.0
        if synced:
            self.tell(StreamResumed("user"))
            self.read()

    def tell(self, event: OrderEvent) -> None:
        self.now_s += 1
        news = self.desk.on(event, moment(self.now_s))
        self.desk.update_gate()
        self.fills += news.fills
        self.effects += news.effects
        self.aim()

    def aim(self, *wanted: WantedOrder) -> None:
        self.wanted = wanted or self.wanted
        now = moment(self.now_s)
        self.effects += self.desk.aim(self.wanted, now, Price(Decimal(60_000), 0.0))

    def nothing_wanted(self) -> None:
        self.wanted = ()
        self.aim()

    def timer(self) -> None:
        self.now_s += 60
        self.effects += self.desk.on_timer(moment(self.now_s))
        self.aim()

    def read(self, orders: tuple[VenueOrder, ...] = (), fills: tuple[Fill, ...] = (), ago_s: float = -1.0) -> None:
        """A reading that began `ago_s` seconds ago; by default after everything told so far."""
        self.tell(OpenOrdersRead(BTC, orders, fills, self.now_s - ago_s))

    def list_orders(self, orders: tuple[VenueOrder, ...] = ()) -> None:
        """A listing of the open orders, without trades, that began after everything told so far."""
        self.tell(OpenOrdersRead(BTC, orders, (), self.now_s + 1, has_trades=False))

    def take(self, kind: type[E]) -> list[E]:
        """Return the effects of one kind since the last look, and forget them."""
        found = [effect for effect in self.effects if isinstance(effect, kind)]
        self.effects = [effect for effect in self.effects if not isinstance(effect, kind)]
        return found

    def submitted(self) -> Intent:
        (submit,) = self.take(Submit)
        return submit.intent

    def opened(self) -> Intent:
        """Submit the only wanted order and let it rest."""
        sent = self.submitted()
        self.tell(OrderReported(venue_order(sent)))
        return sent

    def status(self, of: Intent) -> Status:
        return self.desk.ledger[of.client_id].status


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


def test_what_the_gate_refuses_is_not_sent_and_its_reason_is_kept():
    driver = Driver(synced=True)
    effects = driver.desk.aim([want(), want(SELL_SLOT)], moment(9), None)
    assert [effect.intent.slot for effect in effects if isinstance(effect, Submit)] == [SELL_SLOT]
    assert driver.desk.placing.gate_reasons == {BUY_SLOT: "no price is known yet"}


# --- orders the books lack ---


def test_an_order_of_ours_that_the_books_lack_is_adopted_and_stored_first():
    driver = Driver(want())
    driver.submitted()
    lost = intent(SELL_SLOT, cycle=3, attempt=2)
    driver.effects.clear()
    driver.read((venue_order(lost),))
    kinds = [type(effect) for effect in driver.effects]
    assert kinds[:2] == [StoreIntents, Record]
    (stored,) = driver.take(StoreIntents)
    assert (stored.intents[0].slot, stored.intents[0].cycle, stored.intents[0].attempt) == (SELL_SLOT, 3, 2)
    assert driver.take(Cancel) == [Cancel(lost.client_id)]


def test_a_trade_of_an_order_the_books_lack_holds_everything_until_the_order_is_found():
    driver = Driver(want(), synced=False, epoch=2)
    lost = intent()
    driver.tell(StreamResumed("user"))
    driver.take(ReadOpen)
    driver.read(fills=(fill(lost, 7),))
    assert driver.take(LookUp) == [LookUp(lost.client_id, moment(driver.now_s).wall_ms)]
    assert driver.take(Submit) == []
    driver.tell(ReadFailed("look-up", "timed out"))
    driver.timer()
    assert driver.take(ReadOpen) == [ReadOpen(7)]
    driver.read(fills=(fill(lost, 7),))
    assert len(driver.take(LookUp)) == 1
    driver.tell(OrderReported(venue_order(lost, Status.FILLED, ONE), (fill(lost, 7),)))
    assert [booked.trade_id for booked in driver.fills] == [7]
    assert driver.take(Submit) == []
    driver.timer()
    driver.read(fills=(fill(lost, 7),))
    assert driver.take(Submit) == []  # other trades may not be in the list yet
    driver.timer()
    driver.read()
    again = driver.submitted()
    assert (again.attempt, again.client_id.split("-")[2]) == (1, "2")


@pytest.mark.parametrize("grid", [1, 8])
def test_an_open_order_of_another_instance_raises_one_alarm(grid: int):
    driver = Driver()
    slot = Slot(grid, Role.RUNG, Side.BUY, 5)
    other = venue_order(intent(client_id=str(ClientId("ab12", 1, slot, 0, 0))))
    for _ in range(3):
        driver.read((other,))
    assert len(driver.desk.alarms) == 1
    assert "another Gridhive" in driver.desk.alarms[0]
    assert other.client_id not in driver.desk.ledger


def test_orders_of_other_people_and_of_our_other_grids_are_left_alone():
    driver = Driver()
    other_grid = intent(Slot(2, Role.RUNG, Side.BUY, 5))
    foreign = intent(client_id="web_123")
    driver.read((venue_order(other_grid), venue_order(foreign)), (fill(other_grid, 3), fill(foreign, 4)))
    assert (driver.fills, driver.desk.alarms, driver.take(Cancel), driver.take(LookUp)) == ([], [], [], [])
    assert driver.desk.synced


def test_contradicting_ends_stop_the_slot_with_an_alarm():
    driver = Driver(want())
    sent = driver.opened()
    driver.nothing_wanted()
    driver.tell(OrderReported(venue_order(sent, Status.CANCELED)))
    driver.tell(OrderReported(venue_order(sent, Status.EXPIRED)))
    assert "was reported as expired" in driver.desk.alarms[0]
    assert BUY_SLOT in driver.desk.placing.faulted


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

LADDER = tuple(Slot(1, Role.RUNG, Side.BUY, 5_900_000 + 100 * rung) for rung in range(FEW + 1))


class Restarted(Driver):
    """A desk restored with orders that rested when its process died, its stream up again."""

    def __init__(self, *, is_whole: bool = True) -> None:
        super().__init__(*[want(slot) for slot in LADDER], synced=False)
        self.rested = [intent(slot) for slot in LADDER]
        rows = [
            OrderRow(intent=one, status=Status.OPEN, venue_order_id=self.there(one).venue_order_id, updated_ms=0)
            for one in self.rested
        ]
        self.desk.restore(rows, [], known_until=30, is_whole=is_whole)
        self.effects += self.desk.on_timer(moment(self.now_s))
        assert self.take(ReadOpen) == []  # nothing could be decided on a listing before the stream is up
        self.tell(StreamResumed("user"))

    def there(self, of: Intent, **changes) -> VenueOrder:
        return venue_order(of, **changes)

    def counts(self) -> dict[str, int]:
        return {name: count for name, count in self.desk.recovery.report(()).counts.items() if count}


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
