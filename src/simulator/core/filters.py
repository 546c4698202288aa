"""May this order be sent at all? Shape and static filters, in Binance's order (protocol section 2.1)."""

import re
from typing import Final

from simulator.core.errors import (
    CLIENT_ID_PATTERN,
    MARKET_CLOSED,
    STP_MODE_NOT_ALLOWED,
    ZERO_NOTIONAL,
    bad_combination,
    count_failure,
    filter_failure,
    illegal_characters,
    invalid_message,
    missing_both,
    missing_parameter,
    surplus_parameter,
    surplus_time_in_force,
)
from simulator.core.orders import CONDITIONAL_TYPES, MARKET_TYPES, OrderParams, OrderType, Side
from simulator.core.symbols import PPM, UNIT, SymbolSpec

_CLIENT_ID: Final = re.compile(r"[a-zA-Z0-9\-_]{1,36}", re.ASCII)


def check_client_id(client_id: str | None, parameter: str = "newClientOrderId") -> None:
    if client_id is not None and not _CLIENT_ID.fullmatch(client_id):
        raise illegal_characters(parameter, CLIENT_ID_PATTERN)


def check_shape(params: OrderParams, leg: str = "") -> None:
    """Refuse parameters that the order's type needs and lacks, or does not take (protocol section 1.3).

    `leg` is what the names of the parameters begin with, for a leg of an order list.
    """
    check_client_id(params.client_id, _named(leg, "clientOrderId") if leg else "newClientOrderId")
    if params.type is OrderType.MARKET:
        _check_market_shape(params)
    else:
        _check_other_shape(params, leg)
    if params.quantity is not None and params.quantity <= 0:
        raise invalid_message("Invalid quantity.")
    if params.price is not None and params.price <= 0:
        raise invalid_message("Invalid price.")
    if params.stop_price is not None and params.stop_price <= 0:
        raise invalid_message("Invalid stopPrice.")
    if params.quote_quantity is not None and params.quote_quantity <= 0:
        raise invalid_message(ZERO_NOTIONAL)


def _named(leg: str, parameter: str) -> str:
    return leg + parameter[0].upper() + parameter[1:] if leg else parameter


def _check_market_shape(params: OrderParams) -> None:
    if params.time_in_force is not None:
        raise surplus_parameter("timeInForce")
    if params.price is not None:
        raise surplus_parameter("price")
    if params.stop_price is not None:
        raise surplus_parameter("stopPrice")
    if params.quantity is None and params.quote_quantity is None:
        raise missing_both("quantity", "quoteOrderQty")
    if params.quantity is not None and params.quote_quantity is not None:
        raise bad_combination()


def _check_other_shape(params: OrderParams, leg: str) -> None:
    _check_time_in_force(params, leg)
    if params.quantity is None:
        raise missing_parameter("quantity")
    has_limit = params.type not in MARKET_TYPES
    if has_limit and params.price is None:
        raise missing_parameter(_named(leg, "price"))
    if not has_limit and params.price is not None:
        raise surplus_parameter(_named(leg, "price"))
    if params.type not in CONDITIONAL_TYPES:
        if params.stop_price is not None:
            raise surplus_parameter(_named(leg, "stopPrice"))
    elif params.stop_price is None:
        raise missing_both(_named(leg, "stopPrice"), _named(leg, "trailingDelta"))
    if params.quote_quantity is not None:
        raise surplus_parameter("quoteOrderQty")


def _check_time_in_force(params: OrderParams, leg: str) -> None:
    is_given = params.time_in_force is not None
    if params.type is OrderType.LIMIT_MAKER:
        if is_given:
            raise surplus_time_in_force()
    elif params.type in MARKET_TYPES:
        if is_given:
            raise surplus_parameter(_named(leg, "timeInForce"))
    elif not is_given:
        raise missing_parameter(_named(leg, "timeInForce"))


def check_static(spec: SymbolSpec, params: OrderParams, average_price: int) -> None:
    """Check everything that needs neither account nor book; `average_price` (UNIT) 0 means unknown."""
    if not spec.is_open:
        raise invalid_message(MARKET_CLOSED)
    if params.stp_mode is not None and params.stp_mode not in spec.stp_modes:
        raise invalid_message(STP_MODE_NOT_ALLOWED)
    if params.price is not None:
        _check_price(spec, params.price)
        _check_percent_price(spec, params.side, params.price, average_price)
    if params.stop_price is not None:
        _check_price(spec, params.stop_price)
    if params.quantity is not None:
        _check_bounds("LOT_SIZE", params.quantity, spec.min_qty, spec.max_qty, spec.lot)
        if params.type in MARKET_TYPES:
            check_market_lot(spec, params.quantity)
    _check_notional(spec, params, average_price)


def check_market_lot(spec: SymbolSpec, quantity: int) -> None:
    _check_bounds("MARKET_LOT_SIZE", quantity, spec.market_min_qty, spec.market_max_qty, spec.market_step)


def check_lots_bought(spec: SymbolSpec, quantity: int) -> None:
    """Check the quantity that came out of a quoteOrderQty."""
    _check_bounds("LOT_SIZE", quantity, max(spec.min_qty, 1), spec.max_qty, spec.lot)
    check_market_lot(spec, quantity)


def check_max_orders(spec: SymbolSpec, orders: int) -> None:
    """Check how many orders are open with the new ones."""
    if spec.max_orders and orders > spec.max_orders:
        raise count_failure("MAX_NUM_ORDERS")


def check_max_algo_orders(spec: SymbolSpec, orders: int) -> None:
    """Check how many conditional orders, triggered or not, are open with the new ones."""
    if spec.max_algo_orders and orders > spec.max_algo_orders:
        raise count_failure("MAX_NUM_ALGO_ORDERS")


def check_max_lists(spec: SymbolSpec, lists: int) -> None:
    """Check how many order lists are open with the new one."""
    if spec.max_order_lists and lists > spec.max_order_lists:
        raise count_failure("MAX_NUM_ORDER_LISTS")


def check_max_position(spec: SymbolSpec, quantity: int, held: int, open_buys: int) -> None:
    """`held` is free plus locked base (NOTIONAL_UNIT), `open_buys` the open BUY quantity (UNIT)."""
    if spec.max_position and held + (open_buys + quantity) * UNIT > spec.max_position * UNIT:
        raise count_failure("MAX_POSITION")


def _check_price(spec: SymbolSpec, price: int) -> None:
    _check_bounds("PRICE_FILTER", price, spec.min_price, spec.max_price, spec.tick)


def _check_bounds(name: str, value: int, low: int, high: int, step: int) -> None:
    if value < low or (high and value > high) or (step and value % step):
        raise filter_failure(name)


def _check_percent_price(spec: SymbolSpec, side: Side, price: int, average_price: int) -> None:
    if not average_price:
        return
    if side is Side.BUY:
        up, down = spec.bid_mult_up, spec.bid_mult_down
    else:
        up, down = spec.ask_mult_up, spec.ask_mult_down
    scaled = price * PPM
    if (up and scaled > average_price * up) or scaled < average_price * down:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def _check_notional(spec: SymbolSpec, params: OrderParams, average_price: int) -> None:
    """A MARKET order is worth the average price, one that becomes a MARKET order its stop price."""
    price = params.price or params.stop_price or average_price
    if params.quote_quantity is not None:
        notional = params.quote_quantity * UNIT
    elif params.quantity is not None and price:
        notional = params.quantity * price
    else:
        return  # no price is known yet: nothing to value a market order with
    is_market = params.type in MARKET_TYPES
    low = spec.min_notional if not is_market or spec.apply_min_to_market else 0
    high = spec.max_notional if not is_market or spec.apply_max_to_market else 0
    if notional < low * UNIT or (high and notional > high * UNIT):
        raise filter_failure("NOTIONAL")
