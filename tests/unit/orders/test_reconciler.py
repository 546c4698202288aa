"""Wanted against open: the difference, once, and never two orders in one slot."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.orders import Role, Side, Slot, Status
from fakes.order_examples import BUY_SLOT, SELL_SLOT, fill, intent
from orders.life_cycle import Moved, Order
from orders.reconciler import Overlap, reconcile
from orders.wanted import WantedOrder

LOT = Decimal("0.001")


def want(slot: Slot, lots: int = 1, cycle: int = 0) -> WantedOrder:
    return WantedOrder(
        slot=slot,
        cycle=cycle,
        quantity=LOT * lots,
        price=Decimal(slot.price_ticks) / 100,
        at_once=False,
        is_exit=slot.side is Side.SELL,
        reason="test",
    )


def order(slot: Slot, status: Status = Status.OPEN, lots: int = 1, attempt: int = 0) -> Order:
    return Order(intent(slot, attempt=attempt, quantity=LOT * lots), status=status)


def test_what_is_missing_is_placed_and_what_is_too_much_is_taken_off():
    difference = reconcile([want(BUY_SLOT)], [order(SELL_SLOT)])
    assert [missing.slot for missing in difference.place] == [BUY_SLOT]
    assert [surplus.intent.slot for surplus in difference.cancel] == [SELL_SLOT]


def test_what_rests_as_wanted_is_left_alone():
    assert reconcile([want(BUY_SLOT)], [order(BUY_SLOT)]) == reconcile([], [])


@pytest.mark.parametrize("status", [Status.CREATED, Status.SENT, Status.UNKNOWN])
def test_a_slot_whose_order_is_in_doubt_is_reserved(status: Status):
    for wanted in ([], [want(BUY_SLOT)], [want(BUY_SLOT, lots=7)]):
        assert reconcile(wanted, [order(BUY_SLOT, status)]) == reconcile([], [])


def test_a_slot_whose_fills_are_missing_is_reserved():
    doubtful = order(BUY_SLOT).apply(Moved(Status.OPEN, 7, LOT / 2))
    ended = order(BUY_SLOT).apply(Moved(Status.FILLED, 7, LOT))
    for held in (doubtful, ended):
        assert reconcile([want(BUY_SLOT, lots=3)], [held]) == reconcile([], [])


def test_wanted_is_compared_with_what_remains():
    half = order(BUY_SLOT, lots=4)
    half = half.apply(fill(half.intent, 1, LOT))
    assert reconcile([want(BUY_SLOT, lots=3)], [half]) == reconcile([], [])
    assert [found.intent for found in reconcile([want(BUY_SLOT, lots=4)], [half]).cancel] == [half.intent]


def test_a_cancel_comes_before_placements_of_its_side_and_holds_back_no_other():
    other_buy, other_sell = Slot(1, Role.RUNG, Side.BUY, 5), Slot(1, Role.RUNG, Side.SELL, 6)
    difference = reconcile([want(other_buy), want(other_sell)], [order(BUY_SLOT)])
    assert [missing.slot for missing in difference.place] == [other_sell]
    under_way = Order(order(BUY_SLOT).intent, status=Status.OPEN, cancel_sent=True)
    assert [missing.slot for missing in reconcile([want(other_buy), want(other_sell)], [under_way]).place] == [
        other_sell
    ]


def test_of_two_live_orders_in_one_slot_the_wanted_one_stays():
    first, second = order(BUY_SLOT, lots=2), order(BUY_SLOT, attempt=1)
    difference = reconcile([want(BUY_SLOT)], [first, second])
    assert [found.intent for found in difference.cancel] == [first.intent]
    assert difference.place == ()


def test_a_near_order_waits_for_no_cancel_of_a_farther_one_while_there_is_room():
    near, far = (Slot(1, Role.RUNG, Side.BUY, ticks) for ticks in (5_950_000, 5_800_000))
    leaving = Order(order(BUY_SLOT).intent, status=Status.OPEN, cancel_sent=True)
    wanted = [want(far), want(near)]

    def placed(most_open: int, *, refused: bool = False, held: Order = leaving) -> list[Slot]:
        overlap = Overlap(most_open, lambda _want: refused)
        return [missing.slot for missing in reconcile(wanted, [held], overlap).place]

    assert placed(2) == [near]
    assert placed(2, held=order(BUY_SLOT)) == [near]  # its cancel is yet to be sent
    assert placed(1) == []
    assert placed(2, refused=True) == []
    unwound = WantedOrder(
        slot=Slot(1, Role.UNWIND, Side.BUY, 0), cycle=0, quantity=LOT, price=None, at_once=True, is_exit=True, reason=""
    )
    assert reconcile([unwound], [leaving], Overlap(9, lambda _want: False)).place == ()


SLOTS = [Slot(1, Role.RUNG, side, ticks) for side in Side for ticks in (100, 200, 300)]
wanted_lists = st.lists(
    st.builds(want, st.sampled_from(SLOTS), st.integers(1, 3)), max_size=6, unique_by=lambda wanted: wanted.slot
)
held_lists = st.lists(
    st.tuples(
        st.sampled_from(SLOTS),
        st.sampled_from([Status.SENT, Status.UNKNOWN, Status.OPEN, Status.OPEN, Status.OPEN]),
        st.integers(1, 3),
    ),
    max_size=6,
    unique_by=lambda held: held[0],
)


@settings(max_examples=300)
@given(wanted=wanted_lists, held=held_lists)
def test_the_difference_carried_out_leads_to_what_is_wanted_and_then_nothing_is_sent(
    wanted: list[WantedOrder], held: list[tuple[Slot, Status, int]]
):
    account = {slot: order(slot, status, lots) for slot, status, lots in held}
    reserved = {slot for slot, found in account.items() if found.status is not Status.OPEN}
    for _ in range(3):
        difference = reconcile(wanted, account.values())
        cancelled_sides = {found.intent.side for found in difference.cancel}
        touched = [found.intent.slot for found in difference.cancel] + [missing.slot for missing in difference.place]
        assert len(touched) == len(set(touched))
        assert not reserved & set(touched)
        assert not cancelled_sides & {missing.slot.side for missing in difference.place}
        for found in difference.cancel:
            del account[found.intent.slot]
        for missing in difference.place:
            assert missing.slot not in account
            account[missing.slot] = order(missing.slot, lots=int(missing.quantity / LOT))
    assert reconcile(wanted, account.values()) == reconcile([], [])
    settled = {slot: found.remaining for slot, found in account.items() if slot not in reserved}
    assert settled == {want.slot: want.quantity for want in wanted if want.slot not in reserved}
