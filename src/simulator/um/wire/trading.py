"""Placing, modifying and cancelling USD-M orders (protocol sections 1.7, 2.2 to 2.4 and 2.7)."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from simulator.core.errors import ExchangeError
from simulator.core.orders import OrderStatus, Side, StpMode
from simulator.um.core.errors import refused
from simulator.um.core.orders import (
    CONDITIONAL_TYPES,
    FuturesOrder,
    FuturesOrderType,
    FuturesParams,
    FuturesTimeInForce,
    PositionSide,
    WorkingType,
)
from simulator.um.wire.order_shapes import acknowledged, order_placed, order_query
from simulator.um.wire.parameters import MAX_BATCH_CANCEL, MODIFY, NEW_ORDER, NO_STP
from simulator.um.wire.venue import FuturesVenue
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.dispatch import refusal_of
from simulator.wire.parameters import Param, parse, read_json

Json = dict[str, object]

DONE: Final[Json] = {"code": 200, "msg": "success"}
_ALL_CANCELLED: Final[Json] = {"code": 200, "msg": "The operation of cancel all open order is done."}
_CONDITIONAL_ONLY: Final = (
    "stopPrice", "closePosition", "activationPrice", "callbackRate", "priceProtect",
)  # fmt: skip


def place(venue: FuturesVenue, call: Call) -> Json:
    params = order_params(call.params)
    count_order(venue, call)
    return _place(venue, call, params, call.params)


def test(venue: FuturesVenue, call: Call) -> Json:
    """Check an order and show what it would be; nothing is placed."""
    params = order_params(call.params)
    venue.require(params.symbol)
    venue.exchange.check(call.account_id, params, venue.market_ms())
    return order_query(_imagined(params, call.account_id, venue.market_ms()), venue.spec(params.symbol))


def modify(venue: FuturesVenue, call: Call) -> Json:
    require_an_id(call.params, "orderId", "origClientOrderId")
    count_order(venue, call)
    return _modify(venue, call, call.params)


def cancel(venue: FuturesVenue, call: Call) -> Json:
    require_an_id(call.params, "orderId", "origClientOrderId")
    return _cancel(venue, call, call.get("orderId"), call.get("origClientOrderId"))


def cancel_all(venue: FuturesVenue, call: Call) -> Json:
    venue.exchange.cancel_all(call.account_id, venue.require(call.params["symbol"]), venue.market_ms())
    return _ALL_CANCELLED


def count_down(venue: FuturesVenue, call: Call) -> Json:
    """Arm, renew or disarm (0) the dead-man switch of one symbol."""
    symbol, countdown_ms = venue.require(call.params["symbol"]), call.params["countdownTime"]
    venue.exchange.set_countdown(call.account_id, symbol, countdown_ms, venue.market_ms())
    return {"symbol": symbol, "countdownTime": str(countdown_ms)}


def place_batch(venue: FuturesVenue, call: Call) -> list[Json]:
    def one(params: Mapping[str, Any]) -> Json:
        return _place(venue, call, order_params(params), params)

    return _batch(venue, call, NEW_ORDER, one)


def modify_batch(venue: FuturesVenue, call: Call) -> list[Json]:
    def one(params: Mapping[str, Any]) -> Json:
        require_an_id(params, "orderId", "origClientOrderId")
        return _modify(venue, call, params)

    return _batch(venue, call, MODIFY, one)


def cancel_batch(venue: FuturesVenue, call: Call) -> list[Json]:
    """Cancel by ids, else by client ids; clients send the names of the lists in lower case too."""
    venue.require(call.params["symbol"])
    order_ids: Sequence[int] = call.get("orderIdList") or call.get("orderidlist") or ()
    client_ids: Sequence[str] = call.get("origClientOrderIdList") or call.get("origclientorderidlist") or ()
    if not order_ids and not client_ids:
        raise errors.one_of_mandatory("orderIdList", "origClientOrderIdList")
    if len(order_ids or client_ids) > MAX_BATCH_CANCEL:
        raise errors.ApiError(-4032, "Exceed maximum cancel order size.")
    if order_ids:
        return [_or_refusal(partial(_cancel, venue, call, each, None)) for each in order_ids]
    return [_or_refusal(partial(_cancel, venue, call, None, each)) for each in client_ids]


def count_order(venue: FuturesVenue, call: Call) -> None:
    """Count a request against the ORDERS limits, whatever becomes of it."""
    venue.order_counter.reserve(call.account_id, 1, call.server_ms)


def require_an_id(params: Mapping[str, Any], number: str, text: str) -> None:
    if params.get(number) is None and params.get(text) is None:
        raise errors.one_of_mandatory(text, number)


def order_params(params: Mapping[str, Any]) -> FuturesParams:
    """Return what the core places.

    Raises:
        ExchangeError: -4120 for conditional types, which have endpoints of their own.
        ApiError: -1106 for parameters that only those take.
    """
    kind = FuturesOrderType(params["type"])
    if kind in CONDITIONAL_TYPES:
        raise refused(-4120)
    for name in _CONDITIONAL_ONLY:
        if params.get(name):
            raise errors.not_required(name)
    return FuturesParams(type=kind, client_id=params.get("newClientOrderId"), **common_terms(params))


def common_terms(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ordinary and conditional orders have in common, as the core names it."""
    in_force, stp = params.get("timeInForce"), params.get("selfTradePreventionMode", NO_STP)
    position_side = params.get("positionSide")
    return {
        "symbol": params["symbol"],
        "side": Side(params["side"]),
        "time_in_force": FuturesTimeInForce(in_force) if in_force else None,
        "position_side": PositionSide(position_side) if position_side else None,
        "quantity": params.get("quantity"),
        "price": params.get("price"),
        "reduce_only": params.get("reduceOnly"),
        "stp_mode": None if stp == NO_STP else StpMode(stp),
        "good_till_ms": params.get("goodTillDate"),
    }


def _place(venue: FuturesVenue, call: Call, params: FuturesParams, sent: Mapping[str, Any]) -> Json:
    venue.require(params.symbol)
    order = venue.exchange.place(call.account_id, params, venue.market_ms())
    shown = order if sent.get("newOrderRespType") == "RESULT" else acknowledged(order)
    return order_placed(shown, venue.spec(order.symbol))


def _modify(venue: FuturesVenue, call: Call, params: Mapping[str, Any]) -> Json:
    order = venue.exchange.modify(
        call.account_id,
        venue.require(params["symbol"]),
        side=Side(params["side"]),
        quantity=params["quantity"],
        price=params["price"],
        order_id=params.get("orderId"),
        client_id=params.get("origClientOrderId"),
        reduce_only=params.get("reduceOnly"),
        now_ms=venue.market_ms(),
    )
    return order_placed(order, venue.spec(order.symbol))


def _cancel(venue: FuturesVenue, call: Call, order_id: int | None, client_id: str | None) -> Json:
    order = venue.exchange.cancel(
        call.account_id,
        venue.require(call.params["symbol"]),
        order_id=order_id,
        client_id=client_id,
        now_ms=venue.market_ms(),
    )
    return order_placed(order, venue.spec(order.symbol))


def _batch(
    venue: FuturesVenue, call: Call, wanted: Sequence[Param], one: Callable[[Mapping[str, Any]], Json]
) -> list[Json]:
    """Answer each item by itself, in the order in which they came."""

    def answer(item: Mapping[str, object]) -> Json:
        return one(parse(wanted, read_json(item)))

    items: Sequence[Mapping[str, object]] = call.params["batchOrders"]
    venue.order_counter.reserve(call.account_id, len(items), call.server_ms)
    return [_or_refusal(partial(answer, item)) for item in items]


def _or_refusal(answer: Callable[[], Json]) -> Json:
    try:
        return answer()
    except (errors.ApiError, ExchangeError) as error:
        return refusal_of(error).body()


def _imagined(params: FuturesParams, account_id: str, now_ms: int) -> FuturesOrder:
    return FuturesOrder(
        symbol=params.symbol,
        order_id=0,
        account_id=account_id,
        client_id=params.client_id or "",
        side=params.side,
        position_side=params.position_side or PositionSide.BOTH,
        type=params.type,
        original_type=params.type,
        time_in_force=params.time_in_force or FuturesTimeInForce.GTC,
        price=params.price or 0,
        quantity=params.quantity or 0,
        executed=0,
        executed_quote=0,
        status=OrderStatus.NEW,
        reduce_only=bool(params.reduce_only),
        close_position=False,
        stop_price=0,
        working_type=WorkingType.CONTRACT_PRICE,
        price_protect=False,
        stp_mode=params.stp_mode or StpMode.EXPIRE_MAKER,
        good_till_ms=params.good_till_ms or 0,
        time_ms=now_ms,
        update_ms=now_ms,
        modifications=0,
        algo_id=None,
    )
