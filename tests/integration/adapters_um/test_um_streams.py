"""USD-M's streams: prices of the market group, orders by listen key, and what happens to them."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from adapters.binance.connect import BinanceVenue
from adapters.binance.futures_user_stream import RENEW_AGAIN_S, RENEW_EVERY_S, FuturesUserDoor
from adapters.binance.rhythm import SilenceBounds
from adapters.binance.sockets import FrameSocket
from domain.events import OrderReported, RulesChanged, StreamLost, StreamResumed
from domain.instrument import Instrument, Market
from domain.orders import Fill, Side, Status
from fakes.inbox import RecordingInbox
from fakes.simulator_calls import Caller
from fakes.um_orders import BTC_PERPETUAL, cancel, order_of, price_of, read_open, submit
from fakes.venue_orders import BTC
from fakes.venue_process import VenueProcess

DEADLINE_S = 60.0


def watch(venue: BinanceVenue, instrument: Instrument = BTC_PERPETUAL) -> RecordingInbox:
    """Watch and wait until both streams are confirmed."""
    inbox = RecordingInbox()
    venue.streams.watch(instrument, inbox)
    inbox.until(lambda i: {event.kind for event in i.of(StreamResumed)} == {"market", "user"})
    return inbox


def trade_at(process: VenueProcess, price: Decimal) -> None:
    process.admin("print", symbol="BTCUSDT", price=str(price), qty="0.5", market="um")


def placed(venue: BinanceVenue, *args: object, **more: object) -> OrderReported:
    event = submit(venue, order_of(*args, **more))  # type: ignore[arg-type]
    assert isinstance(event, OrderReported), event
    return event


def statuses(inbox: RecordingInbox, client_id: str) -> list[Status]:
    return [event.order.status for event in inbox.of(OrderReported) if event.order.client_id == client_id]


def fills(inbox: RecordingInbox) -> tuple[Fill, ...]:
    return tuple(fill for event in inbox.of(OrderReported) for fill in event.fills)


def test_both_markets_of_one_symbol_are_told_apart(venue: BinanceVenue, process: VenueProcess) -> None:
    venue.market_data.rules(BTC_PERPETUAL)
    contract, pair = watch(venue), watch(venue, BTC)
    price = price_of(venue) + 1
    trade_at(process, price)
    contract.until(lambda i: any(event.price == price for event in i.prices))
    assert {event.instrument for event in contract.prices} == {BTC_PERPETUAL}
    assert {event.instrument for event in pair.prices} <= {BTC}
    assert [event.rules.instrument for event in contract.of(RulesChanged)] == [BTC_PERPETUAL]
    client_id = placed(venue, None).order.client_id
    contract.until(lambda i: Status.FILLED in statuses(i, client_id))
    assert pair.of(OrderReported) == []
    shown = {(age.market, age.kind, age.instrument) for age in venue.stream_ages() if age.live}
    assert shown == {
        (market, kind, instrument)
        for market, watched in ((Market.SPOT, BTC), (Market.FUTURES, BTC_PERPETUAL))
        for kind, instrument in (("market", watched), ("user", None))
    }


def test_an_order_is_told_from_placement_to_cancel_and_others_orders_are_not(venue: BinanceVenue) -> None:
    inbox = watch(venue)
    placed(venue, price_of(venue, "0.97"), client_id="web-1")
    client_id = placed(venue, price_of(venue, "0.97")).order.client_id
    inbox.until(lambda i: statuses(i, client_id) == [Status.OPEN])
    cancel(venue, client_id)
    inbox.until(lambda i: statuses(i, client_id) == [Status.OPEN, Status.CANCELED])
    assert statuses(inbox, "web-1") == []
    assert venue.streams.counts.foreign == 1


def test_fills_are_told_once_with_commission_and_realized_profit_as_rest_has_them(venue: BinanceVenue) -> None:
    inbox = watch(venue)
    bought = placed(venue, None)
    sold = placed(venue, None, Side.SELL, reduce_only=True)
    inbox.until(lambda i: Status.FILLED in statuses(i, sold.order.client_id))
    assert fills(inbox) == bought.fills + sold.fills, "and not again as TRADE_LITE"
    assert {fill.commission_asset for fill in fills(inbox)} == {"USDT"}
    assert any(fill.realized_profit for fill in sold.fills)


def test_an_expired_listen_key_is_a_loss_and_a_new_one_tells_on(venue: BinanceVenue, process: VenueProcess) -> None:
    inbox = watch(venue)
    process.fault("listen_key_expiry")
    inbox.until(lambda i: len(i.of(StreamResumed)) == 3)
    assert [event.kind for event in inbox.of(StreamLost)] == ["user"]
    assert inbox.of(StreamResumed)[-1].kind == "user"
    assert venue.streams.unread_on(Market.FUTURES).symbols == {"BTCUSDT"}
    assert read_open(venue).orders == ()
    assert venue.streams.unread_on(Market.FUTURES).symbols == set(), "what was missed has been read"
    client_id = placed(venue, None).order.client_id
    inbox.until(lambda i: Status.FILLED in statuses(i, client_id))


class Pauses:
    """Lets so many pauses pass at once and holds the next for ever."""

    def __init__(self, passing: int) -> None:
        self.asked: list[float] = []
        self._passing, self._held = passing, asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asked.append(seconds)
        if len(self.asked) > self._passing:
            self._held.set()
            await asyncio.get_running_loop().create_future()

    async def spend(self, door: FuturesUserDoor, socket: FrameSocket) -> None:
        """Have the key kept alive on this connection until no pause is left."""
        task = asyncio.ensure_future(door.keep_alive(lambda: socket))
        await self._held.wait()
        task.cancel()


@pytest.mark.parametrize(("fault", "pauses"), [("", [RENEW_EVERY_S] * 3), ("gateway", [RENEW_EVERY_S, RENEW_AGAIN_S])])
def test_the_listen_key_is_renewed_every_half_hour_and_a_failure_tried_again_soon(
    venue: BinanceVenue, process: VenueProcess, fault: str, pauses: list[float]
) -> None:
    waits = Pauses(len(pauses) - 1)
    door = FuturesUserDoor(process.ready["futures_ws_url"], venue.transport, waits.sleep)

    async def keep() -> bool:
        socket = await door.connect(lambda _socket, _frame: None)
        await waits.spend(door, socket)
        reads = socket.reads
        await socket.close()
        return reads

    if fault:
        process.fault(fault, "fut.listenKey.renew")
    assert venue.io.run(keep(), DEADLINE_S)
    assert waits.asked == pauses


def test_a_key_that_another_process_ended_is_noticed_by_its_renewal(
    venue: BinanceVenue, process: VenueProcess, account: Caller
) -> None:
    waits = Pauses(1)
    door = FuturesUserDoor(process.ready["futures_ws_url"], venue.transport, waits.sleep)
    socket = venue.io.run(door.connect(lambda _socket, _frame: None), DEADLINE_S)
    assert account.send("DELETE", "/fapi/v1/listenKey").ok
    assert socket.reads, "nobody says so on the stream"
    venue.io.run(waits.spend(door, socket), DEADLINE_S)
    assert not socket.reads
    venue.io.run(socket.close(), DEADLINE_S)


@pytest.mark.parametrize("fault", ["duplicate_event", "drop_user_stream"])
def test_a_repeated_or_dropped_report_leaves_the_trade_ids_to_tell(
    venue: BinanceVenue, process: VenueProcess, fault: str
) -> None:
    inbox = watch(venue)
    process.fault(fault, "ORDER_TRADE_UPDATE" if fault == "duplicate_event" else "*")
    told = placed(venue, None)
    if fault == "duplicate_event":
        inbox.until(lambda i: len(i.of(OrderReported)) > 1)
        venue.streams.distrust("user", "the test is done with it", Market.FUTURES)
    else:
        venue.streams.distrust("user", "REST knew of a fill", Market.FUTURES)
    inbox.until(lambda i: len(i.of(StreamResumed)) == 3)
    first = told.fills[0].trade_id
    assert read_open(venue, first).fills == told.fills
    assert set(fills(inbox)) <= set(told.fills)
    client_id = placed(venue, None, Side.SELL).order.client_id
    inbox.until(lambda i: Status.FILLED in statuses(i, client_id))


def test_a_frozen_price_stream_is_noticed_and_a_quiet_one_confirmed(
    connect_with: Callable[..., BinanceVenue], process: VenueProcess
) -> None:
    venue = connect_with(silence=SilenceBounds(0.2, 0.2))
    inbox = watch(venue)
    price = price_of(venue)
    trade_at(process, price)
    inbox.until(lambda i: len([event for event in i.prices if event.price == price]) >= 3)
    assert inbox.of(StreamLost) == []
    process.fault("freeze_stream", "btcusdt@aggTrade", count=1)
    trade_at(process, price + 2)
    inbox.until(lambda i: bool(i.of(StreamLost)))
    assert "did not arrive" in inbox.of(StreamLost)[0].reason
    inbox.until(lambda i: any(event.price == price + 2 for event in i.prices))
