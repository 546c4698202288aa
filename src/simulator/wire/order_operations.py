"""The operations on spot orders and order lists."""

from typing import Any, Final

from simulator.core.orders import CancelRestriction, OrderType, Side, StpMode, TimeInForce
from simulator.wire import order_lists, replacing, trading
from simulator.wire.calls import Operation, Security, fixed
from simulator.wire.errors import refusal
from simulator.wire.parameters import Param, boolean, client_id, decimal, integer, one_of, symbol, text

SYMBOL: Final = Param("symbol", symbol, required=True)
LIMIT: Final = Param("limit", integer)
TIMES: Final = (Param("startTime", integer), Param("endTime", integer))
_side: Final = one_of(tuple(Side), refusal(-1117, "Invalid side."))
_type: Final = one_of(tuple(OrderType), refusal(-1116, "Invalid orderType."))
_time_in_force: Final = one_of(tuple(TimeInForce), refusal(-1115, "Invalid timeInForce."))
_restriction: Final = one_of(
    tuple(CancelRestriction),
    refusal(-1145, "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`."),
)


def _word(name: str, *allowed: str) -> Param:
    return Param(name, one_of(allowed, refusal(-1130, f"Data sent for parameter '{name}' is not valid.")))


_NEW_ORDER: Final = (
    SYMBOL,
    Param("side", _side, required=True),
    Param("type", _type, required=True),
    Param("timeInForce", _time_in_force),
    Param("quantity", decimal),
    Param("quoteOrderQty", decimal),
    Param("price", decimal),
    Param("newClientOrderId", client_id),
    Param("strategyId", integer),
    Param("strategyType", integer),
    Param("stopPrice", decimal),
    Param("trailingDelta", integer),
    Param("icebergQty", decimal),
    _word("newOrderRespType", "ACK", "RESULT", "FULL"),
    _word("selfTradePreventionMode", *StpMode),
    Param("pegPriceType", text),
    Param("pegOffsetValue", integer),
    Param("pegOffsetType", text),
)
_OCO_COMMON: Final = (
    SYMBOL,
    Param("side", _side, required=True),
    Param("quantity", decimal, required=True),
    Param("listClientOrderId", client_id),
    _word("newOrderRespType", "ACK", "RESULT", "FULL"),
    _word("selfTradePreventionMode", *StpMode),
)


def _oco_leg(side: str) -> tuple[Param, ...]:
    return (
        Param(f"{side}Type", _type, required=True),
        Param(f"{side}ClientOrderId", client_id),
        Param(f"{side}IcebergQty", decimal),
        Param(f"{side}Price", decimal),
        Param(f"{side}StopPrice", decimal),
        Param(f"{side}TrailingDelta", integer),
        Param(f"{side}TimeInForce", _time_in_force),
    )


_OCO: Final = (*_OCO_COMMON, *_oco_leg("above"), *_oco_leg("below"))
_OLD_OCO: Final = (
    *_OCO_COMMON,
    Param("price", decimal, required=True),
    Param("stopPrice", decimal, required=True),
    Param("limitClientOrderId", client_id),
    Param("limitIcebergQty", decimal),
    Param("trailingDelta", integer),
    Param("stopClientOrderId", client_id),
    Param("stopLimitPrice", decimal),
    Param("stopIcebergQty", decimal),
    Param("stopLimitTimeInForce", _time_in_force),
)
_CANCEL_LIST: Final = (
    SYMBOL,
    Param("orderListId", integer),
    Param("listClientOrderId", client_id),
    Param("newClientOrderId", client_id),
)
_CANCEL: Final = (
    SYMBOL,
    Param("orderId", integer),
    Param("origClientOrderId", client_id),
    Param("newClientOrderId", client_id),
    Param("cancelRestrictions", _restriction),
)
_REPLACE: Final = (
    *_NEW_ORDER,
    Param(
        "cancelReplaceMode",
        _word("cancelReplaceMode", "STOP_ON_FAILURE", "ALLOW_FAILURE").parse,
        required=True,
    ),
    Param("cancelNewClientOrderId", client_id),
    Param("cancelOrigClientOrderId", client_id),
    Param("cancelOrderId", integer),
    Param("cancelRestrictions", _restriction),
    _word("orderRateLimitExceededMode", "DO_NOTHING", "CANCEL_ONLY"),
)


def _order_row(name: str, method: str, path: str, *rest: Any, **named: Any) -> Operation:
    settings = {"security": Security.SIGNED, "free_on_success": True, **named}
    return Operation(f"spot.{name}", method, f"/api/v3/{path}", *rest, **settings)


def spot_orders() -> list[Operation]:
    test = (*_NEW_ORDER, Param("computeCommissionRates", boolean))
    return [
        _order_row("order.new", "POST", "order", trading.place, "order.place", params=_NEW_ORDER, orders=1),
        _order_row(
            "order.test", "POST", "order/test", trading.test, "order.test", params=test, free_on_success=False,
            weight=lambda params: 20 if params.get("computeCommissionRates") else 1,
        ),
        _order_row("order.cancel", "DELETE", "order", trading.cancel, "order.cancel", params=_CANCEL),
        _order_row(
            "openOrders.cancel", "DELETE", "openOrders", trading.cancel_all, "openOrders.cancelAll", params=(SYMBOL,),
        ),
        _order_row(
            "order.cancelReplace", "POST", "order/cancelReplace", replacing.cancel_replace,
            "order.cancelReplace", params=_REPLACE, orders=1,
        ),
    ]  # fmt: skip


def spot_lists() -> list[Operation]:
    two = order_lists.ORDERS_OF_AN_OCO
    one = (Param("orderListId", integer), Param("origClientOrderId", client_id))
    many = (Param("fromId", integer), *TIMES, LIMIT)
    query = {"free_on_success": False}
    return [
        _order_row(
            "orderList.oco", "POST", "orderList/oco", order_lists.place_oco, "orderList.place.oco",
            params=_OCO, orders=two,
        ),
        _order_row(
            "order.oco.legacy", "POST", "order/oco", order_lists.place_old_oco, "orderList.place",
            params=_OLD_OCO, orders=two,
        ),
        _order_row(
            "orderList.cancel", "DELETE", "orderList", order_lists.cancel, "orderList.cancel", params=_CANCEL_LIST,
        ),
        _order_row(
            "orderList.get", "GET", "orderList", order_lists.one, "orderList.status",
            weight=fixed(4), params=one, **query,
        ),
        _order_row(
            "openOrderList", "GET", "openOrderList", order_lists.open_lists, "openOrderLists.status",
            weight=fixed(6), **query,
        ),
        _order_row(
            "allOrderList", "GET", "allOrderList", order_lists.all_lists, "allOrderLists",
            weight=fixed(20), params=many, **query,
        ),
    ]  # fmt: skip
