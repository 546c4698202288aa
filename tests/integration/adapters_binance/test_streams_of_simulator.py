import asyncio
from collections.abc import Callable
from decimal import Decimal
from queue import Queue

import pytest

from adapters.binance.connect import BinanceVenue
from adapters.binance.rhythm import SilenceBounds
from domain.errors import VenueError
from domain.events import OrderEvent, OrderReported, PriceSeen, StreamLost, StreamResumed
from domain.instrument import Instrument, Market
from domain.orders import Status
from fakes.inbox import RecordingInbox
from fakes.venue_orders import BTC, ETH, intent_of
from fakes.venue_process import VenueProcess


def watch(venue: BinanceVenue, instrument: Instrument = BTC) -> RecordingInbox:
    """Watch and wait until both streams are confirmed."""
    inbox = RecordingInbox()
    venue.streams.watch(instrument, inbox)
    inbox.until(lambda i: {event.kind for event in i.of(StreamResumed)} == {"market", "user"})
    return inbox


def submit(venue: BinanceVenue, price: Decimal | None, **more: object) -> OrderReported:
    answers: Queue[OrderEvent] = Queue()
    venue.gateway.submit(intent_of(price, **more), answers.put)  # type: ignore[arg-type]
    event = answers.get(timeout=60)
    assert isinstance(event, OrderReported), event
    return event


def statuses(inbox: RecordingInbox, client_id: str) -> list[Status]:
    return [event.order.status for event in inbox.of(OrderReported) if event.order.client_id == client_id]


def price_of(venue: BinanceVenue, instrument: Instrument = BTC) -> Decimal:
    return venue.market_data.tickers([instrument])[0].price


def test_a_trade_of_the_market_is_a_price(venue: BinanceVenue, process: VenueProcess) -> None:
    inbox = watch(venue)
    price = price_of(venue) + 1
    process.print_trade("BTCUSDT", price, "0.5")
    inbox.until(lambda i: any(event.price == price for event in i.prices))
    assert inbox.prices[-1].instrument == BTC


def test_an_order_is_told_from_placement_to_cancel_under_one_id(venue: BinanceVenue) -> None:
    inbox = watch(venue)
    placed = submit(venue, (price_of(venue) * Decimal("0.9")).quantize(Decimal("0.01")))
    client_id = placed.order.client_id
    inbox.until(lambda i: statuses(i, client_id) == [Status.OPEN])
    venue.gateway.cancel(BTC, client_id, lambda _event: None)
    inbox.until(lambda i: statuses(i, client_id) == [Status.OPEN, Status.CANCELED])


def test_a_fill_is_told_with_the_venues_own_amounts(venue: BinanceVenue) -> None:
    inbox = watch(venue)
    placed = submit(venue, None)
    client_id = placed.order.client_id
    inbox.until(lambda i: Status.FILLED in statuses(i, client_id))
    streamed = tuple(fill for event in inbox.of(OrderReported) for fill in event.fills)
    assert streamed == placed.fills


def test_other_programs_orders_are_left_alone_and_counted(venue: BinanceVenue) -> None:
    inbox = watch(venue)
    price = (price_of(venue) * Decimal("0.9")).quantize(Decimal("0.01"))
    foreign = submit(venue, price, client_id="web-1").order.client_id
    ours = submit(venue, price).order.client_id
    inbox.until(lambda i: Status.OPEN in statuses(i, ours))
    assert statuses(inbox, foreign) == []
    assert venue.streams.counts.foreign == 1
    for client_id in (foreign, ours):
        venue.gateway.cancel(BTC, client_id, lambda _event: None)


def test_instruments_come_and_go_on_one_connection(venue: BinanceVenue, process: VenueProcess) -> None:
    first = watch(venue)
    second = watch(venue, ETH)
    process.print_trade("ETHUSDT", price_of(venue, ETH), "3")
    second.until(lambda i: bool(i.prices))
    venue.streams.unwatch(ETH, second)
    third = watch(venue, Instrument("binance", Market.SPOT, "SOL", "USDT"))
    told = len(second.prices)
    process.print_trade("ETHUSDT", price_of(venue, ETH), "3")
    process.print_trade("SOLUSDT", "150", "3")
    third.until(lambda i: bool(i.prices))
    assert len(second.prices) == told
    assert first.of(StreamLost) == []


def test_a_later_watcher_of_the_same_symbol_is_told_that_the_streams_are_up(venue: BinanceVenue) -> None:
    watch(venue)
    watch(venue)


def test_a_distrusted_stream_is_lost_then_resumed_and_tells_on(venue: BinanceVenue) -> None:
    inbox = watch(venue)
    venue.streams.distrust("user", "REST knew of a fill")
    inbox.until(lambda i: len(i.of(StreamResumed)) == 3)
    kinds = [(type(event), event.kind) for event in inbox.orders if isinstance(event, StreamLost | StreamResumed)]
    assert kinds[2:] == [(StreamLost, "user"), (StreamResumed, "user")]
    client_id = submit(venue, None).order.client_id
    inbox.until(lambda i: Status.FILLED in statuses(i, client_id))


def test_a_frozen_market_stream_is_noticed_by_the_trades_rest_knows(
    process: VenueProcess, connect_to: Callable[..., BinanceVenue]
) -> None:
    venue = connect_to(process, silence=SilenceBounds(0.2, 0.2))
    inbox = watch(venue)
    price = price_of(venue)
    process.print_trade("BTCUSDT", price, "0.5")
    inbox.until(lambda i: any(event.price == price for event in i.prices))
    process.fault("freeze_stream", "btcusdt@aggTrade", count=1)
    process.print_trade("BTCUSDT", price + 2, "0.5")
    inbox.until(lambda i: bool(i.of(StreamLost)))
    assert "did not arrive" in inbox.of(StreamLost)[0].reason
    inbox.until(lambda i: len(i.of(StreamResumed)) >= 3)
    inbox.until(lambda i: any(event.price == price + 2 for event in i.prices))


def test_a_quiet_market_is_confirmed_and_not_taken_for_silence(
    process: VenueProcess, connect_to: Callable[..., BinanceVenue]
) -> None:
    venue = connect_to(process, silence=SilenceBounds(0.2, 0.2))
    inbox = watch(venue)
    process.print_trade("BTCUSDT", price_of(venue), "0.5")
    inbox.until(lambda i: len(i.prices) >= 4)
    arrivals = [event.arrived_s for event in inbox.prices]
    assert arrivals == sorted(arrivals)
    assert arrivals[-1] > arrivals[0]
    assert inbox.of(StreamLost) == []


def test_streams_come_back_after_the_venue_was_killed(connect_to: Callable[..., BinanceVenue]) -> None:
    with VenueProcess() as process:
        venue = connect_to(process)
        inbox = watch(venue)
        process.kill()
        inbox.until(lambda i: {event.kind for event in i.of(StreamLost)} == {"market", "user"})
    assert len(inbox.of(StreamResumed)) == 2


def test_futures_streams_are_refused_clearly_where_they_are_not_offered(
    process: VenueProcess, connect_to: Callable[..., BinanceVenue]
) -> None:
    venue = connect_to(process, futures_url=None)
    with pytest.raises(VenueError, match="futures"):
        venue.streams.watch(Instrument("binance", Market.FUTURES, "BTC", "USDT"), RecordingInbox())


def test_a_broken_inbox_silences_nobody_else(venue: BinanceVenue, process: VenueProcess) -> None:
    class Broken(RecordingInbox):
        def price(self, event: PriceSeen) -> None:
            raise RuntimeError("full")

        def order(self, event: OrderEvent) -> None:
            raise RuntimeError("full")

    venue.streams.watch(BTC, Broken())
    inbox = watch(venue)
    process.print_trade("BTCUSDT", price_of(venue), "0.5")
    inbox.until(lambda i: bool(i.prices))
    assert inbox.of(StreamLost) == []


def test_the_first_connection_waits_for_everyone_who_is_expected(venue: BinanceVenue) -> None:
    venue.streams.expect(2)
    inboxes = [RecordingInbox(), RecordingInbox()]
    venue.streams.watch(BTC, inboxes[0])
    venue.io.run(asyncio.sleep(0.2), 60.0)
    assert inboxes[0].of(StreamResumed) == []
    venue.streams.watch(ETH, inboxes[1])
    for inbox in inboxes:
        inbox.until(lambda i: {event.kind for event in i.of(StreamResumed)} == {"market", "user"})
    assert venue.streams.unread.symbols == {"BTCUSDT", "ETHUSDT"}
