from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from adapters.binance.connect import BinanceVenue, connect
from domain.account import Mode
from fakes.venue_process import KEY, SECRET, VenueProcess
from utils.clock import SystemClock

Connect = Callable[..., BinanceVenue]


@pytest.fixture(scope="module")
def process() -> Iterator[VenueProcess]:
    """A standing synthetic market."""
    with VenueProcess() as running:
        yield running


@pytest.fixture
def connect_to() -> Iterator[Connect]:
    """Return a function that connects to a simulator and closes at the end."""
    with ExitStack() as stack:

        def connected(process: VenueProcess, **more: Any) -> BinanceVenue:
            usual = {"clock": SystemClock(), "client_id_prefix": "ghtest", "futures_url": process.ready["futures_url"]}
            settings: dict[str, Any] = {**usual, **more}
            venue = connect(
                mode=Mode.SHADOW,
                api_key=KEY,
                api_secret=SECRET,
                spot_url=process.url,
                **settings,
            )
            stack.callback(venue.close)
            return venue

        yield connected


@pytest.fixture
def venue(process: VenueProcess, connect_to: Connect) -> Iterator[BinanceVenue]:
    process.clear_faults()
    yield connect_to(process)
    process.clear_faults()
