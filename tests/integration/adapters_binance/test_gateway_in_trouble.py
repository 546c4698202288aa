"""The gateway when things go wrong, each fault armed in the real simulator."""

from collections.abc import Callable
from decimal import Decimal
from queue import Empty, Queue
from threading import Event

import pytest

from adapters.binance.connect import BinanceVenue, connect
from adapters.binance.gateway import BinanceGateway
from adapters.binance.trades import TradeReader
from domain.account import Mode
from domain.events import (
    CancelRefused,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    ReadFailed,
)
from domain.instrument import Instrument, Market
from domain.orders import Intent, Status
from fakes.clock import FakeClock
from fakes.processes import until
from fakes.venue_orders import BTC, intent_of
from fakes.venue_process import KEY, SECRET, VenueProcess
from ports.gateway import Answer
from utils.clock import SystemClock


def ask(call: Callable[[Answer], None], deadline_s: float = 60.0) -> OrderEvent:
    answers: Queue[OrderEvent] = Queue()
    call(answers.put)
    event = answers.get(timeout=deadline_s)
    with pytest.raises(Empty):
        answers.get_nowait()
    return event


@pytest.fixture
def clock() -> FakeClock:
    """The look-ups' clock: their pauses pass at once."""
    return FakeClock()


@pytest.fixture
def gateway(venue: BinanceVenue, clock: FakeClock) -> BinanceGateway:
    trades = TradeReader(venue.transport, "ghtest")
    return BinanceGateway(venue.io, venue.transport, trades, clock, clock.sleep)


@pytest.fixture
def resting(venue: BinanceVenue) -> Intent:
    """An order well below the market."""
    price = venue.market_data.tickers([BTC])[0].price
    return intent_of((price * Decimal("0.9")).quantize(Decimal("0.01")))


def submit(gateway: BinanceGateway, intent: Intent) -> OrderEvent:
    return ask(lambda answer: gateway.submit(intent, answer))


def look_up(gateway: BinanceGateway, client_id: str, sent_ms: int) -> OrderEvent:
    return ask(lambda answer: gateway.look_up(BTC, client_id, sent_ms, answer))


def open_ids(gateway: BinanceGateway) -> list[str]:
    event = ask(lambda answer: gateway.read_open(BTC, 0, answer))
    assert isinstance(event, OpenOrdersRead)
    return [order.client_id for order in event.orders]


@pytest.mark.parametrize(("kind", "more"), [("lose_reply", {}), ("fail_after", {"status": 504})])
def test_an_order_whose_answer_is_lost_is_unknown_and_found(
    gateway: BinanceGateway, process: VenueProcess, resting: Intent, kind: str, more: dict[str, int]
) -> None:
    process.fault(kind, "spot.order.new", **more)
    assert isinstance(submit(gateway, resting), OutcomeUnknown)
    found = look_up(gateway, resting.client_id, 0)
    assert isinstance(found, OrderReported)
    assert (found.order.client_id, found.order.status) == (resting.client_id, Status.OPEN)
    assert open_ids(gateway).count(resting.client_id) == 1
    ask(lambda answer: gateway.cancel(BTC, resting.client_id, answer))


@pytest.mark.parametrize("kind", ["lose_request", "gateway"])
def test_an_order_that_never_arrived_is_absent_only_after_its_window_is_over(
    gateway: BinanceGateway, process: VenueProcess, resting: Intent, clock: FakeClock, kind: str
) -> None:
    sent_ms = clock.wall_ms()
    process.fault(kind, "spot.order.new")
    assert isinstance(submit(gateway, resting), OutcomeUnknown)
    assert look_up(gateway, resting.client_id, sent_ms) == OrderAbsent(resting.client_id)
    assert len(clock.waits) >= 4, "one miss proves nothing"
    assert clock.wall_ms() - sent_ms > 5_000 + 5_000, "until then the venue might still accept it"
    assert resting.client_id not in open_ids(gateway)


def test_a_look_up_outlasts_a_venue_that_fails_twice(
    gateway: BinanceGateway, process: VenueProcess, resting: Intent, clock: FakeClock
) -> None:
    assert isinstance(submit(gateway, resting), OrderReported)
    process.fault("gateway", "spot.order.get", count=2)
    found = look_up(gateway, resting.client_id, clock.wall_ms())
    assert isinstance(found, OrderReported)
    assert clock.waits == [0.5, 1.0]
    ask(lambda answer: gateway.cancel(BTC, resting.client_id, answer))


def test_a_look_up_that_gets_no_answer_says_so(
    gateway: BinanceGateway, process: VenueProcess, resting: Intent, clock: FakeClock
) -> None:
    process.fault("gateway", "spot.order.get", count=5)
    event = look_up(gateway, resting.client_id, clock.wall_ms())
    assert isinstance(event, ReadFailed)
    assert resting.client_id in event.what


def test_a_skewed_clock_is_measured_and_the_same_order_sent_once_more(
    gateway: BinanceGateway, venue: BinanceVenue, process: VenueProcess, resting: Intent
) -> None:
    process.fault("clock_offset", "spot.order.new", delay_ms=60_000)
    event = submit(gateway, resting)
    assert isinstance(event, OrderReported)
    assert abs(venue.transport.times[BTC.market].offset_ms) < 20_000
    assert open_ids(gateway).count(resting.client_id) == 1
    ask(lambda answer: gateway.cancel(BTC, resting.client_id, answer))


def test_a_clock_that_stays_skewed_is_certainly_no_order(
    gateway: BinanceGateway, process: VenueProcess, resting: Intent
) -> None:
    process.fault("clock_offset", "spot.order.new", delay_ms=60_000, count=2)
    assert isinstance(submit(gateway, resting), OrderNotSent)
    assert resting.client_id not in open_ids(gateway)


def test_a_refused_key_is_no_word_about_the_order(
    gateway: BinanceGateway, process: VenueProcess, resting: Intent
) -> None:
    process.fault("bad_key", "spot.order.new")
    event = submit(gateway, resting)
    assert isinstance(event, OrderNotSent)
    assert "-2015" in event.message


def test_a_cancel_whose_answer_is_lost_ends_in_a_look_up_that_finds_it_canceled(
    gateway: BinanceGateway, process: VenueProcess, resting: Intent
) -> None:
    submit(gateway, resting)
    process.fault("lose_reply", "spot.order.cancel")
    event = ask(lambda answer: gateway.cancel(BTC, resting.client_id, answer))
    # aiohttp may have sent the DELETE again, which the venue then refuses: both demand the look-up.
    assert isinstance(event, OutcomeUnknown | CancelRefused)
    found = look_up(gateway, resting.client_id, 0)
    assert isinstance(found, OrderReported)
    assert found.order.status is Status.CANCELED


def test_a_throttled_order_was_not_sent_and_stops_the_ones_behind_it(
    gateway: BinanceGateway, venue: BinanceVenue, process: VenueProcess, resting: Intent
) -> None:
    process.fault("throttle", "spot.order.new", seconds=30)
    event = submit(gateway, resting)
    assert isinstance(event, OrderNotSent)
    again = submit(gateway, resting)
    assert isinstance(again, OrderNotSent), "refused here, before the venue counts it as disobedience"
    assert "reopens" in again.message
    answer = venue.transport.broker.used_weight(BTC.market)
    assert answer >= 0


def test_what_is_in_flight_when_the_venue_is_closed_is_answered_as_unknown(
    venue: BinanceVenue, process: VenueProcess, resting: Intent
) -> None:
    process.fault("ack_delay", "spot.order.new", delay_ms=5_000)
    answers: Queue[OrderEvent] = Queue()
    venue.gateway.submit(resting, answers.put)
    venue.close()
    assert isinstance(answers.get(timeout=60), OutcomeUnknown)
    venue.gateway.submit(resting, answers.put)
    assert isinstance(answers.get(timeout=60), OrderNotSent)
    assert venue.gateway.in_flight == 0
    assert answers.empty()


def test_an_order_to_a_venue_that_is_gone_was_not_sent(connect_to: Callable[..., BinanceVenue]) -> None:
    with VenueProcess() as process:
        venue = connect_to(process)
        process.kill()
        intent = intent_of(Decimal(1000))
        assert isinstance(ask(lambda answer: venue.gateway.submit(intent, answer)), OrderNotSent)
        assert isinstance(ask(lambda answer: venue.gateway.cancel(BTC, "x", answer)), OrderNotSent)
        event = ask(lambda answer: venue.gateway.read_open(BTC, 0, answer))
        assert isinstance(event, ReadFailed)


def test_an_answer_that_raises_neither_repeats_nor_stops_the_others(venue: BinanceVenue, resting: Intent) -> None:
    calls: list[OrderEvent] = []
    raised = Event()

    def bad(event: OrderEvent) -> None:
        calls.append(event)
        raised.set()
        raise RuntimeError("the reader is broken")

    venue.gateway.cancel(BTC, "ghtest-none", bad)
    assert raised.wait(60)
    assert isinstance(ask(lambda answer: venue.gateway.cancel(BTC, "ghtest-none", answer)), CancelRefused)
    assert len(calls) == 1
    until(lambda: venue.gateway.in_flight == 0, "both to be counted as answered")


def test_futures_orders_are_refused_clearly_where_they_are_not_offered(process: VenueProcess, clock: FakeClock) -> None:
    futures = Instrument("binance", Market.FUTURES, "BTC", "USDT")
    venue = connect(
        mode=Mode.SHADOW,
        api_key=KEY,
        api_secret=SECRET,
        clock=SystemClock(),
        client_id_prefix="ghtest",
        spot_url=process.url,
    )
    try:
        gateway = BinanceGateway(venue.io, venue.transport, TradeReader(venue.transport, "ghtest"), clock, clock.sleep)
        refused = submit(gateway, intent_of(Decimal(50_000), instrument=futures))
        assert isinstance(refused, OrderRefused)
        assert "futures" in refused.message
        assert isinstance(ask(lambda answer: gateway.cancel(futures, "x", answer)), CancelRefused)
        assert isinstance(ask(lambda answer: gateway.look_up(futures, "x", 0, answer)), ReadFailed)
        assert isinstance(ask(lambda answer: gateway.read_open(futures, 0, answer)), ReadFailed)
        assert clock.waits == []
    finally:
        venue.close()
