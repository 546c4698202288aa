"""Cancel-replace on the wire: both legs' results, on success and in the body of a refusal (section 2.7)."""

from simulator.core.errors import ExchangeError
from simulator.core.orders import CancelRestriction, Order
from simulator.core.replacing import CancelReplaceError, CancelReplaceOutcome, ReplaceMode
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.render import order_cancel
from simulator.wire.trading import answer_order, order_params
from simulator.wire.venue import Venue

Json = dict[str, object]


def cancel_replace(venue: Venue, call: Call) -> Json:
    """Cancel one order and place another; the order count rises even if the new leg is not attempted.

    Raises:
        ApiError: -2021 or -2022 with both results in `data`; -1015 (429) for an exceeded order count,
            with nothing cancelled unless the mode is CANCEL_ONLY.
    """
    if call.get("cancelOrderId") is None and call.get("cancelOrigClientOrderId") is None:
        raise errors.one_of_mandatory("cancelOrigClientOrderId", "cancelOrderId")
    params = order_params(call.params)
    exceeded = _reserve(venue, call)
    restriction = call.get("cancelRestrictions")
    try:
        outcome = venue.exchange.cancel_replace(
            call.account_id,
            params,
            ReplaceMode(call.params["cancelReplaceMode"]),
            order_id=call.get("cancelOrderId"),
            client_id=call.get("cancelOrigClientOrderId"),
            new_client_id=call.get("cancelNewClientOrderId"),
            restrictions=CancelRestriction(restriction) if restriction else None,
            order_count_error=exceeded,
            now_ms=venue.market_ms(),
        )
    except CancelReplaceError as error:
        data = _legs(call, error.outcome)
        raise errors.ApiError(error.code, error.message, http_status=error.http_status, data=data) from error
    except ExchangeError:
        venue.order_counter.release(call.account_id, 1, call.server_ms)
        raise
    return _legs(call, outcome)


def _reserve(venue: Venue, call: Call) -> ExchangeError | None:
    try:
        venue.order_counter.reserve(call.account_id, 1, call.server_ms)
    except errors.ApiError as error:
        if call.get("orderRateLimitExceededMode") != "CANCEL_ONLY":
            raise
        return ExchangeError(error.code, error.message, error.http_status)
    return None


def _legs(call: Call, outcome: CancelReplaceOutcome) -> Json:
    return {
        "cancelResult": outcome.cancel_result.value,
        "newOrderResult": outcome.new_order_result.value,
        "cancelResponse": _leg(outcome.cancelled, call, cancelled=True),
        "newOrderResponse": _leg(outcome.placed, call, cancelled=False),
    }


def _leg(leg: Order | ExchangeError | None, call: Call, *, cancelled: bool) -> Json | None:
    if leg is None:
        return None
    if isinstance(leg, ExchangeError):
        return {"code": leg.code, "msg": leg.message}
    return order_cancel(leg) if cancelled else answer_order(leg, call.get("newOrderRespType"))
