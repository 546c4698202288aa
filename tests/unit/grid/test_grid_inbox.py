"""What a grid's thread finds in its inbox: of prices the latest, with the span of those nobody took."""

from decimal import Decimal

from domain.events import PriceSeen, StreamLost
from fakes.venue_orders import BTC
from grid.inbox import GridInbox


def price(value: int, at_s: float) -> PriceSeen:
    return PriceSeen(BTC, Decimal(value), int(1000 * at_s), at_s)


def test_a_price_that_was_not_taken_gives_way_and_leaves_its_span() -> None:
    inbox = GridInbox()
    for second, value in enumerate((100, 90, 120, 110)):
        inbox.price(price(value, float(second)))
    taken = inbox.take(1.0)
    assert isinstance(taken, PriceSeen)
    assert (taken.price, taken.market_ms, taken.arrived_s) == (Decimal(110), 3000, 3.0)
    assert taken.span == (Decimal(90), Decimal(120))
    assert inbox.pending == 1, "four prices are one event to handle"
    inbox.done()
    assert inbox.take(0.0) is None


def test_a_price_taken_at_once_spans_itself_alone() -> None:
    inbox = GridInbox()
    for value in (100, 90):
        inbox.price(price(value, 1.0))
        taken = inbox.take(1.0)
        assert isinstance(taken, PriceSeen)
        assert taken.span == (Decimal(value), Decimal(value))


def test_order_events_are_never_dropped_and_keep_their_place() -> None:
    inbox = GridInbox()
    lost = [StreamLost("user", reason) for reason in ("first", "second")]
    inbox.order(lost[0])
    inbox.price(price(1, 1.0))
    inbox.order(lost[1])
    inbox.price(price(2, 2.0))
    taken = [inbox.take(1.0) for _ in range(3)]
    assert [taken[0], taken[2]] == lost
    assert isinstance(taken[1], PriceSeen)
    assert taken[1].price == 2
