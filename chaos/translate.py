"""Between the exchange's scaled integers and the bot's decimals: what the wire does, without the wire."""

from decimal import Decimal

from domain.instrument import Instrument, InstrumentRules, Market
from domain.money import exact
from domain.orders import Fill, Intent, Side, Status, VenueOrder
from domain.orders import OrderType as BotOrderType
from simulator.core import orders as venue
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec

STATUS = {
    venue.OrderStatus.NEW: Status.OPEN,
    venue.OrderStatus.PARTIALLY_FILLED: Status.OPEN,
    venue.OrderStatus.FILLED: Status.FILLED,
    venue.OrderStatus.CANCELED: Status.CANCELED,
    venue.OrderStatus.EXPIRED: Status.EXPIRED,
    venue.OrderStatus.EXPIRED_IN_MATCH: Status.EXPIRED,
}


@exact
def amount(scaled: int, unit: int = UNIT) -> Decimal:
    """Return the decimal that `scaled` stands for."""
    return Decimal(scaled) / unit


@exact
def scaled(value: Decimal) -> int:
    """Return `value` scaled by UNIT.

    Raises:
        ValueError: if it has more than eight decimals.
    """
    whole = value * UNIT
    if whole != int(whole):
        raise ValueError(f"{value} has more than 8 decimals")
    return int(whole)


def instrument_of(spec: SymbolSpec) -> Instrument:
    return Instrument("binance", Market.SPOT, spec.base, spec.quote)


def rules_of(spec: SymbolSpec) -> InstrumentRules:
    """Return the order rules the bot would read from the exchange's symbol list."""
    return InstrumentRules(
        instrument=instrument_of(spec),
        status=spec.status,
        tick=amount(spec.tick),
        lot=amount(spec.lot),
        min_quantity=amount(spec.min_qty),
        max_quantity=amount(spec.max_qty),
        min_notional=amount(spec.min_notional),
        max_notional=amount(spec.max_notional),
        min_price=amount(spec.min_price),
        max_price=amount(spec.max_price),
        bid_up=Decimal(spec.bid_mult_up) / 10**6,
        bid_down=Decimal(spec.bid_mult_down) / 10**6,
        ask_up=Decimal(spec.ask_mult_up) / 10**6,
        ask_down=Decimal(spec.ask_mult_down) / 10**6,
        max_open_orders=spec.max_orders,
    )


def params_of(intent: Intent, symbol: str) -> venue.OrderParams:
    tif = None if intent.time_in_force is None else venue.TimeInForce(intent.time_in_force.value)
    return venue.OrderParams(
        symbol=symbol,
        side=venue.Side(intent.side.value),
        type=venue.OrderType(intent.type.value),
        time_in_force=tif,
        quantity=scaled(intent.quantity),
        price=None if intent.price is None else scaled(intent.price),
        client_id=intent.client_id,
    )


def order_of(order: venue.Order, instrument: Instrument) -> VenueOrder:
    return VenueOrder(
        instrument=instrument,
        client_id=order.client_id,
        venue_order_id=order.order_id,
        side=Side(order.side.value),
        type=BotOrderType(order.type.value),
        status=STATUS[order.status],
        price=amount(order.price),
        quantity=amount(order.quantity),
        executed_quantity=amount(order.executed),
        updated_ms=order.update_ms,
    )


def fill_of(fill: venue.Fill, instrument: Instrument, client_id: str) -> Fill:
    return Fill(
        instrument=instrument,
        trade_id=fill.trade_id,
        client_id=client_id,
        venue_order_id=fill.order_id,
        side=Side(fill.side.value),
        price=amount(fill.price),
        quantity=amount(fill.quantity),
        quote_quantity=amount(fill.quote, NOTIONAL_UNIT),
        commission=amount(fill.commission),
        commission_asset=fill.commission_asset,
        is_maker=fill.is_maker,
        time_ms=fill.time_ms,
    )
