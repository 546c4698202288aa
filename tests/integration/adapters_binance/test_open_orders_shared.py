"""Listings of open orders that are asked for together: one of the account, or one per symbol, whichever is cheaper."""

import asyncio
from collections.abc import Iterator

import pytest

from adapters.binance.connect import BinanceVenue, connect
from adapters.binance.first_readings import FirstReadings
from adapters.binance.open_orders import WEIGHT_OF_ALL, WEIGHT_OF_ONE, OpenOrders
from domain.account import Mode
from domain.instrument import Instrument, Market
from fakes.simulator_calls import Caller
from fakes.venue_process import KEY, SECRET, VenueProcess
from simulator.market.catalogue import SPECS
from utils.clock import SystemClock

INSTRUMENTS = [Instrument("binance", Market.SPOT, spec.base, spec.quote) for spec in SPECS.values()]
LISTING = "spot.openOrders"


@pytest.fixture(scope="module")
def process() -> Iterator[VenueProcess]:
    symbols = ",".join(SPECS)
    with VenueProcess("--market", "synthetic", "--seed", "7", "--speed", "max", "--symbols", symbols) as running:
        yield running


@pytest.fixture
def venue(process: VenueProcess) -> Iterator[BinanceVenue]:
    connected = connect(
        mode=Mode.SHADOW,
        api_key=KEY,
        api_secret=SECRET,
        clock=SystemClock(),
        client_id_prefix="gh",
        spot_url=process.url,
    )
    try:
        yield connected
    finally:
        connected.close()


@pytest.mark.parametrize(
    ("askers", "weight"), [(1, WEIGHT_OF_ONE), (13, 13 * WEIGHT_OF_ONE), (14, WEIGHT_OF_ALL), (20, WEIGHT_OF_ALL)]
)
def test_who_asks_together_pays_for_the_cheaper_listing(
    process: VenueProcess, venue: BinanceVenue, askers: int, weight: int
) -> None:
    clock = SystemClock()
    reader = OpenOrders(venue.transport, clock, asyncio.sleep, lambda: askers)
    asked_s = clock.monotonic_s()

    async def ask() -> list[tuple[object, float]]:
        return await asyncio.gather(*(reader.of(instrument) for instrument in INSTRUMENTS[:askers]))

    before = process.state()["request_weight"].get(LISTING, 0)
    answers = venue.io.run(ask(), 60.0)
    assert process.state()["request_weight"][LISTING] - before == weight
    assert all(rows == [] and started_s >= asked_s for rows, started_s in answers)


def test_everyone_is_given_the_orders_of_his_symbol(process: VenueProcess, venue: BinanceVenue) -> None:
    bitcoin, ether = INSTRUMENTS[:2]
    reader = OpenOrders(venue.transport, SystemClock(), asyncio.sleep, lambda: len(INSTRUMENTS))
    with Caller(process.url) as caller:
        caller.place(symbol="BTCUSDT", price="80000")

        async def ask() -> list[tuple[list[dict[str, object]], float]]:
            return await asyncio.gather(*(reader.of(instrument) for instrument in INSTRUMENTS))

        found = dict(zip(INSTRUMENTS, venue.io.run(ask(), 60.0), strict=True))
        caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")  # the venue is the other tests' too
    assert [row["symbol"] for row in found[bitcoin][0]] == ["BTCUSDT"]
    assert found[ether][0] == []


def read_in_turn(venue: BinanceVenue, process: VenueProcess, reader: OpenOrders, symbols: int) -> tuple[int, float]:
    """Read one symbol after the other; return the weight of that, and when the last listing left."""

    async def ask() -> list[float]:
        return [(await reader.of(instrument))[1] for instrument in INSTRUMENTS[:symbols]]

    before = process.state()["request_weight"].get(LISTING, 0)
    left_s = venue.io.run(ask(), 60.0)[-1]
    return process.state()["request_weight"][LISTING] - before, left_s


@pytest.mark.parametrize(("symbols", "weight"), [(13, 13 * WEIGHT_OF_ONE), (14, WEIGHT_OF_ALL), (20, WEIGHT_OF_ALL)])
def test_first_readings_share_one_listing_however_late_they_ask(
    process: VenueProcess, venue: BinanceVenue, symbols: int, weight: int
) -> None:
    clock, unread = SystemClock(), FirstReadings()
    reader = OpenOrders(venue.transport, clock, asyncio.sleep, lambda: 1, lambda: unread)
    for _stream_came_up in range(2):
        since_s = clock.monotonic_s()
        unread.begin([f"{one.base}{one.quote}" for one in INSTRUMENTS[:symbols]], since_s)
        spent, left_s = read_in_turn(venue, process, reader, symbols)
        assert spent == weight
        assert left_s >= since_s
        unread.end()
    assert read_in_turn(venue, process, reader, 1)[0] == WEIGHT_OF_ONE


def test_who_began_to_watch_later_is_given_a_listing_of_his_own(process: VenueProcess, venue: BinanceVenue) -> None:
    clock, unread = SystemClock(), FirstReadings()
    reader = OpenOrders(venue.transport, clock, asyncio.sleep, lambda: 1, lambda: unread)
    unread.begin([f"{one.base}{one.quote}" for one in INSTRUMENTS[1:]], clock.monotonic_s())
    venue.io.run(reader.of(INSTRUMENTS[1]), 60.0)
    asked_s = clock.monotonic_s()
    spent, left_s = read_in_turn(venue, process, reader, 1)
    assert spent == WEIGHT_OF_ONE
    assert left_s >= asked_s
