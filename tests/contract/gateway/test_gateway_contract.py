"""What every OrderGateway must do: the real one on both markets of the simulator, and the fake in its stead."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from queue import Empty, Queue
from typing import Protocol

import pytest

from adapters.binance.connect import BinanceVenue, connect
from domain.account import Mode
from domain.events import (
    CancelRefused,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    TradesRead,
)
from domain.instrument import Instrument, InstrumentRules, Market
from domain.orders import Intent, OrderType, Role, Side, Slot, Status, TimeInForce
from fakes.clock import FakeClock
from fakes.gateway import FakeGateway
from fakes.venue_process import KEY, SECRET, VenueProcess
from ports.gateway import Answer, OrderGateway
from utils.clock import SystemClock

PREFIX = "ghtest"
NUMBERS = itertools.count(1)
BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
PERPETUAL = Instrument("binance", Market.FUTURES, "BTC", "USDT")


@dataclass(frozen=True)
class Habits:
    """What differs from market to market: sizes, codes, and what a purchase's fee is taken from."""

    instrument: Instrument
    quantity: Decimal
    too_little: Decimal
    would_take: int
    below_minimum: tuple[int, str]
    bought_fee: str


ON_SPOT = Habits(BTC, Decimal("0.001"), Decimal("0.00001"), -2010, (-1013, "NOTIONAL"), "BTC")
ON_FUTURES = Habits(PERPETUAL, Decimal("0.010"), Decimal("0.001"), -5022, (-4164, "notional"), "USDT")


class Harness(Protocol):
    habits: Habits
    gateway: OrderGateway
    price: Decimal
    rules: InstrumentRules

    def ask(self, call: Callable[[Answer], None]) -> OrderEvent:
        """Make one call and return its one answer."""

    def trade_at(self, price: Decimal) -> None:
        """Let the market trade through `price` in size."""

    def lay_out_book(self) -> None:
        """See to it that a market order of either side finds somebody to trade with."""


class FakeHarness:
    def __init__(self, habits: Habits) -> None:
        self.habits, self.price = habits, Decimal(40_000)
        self.rules = InstrumentRules(
            instrument=habits.instrument,
            status="TRADING",
            tick=Decimal("0.01"),
            lot=habits.too_little,
            min_quantity=habits.too_little,
            max_quantity=Decimal(9000),
            min_notional=Decimal(5) if habits is ON_SPOT else Decimal(100),
        )
        self.gateway = FakeGateway(FakeClock(), self.rules, price=self.price, prefix=PREFIX)

    def ask(self, call: Callable[[Answer], None]) -> OrderEvent:
        answers: list[OrderEvent] = []
        call(answers.append)
        assert not answers, "a call must return before it is answered"
        self.gateway.deliver()
        assert len(answers) == 1
        return answers[0]

    def trade_at(self, price: Decimal) -> None:
        self.gateway.trade_at(price)

    def lay_out_book(self) -> None:
        """Nothing to do: the fake trades with everyone at its one price."""


class BinanceHarness:
    def __init__(self, venue: BinanceVenue, process: VenueProcess, habits: Habits) -> None:
        self.habits, self.gateway, self._process = habits, venue.gateway, process
        self._market_data = venue.market_data
        self.rules = venue.market_data.rules(habits.instrument)
        self.price = venue.market_data.tickers([habits.instrument])[0].price

    def ask(self, call: Callable[[Answer], None]) -> OrderEvent:
        answers: Queue[OrderEvent] = Queue()
        call(answers.put)
        answer = answers.get(timeout=60)
        with pytest.raises(Empty):
            answers.get_nowait()
        return answer

    def trade_at(self, price: Decimal) -> None:
        market = "spot" if self.habits is ON_SPOT else "um"
        self._process.admin("print", symbol="BTCUSDT", price=str(price), qty="1000", market=market)

    def lay_out_book(self) -> None:
        for _ in range(50):
            ticker = self._market_data.tickers([self.habits.instrument])[0]
            if ticker.bid > 0 and ticker.ask > 0:
                return
            self._process.step(20)
        raise AssertionError("the market laid out no book")


@pytest.fixture(scope="module")
def process() -> Iterator[VenueProcess]:
    market = ("--market", "synthetic", "--seed", "7", "--speed", "max")
    with VenueProcess(*market, "--futures-balance", "USDT=100000") as running:
        yield running


@pytest.fixture(params=["fake spot", "fake futures", "spot", "futures"])
def venue(request: pytest.FixtureRequest) -> Iterator[Harness]:
    habits = ON_SPOT if "spot" in request.param else ON_FUTURES
    if request.param.startswith("fake"):
        yield FakeHarness(habits)
        return
    process: VenueProcess = request.getfixturevalue("process")
    connected = connect(
        mode=Mode.SHADOW,
        api_key=KEY,
        api_secret=SECRET,
        clock=SystemClock(),
        client_id_prefix=PREFIX,
        spot_url=process.url,
        futures_url=process.ready["futures_url"],
    )
    try:
        yield BinanceHarness(connected, process, habits)
    finally:
        connected.close()


def wanted(
    venue: Harness,
    side: Side = Side.BUY,
    kind: OrderType = OrderType.LIMIT,
    *,
    away: str = "0.9",
    quantity: Decimal | None = None,
    client_id: str | None = None,
) -> Intent:
    """An order of the price times `away`, on the tick."""
    price = venue.rules.price(venue.rules.nearest_ticks(venue.price * Decimal(away)))
    return Intent(
        client_id=client_id or f"{PREFIX}-{next(NUMBERS)}",
        slot=Slot(1, Role.RUNG, side, venue.rules.ticks(price)),
        cycle=0,
        attempt=0,
        instrument=venue.habits.instrument,
        type=kind,
        time_in_force=TimeInForce.GTC if kind is OrderType.LIMIT else None,
        quantity=quantity or venue.habits.quantity,
        price=None if kind is OrderType.MARKET else price,
        reason="contract test",
        created_ms=0,
    )


def submit(venue: Harness, intent: Intent) -> OrderEvent:
    return venue.ask(lambda answer: venue.gateway.submit(intent, answer))


def cancel(venue: Harness, client_id: str) -> OrderEvent:
    return venue.ask(lambda answer: venue.gateway.cancel(venue.habits.instrument, client_id, answer))


def look_up(venue: Harness, client_id: str) -> OrderEvent:
    return venue.ask(lambda answer: venue.gateway.look_up(venue.habits.instrument, client_id, 0, answer))


def read_open(venue: Harness, since: int = 0) -> OpenOrdersRead:
    event = venue.ask(lambda answer: venue.gateway.read_open(venue.habits.instrument, since, answer))
    assert isinstance(event, OpenOrdersRead)
    return event


@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.LIMIT_MAKER])
def test_an_order_away_from_the_price_rests(venue: Harness, kind: OrderType) -> None:
    intent = wanted(venue, kind=kind)
    event = submit(venue, intent)
    assert isinstance(event, OrderReported)
    assert event.fills == ()
    order = event.order
    assert (order.client_id, order.status, order.side, order.type) == (
        intent.client_id,
        Status.OPEN,
        Side.BUY,
        kind,
    )
    assert (order.price, order.quantity, order.executed_quantity) == (intent.price, venue.habits.quantity, 0)
    cancel(venue, intent.client_id)


def test_a_market_order_reports_its_fills_as_taker(venue: Harness) -> None:
    intent = wanted(venue, kind=OrderType.MARKET)
    event = submit(venue, intent)
    assert isinstance(event, OrderReported)
    assert event.order.status is Status.FILLED
    assert sum(fill.quantity for fill in event.fills) == event.order.executed_quantity == venue.habits.quantity
    for fill in event.fills:
        assert fill.quote_quantity == fill.price * fill.quantity
        assert (fill.client_id, fill.venue_order_id) == (intent.client_id, event.order.venue_order_id)
        assert (fill.is_maker, fill.side, fill.commission_asset) == (
            False,
            Side.BUY,
            venue.habits.bought_fee,
        )
        assert fill.commission > 0


def test_a_limit_order_through_the_price_fills_at_once(venue: Harness) -> None:
    event = submit(venue, wanted(venue, away="1.01"))
    assert isinstance(event, OrderReported)
    assert event.order.status is Status.FILLED
    assert event.fills


def test_a_post_only_order_that_would_take_is_refused_and_says_so(venue: Harness) -> None:
    intent = wanted(venue, kind=OrderType.LIMIT_MAKER, away="1.01")
    event = submit(venue, intent)
    assert isinstance(event, OrderRefused)
    assert (event.client_id, event.code, event.would_take) == (intent.client_id, venue.habits.would_take, True)


def test_a_broken_rule_is_a_refusal_with_the_venues_own_code(venue: Harness) -> None:
    event = submit(venue, wanted(venue, quantity=venue.habits.too_little))
    assert isinstance(event, OrderRefused)
    code, word = venue.habits.below_minimum
    assert (event.code, event.would_take) == (code, False)
    assert word in event.message


def test_an_id_that_is_open_already_is_no_refusal_but_to_be_looked_up(venue: Harness) -> None:
    first = wanted(venue)
    submit(venue, first)
    event = submit(venue, wanted(venue, away="0.91", client_id=first.client_id))
    assert isinstance(event, OutcomeUnknown)
    found = look_up(venue, first.client_id)
    assert isinstance(found, OrderReported)
    assert found.order.price == first.price
    cancel(venue, first.client_id)


def test_a_cancel_reports_the_order_under_its_own_id(venue: Harness) -> None:
    intent = wanted(venue)
    submit(venue, intent)
    event = cancel(venue, intent.client_id)
    assert isinstance(event, OrderReported)
    assert (event.order.client_id, event.order.status) == (intent.client_id, Status.CANCELED)


def test_a_second_cancel_and_one_of_nothing_are_refused(venue: Harness) -> None:
    intent = wanted(venue)
    submit(venue, intent)
    cancel(venue, intent.client_id)
    for client_id in (intent.client_id, f"{PREFIX}-never"):
        event = cancel(venue, client_id)
        assert isinstance(event, CancelRefused)
        assert (event.client_id, event.code) == (client_id, -2011)


def test_a_look_up_finds_an_order_with_all_its_trades(venue: Harness) -> None:
    intent = wanted(venue, kind=OrderType.MARKET)
    placed = submit(venue, intent)
    found = look_up(venue, intent.client_id)
    assert isinstance(placed, OrderReported)
    assert isinstance(found, OrderReported)
    assert (found.order.status, found.order.executed_quantity) == (Status.FILLED, venue.habits.quantity)
    assert money(found.fills) == money(placed.fills)


def money(fills: tuple) -> list[tuple]:
    return [
        (fill.trade_id, fill.price, fill.quantity, fill.quote_quantity, fill.commission, fill.commission_asset)
        for fill in fills
    ]


def test_a_look_up_of_what_never_arrived_says_absent(venue: Harness) -> None:
    event = look_up(venue, f"{PREFIX}-lost")
    assert event == OrderAbsent(f"{PREFIX}-lost")


def test_a_reading_gives_open_orders_and_trades_of_ours_alone(venue: Harness) -> None:
    ours, foreign = wanted(venue), wanted(venue, client_id=f"web-{next(NUMBERS)}")
    traded = wanted(venue, kind=OrderType.MARKET)
    foreign_trade = wanted(venue, kind=OrderType.MARKET, client_id=f"web-{next(NUMBERS)}")
    answers = [submit(venue, intent) for intent in (ours, foreign, traded, foreign_trade)]
    assert all(isinstance(answer, OrderReported) for answer in answers)
    reading = read_open(venue)
    assert [order.client_id for order in reading.orders] == [ours.client_id]
    ids = {fill.client_id for fill in reading.fills}
    assert traded.client_id in ids
    assert all(client_id.startswith(PREFIX) for client_id in ids)
    cancel(venue, ours.client_id)
    cancel(venue, foreign.client_id)


def test_a_reading_begins_at_the_trade_asked_for(venue: Harness) -> None:
    first = submit(venue, wanted(venue, kind=OrderType.MARKET))
    second = submit(venue, wanted(venue, kind=OrderType.MARKET))
    assert isinstance(first, OrderReported)
    assert isinstance(second, OrderReported)
    last = max(fill.trade_id for fill in first.fills)
    assert money(read_open(venue, last + 1).fills) == money(second.fills)
    assert read_open(venue, max(fill.trade_id for fill in second.fills) + 1).fills == ()


def test_a_resting_order_the_market_trades_through_is_filled_as_maker(venue: Harness) -> None:
    intent = wanted(venue, away="0.99")
    submit(venue, intent)
    assert intent.price is not None
    venue.trade_at(intent.price - 1)
    found = look_up(venue, intent.client_id)
    assert isinstance(found, OrderReported)
    assert found.order.status is Status.FILLED
    assert [(fill.is_maker, fill.price, fill.quantity) for fill in found.fills] == [
        (True, intent.price, venue.habits.quantity)
    ]
    venue.trade_at(venue.price)


def test_a_listing_without_trades_gives_open_orders_alone_and_counts_foreign_ones(venue: Harness) -> None:
    ours, foreign = wanted(venue), wanted(venue, client_id=f"web-{next(NUMBERS)}")
    for intent in (ours, foreign, wanted(venue, kind=OrderType.MARKET)):
        assert isinstance(submit(venue, intent), OrderReported)
    listing = venue.ask(lambda answer: venue.gateway.read_open(venue.habits.instrument, None, answer))
    assert isinstance(listing, OpenOrdersRead)
    assert [order.client_id for order in listing.orders] == [ours.client_id]
    assert (listing.fills, listing.has_trades, listing.foreign) == ((), False, 1)
    assert read_open(venue).has_trades
    cancel(venue, ours.client_id)
    cancel(venue, foreign.client_id)


def test_trades_can_be_read_alone(venue: Harness) -> None:
    first = submit(venue, wanted(venue, kind=OrderType.MARKET))
    second = submit(venue, wanted(venue, kind=OrderType.MARKET))
    assert isinstance(first, OrderReported)
    assert isinstance(second, OrderReported)
    last = max(fill.trade_id for fill in first.fills)
    known = [(second.order.venue_order_id, second.order.client_id)]
    event = venue.ask(lambda answer: venue.gateway.read_trades(venue.habits.instrument, last + 1, answer, known))
    assert isinstance(event, TradesRead)
    assert money(event.fills) == money(second.fills)
    assert {fill.client_id for fill in event.fills} == {second.order.client_id}


@pytest.mark.parametrize("is_right", [True, False])
def test_a_look_up_with_a_presumption_reports_what_is_true(venue: Harness, is_right: bool) -> None:
    intent = wanted(venue, kind=OrderType.MARKET)
    placed = submit(venue, intent)
    assert isinstance(placed, OrderReported)
    part = venue.habits.quantity if is_right else venue.habits.quantity / 2
    presumed = replace(placed.order, executed_quantity=part, status=Status.FILLED if is_right else Status.OPEN)
    found = venue.ask(
        lambda answer: venue.gateway.look_up(venue.habits.instrument, intent.client_id, 0, answer, presumed)
    )
    assert isinstance(found, OrderReported)
    assert (found.order.status, found.order.executed_quantity) == (Status.FILLED, venue.habits.quantity)
    assert money(found.fills) == money(placed.fills)


def test_closing_a_position_realizes_its_profit_and_nothing_is_left_to_reduce(venue: Harness) -> None:
    if venue.habits is ON_SPOT:
        pytest.skip("spot holds no positions")
    venue.lay_out_book()

    def reduce() -> OrderEvent:
        event = submit(venue, replace(wanted(venue, Side.SELL, OrderType.MARKET), reduce_only=True))
        assert not isinstance(event, OrderReported) or event.fills
        return event

    while isinstance(reduce(), OrderReported):
        pass  # what the tests before have bought
    bought = submit(venue, wanted(venue, kind=OrderType.MARKET))
    sold, refused = reduce(), reduce()
    assert isinstance(bought, OrderReported)
    assert isinstance(sold, OrderReported)
    profit = sum(fill.quote_quantity for fill in sold.fills) - sum(fill.quote_quantity for fill in bought.fills)
    assert [fill.realized_profit for fill in bought.fills] == [0] * len(bought.fills)
    assert sum(fill.realized_profit for fill in sold.fills) == profit
    assert isinstance(refused, OrderRefused)
    assert (refused.code, refused.would_take) == (-2022, False)
