"""A symbol that is halted: no rung is given up, the venue is asked ever less often, and trading goes on by itself."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import pytest

from domain.errors import OrderRejected
from domain.events import OrderRefused
from domain.instrument import Market
from domain.orders import Intent, Role, Side, Slot
from fakes.grid_examples import BTC, btc_rules, gate
from fakes.order_examples import BUY_SLOT, INSTANCE, ONE, SELL_SLOT, intent, moment
from fakes.store import SHADOW_ACCOUNT
from orders.client_ids import ClientId
from orders.ledger import Ledger
from orders.market_pause import FIRST_PAUSE_S, LONGEST_PAUSE_S, MarketPause
from orders.placing import LONGEST_WAIT_S, MAX_REFUSALS, OFF_BAND_S, Placing, Price
from orders.wanted import WantedOrder
from utils.binance_errors import Purpose, translate

PRICE = Price(Decimal(60_000), 0.0)
CLOSED = "Market is closed. (HTTP 400, code -1013)"


def wanted() -> list[WantedOrder]:
    return [
        WantedOrder(slot=slot, cycle=0, quantity=ONE, price=PRICE.value, at_once=False, is_exit=False, reason="test")
        for slot in (BUY_SLOT, SELL_SLOT)
    ]


def make_placing() -> tuple[Placing, Ledger]:
    ledger = Ledger(SHADOW_ACCOUNT, BTC)
    return Placing(grid=1, ledger=ledger, rules=btc_rules(), gate=gate(), instance=INSTANCE, epoch=1), ledger


def refuse(placing: Placing, ledger: Ledger, of: Intent, at_s: float) -> None:
    order = ledger[of.client_id] if of.client_id in ledger else ledger.add(of)
    placing.refused(order, OrderRefused(of.client_id, -1013, CLOSED, market_closed=True), moment(at_s))


def test_a_closed_market_faults_no_slot_however_often_it_says_so():
    placing, ledger = make_placing()
    now_s = 0.0
    for _ in range(3 * MAX_REFUSALS):
        intents = placing.intents(wanted(), moment(now_s), PRICE)
        assert len(intents) == 2
        for sent in intents:
            refuse(placing, ledger, sent, now_s)
        assert placing.intents(wanted(), moment(now_s + FIRST_PAUSE_S / 2), PRICE) == []
        now_s += LONGEST_PAUSE_S
    assert placing.faulted == {}
    assert placing.pause.reason == CLOSED


@pytest.mark.parametrize(
    ("market", "told"),
    [
        (Market.SPOT, b'{"code":-1013,"msg":"Filter failure: PERCENT_PRICE_BY_SIDE"}'),
        (Market.FUTURES, b'{"code":-4016,"msg":"Limit price can\'t be higher than 63000."}'),
        (Market.FUTURES, b'{"code":-4024,"msg":"Limit price can\'t be lower than 57000."}'),
    ],
)
def test_a_price_outside_the_venues_band_waits_for_the_market_however_long_that_takes(market: Market, told: bytes):
    error = translate(market, 400, told, {}, Purpose.PLACE)
    assert isinstance(error, OrderRejected)
    assert error.off_band
    placing, ledger = make_placing()
    now_s = 0.0
    for _ in range(3 * MAX_REFUSALS):
        (sent, other) = placing.intents(wanted(), moment(now_s), PRICE)
        order = ledger[sent.client_id] if sent.client_id in ledger else ledger.add(sent)
        placing.refused(order, OrderRefused(sent.client_id, error.code, str(error), off_band=True), moment(now_s))
        assert list(placing.off_band) == [sent.slot]
        now_s += OFF_BAND_S / 2
        assert [it.slot for it in placing.intents(wanted(), moment(now_s), PRICE)] == [other.slot]
        now_s += OFF_BAND_S
    assert placing.faulted == {}
    placing.intents(wanted(), moment(now_s), PRICE)
    assert placing.off_band == {}, "what is sent again waits no more"


def test_the_end_of_a_position_on_a_contract_is_never_given_up():
    slot, now_s = Slot(1, Role.UNWIND, Side.SELL, 0), 0.0
    ledger = Ledger(SHADOW_ACCOUNT, replace(BTC, market=Market.FUTURES))
    rules = replace(btc_rules(), instrument=ledger.instrument)
    placing = Placing(grid=1, ledger=ledger, rules=rules, gate=gate(), instance=INSTANCE, epoch=1)
    want = WantedOrder(slot=slot, cycle=0, quantity=ONE, price=None, at_once=True, is_exit=True, reason="unwind")
    for _ in range(20 * MAX_REFUSALS):
        (sent,) = placing.intents([want], moment(now_s), PRICE)
        placing.refused(ledger.add(sent), OrderRefused(sent.client_id, -4131, "thin book"), moment(now_s))
        now_s += LONGEST_WAIT_S
    assert placing.faulted == {}


def test_pauses_double_up_to_a_minute_and_end_with_the_first_order_taken():
    pause, now_s, asked_s = MarketPause(), 0.0, []
    for _ in range(400):
        if not pause.holds(now_s):
            asked_s.append(now_s)
            pause.begin("closed", now_s)
            pause.begin("closed", now_s)  # the second request that left with the first
        now_s += 1
    assert asked_s[:6] == [0, 2, 6, 14, 30, 62]
    assert {later - earlier for earlier, later in pairwise(asked_s[5:])} == {LONGEST_PAUSE_S}
    pause.end()
    assert (pause.reason, pause.holds(now_s)) == ("", False)


def test_nothing_wanted_any_more_ends_the_pause_once_it_is_over():
    placing, ledger = make_placing()
    refuse(placing, ledger, intent(), 0.0)
    assert placing.intents([], moment(1.0), PRICE) == []
    assert placing.pause.reason == CLOSED
    assert placing.intents([], moment(3.0), PRICE) == []
    assert placing.pause.reason == ""


def test_the_venues_words_are_recognised():
    body = b'{"code": -1013, "msg": "Market is closed."}'
    error = translate(Market.SPOT, 400, body, {}, Purpose.PLACE)
    assert (error.code, getattr(error, "market_closed", None)) == (-1013, True)
    other = translate(Market.SPOT, 400, b'{"code": -1013, "msg": "Filter failure: NOTIONAL"}', {}, Purpose.PLACE)
    assert getattr(other, "market_closed", None) is False


def test_an_order_of_this_life_is_told_by_its_epoch():
    placing, _ = make_placing()
    assert placing.is_of_this_life(str(ClientId(INSTANCE, 1, BUY_SLOT, 0, 0)))
    assert not placing.is_of_this_life(str(ClientId(INSTANCE, 2, BUY_SLOT, 0, 0)))
    assert not placing.is_of_this_life("x-by-hand")


def test_a_slot_refused_for_another_reason_waits_ever_longer_and_is_then_given_up():
    placing, ledger = make_placing()
    asked_s = []
    for second in range(60):
        for sent in placing.intents(wanted()[:1], moment(float(second)), PRICE):
            asked_s.append(second)
            refusal = OrderRefused(sent.client_id, -1112, "No orders on book for symbol.")
            placing.refused(ledger.add(sent), refusal, moment(float(second)))
    assert asked_s == [0, 2, 6, 14, 30]
    assert "-1112" in placing.faulted[BUY_SLOT]
