"""Orders on a USD-M contract, for tests that talk to a venue."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from queue import Empty, Queue

from adapters.binance.connect import BinanceVenue
from domain.events import OpenOrdersRead, OrderEvent
from domain.instrument import Instrument, Market
from domain.orders import Intent, OrderType, PositionSide, Side, TimeInForce
from fakes.venue_orders import intent_of
from ports.gateway import Answer

BTC_PERPETUAL = Instrument("binance", Market.FUTURES, "BTC", "USDT")
TENTH = Decimal("0.1")
SIZE = Decimal("0.010")
DEADLINE_S = 60.0


def ask(call: Callable[[Answer], None]) -> OrderEvent:
    """Make one call of a gateway and return its one answer."""
    answers: Queue[OrderEvent] = Queue()
    call(answers.put)
    event = answers.get(timeout=DEADLINE_S)
    try:
        raise AssertionError(f"a second answer came: {answers.get_nowait()}")
    except Empty:
        return event


def price_of(venue: BinanceVenue, away: str = "1") -> Decimal:
    """Return the contract's last price times `away`, on its tick."""
    price = venue.market_data.tickers([BTC_PERPETUAL])[0].price * Decimal(away)
    return price.quantize(TENTH)


def order_of(
    price: Decimal | None,
    side: Side = Side.BUY,
    kind: OrderType = OrderType.LIMIT,
    *,
    quantity: Decimal = SIZE,
    client_id: str | None = None,
    time_in_force: TimeInForce | None = None,
    position_side: PositionSide = PositionSide.BOTH,
    reduce_only: bool = False,
) -> Intent:
    """Return an intent on the contract; no price means a market order."""
    usual = intent_of(price, instrument=BTC_PERPETUAL, side=side, kind=kind, quantity=quantity, client_id=client_id)
    in_force = time_in_force or usual.time_in_force
    return replace(usual, position_side=position_side, reduce_only=reduce_only, time_in_force=in_force)


def submit(venue: BinanceVenue, intent: Intent) -> OrderEvent:
    return ask(lambda answer: venue.gateway.submit(intent, answer))


def cancel(venue: BinanceVenue, client_id: str) -> OrderEvent:
    return ask(lambda answer: venue.gateway.cancel(BTC_PERPETUAL, client_id, answer))


def look_up(venue: BinanceVenue, client_id: str) -> OrderEvent:
    return ask(lambda answer: venue.gateway.look_up(BTC_PERPETUAL, client_id, 0, answer))


def read_open(venue: BinanceVenue, since_trade_id: int | None = None) -> OpenOrdersRead:
    event = ask(lambda answer: venue.gateway.read_open(BTC_PERPETUAL, since_trade_id, answer))
    assert isinstance(event, OpenOrdersRead), event
    return event
