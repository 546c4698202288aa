"""The calls about one order of spot: placing, cancelling, asking (protocol sections 1.3 and 2.3)."""

from adapters.binance.parsing import symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call
from adapters.binance.weights import Urgency
from domain.errors import VenueError
from domain.instrument import Instrument, Market
from domain.orders import Intent, OrderType, TimeInForce
from utils.binance_errors import Purpose


def _spot_symbol(instrument: Instrument) -> str:
    if instrument.market is not Market.SPOT:
        raise VenueError(f"orders on the {instrument.market} market are not offered here")
    return symbol_of(instrument)


def placement(intent: Intent) -> Call:
    """Return the call that places an order. Post-only ones cannot fill at once, so no list of fills is asked for."""
    is_limit = intent.type is OrderType.LIMIT
    time_in_force = (intent.time_in_force or TimeInForce.GTC) if is_limit else None
    return Call(
        market=intent.instrument.market,
        method="POST",
        path="/api/v3/order",
        cost=Cost(1, orders=1),
        params={
            "symbol": _spot_symbol(intent.instrument),
            "side": intent.side,
            "type": intent.type,
            "timeInForce": time_in_force,
            "quantity": intent.quantity,
            "price": intent.price,
            "newClientOrderId": intent.client_id,
            "newOrderRespType": "RESULT" if intent.type is OrderType.LIMIT_MAKER else "FULL",
        },
        signed=True,
        purpose=Purpose.PLACE,
    )


def cancellation(instrument: Instrument, client_id: str) -> Call:
    return Call(
        market=instrument.market,
        method="DELETE",
        path="/api/v3/order",
        cost=Cost(1),
        params={"symbol": _spot_symbol(instrument), "origClientOrderId": client_id},
        signed=True,
        purpose=Purpose.CANCEL,
    )


def order_question(instrument: Instrument, client_id: str) -> Call:
    return Call(
        market=instrument.market,
        method="GET",
        path="/api/v3/order",
        cost=Cost(4),
        params={"symbol": _spot_symbol(instrument), "origClientOrderId": client_id},
        signed=True,
        reading=Urgency.RECONCILE,
    )
