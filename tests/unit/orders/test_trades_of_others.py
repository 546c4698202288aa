"""A contract that a hand traded for years: what others did there is not read again and again."""

from dataclasses import replace

import pytest

from domain.events import OpenOrdersRead, StreamResumed
from fakes.desk_driver import Driver, want
from fakes.grid_examples import BTC
from fakes.order_examples import fill, intent, moment
from orders.effects import ReadOpen
from orders.readings import OLD_MS, TRADES_EVERY_S


@pytest.mark.parametrize("epoch", [1, 2])
def test_trades_before_our_first_order_are_never_read(epoch: int):
    driver = Driver(want(), synced=False, epoch=epoch)
    driver.desk.restore([], [], is_whole=False, before=5_000_000)
    driver.tell(StreamResumed("user"))
    assert driver.take(ReadOpen) == [ReadOpen(5_000_001)]


def test_others_trades_are_read_once_and_those_of_the_last_minute_again():
    driver = Driver(want())
    driver.now_s += TRADES_EVERY_S
    driver.timer()
    assert driver.take(ReadOpen)[-1].since_trade_id == 1
    theirs = replace(fill(intent(), 900), client_id="hand")
    now_ms = moment(driver.now_s).market_ms
    fresh = replace(theirs, trade_id=901, time_ms=now_ms)
    old = replace(theirs, time_ms=now_ms - 2 * OLD_MS)
    driver.tell(OpenOrdersRead(BTC, (), (), driver.now_s + 1, foreign_fills=(old, fresh)))
    driver.now_s += TRADES_EVERY_S
    driver.timer()
    assert driver.take(ReadOpen)[-1].since_trade_id == 901
