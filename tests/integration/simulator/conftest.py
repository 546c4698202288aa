from collections.abc import Iterator

import pytest

from fakes.simulator_calls import Caller
from fakes.venue_process import VenueProcess

STANDING = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max")
ACCOUNTS = ("--api-key", "simulator-key", "--api-secret", "simulator-secret", "--api-key", "other-key",
            "--api-secret", "other-secret", "--balance", "USDT=10000", "BTC=0.5")  # fmt: skip
ROOM = ("--orders-10s", "100000", "--request-weight-limit", "1000000", "--messages-per-s", "1000")


@pytest.fixture
def shared_venue() -> Iterator[VenueProcess]:
    """A standing market with two accounts, one for each test: a price that one test left would decide another."""
    with VenueProcess(*STANDING, *ACCOUNTS, *ROOM) as venue:
        yield venue


@pytest.fixture
def venue(shared_venue: VenueProcess) -> Iterator[VenueProcess]:
    """The venue, left without faults and open orders."""
    yield shared_venue
    shared_venue.clear_faults()
    for key in ("simulator", "other"):
        with Caller(shared_venue.url, f"{key}-key", f"{key}-secret") as account:
            for symbol in ("BTCUSDT", "ETHUSDT"):
                account.signed("DELETE", "/api/v3/openOrders", symbol=symbol)


@pytest.fixture
def caller(venue: VenueProcess) -> Iterator[Caller]:
    with Caller(venue.url) as account:
        yield account


@pytest.fixture
def other(venue: VenueProcess) -> Iterator[Caller]:
    with Caller(venue.url, "other-key", "other-secret") as account:
        yield account
