"""Conditional orders: they wait apart from the book, trigger into ordinary ones and are settled by client id."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from queue import Queue

import pytest

from adapters.binance.conditional_gateway import BinanceConditionalGateway
from adapters.binance.connect import BinanceVenue
from domain.conditional import (
    ConditionalEvent,
    ConditionalIntent,
    ConditionalKind,
    ConditionalReported,
    ConditionalsRead,
    ConditionalStatus,
    WatchedPrice,
)
from domain.events import CancelRefused, OrderAbsent, OrderRefused, OrderReported, OutcomeUnknown, StreamResumed
from domain.orders import OrderType, PositionSide, Side, Status
from fakes.clock import FakeClock
from fakes.inbox import RecordingInbox
from fakes.simulator_calls import Caller
from fakes.um_orders import BTC_PERPETUAL, SIZE, order_of, price_of, read_open, submit
from fakes.venue_orders import BTC
from fakes.venue_process import VenueProcess
from ports.conditional import ConditionalAnswer

NUMBERS = itertools.count(1)
DEADLINE_S = 60.0


def ask(call: Callable[[ConditionalAnswer], None]) -> ConditionalEvent:
    answers: Queue[ConditionalEvent] = Queue()
    call(answers.put)
    event = answers.get(timeout=DEADLINE_S)
    assert answers.empty()
    return event


def stop_of(venue: BinanceVenue, away: str = "0.95", **more: object) -> ConditionalIntent:
    """Return a stop of a long position, by the last price unless told otherwise."""
    values: dict[str, object] = {
        "client_id": f"ghtest-s{next(NUMBERS)}",
        "instrument": BTC_PERPETUAL,
        "kind": ConditionalKind.STOP_MARKET,
        "side": Side.SELL,
        "trigger_price": price_of(venue, away),
        "quantity": SIZE,
        "watches": WatchedPrice.LAST,
        "reason": "test",
        "created_ms": 0,
    }
    return ConditionalIntent(**(values | more))  # type: ignore[arg-type]


def trade_at(process: VenueProcess, price: Decimal) -> None:
    """Let the contract trade, and then the market lay out the book that a trade away from it has used up."""
    process.admin("print", symbol="BTCUSDT", price=str(price), qty="0.001", market="um")
    with Caller(process.ready["futures_url"]) as public:
        for _ in range(50):  # twenty prints may all be of the other symbol
            process.step(20)
            book = public.get("/fapi/v1/ticker/bookTicker", symbol="BTCUSDT")
            if Decimal(book["bidPrice"]) and Decimal(book["askPrice"]):
                return
    raise AssertionError("the market laid out no book")


def place(venue: BinanceVenue, intent: ConditionalIntent) -> ConditionalEvent:
    return ask(lambda answer: venue.conditional.submit(intent, answer))


def cancel(venue: BinanceVenue, client_id: str) -> ConditionalEvent:
    return ask(lambda answer: venue.conditional.cancel(BTC_PERPETUAL, client_id, answer))


def look_up(venue: BinanceVenue, client_id: str) -> ConditionalEvent:
    return ask(lambda answer: venue.conditional.look_up(BTC_PERPETUAL, client_id, 0, answer))


def waiting(venue: BinanceVenue) -> ConditionalsRead:
    event = ask(lambda answer: venue.conditional.read_open(BTC_PERPETUAL, answer))
    assert isinstance(event, ConditionalsRead), event
    return event


@pytest.mark.parametrize("kind", ConditionalKind)
def test_every_kind_waits_as_it_was_asked_for_and_is_cancelled(venue: BinanceVenue, kind: ConditionalKind) -> None:
    is_limit = kind in (ConditionalKind.STOP_LIMIT, ConditionalKind.TAKE_PROFIT_LIMIT)
    away = "1.05" if kind in (ConditionalKind.TAKE_PROFIT_MARKET, ConditionalKind.TAKE_PROFIT_LIMIT) else "0.95"
    intent = stop_of(venue, away, kind=kind, price=price_of(venue, away) if is_limit else None, reduce_only=True)
    placed = place(venue, intent)
    assert isinstance(placed, ConditionalReported), placed
    order = placed.order
    assert (order.client_id, order.kind, order.side, order.position_side) == (
        intent.client_id, kind, Side.SELL, PositionSide.BOTH,
    )  # fmt: skip
    assert (order.trigger_price, order.price, order.quantity) == (intent.trigger_price, intent.price, SIZE)
    assert (order.status, order.venue_order_id) == (ConditionalStatus.WAITING, None)
    assert waiting(venue).orders == (order,)
    assert read_open(venue).orders == (), "it is no ordinary order"
    gone = cancel(venue, intent.client_id)
    assert isinstance(gone, ConditionalReported)
    assert gone.order == replace(order, status=ConditionalStatus.CANCELED, updated_ms=gone.order.updated_ms)
    assert waiting(venue).orders == ()


def test_a_triggered_stop_becomes_an_order_that_closes_the_position(venue: BinanceVenue, process: VenueProcess) -> None:
    inbox = RecordingInbox()
    venue.streams.watch(BTC_PERPETUAL, inbox)
    inbox.until(lambda i: len(i.of(StreamResumed)) == 2)
    heard: list[ConditionalEvent] = []
    venue.conditional.hear(BTC_PERPETUAL, heard.append)
    submit(venue, order_of(None))
    before = price_of(venue)
    intent = stop_of(venue, "0.999", quantity=None)
    place(venue, stop_of(venue, client_id="web-other"))
    placed = place(venue, intent)
    assert isinstance(placed, ConditionalReported)
    assert placed.order.quantity is None
    trade_at(process, intent.trigger_price - 1)
    inbox.until(
        lambda i: any(
            (event.order.client_id, event.order.status) == (intent.client_id, Status.FILLED)
            for event in i.of(OrderReported)
        )
    )
    sold = [event for event in inbox.of(OrderReported) if event.order.client_id == intent.client_id][-1]
    assert (sold.order.type, sold.order.quantity) == (OrderType.MARKET, SIZE)
    assert venue.futures.positions(BTC_PERPETUAL) == ()
    found = look_up(venue, intent.client_id)
    assert isinstance(found, ConditionalReported)
    assert (found.order.status, found.order.venue_order_id) == (ConditionalStatus.FINISHED, sold.order.venue_order_id)
    inbox.until(lambda _i: ConditionalReported(found.order) in heard)
    told = [event.order for event in heard if isinstance(event, ConditionalReported)]
    assert {order.client_id for order in told} == {intent.client_id}
    assert list(dict.fromkeys(order.status for order in told)) == [
        ConditionalStatus.WAITING,
        ConditionalStatus.TRIGGERED,
        ConditionalStatus.FINISHED,
    ]
    assert told[0] == placed.order
    venue.conditional.hear_no_more(BTC_PERPETUAL)
    refused = cancel(venue, intent.client_id)
    assert isinstance(refused, CancelRefused)
    assert refused.code == -2011
    trade_at(process, before)


def test_refusals_carry_the_venues_code(venue: BinanceVenue) -> None:
    reached = place(venue, stop_of(venue, "1.02"))
    assert isinstance(reached, OrderRefused)
    assert (reached.code, reached.would_take, reached.market_closed) == (-2021, False, False)
    hedged = place(venue, stop_of(venue, position_side=PositionSide.LONG))
    assert isinstance(hedged, OrderRefused)
    assert hedged.code == -4061
    never = cancel(venue, "ghtest-never")
    assert isinstance(never, CancelRefused)
    assert never.code == -2011


def test_a_lost_answer_is_looked_up_and_a_repeated_id_proves_the_first(
    venue: BinanceVenue, process: VenueProcess
) -> None:
    intent = stop_of(venue)
    process.fault("lose_reply", "fut.algoOrder.new")
    assert isinstance(place(venue, intent), OutcomeUnknown)
    found = look_up(venue, intent.client_id)
    assert isinstance(found, ConditionalReported)
    assert found.order.trigger_price == intent.trigger_price
    assert isinstance(place(venue, intent), OutcomeUnknown), "-4116 says that it is there"
    process.fault("gateway", "fut.algoOrder.get")
    assert isinstance(cancel(venue, intent.client_id), OutcomeUnknown), "taken, but not how it ended"
    ended = look_up(venue, intent.client_id)
    assert isinstance(ended, ConditionalReported)
    assert ended.order.status is ConditionalStatus.CANCELED


def test_one_that_never_arrived_is_absent_only_after_its_window(venue: BinanceVenue, process: VenueProcess) -> None:
    clock = FakeClock()
    gateway = BinanceConditionalGateway(venue.io, venue.transport, clock, "ghtest", clock.sleep)
    intent = stop_of(venue)
    process.fault("lose_request", "fut.algoOrder.new")
    assert isinstance(ask(lambda answer: gateway.submit(intent, answer)), OutcomeUnknown)
    sent_ms = clock.wall_ms()
    absent = ask(lambda answer: gateway.look_up(BTC_PERPETUAL, intent.client_id, sent_ms, answer))
    assert absent == OrderAbsent(intent.client_id)
    assert clock.wall_ms() - sent_ms > 10_000


def test_others_conditional_orders_are_counted_and_left_alone(venue: BinanceVenue, account: Caller) -> None:
    foreign = place(venue, stop_of(venue, client_id="web-stop"))
    assert isinstance(foreign, ConditionalReported)
    listing = waiting(venue)
    assert (listing.orders, listing.foreign) == ((), 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price": Decimal(90_000)},
        {"kind": ConditionalKind.STOP_LIMIT},
        {"quantity": None, "reduce_only": True},
        {"instrument": BTC},
    ],
)
def test_what_makes_no_sense_is_never_sent(wrong: dict[str, object]) -> None:
    values: dict[str, object] = {
        "client_id": "ghtest-wrong",
        "instrument": BTC_PERPETUAL,
        "kind": ConditionalKind.STOP_MARKET,
        "side": Side.SELL,
        "trigger_price": Decimal(90_000),
        "quantity": SIZE,
        "reason": "test",
        "created_ms": 0,
    }
    with pytest.raises(ValueError, match=r"limit kinds|whole position|futures"):
        ConditionalIntent(**(values | wrong))  # type: ignore[arg-type]
