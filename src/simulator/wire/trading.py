"""Placing, cancelling and replacing spot orders (protocol sections 1.3, 2.3 and 2.7)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from simulator.core.errors import ExchangeError
from simulator.core.order_lists import OrderList
from simulator.core.orders import CancelRestriction, Order, OrderParams, OrderType, Side, StpMode, TimeInForce
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.numbers import render_ppm
from simulator.wire.render import order_ack, order_cancel, order_full, order_list, order_result
from simulator.wire.venue import Venue

Json = dict[str, object]

ICEBERG: Final = "Iceberg orders are not supported for this symbol."
TRAILING: Final = "Trailing stop orders are not supported for this symbol."
_NOT_OFFERED: Final = {
    "icebergQty": ICEBERG,
    "trailingDelta": TRAILING,
    "pegPriceType": "Pegged orders are not supported for this symbol.",
    "pegOffsetType": "Pegged orders are not supported for this symbol.",
    "pegOffsetValue": "Pegged orders are not supported for this symbol.",
}
_FULL_BY_DEFAULT: Final = frozenset({OrderType.LIMIT, OrderType.MARKET})
_SMALLEST_STRATEGY_TYPE: Final = 1_000_000
RESPONSES: Final[Mapping[str, Callable[[Order], Json]]] = {
    "ACK": order_ack,
    "RESULT": order_result,
    "FULL": order_full,
}


def place(venue: Venue, call: Call) -> Json:
    params = order_params(call.params)
    venue.order_counter.reserve(call.account_id, 1, call.server_ms)
    try:
        order = venue.exchange.place(call.account_id, params, venue.market_ms())
    except ExchangeError:
        venue.order_counter.release(call.account_id, 1, call.server_ms)
        raise
    return answer_order(order, call.get("newOrderRespType"))


def test(venue: Venue, call: Call) -> Json:
    venue.exchange.check(call.account_id, order_params(call.params), venue.market_ms())
    if not call.get("computeCommissionRates"):
        return {}
    maker_ppm, taker_ppm, pays_in_bnb = venue.exchange.commission(call.account_id)
    nothing = {"maker": render_ppm(0), "taker": render_ppm(0)}
    return {
        "standardCommissionForOrder": {"maker": render_ppm(maker_ppm), "taker": render_ppm(taker_ppm)},
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": nothing,
        "discount": discount(pays_in_bnb=pays_in_bnb),
    }


def discount(*, pays_in_bnb: bool) -> Json:
    """Return the BNB discount as commission answers show it."""
    return {
        "enabledForAccount": pays_in_bnb,
        "enabledForSymbol": True,
        "discountAsset": "BNB",
        "discount": "0.25000000",
    }


def cancel(venue: Venue, call: Call) -> Json:
    _require_an_id(call, "orderId", "origClientOrderId")
    order = venue.exchange.cancel(
        call.account_id,
        call.params["symbol"],
        order_id=call.get("orderId"),
        client_id=call.get("origClientOrderId"),
        new_client_id=call.get("newClientOrderId"),
        restrictions=_restrictions(call),
        now_ms=venue.market_ms(),
    )
    return order_cancel(order)


def cancel_all(venue: Venue, call: Call) -> list[Json]:
    venue.require(call.params["symbol"])
    orders = venue.exchange.cancel_all(call.account_id, call.params["symbol"], venue.market_ms())
    return [order_cancel(found) if isinstance(found, Order) else cancelled_list(found) for found in orders]


def cancelled_list(found: OrderList) -> Json:
    """Return a cancelled order list with its orders."""
    return order_list(found, [order_cancel(order) for order in found.orders])


def _require_an_id(call: Call, first: str, second: str) -> None:
    if call.get(first) is None and call.get(second) is None:
        raise errors.one_of_mandatory(second, first)


def _restrictions(call: Call) -> CancelRestriction | None:
    word = call.get("cancelRestrictions")
    return CancelRestriction(word) if word else None


def answer_order(order: Order, response_type: str | None) -> Json:
    """LIMIT and MARKET answer FULL unless asked otherwise, the rest ACK."""
    wanted = response_type or ("FULL" if order.type in _FULL_BY_DEFAULT else "ACK")
    return RESPONSES[wanted](order)


def order_params(params: Mapping[str, Any]) -> OrderParams:
    """Return what the core places.

    Raises:
        ApiError: -1013 for kinds of orders this venue does not offer.
    """
    for word in params:
        if word in _NOT_OFFERED:
            raise errors.ApiError(-1013, _NOT_OFFERED[word])
    if params.get("strategyType", _SMALLEST_STRATEGY_TYPE) < _SMALLEST_STRATEGY_TYPE:
        raise errors.ApiError(-1134, "`strategyType` was less than 1000000.")
    in_force, stp = params.get("timeInForce"), params.get("selfTradePreventionMode")
    return OrderParams(
        symbol=params["symbol"],
        side=Side(params["side"]),
        type=OrderType(params["type"]),
        time_in_force=TimeInForce(in_force) if in_force else None,
        quantity=params.get("quantity"),
        quote_quantity=params.get("quoteOrderQty"),
        price=params.get("price"),
        stop_price=params.get("stopPrice"),
        client_id=params.get("newClientOrderId"),
        stp_mode=StpMode(stp) if stp else None,
    )
