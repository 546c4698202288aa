"""May this order be sent at all? Shape and static filters of USD-M, in the order of protocol section 2.1."""

import re
from typing import Final

from simulator.core.errors import missing_parameter, surplus_parameter
from simulator.core.orders import Side, StpMode
from simulator.core.symbols import PPM, UNIT, half_up
from simulator.um.core.contracts import FUTURES_STP_MODES, ContractSpec
from simulator.um.core.errors import (
    client_id_too_long,
    notional_too_small,
    price_too_high,
    price_too_low,
    refused,
)
from simulator.um.core.margins import ceil_div
from simulator.um.core.orders import (
    CONDITIONAL_TYPES,
    FuturesOrderType,
    FuturesParams,
    FuturesTimeInForce,
    PositionSide,
)

_CLIENT_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}", re.ASCII)
MAX_CLIENT_ID: Final = 36
GOOD_TILL_AHEAD_MS: Final = 600_000
GOOD_TILL_END_MS: Final = 253_402_300_799_000


def check_client_id(client_id: str | None) -> None:
    if client_id is None:
        return
    if len(client_id) > MAX_CLIENT_ID:
        raise client_id_too_long()
    if not _CLIENT_ID.fullmatch(client_id):
        raise refused(-4015)


def check_shape(params: FuturesParams, now_ms: int) -> None:
    """Refuse parameters that the order's type needs and lacks, or does not take (protocol section 1.7)."""
    check_client_id(params.client_id)
    if params.type in CONDITIONAL_TYPES:
        raise refused(-4120)
    if params.type is FuturesOrderType.LIQUIDATION:
        raise refused(-1116)
    if params.type is FuturesOrderType.MARKET:
        if params.time_in_force is not None:
            raise surplus_parameter("timeInForce")
        if params.price is not None:
            raise surplus_parameter("price")
    else:
        if params.time_in_force is None:
            raise missing_parameter("timeInForce")
        if params.price is None:
            raise missing_parameter("price")
    if params.quantity is None:
        raise missing_parameter("quantity")
    check_stp_mode(params.stp_mode)
    check_good_till(params.time_in_force, params.good_till_ms, now_ms)


def check_stp_mode(stp_mode: StpMode | None, *, may_be_none: bool = False) -> None:
    """Refuse modes that futures do not know; NONE is for conditional orders, whose default it is."""
    if stp_mode is None or (may_be_none and stp_mode is StpMode.NONE):
        return
    if stp_mode not in FUTURES_STP_MODES:
        raise refused(-5039)


def check_good_till(time_in_force: FuturesTimeInForce | None, good_till_ms: int | None, now_ms: int) -> None:
    if time_in_force is not FuturesTimeInForce.GTD:
        if good_till_ms:
            raise surplus_parameter("goodTillDate")
        return
    if good_till_ms is None:
        raise missing_parameter("goodTillDate")
    if not now_ms + GOOD_TILL_AHEAD_MS < good_till_ms < GOOD_TILL_END_MS:
        raise refused(-5040)


def check_position_side(side: PositionSide | None, *, hedge: bool, reduce_only: bool | None) -> PositionSide:
    """Return the position side meant; -4061 where it does not fit the mode, -1106 for reduceOnly in hedge mode."""
    meant = side or PositionSide.BOTH
    if hedge == (meant is PositionSide.BOTH):
        raise refused(-4061)
    if hedge and reduce_only is not None:
        raise surplus_parameter("reduceonly")
    return meant


def check_price(spec: ContractSpec, price: int) -> None:
    """Check precision and PRICE_FILTER."""
    _check_precision(price, spec.price_precision)
    if price <= 0 or price < spec.min_price:
        raise refused(-4013)
    if spec.max_price and price > spec.max_price:
        raise refused(-4002)
    if (price - spec.min_price) % spec.tick:
        raise refused(-4014)


def check_percent_price(spec: ContractSpec, side: Side, price: int, mark: int) -> None:
    """Check PERCENT_PRICE: a BUY up to the cap, a SELL down to the floor; without a mark price nothing."""
    decimals = 10 ** (8 - spec.price_precision)
    if mark and side is Side.BUY:
        cap = mark * spec.mult_up_ppm // (PPM * decimals) * decimals
        if price > cap:
            raise price_too_high(cap)
    elif mark:
        floor = ceil_div(mark * spec.mult_down_ppm, PPM * decimals) * decimals
        if price < floor:
            raise price_too_low(floor)


def check_quantity(spec: ContractSpec, quantity: int, *, is_market: bool) -> None:
    """Check precision, LOT_SIZE and, for MARKET, MARKET_LOT_SIZE as well."""
    if quantity <= 0:
        raise refused(-4003)
    _check_precision(quantity, spec.quantity_precision)
    _check_lot(quantity, spec.min_qty, spec.max_qty, spec.lot)
    if is_market:
        _check_lot(quantity, spec.market_min_qty, spec.market_max_qty, spec.market_step)


def check_notional(spec: ContractSpec, notional: int) -> None:
    """Check MIN_NOTIONAL (`notional` in NOTIONAL_UNIT); orders that only reduce are exempt from it."""
    if half_up(notional, UNIT) < spec.min_notional:
        raise notional_too_small(spec.min_notional)


def _check_precision(value: int, decimals: int) -> None:
    if value % 10 ** (8 - decimals):
        raise refused(-1111)


def _check_lot(quantity: int, low: int, high: int, step: int) -> None:
    if quantity < low:
        raise refused(-4004)
    if high and quantity > high:
        raise refused(-4005)
    if step and (quantity - low) % step:
        raise refused(-4023)
