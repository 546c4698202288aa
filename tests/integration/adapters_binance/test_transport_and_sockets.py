"""The transport and the socket keeper against a server whose every answer the test writes."""

import asyncio
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from queue import Queue
from typing import Any

import pytest
from aiohttp import web

from adapters.binance.directory import Directory
from adapters.binance.gateway import BinanceGateway
from adapters.binance.hosts import Addresses, AddressForbidden, HostGuard
from adapters.binance.io_thread import IoThread
from adapters.binance.request_limits import Cost
from adapters.binance.rhythm import SilenceBounds
from adapters.binance.streams import BinanceStreams
from adapters.binance.trades import TradeReader
from adapters.binance.transport import Call, Transport
from domain.account import Mode
from domain.errors import OutcomeUnknown, SlowDown, Unreachable, VenueError
from domain.events import OrderEvent, OrderReported, StreamLost, StreamResumed
from domain.events import OutcomeUnknown as OutcomeUnknownEvent
from domain.instrument import Market
from fakes.clock import FakeClock
from fakes.exchange_stub import ExchangeStub, Handler
from fakes.inbox import RecordingInbox
from fakes.venue_orders import BTC, ETH, intent_of
from utils.binance_errors import Purpose
from utils.clock import SystemClock

PLACE = Call(
    market=Market.SPOT, method="POST", path="/api/v3/order", cost=Cost(1, 1), signed=True, purpose=Purpose.PLACE
)
READ = Call(market=Market.SPOT, method="GET", path="/api/v3/openOrders", cost=Cost(6), signed=True)


@pytest.fixture
def io() -> Iterator[IoThread]:
    thread = IoThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def transport_to(io: IoThread) -> Callable[..., Transport]:
    def make(stub: ExchangeStub, timeout_s: float = 10.0) -> Transport:
        socket = stub.url.replace("http", "ws")
        addresses = Addresses(spot_rest=stub.url, spot_streams=socket, spot_ws_api=socket + "/ws-api/v3")
        transport = Transport(
            addresses={Market.SPOT: stub.url},
            guard=HostGuard(Mode.SHADOW, addresses),
            api_key="key",
            api_secret="secret",
            clock=SystemClock(),
            timeout_s=timeout_s,
        )
        io.run(transport.open(), 60)
        io.on_stop(transport.close)
        return transport

    return make


def answering(status: int, body: str, **headers: str) -> Handler:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(status=status, text=body, headers=headers)

    return handler


async def cut(request: web.Request) -> web.Response:
    """Take the request and cut the connection."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def never(_request: web.Request) -> web.Response:
    await asyncio.sleep(60)
    return web.Response()


def test_a_connection_cut_after_sending_is_unknown_and_a_post_is_never_repeated(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    with ExchangeStub(cut) as stub:
        transport = transport_to(stub)
        with pytest.raises(OutcomeUnknown):
            io.run(transport.send(PLACE), 60)
        assert stub.count("POST", "/api/v3/order") == 1
        with pytest.raises(Unreachable):
            io.run(transport.send(READ), 60)


def test_a_time_out_after_sending_is_unknown(io: IoThread, transport_to: Callable[..., Transport]) -> None:
    with ExchangeStub(never) as stub:
        transport = transport_to(stub, timeout_s=0.2)
        with pytest.raises(OutcomeUnknown):
            io.run(transport.send(PLACE), 60)


def test_a_refused_connection_never_left(io: IoThread, transport_to: Callable[..., Transport]) -> None:
    with ExchangeStub(never) as stub:
        transport = transport_to(stub)
    with pytest.raises(Unreachable):
        io.run(transport.send(PLACE), 60)


def test_a_redirect_is_not_followed(io: IoThread, transport_to: Callable[..., Transport]) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/elsewhere":
            return web.json_response({"stolen": True})
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    with ExchangeStub(handler) as stub:
        transport = transport_to(stub)
        with pytest.raises(VenueError):
            io.run(transport.send(READ), 60)
        assert stub.count("GET", "/elsewhere") == 0


def test_an_address_off_the_list_raises_before_a_byte_leaves(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    with ExchangeStub(answering(200, "{}")) as stub, ExchangeStub(answering(200, "{}")) as other:
        transport = transport_to(stub)
        with pytest.raises(AddressForbidden):
            io.run(transport.web_socket(other.url.replace("http", "ws"), lambda _s, _f: None), 60)
        assert (stub.requests, other.requests) == ([], [])


def test_a_ban_counts_though_the_answer_that_tells_it_is_cut(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse(status=418, headers={"Retry-After": "300", "Content-Length": "100"})
        await reply.prepare(request)
        await reply.write(b'{"code":-1003,')
        assert request.transport is not None
        request.transport.close()
        return reply

    with ExchangeStub(handler) as stub:
        transport = transport_to(stub)
        for call in (PLACE, READ):
            with pytest.raises(SlowDown):
                io.run(transport.send(call), 60)
        assert len(stub.requests) == 1


def test_a_429_closes_the_market_before_the_next_request_leaves(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    refusal = '{"code":-1003,"msg":"Too much request weight used"}'
    with ExchangeStub(answering(429, refusal, **{"Retry-After": "300"})) as stub:
        transport = transport_to(stub)
        for _ in range(3):
            with pytest.raises(SlowDown):
                io.run(transport.send(PLACE), 60)
        assert len(stub.requests) == 1


def test_an_unreadable_answer_to_an_order_is_unknown(io: IoThread, transport_to: Callable[..., Transport]) -> None:
    with ExchangeStub(answering(200, "<html>")) as stub:
        transport = transport_to(stub)
        with pytest.raises(OutcomeUnknown):
            io.run(transport.send(PLACE), 60)
        with pytest.raises(Unreachable):
            io.run(transport.send(READ), 60)


def test_the_clock_is_measured_from_the_quickest_of_several_answers(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response({"serverTime": SystemClock().wall_ms() + 90_000})

    with ExchangeStub(handler) as stub:
        transport = transport_to(stub)
        io.run(transport.measure_clock(Market.SPOT), 60)
        assert abs(transport.times[Market.SPOT].offset_ms - 90_000) < 20_000
        assert stub.count("GET", "/api/v3/time") == 3


@pytest.mark.parametrize(
    "answer",
    [
        {
            "clientOrderId": "ghtest-other",
            "orderId": 1,
            "side": "BUY",
            "type": "LIMIT",
            "status": "NEW",
            "price": "1",
            "origQty": "1",
            "executedQty": "0",
            "cummulativeQuoteQty": "0",
            "transactTime": 1,
        },
        {"unexpected": True},
        [],
    ],
)
def test_an_answer_that_is_not_about_our_order_is_unknown(
    io: IoThread, transport_to: Callable[..., Transport], answer: Any
) -> None:
    with ExchangeStub(answering(200, json.dumps(answer))) as stub:
        transport, clock = transport_to(stub), FakeClock()
        gateway = BinanceGateway(io, transport, TradeReader(transport, "ghtest"), clock, clock.sleep)
        answers: Queue[OrderEvent] = Queue()
        gateway.submit(intent_of(Decimal(1)), answers.put)
        assert isinstance(answers.get(timeout=60), OutcomeUnknownEvent)
        gateway.cancel(BTC, "ghtest-x", answers.put)
        assert isinstance(answers.get(timeout=60), OutcomeUnknownEvent)


class SocketVenue:
    """Both sockets of a venue: confirms subscriptions, then does to each connection what the test says."""

    def __init__(self) -> None:
        self.market: list[web.WebSocketResponse] = []
        self.user: list[web.WebSocketResponse] = []
        self.asked: list[tuple[str, Any]] = []
        self.subscribed: list[tuple[web.WebSocketResponse, str]] = []
        self.refuse_user = 0

    def asked_on(self, socket: web.WebSocketResponse) -> set[str]:
        return {symbol for asking, symbol in self.subscribed if asking is socket}

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith("/api/"):
            return web.json_response([] if request.path != "/api/v3/time" else {"serverTime": 0})
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        sockets = self.market if request.path == "/stream" else self.user
        sockets.append(socket)
        async for message in socket:
            asked = json.loads(message.data)
            self.asked.append((asked["method"], asked["params"]))
            if asked["method"] == "SUBSCRIBE":
                self.subscribed += [(socket, name.split("@")[0]) for name in asked["params"]]
            if sockets is self.user and self.refuse_user:
                self.refuse_user -= 1
                error = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
                await socket.send_json({"id": asked["id"], "status": 400, "error": error})
                continue
            await socket.send_json({"id": asked["id"], "status": 200, "result": None})
        return socket


def stream_of(
    io: IoThread, stub: ExchangeStub, transport: Transport, clock: Any = None
) -> tuple[BinanceStreams, RecordingInbox]:
    socket = stub.url.replace("http", "ws")
    streams = BinanceStreams(
        io,
        transport,
        clock or SystemClock(),
        streams_url=socket,
        ws_api_url=socket + "/ws-api/v3",
        prefix="ghtest",
        directory=Directory(io, transport, SystemClock(), 5.0),
        silence=SilenceBounds(3600, 3600),
    )
    inbox = RecordingInbox()
    streams.watch(BTC, inbox)
    inbox.until(lambda i: len(i.of(StreamResumed)) == 2)
    return streams, inbox


def send(stub: ExchangeStub, socket: web.WebSocketResponse, frame: Any) -> None:
    text = frame if isinstance(frame, str) else json.dumps(frame)
    asyncio.run_coroutine_threadsafe(socket.send_str(text), stub._loop).result(60)


def trade(number: int, price: str) -> dict[str, Any]:
    data = {"e": "aggTrade", "s": "BTCUSDT", "a": number, "l": number, "p": price, "q": "1", "T": number, "E": 1}
    return {"stream": "btcusdt@aggTrade", "data": data}


def test_a_planned_shutdown_moves_to_a_new_connection_without_a_gap(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    venue = SocketVenue()
    with ExchangeStub(venue) as stub:
        _, inbox = stream_of(io, stub, transport_to(stub))
        send(stub, venue.market[0], trade(1, "100"))
        send(stub, venue.market[0], {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}})
        send(stub, venue.user[0], {"event": {"e": "serverShutdown", "E": 1}})
        inbox.until(lambda _i: len(venue.market) == 2 and len(venue.user) == 2)
        send(stub, venue.market[1], trade(1, "100"))
        send(stub, venue.market[1], trade(2, "101"))
        inbox.until(lambda i: len(i.prices) == 2)
        assert [str(event.price) for event in inbox.prices] == ["100", "101"], "each trade once"
        assert inbox.of(StreamLost) == []


def test_who_comes_while_the_connection_moves_is_subscribed_on_the_new_one(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    venue = SocketVenue()
    with ExchangeStub(venue) as stub:
        streams, inbox = stream_of(io, stub, transport_to(stub))
        send(stub, venue.market[0], {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1}})
        late = RecordingInbox()
        streams.watch(ETH, late)
        inbox.until(lambda _i: len(venue.market) == 2 and venue.asked_on(venue.market[1]) == {"btcusdt", "ethusdt"})
        late.until(lambda i: len(i.of(StreamResumed)) == 2)


def test_an_ended_subscription_and_a_frame_beyond_understanding_are_a_loss(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    venue = SocketVenue()
    with ExchangeStub(venue) as stub:
        _, inbox = stream_of(io, stub, transport_to(stub))
        send(stub, venue.user[0], {"event": {"e": "eventStreamTerminated", "E": 1}})
        inbox.until(lambda i: len(i.of(StreamResumed)) == 3)
        send(stub, venue.market[0], "{not json")
        inbox.until(lambda i: len(i.of(StreamResumed)) == 4)
        assert [event.kind for event in inbox.of(StreamLost)] == ["user", "market"]


def test_resumed_comes_only_after_the_venue_confirmed(io: IoThread, transport_to: Callable[..., Transport]) -> None:
    venue = SocketVenue()
    venue.refuse_user = 1
    with ExchangeStub(venue) as stub:
        _, inbox = stream_of(io, stub, transport_to(stub))
        methods = [method for method, _ in venue.asked]
        assert methods.count("userDataStream.subscribe.signature") == 2
        assert stub.count("GET", "/api/v3/time") == 3, "a skewed clock is measured before the next attempt"
        assert len(inbox.of(StreamResumed)) == 2


def test_reports_tell_orders_by_their_own_id_and_repeats_are_passed_on(
    io: IoThread, transport_to: Callable[..., Transport]
) -> None:
    venue = SocketVenue()
    event = {
        "e": "executionReport", "E": 1, "s": "BTCUSDT", "c": "cancel-1", "C": "ghtest-1", "S": "SELL",
        "o": "LIMIT", "x": "CANCELED", "X": "CANCELED", "i": 5, "q": "1", "p": "2", "z": "0", "T": 9,
    }  # fmt: skip
    with ExchangeStub(venue) as stub:
        streams, inbox = stream_of(io, stub, transport_to(stub))
        send(stub, venue.user[0], {"subscriptionId": 0, "event": {**event, "C": "web-9"}})
        send(stub, venue.user[0], {"subscriptionId": 0, "event": {**event, "s": "ETHUSDT"}})
        for _ in range(2):
            send(stub, venue.user[0], {"subscriptionId": 0, "event": event})
        inbox.until(lambda i: len(i.of(OrderReported)) == 2)
        assert {report.order.client_id for report in inbox.of(OrderReported)} == {"ghtest-1"}
        counts = streams.counts
        assert (counts.foreign, counts.unwatched, counts.user_events) == (1, 1, 4)
