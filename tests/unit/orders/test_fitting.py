"""Wanted orders against steps of the venue that changed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events import OrderReported
from domain.orders import Role, Side, Slot, Status
from fakes.desk_driver import Driver, want
from fakes.grid_examples import btc_rules
from fakes.order_examples import BUY_SLOT, SELL_SLOT, venue_order
from orders.effects import Cancel, Submit
from orders.fitting import fitted
from orders.wanted import WantedOrder

STEPS = st.sampled_from([Decimal(step) for step in ("0.01", "0.05", "0.1", "0.25", "1", "30")])
LOTS = st.sampled_from([Decimal(step) for step in ("0.00001", "0.0001", "0.002", "0.5")])


@given(
    tick=STEPS,
    lot=LOTS,
    side=st.sampled_from(Side),
    cents=st.integers(1, 10**7),
    lots=st.integers(1, 10**5),
    is_exit=st.booleans(),
)
def test_a_price_moves_away_from_the_market_and_only_what_closes_shrinks(tick, lot, side, cents, lots, is_exit):
    price, quantity = Decimal(cents) / 100, Decimal(lots) / 100_000
    one = WantedOrder(
        slot=Slot(1, Role.RUNG, side, cents), cycle=0, quantity=quantity, price=price, at_once=False, is_exit=is_exit,
        reason="test",
    )  # fmt: skip
    orders, misfits = fitted([one], (), btc_rules(tick=tick, lot=lot))
    assert len(orders) + len(misfits) == 1
    for order in orders:
        assert order.price is not None
        assert (order.price % tick, order.quantity % lot) == (0, 0)
        assert order.price > 0
        assert abs(order.price - price) < tick
        if price >= tick:
            assert order.price <= price if side is Side.BUY else order.price >= price
        assert order.quantity == quantity if not is_exit else quantity - lot < order.quantity <= quantity
    if misfits:
        assert quantity % lot
        assert not is_exit or quantity < lot


@pytest.mark.parametrize("changes", [{"lot": Decimal("0.0007")}, {"tick": Decimal(70)}])
def test_what_rests_stays_and_what_is_to_come_waits_or_moves_without_being_given_up(changes):
    driver = Driver(want(BUY_SLOT))
    resting = driver.opened()
    driver.desk.placing.rules = btc_rules(**changes)
    entry = Slot(1, Role.RUNG, Side.BUY, BUY_SLOT.price_ticks - 100)
    driver.aim(want(BUY_SLOT), want(SELL_SLOT), want(entry))
    sent = {submit.intent.slot: submit.intent for submit in driver.take(Submit)}
    assert (driver.take(Cancel), driver.desk.placing.faulted) == ([], {})
    exit_order = sent[SELL_SLOT]
    if "lot" in changes:
        assert (exit_order.quantity, list(driver.desk.placing.misfits)) == (Decimal("0.0007"), [entry])
    else:
        assert exit_order.price is not None
        assert exit_order.price >= Decimal(SELL_SLOT.price_ticks) / 100
        assert (exit_order.price % 70, driver.desk.placing.misfits) == (0, {})
    for intent in sent.values():
        driver.tell(OrderReported(venue_order(intent)))
    driver.aim(*driver.wanted)
    assert (driver.take(Submit), driver.take(Cancel)) == ([], []), "applied twice, the second time sends nothing"
    driver.desk.placing.rules = btc_rules()
    driver.aim(*driver.wanted)
    for cancel in driver.take(Cancel):  # what was placed by the steps in between is placed anew
        ended = venue_order(driver.desk.ledger[cancel.client_id].intent, status=Status.CANCELED)
        driver.tell(OrderReported(ended))
    prices = {order.intent.price for order in driver.desk.ledger.unsettled()}
    assert prices == {Decimal(slot.price_ticks) / 100 for slot in (BUY_SLOT, SELL_SLOT, entry)}
    assert driver.desk.placing.misfits == {}
    assert {order.intent.slot for order in driver.desk.ledger.unsettled()} >= {resting.slot, entry}
