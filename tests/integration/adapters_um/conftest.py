from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from adapters.binance.connect import BinanceVenue, connect
from domain.account import Mode
from fakes.simulator_calls import Caller
from fakes.venue_process import KEY, SECRET, VenueProcess
from utils.clock import SystemClock


@pytest.fixture(scope="package")
def process() -> Iterator[VenueProcess]:
    """A standing market whose futures wallet is filled, and whose contracts have traded."""
    market = ("--market", "synthetic", "--seed", "7", "--speed", "max", "--symbols", "BTCUSDT,ETHUSDT")
    with VenueProcess(*market, "--futures-balance", "USDT=100000", "--messages-per-s", "50") as running:
        with Caller(running.ready["futures_url"]) as public:
            public.get("/fapi/v1/ticker/bookTicker")  # they sleep until somebody asks
        running.step(200)
        yield running


@pytest.fixture
def account(process: VenueProcess) -> Iterator[Caller]:
    """The account at the door of futures; it is left flat, without orders and in one-way mode."""
    with Caller(process.ready["futures_url"]) as caller:
        yield caller
        process.clear_faults()
        for path in ("allOpenOrders", "algoOpenOrders"):
            caller.signed("DELETE", f"/fapi/v1/{path}", symbol="BTCUSDT")
        for held in caller.signed("GET", "/fapi/v3/positionRisk", symbol="BTCUSDT").json():
            side, size = ("BUY" if held["positionAmt"][0] == "-" else "SELL"), held["positionAmt"].removeprefix("-")
            order = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": size}
            caller.signed("POST", "/fapi/v1/order", **order, positionSide=held["positionSide"])
        caller.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false")


@pytest.fixture
def connect_with(process: VenueProcess, account: Caller) -> Iterator[Callable[..., BinanceVenue]]:
    """Return a function that connects to both markets, with settings of the test's choosing, and closes at the end."""
    with ExitStack() as stack:

        def connected(**more: Any) -> BinanceVenue:
            venue = connect(
                mode=Mode.SHADOW,
                api_key=KEY,
                api_secret=SECRET,
                clock=SystemClock(),
                client_id_prefix="ghtest",
                spot_url=process.url,
                futures_url=process.ready["futures_url"],
                **more,
            )
            stack.callback(venue.close)
            return venue

        yield connected


@pytest.fixture
def venue(connect_with: Callable[..., BinanceVenue]) -> BinanceVenue:
    return connect_with()
