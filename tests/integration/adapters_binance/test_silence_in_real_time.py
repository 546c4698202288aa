"""Prices that fall silent while the connection stands, on a market in real time.

REST is asked of silent symbols after ten minutes here, so what is noticed is noticed by the witness alone.
"""

from collections.abc import Callable, Iterator

import pytest

from adapters.binance.connect import BinanceVenue
from adapters.binance.rhythm import SilenceBounds
from domain.events import StreamLost
from domain.instrument import Instrument, Market
from fakes.inbox import RecordingInbox
from fakes.venue_orders import BTC, ETH
from fakes.venue_process import VenueProcess
from ports.connectivity import StreamAge

DEADLINE_S = 60.0
BTC_FUTURES = Instrument("binance", Market.FUTURES, "BTC", "USDT")


@pytest.fixture(scope="module")
def real_time() -> Iterator[VenueProcess]:
    options = ("--market", "synthetic", "--seed", "7", "--speed", "1", "--symbols", "BTCUSDT,ETHUSDT")
    with VenueProcess(*options) as process:
        yield process


@pytest.fixture
def venue(real_time: VenueProcess, connect_to: Callable[..., BinanceVenue]) -> Iterator[BinanceVenue]:
    yield connect_to(real_time, silence=SilenceBounds(600.0, 600.0))
    real_time.clear_faults()


def age_of(venue: BinanceVenue, instrument: Instrument) -> StreamAge:
    (age,) = [age for age in venue.stream_ages() if age.instrument == instrument]
    return age


def watch(venue: BinanceVenue, *instruments: Instrument) -> list[RecordingInbox]:
    """Watch until the witnesses have shown that they keep their time."""
    inboxes = [RecordingInbox() for _ in instruments]
    for instrument, inbox in zip(instruments, inboxes, strict=True):
        venue.streams.watch(instrument, inbox)
    for instrument, inbox in zip(instruments, inboxes, strict=True):
        inbox.until(lambda i, each=instrument: bool(i.prices) and keeps_time(venue, each), DEADLINE_S)  # type: ignore[misc]
    return inboxes


def keeps_time(venue: BinanceVenue, instrument: Instrument) -> bool:
    age = age_of(venue, instrument)
    return age.live and age.witness_expected_s == 1.0


def losses(inbox: RecordingInbox) -> list[str]:
    return [event.reason for event in inbox.of(StreamLost) if event.kind == "market"]


def test_trades_that_do_not_come_are_known_from_the_witness(venue: BinanceVenue, real_time: VenueProcess) -> None:
    inboxes = watch(venue, BTC, BTC_FUTURES)
    real_time.fault("freeze_stream", "btcusdt@aggTrade", count=1_000_000)
    for inbox in inboxes:
        inbox.until(lambda i: any("BTCUSDT did not arrive" in reason for reason in losses(i)), DEADLINE_S)


def test_a_mute_witness_alone_stops_nothing_for_long_and_a_mute_connection_is_lost(
    venue: BinanceVenue, real_time: VenueProcess
) -> None:
    btc, eth = watch(venue, BTC, ETH)
    real_time.fault("freeze_stream", "btcusdt@kline_1s", count=1_000_000)
    btc.until(lambda _: age_of(venue, BTC).live and not 0 <= (age_of(venue, BTC).witness_age_s or -1) < 4, DEADLINE_S)
    eth.until(lambda _: keeps_time(venue, ETH), DEADLINE_S)
    real_time.fault("freeze_stream", count=1_000_000)
    # The second time on a connection that is mute from its birth.
    eth.until(lambda i: sum("ETHUSDT are silent" in reason for reason in losses(i)) >= 2, DEADLINE_S)
