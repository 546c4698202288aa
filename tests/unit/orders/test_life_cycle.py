"""One order's life: every pair of status and report, and fills in any order."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.orders import Status
from fakes.order_examples import fill, intent
from orders.life_cycle import ENDED, IllegalMove, Moved, Order

CREATED, SENT, UNKNOWN, OPEN = Status.CREATED, Status.SENT, Status.UNKNOWN, Status.OPEN
FILLED, CANCELED, EXPIRED, REJECTED = Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED
ENDS = {FILLED, CANCELED, EXPIRED, REJECTED}

# Reports that move an order in that status; every other report of an end contradicts, of an earlier state is old.
MOVES = {
    CREATED: {SENT, UNKNOWN, OPEN} | ENDS,
    SENT: {UNKNOWN, OPEN} | ENDS,
    UNKNOWN: {OPEN} | ENDS,
    OPEN: {FILLED, CANCELED, EXPIRED},
    FILLED: set(),
    CANCELED: set(),
    EXPIRED: set(),
    REJECTED: {OPEN, FILLED, CANCELED, EXPIRED},
}


@pytest.mark.parametrize(("status", "report"), list(product(Status, Status)))
def test_every_report_in_every_status(status: Status, report: Status):
    order = Order(intent(), status=status)
    if report in MOVES[status]:
        assert order.apply(Moved(report)).status is report
    elif report in ENDS and report is not status:
        with pytest.raises(IllegalMove, match=f"is {status} and was reported as {report}"):
            order.apply(Moved(report))
    else:
        assert order.apply(Moved(report)) is order


def test_the_ends_are_these():
    assert ENDED == ENDS


@pytest.mark.parametrize("end", [FILLED, CANCELED, EXPIRED])
def test_what_was_executed_never_shrinks_and_a_late_report_takes_nothing_back(end: Status):
    order = Order(intent()).apply(Moved(end, 7, Decimal("0.0004"), 50))
    late = order.apply(Moved(OPEN, 7, Decimal("0.0001"), 10))
    assert late is order
    assert (late.status, late.executed, late.updated_ms) == (end, Decimal("0.0004"), 50)


parts = st.lists(st.decimals(min_value=Decimal("0.00001"), max_value=1, places=5), min_size=1, max_size=6)


@given(parts=parts, data=st.data())
def test_fills_commute_and_repeats_do_not_count(parts: list[Decimal], data: st.DataObject):
    whole = intent(quantity=sum(parts, Decimal(0)))
    fills = [fill(whole, index + 1, part) for index, part in enumerate(parts)]
    order = Order(whole, status=OPEN)
    for each in data.draw(st.permutations(fills + fills)):
        order = order.apply(each)
    assert order.filled == whole.quantity
    assert order.remaining == 0
    assert dict(order.fills) == {each.trade_id: each for each in fills}


@given(parts=parts, status=st.sampled_from(Status))
def test_a_fill_is_never_refused_whatever_the_status(parts: list[Decimal], status: Status):
    whole = intent(quantity=sum(parts, Decimal(0)))
    order = Order(whole, status=status)
    for index, part in enumerate(parts):
        order = order.apply(fill(whole, index + 1, part))
    assert order.filled == whole.quantity
    assert order.status is status


@given(parts=parts, data=st.data())
def test_any_order_of_reports_and_fills_ends_the_same(parts: list[Decimal], data: st.DataObject):
    whole = intent(quantity=sum(parts, Decimal(0)))
    done, news = Decimal(0), [Moved(OPEN, 7)]
    fills = []
    for index, part in enumerate(parts):
        done += part
        fills.append(fill(whole, index + 1, part))
        news.append(Moved(FILLED if done == whole.quantity else OPEN, 7, done, index))
    order = Order(whole, status=SENT)
    for event in data.draw(st.permutations([*news, *fills, *news])):
        order = order.apply(event)
    assert (order.status, order.filled, order.executed) == (FILLED, whole.quantity, whole.quantity)
    assert order.is_settled


def test_an_end_without_its_fills_is_not_settled():
    whole = intent()
    ended = Order(whole).apply(Moved(CANCELED, 7, Decimal("0.0004")))
    assert (ended.has_ended, ended.lacks_fills, ended.is_settled) == (True, True, False)
    assert ended.apply(fill(whole, 1, Decimal("0.0004"))).is_settled
    assert Order(whole).apply(Moved(FILLED)).lacks_fills


def test_an_order_taken_for_absent_that_shows_up_is_ours_all_the_same():
    order = Order(intent(), status=UNKNOWN).apply(Moved(REJECTED))
    assert order.is_settled
    assert not order.apply(Moved(OPEN, 7)).is_settled
