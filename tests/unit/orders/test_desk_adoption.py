"""The desk and orders that its books lack: ours are adopted, others left alone, contradictions need a person."""

import pytest

from domain.events import (
    OrderReported,
    ReadFailed,
    StreamResumed,
)
from domain.orders import Role, Side, Slot, Status
from fakes.desk_driver import Driver, want
from fakes.order_examples import BUY_SLOT, ONE, SELL_SLOT, fill, intent, moment, venue_order
from orders.client_ids import ClientId
from orders.effects import (
    Cancel,
    LookUp,
    ReadOpen,
    Record,
    StoreIntents,
    Submit,
)


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
