"""Order lists on the wire: OCO in its present and its older form (protocol section 1.3)."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.core.errors import ExchangeError
from simulator.core.order_lists import OcoLeg, OcoParams, OrderList
from simulator.core.orders import OrderType, Side, StpMode, TimeInForce
from simulator.wire import errors
from simulator.wire.accounts import listing_rows, listing_times
from simulator.wire.calls import Call
from simulator.wire.render import order_list
from simulator.wire.trading import ICEBERG, RESPONSES, TRAILING, cancelled_list
from simulator.wire.venue import Venue

Json = dict[str, object]
ORDERS_OF_AN_OCO: Final = 2
_NOT_OFFERED: Final = {"icebergqty": ICEBERG, "trailingdelta": TRAILING}


def place_oco(venue: Venue, call: Call) -> Json:
    return _place(venue, call, _oco(call.params))


def place_old_oco(venue: Venue, call: Call) -> Json:
    """Place an OCO whose limit and stop are named as such; which is above, the side tells."""
    return _place(venue, call, _old_oco(call.params))


def cancel(venue: Venue, call: Call) -> Json:
    cancelled = venue.exchange.cancel_list(
        call.account_id,
        venue.require(call.params["symbol"]),
        list_id=call.get("orderListId"),
        client_id=call.get("listClientOrderId"),
        new_client_id=call.get("newClientOrderId"),
        now_ms=venue.market_ms(),
    )
    return cancelled_list(cancelled)


def one(venue: Venue, call: Call) -> Json:
    found = venue.exchange.order_list(
        call.account_id, list_id=call.get("orderListId"), client_id=call.get("origClientOrderId")
    )
    return order_list(found)


def open_lists(venue: Venue, call: Call) -> list[Json]:
    return [order_list(found) for found in venue.exchange.open_order_lists(call.account_id)]


def all_lists(venue: Venue, call: Call) -> list[Json]:
    """Return lists of all time or of at most 24 hours; -1128 for an id together with a time."""
    from_id, times = call.get("fromId"), listing_times(call)
    if from_id is not None and any(value is not None for value in times.values()):
        raise errors.bad_combination()
    found = venue.exchange.all_order_lists(call.account_id, from_id=from_id, **times, limit=listing_rows(call))
    return [order_list(each) for each in found]


def _place(venue: Venue, call: Call, params: OcoParams) -> Json:
    venue.order_counter.reserve(call.account_id, ORDERS_OF_AN_OCO, call.server_ms)
    try:
        placed: OrderList = venue.exchange.place_oco(call.account_id, params, venue.market_ms())
    except ExchangeError:
        venue.order_counter.release(call.account_id, ORDERS_OF_AN_OCO, call.server_ms)
        raise
    report = RESPONSES[call.get("newOrderRespType", "RESULT")]
    return order_list(placed, [report(order) for order in placed.orders])


def _oco(params: Mapping[str, Any]) -> OcoParams:
    _refuse_not_offered(params)
    return _common(params, above=_leg(params, "above"), below=_leg(params, "below"))


def _leg(params: Mapping[str, Any], side: str) -> OcoLeg:
    in_force = params.get(f"{side}TimeInForce")
    return OcoLeg(
        type=OrderType(params[f"{side}Type"]),
        price=params.get(f"{side}Price"),
        stop_price=params.get(f"{side}StopPrice"),
        time_in_force=TimeInForce(in_force) if in_force else None,
        client_id=params.get(f"{side}ClientOrderId"),
    )


def _old_oco(params: Mapping[str, Any]) -> OcoParams:
    _refuse_not_offered(params)
    in_force, stop_limit = params.get("stopLimitTimeInForce"), params.get("stopLimitPrice")
    if stop_limit is not None and in_force is None:
        raise errors.mandatory("stopLimitTimeInForce")
    if stop_limit is None and in_force is not None:
        raise errors.not_required("stopLimitTimeInForce")
    limit = OcoLeg(type=OrderType.LIMIT_MAKER, price=params["price"], client_id=params.get("limitClientOrderId"))
    stop = OcoLeg(
        type=OrderType.STOP_LOSS if stop_limit is None else OrderType.STOP_LOSS_LIMIT,
        price=stop_limit,
        stop_price=params["stopPrice"],
        time_in_force=TimeInForce(in_force) if in_force else None,
        client_id=params.get("stopClientOrderId"),
    )
    above, below = (stop, limit) if params["side"] == Side.BUY else (limit, stop)
    return _common(params, above=above, below=below)


def _common(params: Mapping[str, Any], *, above: OcoLeg, below: OcoLeg) -> OcoParams:
    stp = params.get("selfTradePreventionMode")
    return OcoParams(
        symbol=params["symbol"],
        side=Side(params["side"]),
        quantity=params["quantity"],
        above=above,
        below=below,
        client_id=params.get("listClientOrderId"),
        stp_mode=StpMode(stp) if stp else None,
    )


def _refuse_not_offered(params: Mapping[str, Any]) -> None:
    for name in params:
        for ending, refusal in _NOT_OFFERED.items():
            if name.lower().endswith(ending):
                raise errors.ApiError(-1013, refusal)
