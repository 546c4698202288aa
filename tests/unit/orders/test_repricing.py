"""An order that must never take: where it waits, when it returns, and how often it is sent at once."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.orders import Role, Side, Slot, Status
from fakes.grid_examples import btc_rules
from fakes.order_examples import intent
from orders.life_cycle import Order
from orders.repricing import MOST_AT_ONCE, Repricing
from orders.wanted import WantedOrder

TICK = Decimal("0.01")
RUNG = Decimal(60_000)


def want(side: Side = Side.BUY, *, rung: Decimal = RUNG, cycle: int = 0) -> WantedOrder:
    return WantedOrder(
        slot=Slot(1, Role.RUNG, side, int(rung / TICK)),
        cycle=cycle,
        quantity=Decimal("0.001"),
        price=rung,
        at_once=False,
        is_exit=side is Side.SELL,
        reason="test",
    )


def resting(at: Decimal, side: Side = Side.BUY, **changes: bool) -> Order:
    return Order(intent(want(side).slot, price=at), status=Status.OPEN, **changes)


@pytest.mark.parametrize(
    ("side", "last", "expected"),
    [
        (Side.BUY, "59990.00", "59989.99"),
        (Side.BUY, "60000.00", "59999.99"),
        (Side.BUY, "60000.01", "60000.00"),
        (Side.SELL, "60010.00", "60010.01"),
        (Side.SELL, "60000.00", "60000.01"),
        (Side.SELL, "59999.00", "60000.00"),
    ],
)
def test_refused_at_its_rung_it_is_sent_one_tick_behind_the_last_price(side: Side, last: str, expected: str):
    behind = Repricing(btc_rules())
    assert behind.price_of(want(side), Decimal(last)) == RUNG
    behind.refused(want(side).slot, 0)
    assert behind.price_of(want(side), Decimal(last)) == Decimal(expected)
    assert behind.price_of(want(side), None) is None
    assert behind.price_of(want(side, cycle=1), Decimal(last)) == RUNG


def test_after_a_number_of_refusals_it_waits_until_the_price_moves():
    behind, last = Repricing(btc_rules()), Decimal(59_990)
    for _ in range(MOST_AT_ONCE):
        behind.begin()
        assert behind.price_of(want(), last) is not None
        behind.sent(want(), last)
        behind.refused(want().slot, 0)
    behind.begin()
    assert behind.price_of(want(), last) is None
    assert not behind.concerns(last)
    assert behind.concerns(last - TICK)
    assert behind.price_of(want(), last - TICK) == last - 2 * TICK


def test_what_would_be_worth_too_little_waits_too():
    behind = Repricing(btc_rules(min_notional=Decimal(50)))
    behind.refused(want().slot, 0)
    assert behind.price_of(want(), Decimal(49_000)) is None
    assert behind.concerns(Decimal(55_000))


@pytest.mark.parametrize(("side", "sign"), [(Side.BUY, 1), (Side.SELL, -1)])
def test_it_returns_once_its_rung_is_free_and_follows_no_price_before(side: Side, sign: int):
    behind, away = Repricing(btc_rules()), resting(RUNG - sign * 20, side)
    for last in (RUNG - sign * 10, RUNG):
        assert behind.returning([away], [want(side)], last) == frozenset()
        assert not behind.concerns(last)
        assert behind.concerns(RUNG + sign * TICK)
    assert behind.returning([away], [want(side)], RUNG + sign * TICK) == {away.intent.client_id}
    for other in (resting(RUNG, side), resting(RUNG - sign * 20, side, cancel_sent=True)):
        assert behind.returning([other], [want(side)], RUNG + sign * TICK) == frozenset()
    assert behind.returning([away], [], RUNG + sign * TICK) == frozenset()


@settings(max_examples=200)
@given(side=st.sampled_from(Side), last=st.integers(1, 12_000_000), count=st.integers(0, 9))
def test_it_never_stands_before_its_rung_nor_at_the_last_price(side: Side, last: int, count: int):
    behind = Repricing(btc_rules())
    for _ in range(count):
        behind.refused(want(side).slot, 0)
    price = behind.price_of(want(side), last * TICK)
    if price is None:
        return
    assert price <= RUNG if side is Side.BUY else price >= RUNG
    if count:
        assert price < last * TICK if side is Side.BUY else price > last * TICK
