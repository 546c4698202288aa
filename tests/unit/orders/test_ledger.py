"""Orders by id, trades by number, and the same ledger again from what was stored."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.orders import Status
from fakes.grid_examples import BTC
from fakes.order_examples import BUY_SLOT, SELL_SLOT, fill, intent
from fakes.store import SHADOW_ACCOUNT
from orders.ledger import Ledger
from orders.life_cycle import ENDED, IllegalMove, Moved


def ledger() -> Ledger:
    return Ledger(SHADOW_ACCOUNT, BTC)


def test_a_trade_counts_once_whoever_tells_it():
    books, one = ledger(), intent()
    books.add(one)
    assert books.book(fill(one, 5))
    assert not books.book(fill(one, 5))
    assert books[one.client_id].filled == one.quantity
    assert books.last_trade_id == 5


def test_an_id_is_never_used_twice():
    books, one = ledger(), intent()
    books.add(one)
    books.move(one.client_id, Moved(Status.REJECTED))
    with pytest.raises(ValueError, match="was used before"):
        books.add(one)
    assert books.next_attempt(BUY_SLOT, 0) == 1
    assert books.next_attempt(BUY_SLOT, 1) == 0
    assert books.next_attempt(SELL_SLOT, 0) == 0


def test_attempts_go_on_after_a_restart_even_from_gaps():
    books = ledger()
    books.add(intent(attempt=4))
    books.add(intent(attempt=2))
    assert books.next_attempt(BUY_SLOT, 0) == 5
    again = ledger()
    again.restore([books.row(intent(attempt=number).client_id) for number in (4, 2)], [])
    assert again.next_attempt(BUY_SLOT, 0) == 5


def test_a_trade_list_names_orders_by_the_venues_number():
    books, one = ledger(), intent()
    books.add(one)
    nameless = fill(one, 1, client_id="")
    assert books.resolved(nameless).client_id == ""
    books.move(one.client_id, Moved(Status.OPEN, nameless.venue_order_id))
    assert books.resolved(nameless).client_id == one.client_id
    assert books.resolved(fill(one, 2)).client_id == one.client_id


def test_settled_orders_leave_the_list_and_an_order_that_shows_up_returns():
    books, one = ledger(), intent()
    books.add(one)
    assert [order.intent for order in books.unsettled()] == [one]
    books.move(one.client_id, Moved(Status.REJECTED))
    assert books.unsettled() == ()
    books.move(one.client_id, Moved(Status.OPEN, 9))
    assert [order.status for order in books.unsettled()] == [Status.OPEN]


def test_an_end_whose_fills_are_missing_is_stored_so_that_a_restart_asks_again():
    books, one = ledger(), intent()
    books.add(one)
    books.move(one.client_id, Moved(Status.CANCELED, 9, Decimal("0.0004")))
    assert books.row(one.client_id).status is Status.UNKNOWN
    again = ledger()
    again.restore([books.row(one.client_id)], [])
    assert [order.intent for order in again.unsettled()] == [one]
    books.book(fill(one, 1, Decimal("0.0004")))
    assert books.row(one.client_id).status is Status.CANCELED


histories = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([*Status, None]), st.integers(0, 4)), min_size=1, max_size=40
)


@settings(max_examples=200)
@given(histories)
def test_a_ledger_restored_from_its_rows_and_fills_is_the_ledger_that_wrote_them(
    history: list[tuple[int, Status | None, int]],
):
    books, intents, fills = ledger(), [], []
    for number in range(6):
        intents.append(intent(cycle=number // 2, attempt=number % 2, quantity=Decimal("0.0005")))
        books.add(intents[-1])
    for index, (number, status, parts) in enumerate(history):
        of = intents[number]
        try:
            if status is None:
                if books[of.client_id].filled < of.quantity:
                    fills.append(fill(of, index + 1, Decimal("0.0001")))
                    books.book(fills[-1])
            else:
                executed = of.quantity if status is Status.FILLED else Decimal("0.0001") * parts
                books.move(of.client_id, Moved(status, 100 + number, executed, index))
        except IllegalMove:
            continue
    again = ledger()
    again.restore([books.row(of.client_id) for of in intents], fills)
    assert {order.intent for order in again.unsettled()} == {order.intent for order in books.unsettled()}
    assert again.last_trade_id == books.last_trade_id
    for of in intents:
        was, now = books[of.client_id], again[of.client_id]
        assert (now.filled, now.fills, now.venue_order_id) == (was.filled, was.fills, was.venue_order_id)
        assert again.next_attempt(of.slot, of.cycle) == books.next_attempt(of.slot, of.cycle)
        if was.is_settled or was.status is Status.OPEN:
            assert now.status is was.status
        elif was.status not in ENDED:
            assert now.status is Status.UNKNOWN
