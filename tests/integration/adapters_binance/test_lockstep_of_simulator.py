from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from queue import Queue
from threading import Event, Thread

import pytest

from adapters.binance.connect import BinanceVenue
from adapters.binance.lockstep import LockstepBroken
from domain.events import OrderEvent, OrderReported, StreamResumed
from domain.orders import Side, Status
from fakes.inbox import RecordingInbox
from fakes.venue_orders import BTC, intent_of
from fakes.venue_process import VenueProcess
from utils.clock import SystemClock

FIRST_MS = 1_722_816_000_000  # 2024-08-05
CANDLES = 60


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """An hour of minutes that swings between 990 and 1010."""
    rows = ["open_time,open,high,low,close,volume"]
    rows += [f"{FIRST_MS + minute * 60_000},1000,1010,990,1000,500" for minute in range(CANDLES)]
    file = tmp_path / "BTCUSDT_1m.csv"
    file.write_text("\n".join(rows) + "\n")
    return file


@pytest.fixture
def replay(recording: Path) -> Iterator[VenueProcess]:
    """The recording, waiting to be stepped."""
    options = ("--market", "replay", "--data", str(recording), "--speed", "max", "--from", str(FIRST_MS + 600_000))
    with VenueProcess(*options, "--balance", "USDT=10000", "--balance", "BTC=10") as process:
        yield process


class PingPong:
    """A reader that answers each fill with an order on the other side, from a thread of its own turn."""

    def __init__(self, venue: BinanceVenue) -> None:
        self.venue, self.fills, self.unread = venue, 0, Queue[OrderEvent]()
        self.market_times: list[int] = []

    def price(self, _event: object) -> None:
        """Prices decide nothing here."""

    def order(self, event: OrderEvent) -> None:
        self.unread.put(event)

    def place(self, side: Side) -> None:
        price = Decimal(995) if side is Side.BUY else Decimal(1005)
        self.venue.gateway.submit(intent_of(price, side=side, quantity=Decimal("0.1")), self.order)

    def work(self, done: Event) -> None:
        while not done.is_set():
            while not self.unread.empty():
                event = self.unread.queue[0]  # stays unread until it is dealt with
                if isinstance(event, OrderReported) and event.order.status is Status.FILLED and event.fills:
                    self.fills += 1
                    self.market_times.append(event.fills[0].time_ms)
                    self.place(event.order.side.opposite)
                self.unread.get()
            done.wait(0.0002)


def test_the_market_waits_for_every_answer_and_the_clock_goes_with_it(
    replay: VenueProcess, connect_to: Callable[..., BinanceVenue]
) -> None:
    clock = SystemClock()
    venue = connect_to(replay, clock=clock)
    assert (venue.in_lockstep, venue.market_data.market_source()) == (True, "replay")
    assert clock.market_ms() == FIRST_MS + 600_000
    reader = PingPong(venue)
    inbox = RecordingInbox()
    venue.streams.watch(BTC, inbox)
    inbox.until(lambda i: len(i.of(StreamResumed)) == 2)
    venue.streams.watch(BTC, reader)
    reader.place(Side.BUY)
    done = Event()
    worker = Thread(target=reader.work, args=(done,))
    worker.start()
    driver = venue.lockstep(reader.unread.empty)
    try:
        venue.io.run(driver.run(), 200)
    finally:
        done.set()
        worker.join(60)
    assert reader.fills == 100, "each of 50 minutes falls to 995 once and rises to 1005 once"
    assert reader.market_times == sorted(reader.market_times)
    assert clock.market_ms() >= FIRST_MS + CANDLES * 60_000 - 1
    assert driver.played >= 50


def test_a_reader_that_never_rests_fails_the_run_loudly(
    replay: VenueProcess, connect_to: Callable[..., BinanceVenue]
) -> None:
    venue = connect_to(replay)
    driver = venue.lockstep(lambda: False, deadline_s=0.2)
    with pytest.raises(LockstepBroken, match="not idle"):
        venue.io.run(driver.run(), 60)


def test_the_streams_carry_market_time_in_a_paced_replay(
    recording: Path, connect_to: Callable[..., BinanceVenue]
) -> None:
    options = ("--market", "replay", "--data", str(recording), "--speed", "600", "--from", str(FIRST_MS + 600_000))
    with VenueProcess(*options) as process:
        clock = SystemClock()
        venue = connect_to(process, clock=clock)
        assert (venue.carries_market_time, venue.in_lockstep) == (True, False)
        inbox = RecordingInbox()
        venue.streams.watch(BTC, inbox)
        inbox.until(lambda i: len(i.prices) >= 3)
        assert FIRST_MS < inbox.prices[-1].market_ms <= clock.market_ms() <= FIRST_MS + CANDLES * 60_000


def test_market_time_is_now_where_the_market_runs_at_its_own_pace(connect_to: Callable[..., BinanceVenue]) -> None:
    with VenueProcess("--market", "synthetic") as process:
        clock = SystemClock()
        venue = connect_to(process, clock=clock)
        inbox = RecordingInbox()
        venue.streams.watch(BTC, inbox)
        inbox.until(lambda i: bool(i.prices))
        assert (venue.carries_market_time, venue.in_lockstep) == (False, False)
        assert clock.market_ms() == pytest.approx(clock.wall_ms(), abs=60_000)
