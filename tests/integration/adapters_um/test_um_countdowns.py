"""The venue cancels what rests when nobody renews the countdown any more."""

import asyncio
from collections.abc import Iterator

import pytest
from aiohttp import web

from adapters.binance.connect import BinanceVenue
from adapters.binance.countdowns import COUNTDOWN_S, RENEW_AGAIN_S, RENEW_EVERY_S, CountdownKeeper
from adapters.binance.hosts import Addresses, HostGuard
from adapters.binance.io_thread import IoThread
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from domain.account import Mode
from domain.errors import VenueError
from domain.events import OrderReported
from domain.instrument import Instrument, Market
from fakes.clock import FakeClock
from fakes.exchange_stub import ExchangeStub
from fakes.um_orders import BTC_PERPETUAL, order_of, price_of, read_open, submit
from fakes.venue_process import VenueProcess
from utils.clock import SystemClock

DEADLINE_S = 60.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def keeper(venue: BinanceVenue, clock: FakeClock) -> Iterator[CountdownKeeper]:
    async def never(_seconds: float) -> None:
        await asyncio.get_running_loop().create_future()

    made = CountdownKeeper(venue.io, venue.transport, clock, never)
    yield made
    for countdown in made.standing():
        made.disarm(countdown.instrument)


@pytest.fixture
def resting(venue: BinanceVenue) -> str:
    event = submit(venue, order_of(price_of(venue, "0.8")))
    assert isinstance(event, OrderReported)
    return event.order.client_id


def pass_market_time(process: VenueProcess, seconds: float) -> None:
    ends_ms = process.state()["market_ms"] + seconds * 1000
    while process.step(25)["market_ms"] < ends_ms:
        pass


def renew(venue: BinanceVenue, keeper: CountdownKeeper, clock: FakeClock, seconds: float) -> None:
    clock.advance(seconds)
    venue.io.run(keeper.renew_due(), DEADLINE_S)


def open_ids(venue: BinanceVenue) -> list[str]:
    return [order.client_id for order in read_open(venue).orders]


def test_what_is_renewed_stays_and_what_is_not_is_cancelled(
    venue: BinanceVenue, process: VenueProcess, keeper: CountdownKeeper, clock: FakeClock, resting: str
) -> None:
    keeper.arm(BTC_PERPETUAL)
    (shown,) = keeper.standing()
    assert shown.runs_out_ms == clock.wall_ms() + COUNTDOWN_S * 1000
    for _ in range(3):
        pass_market_time(process, RENEW_EVERY_S)
        renew(venue, keeper, clock, RENEW_EVERY_S)
        assert keeper.standing()[0].runs_out_ms == clock.wall_ms() + COUNTDOWN_S * 1000
    assert open_ids(venue) == [resting]
    keeper.renew_while(lambda _instrument: False)
    pass_market_time(process, RENEW_EVERY_S)
    renew(venue, keeper, clock, RENEW_EVERY_S)
    pass_market_time(process, COUNTDOWN_S)
    assert open_ids(venue) == []


def test_a_planned_stop_leaves_what_rests(
    venue: BinanceVenue, process: VenueProcess, keeper: CountdownKeeper, clock: FakeClock, resting: str
) -> None:
    keeper.arm(BTC_PERPETUAL)
    keeper.disarm(BTC_PERPETUAL)
    keeper.disarm(BTC_PERPETUAL)
    assert keeper.standing() == ()
    renew(venue, keeper, clock, RENEW_EVERY_S)
    pass_market_time(process, COUNTDOWN_S + 10)
    assert open_ids(venue) == [resting]


def test_a_later_process_stops_what_an_earlier_one_armed(
    venue: BinanceVenue, process: VenueProcess, keeper: CountdownKeeper, clock: FakeClock, resting: str
) -> None:
    keeper.arm(BTC_PERPETUAL)
    CountdownKeeper(venue.io, venue.transport, clock).disarm(BTC_PERPETUAL)
    pass_market_time(process, COUNTDOWN_S + 10)
    assert open_ids(venue) == [resting]


def test_a_renewal_that_fails_is_told_and_tried_again_soon(
    venue: BinanceVenue, process: VenueProcess, keeper: CountdownKeeper, clock: FakeClock
) -> None:
    keeper.arm(BTC_PERPETUAL)
    before = keeper.standing()[0].runs_out_ms
    process.fault("gateway", "fut.countdownCancelAll")
    renew(venue, keeper, clock, RENEW_EVERY_S)
    (failed,) = keeper.standing()
    assert (failed.runs_out_ms, bool(failed.trouble)) == (before, True)
    renew(venue, keeper, clock, RENEW_AGAIN_S)
    (renewed,) = keeper.standing()
    assert (renewed.runs_out_ms, renewed.trouble) == (clock.wall_ms() + COUNTDOWN_S * 1000, "")


def test_what_the_venue_does_not_confirm_is_not_armed(venue: BinanceVenue, keeper: CountdownKeeper) -> None:
    with pytest.raises(VenueError):
        keeper.arm(Instrument("binance", Market.FUTURES, "NO", "SUCH"))
    assert keeper.standing() == ()


def test_the_heartbeat_has_a_connection_of_its_own() -> None:
    ports: dict[str, set[int]] = {"/fapi/v1/ping": set(), "/fapi/v1/countdownCancelAll": set()}

    async def handler(request: web.Request) -> web.Response:
        assert request.transport is not None
        if request.path in ports:
            ports[request.path].add(request.transport.get_extra_info("peername")[1])
        return web.json_response({"serverTime": SystemClock().wall_ms()})

    with ExchangeStub(handler) as stub:
        socket = "ws" + stub.url.removeprefix("http")
        addresses = Addresses(spot_rest=stub.url, spot_streams=socket, spot_ws_api=socket, futures_rest=stub.url)
        bases = {Market.FUTURES: stub.url}
        transport = Transport(
            addresses=bases,
            guard=HostGuard(Mode.SHADOW, addresses),
            api_key="key",
            api_secret="secret",
            clock=SystemClock(),
        )
        io = IoThread()
        io.start()
        try:
            io.run(transport.open(), DEADLINE_S)
            io.on_stop(transport.close)
            keeper = CountdownKeeper(io, transport, SystemClock())
            for _ in range(2):
                ping = Call(market=Market.FUTURES, method="GET", path="/fapi/v1/ping", cost=Cost(1), alone=True)
                io.run(transport.send(ping), DEADLINE_S)
                keeper.arm(BTC_PERPETUAL)
                keeper.disarm(BTC_PERPETUAL)
        finally:
            io.stop()
    data, heartbeat = ports.values()
    assert (len(data), len(heartbeat)) == (1, 1)
    assert data != heartbeat
