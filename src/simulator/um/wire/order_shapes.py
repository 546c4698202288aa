"""Orders, conditional orders and fills over REST (protocol sections 1.1 and 1.7; placements as of 2026-07)."""

from dataclasses import replace
from typing import Final

from simulator.core.orders import OrderStatus
from simulator.core.symbols import UNIT
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.orders import (
    AlgoOrder,
    Amendment,
    FuturesFill,
    FuturesOrder,
    FuturesOrderType,
)
from simulator.um.wire.numbers import render_money, render_to

Json = dict[str, object]

CONDITIONAL: Final = "CONDITIONAL"
_NO_PRICE_MATCH: Final = "NONE"
_PPM_PER_PERCENT: Final = 10_000


def acknowledged(order: FuturesOrder) -> FuturesOrder:
    """Return an order as ACK shows it: NEW and without fills, whatever has happened to it since."""
    return replace(order, status=OrderStatus.NEW, executed=0, executed_quote=0)


def order_placed(order: FuturesOrder, spec: ContractSpec) -> Json:
    """Return the answer to placing, modifying and cancelling: without avgPrice and cumQuote since 2026-07."""
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status.value,
        "clientOrderId": order.client_id,
        "price": render_to(order.price, spec.price_precision),
        "origQty": render_to(order.quantity, spec.quantity_precision),
        "executedQty": render_to(order.executed, spec.quantity_precision),
        "cumQty": render_to(order.executed, spec.quantity_precision),
        **_terms(order, spec),
        "updateTime": order.update_ms,
    }


def order_query(order: FuturesOrder, spec: ContractSpec) -> Json:
    """Return one order as queries show it."""
    return {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status.value,
        "clientOrderId": order.client_id,
        "price": render_to(order.price, spec.price_precision),
        "avgPrice": render_to(order.average_price, spec.price_precision),
        "origQty": render_to(order.quantity, spec.quantity_precision),
        "executedQty": render_to(order.executed, spec.quantity_precision),
        "cumQuote": render_money(order.executed_quote // UNIT),
        **_terms(order, spec),
        "time": order.time_ms,
        "updateTime": order.update_ms,
    }


def _terms(order: FuturesOrder, spec: ContractSpec) -> Json:
    return {
        "timeInForce": order.time_in_force.value,
        "type": order.type.value,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "stopPrice": render_to(order.stop_price, spec.price_precision),
        "workingType": order.working_type.value,
        "priceProtect": order.price_protect,
        "origType": order.original_type.value,
        "priceMatch": _NO_PRICE_MATCH,
        "selfTradePreventionMode": order.stp_mode.value,
        "goodTillDate": order.good_till_ms,
    }


def user_trade(fill: FuturesFill, spec: ContractSpec) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side.value,
        "price": render_to(fill.price, spec.price_precision),
        "qty": render_to(fill.quantity, spec.quantity_precision),
        "realizedPnl": render_money(fill.realized_pnl),
        "marginAsset": fill.commission_asset,
        "quoteQty": render_money(fill.quote // UNIT),
        "commission": render_money(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time_ms,
        "positionSide": fill.position_side.value,
        "buyer": fill.side.value == "BUY",
        "maker": fill.is_maker,
    }


def amendment_row(change: Amendment, spec: ContractSpec) -> Json:
    def both(before: int, after: int, decimals: int) -> Json:
        return {"before": render_to(before, decimals), "after": render_to(after, decimals)}

    return {
        "amendmentId": change.amendment_id,
        "symbol": change.symbol,
        "pair": change.symbol,
        "orderId": change.order_id,
        "clientOrderId": change.client_id,
        "time": change.time_ms,
        "amendment": {
            "price": both(change.price_before, change.price_after, spec.price_precision),
            "origQty": both(change.quantity_before, change.quantity_after, spec.quantity_precision),
            "count": change.count,
        },
    }


def algo_placed(algo: AlgoOrder, spec: ContractSpec) -> Json:
    """Return the answer to placing a conditional order."""
    shown: Json = {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_id,
        "algoType": CONDITIONAL,
        "orderType": algo.type.value,
        "symbol": algo.symbol,
        "side": algo.side.value,
        "positionSide": algo.position_side.value,
        "timeInForce": algo.time_in_force.value,
        "quantity": render_to(algo.quantity, spec.quantity_precision),
        "algoStatus": algo.status.value,
        "triggerPrice": render_to(algo.trigger_price, spec.price_precision),
        "price": render_to(algo.price, spec.price_precision),
        "selfTradePreventionMode": algo.stp_mode.value,
        "workingType": algo.working_type.value,
        "priceMatch": _NO_PRICE_MATCH,
        "closePosition": algo.close_position,
        "priceProtect": algo.price_protect,
        "reduceOnly": algo.reduce_only,
        "createTime": algo.time_ms,
        "updateTime": algo.update_ms,
        "triggerTime": algo.trigger_ms,
        "goodTillDate": algo.good_till_ms,
    }
    if algo.type is FuturesOrderType.TRAILING_STOP_MARKET:
        shown["activatePrice"] = render_to(algo.activate_price, spec.price_precision)
        shown["callbackRate"] = callback_rate(algo)
    return shown


def callback_rate(algo: AlgoOrder) -> str:
    """Return the trailing distance in percent."""
    return render_to(algo.callback_ppm * UNIT // _PPM_PER_PERCENT, 1)


def algo_query(algo: AlgoOrder, actual: FuturesOrder | None, spec: ContractSpec) -> Json:
    """Return a conditional order as queries show it, with the order it became."""
    shown: Json = {
        **algo_placed(algo, spec),
        "actualOrderId": "" if algo.actual_order_id is None else str(algo.actual_order_id),
        "actualPrice": render_to(actual.average_price if actual else 0, spec.price_precision),
        "tpOrderType": "",
    }
    if actual is not None:
        shown["actualType"] = actual.type.value
        shown["actualQty"] = render_to(actual.executed, spec.quantity_precision)
    return shown
