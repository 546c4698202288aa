"""The calls about one order: placing, cancelling, asking (protocol sections 1.3, 1.7 and 2.3)."""

from adapters.binance.account_paths import PATHS
from adapters.binance.parsing import POST_ONLY, symbol_of
from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call
from adapters.binance.weights import Urgency
from domain.instrument import Instrument, Market
from domain.orders import Intent, OrderType, PositionSide, TimeInForce
from utils.binance_errors import Purpose
from utils.binance_signing import Params


def placement(intent: Intent) -> Call:
    """Return the call that places an order."""
    market = intent.instrument.market
    return Call(
        market=market,
        method="POST",
        path=PATHS[market].order,
        cost=Cost(PATHS[market].placing_weight, orders=1),
        params=_spot_terms(intent) if market is Market.SPOT else _futures_terms(intent),
        signed=True,
        purpose=Purpose.PLACE,
    )


def cancellation(instrument: Instrument, client_id: str) -> Call:
    return Call(
        market=instrument.market,
        method="DELETE",
        path=PATHS[instrument.market].order,
        cost=Cost(1),
        params=_one_order(instrument, client_id),
        signed=True,
        purpose=Purpose.CANCEL,
    )


def order_question(instrument: Instrument, client_id: str) -> Call:
    return Call(
        market=instrument.market,
        method="GET",
        path=PATHS[instrument.market].order,
        cost=Cost(PATHS[instrument.market].asking_weight),
        params=_one_order(instrument, client_id),
        signed=True,
        reading=Urgency.RECONCILE,
    )


def _one_order(instrument: Instrument, client_id: str) -> Params:
    return {"symbol": symbol_of(instrument), "origClientOrderId": client_id}


def _spot_terms(intent: Intent) -> Params:
    """Post-only orders cannot fill at once, so no list of fills is asked for."""
    is_limit = intent.type is OrderType.LIMIT
    return {
        "symbol": symbol_of(intent.instrument),
        "side": intent.side,
        "type": intent.type,
        "timeInForce": (intent.time_in_force or TimeInForce.GTC) if is_limit else None,
        "quantity": intent.quantity,
        "price": intent.price,
        "newClientOrderId": intent.client_id,
        "newOrderRespType": "RESULT" if intent.type is OrderType.LIMIT_MAKER else "FULL",
    }


def _futures_terms(intent: Intent) -> Params:
    """RESULT, because ACK says NEW and nothing executed of an order that is already filled."""
    is_market = intent.type is OrderType.MARKET
    is_post_only = intent.type is OrderType.LIMIT_MAKER
    in_force = POST_ONLY if is_post_only else intent.time_in_force or TimeInForce.GTC
    return {
        "symbol": symbol_of(intent.instrument),
        "side": intent.side,
        "positionSide": None if intent.position_side is PositionSide.BOTH else intent.position_side,
        "type": OrderType.MARKET if is_market else OrderType.LIMIT,
        "timeInForce": None if is_market else in_force,
        "reduceOnly": True if intent.reduce_only else None,
        "quantity": intent.quantity,
        "price": intent.price,
        "newClientOrderId": intent.client_id,
        "newOrderRespType": "RESULT",
    }
