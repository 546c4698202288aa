"""Freezes, clocks and rules over the wire: with the real simulator, and with a server whose answers the test writes."""

import asyncio
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import requests
from aiohttp import web

from adapters.binance.connect import BinanceVenue
from adapters.binance.directory import NOT_LISTED, RELOAD_S, Directory
from adapters.binance.hosts import Addresses, HostGuard
from adapters.binance.io_thread import IoThread
from adapters.binance.request_limits import Cost
from adapters.binance.rules_notes import RulesNotes
from adapters.binance.rules_watch import CHANGED_S
from adapters.binance.transport import Call, Transport
from adapters.binance.weights import Urgency
from domain.account import Mode
from domain.errors import NotFound, SlowDown, Unreachable
from domain.events import OrderEvent, OrderReported, RulesChanged, StreamResumed
from domain.instrument import Market
from fakes.clock import FakeClock
from fakes.exchange_stub import ExchangeStub, Handler
from fakes.inbox import RecordingInbox
from fakes.venue_orders import BTC, ETH, intent_of
from fakes.venue_process import VenueProcess
from ports.connectivity import StreamAge
from utils.clock import SystemClock

READ = Call(market=Market.SPOT, method="GET", path="/api/v3/account", cost=Cost(20), signed=True)


@pytest.fixture
def io() -> Iterator[IoThread]:
    thread = IoThread()
    thread.start()
    yield thread
    thread.stop()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def transport_to(io: IoThread, clock: FakeClock) -> Callable[[str], Transport]:
    def make(url: str) -> Transport:
        socket = url.replace("http", "ws")
        addresses = Addresses(spot_rest=url, spot_streams=socket, spot_ws_api=socket + "/ws-api/v3")
        transport = Transport(
            addresses={Market.SPOT: url},
            guard=HostGuard(Mode.SHADOW, addresses),
            api_key="key",
            api_secret="secret",
            clock=clock,
            sleep=clock.sleep,
        )
        io.run(transport.open(), 60)
        io.on_stop(transport.close)
        return transport

    return make


def answering(*answers: tuple[int, Any, dict[str, str]]) -> Handler:
    """Give these answers in turn, the last one for ever."""
    left = list(answers)

    async def handler(_request: web.Request) -> web.Response:
        status, body, headers = left.pop(0) if len(left) > 1 else left[0]
        return web.json_response(body, status=status, headers=headers)

    return handler


@pytest.mark.parametrize(("status", "retry_after"), [(429, 17), (418, 29)])
def test_a_freeze_ends_to_the_second(
    io: IoThread, clock: FakeClock, transport_to: Callable[[str], Transport], status: int, retry_after: int
) -> None:
    refusal = (status, {"code": -1003, "msg": "too much"}, {"Retry-After": str(retry_after)})
    with ExchangeStub(answering(refusal, (200, {"balances": []}, {}))) as stub:
        transport, began_s = transport_to(stub.url), clock.monotonic_s()
        with pytest.raises(SlowDown):
            io.run(transport.send(READ), 60)
        assert transport.broker.budget(Market.SPOT).frozen_until_ms == clock.wall_ms() + retry_after * 1000
        curious = Call(**{**_fields(READ), "reading": Urgency.CURIOSITY})
        with pytest.raises(SlowDown):
            io.run(transport.send(curious), 60)
        assert len(stub.requests) == 1, "nobody asked meanwhile"
        io.run(transport.send(READ), 60)
        assert clock.monotonic_s() - began_s == pytest.approx(retry_after)


def _fields(call: Call) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__slots__}


def test_no_socket_is_opened_during_a_ban_and_a_sockets_refusal_freezes_everyone(
    io: IoThread, transport_to: Callable[[str], Transport]
) -> None:
    with ExchangeStub(answering((418, {}, {"Retry-After": "300"}))) as stub:
        transport = transport_to(stub.url)
        with pytest.raises(Exception, match="418"):
            io.run(transport.web_socket(stub.url.replace("http", "ws"), lambda _s, _f: None), 60)
        for _ in range(3):
            with pytest.raises(SlowDown):
                io.run(transport.web_socket(stub.url.replace("http", "ws"), lambda _s, _f: None), 60)
            with pytest.raises(SlowDown):
                io.run(transport.send(READ), 60)
        assert len(stub.requests) == 1


def test_equal_readings_that_wait_are_sent_once(
    io: IoThread, clock: FakeClock, transport_to: Callable[[str], Transport]
) -> None:
    with ExchangeStub(answering((200, {"balances": []}, {}))) as stub:
        transport = transport_to(stub.url)

        async def many() -> list[Any]:
            transport.broker.close(Market.SPOT, 5)
            return list(await asyncio.gather(*(transport.send(READ) for _ in range(20))))

        assert io.run(many(), 60) == [{"balances": []}] * 20
        assert stub.count("GET", "/api/v3/account") == 1
        assert transport.broker.used_weight(Market.SPOT) == 20


def test_a_clock_that_was_set_is_measured_before_anything_signed_leaves(
    io: IoThread, clock: FakeClock, transport_to: Callable[[str], Transport]
) -> None:
    stamps: list[int] = []

    async def handler(request: web.Request) -> web.Response:
        if request.path == "/api/v3/time":
            return web.json_response({"serverTime": 1_700_000_000_000})
        stamps.append(int(request.query["timestamp"]))
        return web.json_response({})

    with ExchangeStub(handler) as stub:
        transport = transport_to(stub.url)
        io.run(transport.measure_clock(Market.SPOT), 60)
        clock.jump_wall(400)
        io.run(transport.send(READ), 60)
        assert stub.count("GET", "/api/v3/time") == 3, "slewing is no reason"
        clock.jump_wall(90_000)
        io.run(transport.send(READ), 60)
        assert stub.count("GET", "/api/v3/time") == 6
        assert stamps == [1_700_000_000_400, 1_700_000_000_000]


def test_a_skewed_clock_is_measured_again_and_the_same_order_sent_once_more(
    process: VenueProcess, venue: BinanceVenue
) -> None:
    price = (venue.market_data.tickers([BTC])[0].price * Decimal("0.9")).quantize(Decimal("0.01"))
    process.fault("clock_offset", "*", seconds=600, delay_ms=60_000)
    answers: Queue[OrderEvent] = Queue()
    intent = intent_of(price)
    venue.gateway.submit(intent, answers.put)
    event = answers.get(timeout=60)
    assert isinstance(event, OrderReported), event
    assert abs(venue.transport.times[Market.SPOT].offset_ms - 60_000) < 20_000
    process.clear_faults()
    venue.io.run(venue.transport.measure_clock(Market.SPOT), 60)
    venue.gateway.cancel(BTC, intent.client_id, answers.put)
    assert isinstance(answers.get(timeout=60), OrderReported)


def test_a_watcher_is_told_the_rules_at_first_and_when_they_change(
    process: VenueProcess, connect_to: Callable[..., BinanceVenue]
) -> None:
    class Ahead(SystemClock):
        ahead_s = 0.0

        def monotonic_s(self) -> float:
            return super().monotonic_s() + self.ahead_s

    clock = Ahead()
    venue = connect_to(process, clock=clock)
    rules = venue.market_data.rules(ETH)
    inbox = RecordingInbox()
    venue.streams.watch(ETH, inbox)
    inbox.until(lambda i: len(i.of(StreamResumed)) == 2)
    assert inbox.of(RulesChanged) == [RulesChanged(ETH, rules)]
    process.admin("symbol", symbol="ETHUSDT", status="BREAK")
    clock.ahead_s = RELOAD_S
    inbox.until(lambda i: len(i.of(RulesChanged)) == 2)
    assert inbox.of(RulesChanged)[-1].rules.status == "BREAK"
    process.admin("symbol", symbol="ETHUSDT", status="TRADING", minNotional="7")
    clock.ahead_s += 31
    inbox.until(lambda i: len(i.of(RulesChanged)) == 3)
    told = inbox.of(RulesChanged)[-1].rules
    assert (told.status, told.min_notional) == ("TRADING", Decimal(7))
    process.admin("symbol", symbol="ETHUSDT", minNotional="5")
    clock.ahead_s += CHANGED_S  # nothing is refused by rules that were heeded: other ones are looked at again
    inbox.until(lambda i: len(i.of(RulesChanged)) == 4)
    assert inbox.of(RulesChanged)[-1].rules == rules


def test_rules_in_use_outlive_the_process_and_a_delisting(
    io: IoThread, transport_to: Callable[[str], Transport], tmp_path: Path, process: VenueProcess
) -> None:
    notes = RulesNotes(tmp_path / "rules.json")
    transport = transport_to(process.url)
    rules = Directory(io, transport, SystemClock(), 10.0, notes=notes).rules(BTC)
    with ExchangeStub(answering((503, {}, {}))) as stub:
        away = Directory(io, transport_to(stub.url), SystemClock(), 10.0, notes=RulesNotes(tmp_path / "rules.json"))
        assert away.rules(BTC) == rules
        assert away.instrument("BTCUSDT", Market.SPOT) == BTC
        for question in (lambda: away.rules(ETH), lambda: away.instrument("ETHUSDT", Market.SPOT)):
            with pytest.raises(Unreachable):
                question()
        with pytest.raises(Unreachable):
            away.listing(Market.SPOT)
    listed = {"symbols": [_row(process, "ETHUSDT")], "rateLimits": []}
    with ExchangeStub(answering((200, listed, {}))) as stub:
        without = Directory(io, transport_to(stub.url), SystemClock(), 10.0, notes=notes)
        assert (without.rules(BTC).status, without.rules(BTC).tick) == (NOT_LISTED, rules.tick)
        with pytest.raises(NotFound):
            without.instrument("BTCUSDT", Market.SPOT)
    assert set(json.loads((tmp_path / "rules.json").read_text())) == {"BTCUSDT"}


def _row(process: VenueProcess, symbol: str) -> Any:
    rows = requests.get(f"{process.url}/api/v3/exchangeInfo", timeout=60).json()["symbols"]
    return next(row for row in rows if row["symbol"] == symbol)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"BTCUSDT": 5}'])
def test_broken_notes_are_no_notes(tmp_path: Path, text: str) -> None:
    file = tmp_path / "rules.json"
    file.write_text(text)
    assert RulesNotes(file).read() == {}


def test_every_stream_tells_its_age_and_every_market_its_budget(venue: BinanceVenue, process: VenueProcess) -> None:
    inbox = RecordingInbox()
    venue.streams.watch(BTC, inbox)
    inbox.until(lambda i: len(i.of(StreamResumed)) == 2)
    price = venue.market_data.tickers([BTC])[0].price

    def age_of(kind: str) -> StreamAge:
        (age,) = [age for age in venue.stream_ages() if age.kind == kind]
        return age

    process.print_trade("BTCUSDT", price, "0.5")
    inbox.until(lambda _: age_of("market").events >= 1)  # prices also come by REST
    process.print_trade("BTCUSDT", price, "0.5")
    inbox.until(lambda _: age_of("market").events >= 2)
    market, user = age_of("market"), age_of("user")
    assert (market.instrument, market.live, user.live) == (BTC, True, True)
    assert market.age_s is not None
    assert market.age_s < 60
    assert market.expected_s is not None
    assert market.silent_after_s == 5.0
    answers: Queue[OrderEvent] = Queue()
    venue.gateway.read_open(BTC, None, answers.put)
    answers.get(timeout=60)
    user = age_of("user")
    assert user.confirmed_age_s is not None
    budgets = {budget.market: budget for budget in venue.request_budgets()}
    assert 0 < budgets[Market.SPOT].weight.used < budgets[Market.SPOT].weight.limit
