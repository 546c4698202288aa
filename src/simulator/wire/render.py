"""Orders, trades and account events in Binance's wire shapes (protocol sections 1.1 and 1.11)."""

from collections.abc import Mapping, Sequence

from simulator.core.events import (
    Balance,
    BalanceMoved,
    BalancesChanged,
    ExchangeEvent,
    ExecutionType,
    ListChanged,
    OrderChanged,
)
from simulator.core.order_lists import OCO, ListStatus, OrderList
from simulator.core.orders import Fill, Order
from simulator.wire.numbers import render, render_money

Json = dict[str, object]
_ZERO = "0.00000000"


def order_ack(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        "transactTime": order.update_ms,
    }


def _amounts(order: Order) -> Json:
    return {
        "price": render(order.price),
        "origQty": render(order.quantity),
        "executedQty": render(order.executed),
        "origQuoteOrderQty": render(order.quote_quantity),
        "cummulativeQuoteQty": render_money(order.executed_quote),
        "status": order.status.value,
        "timeInForce": order.time_in_force.value,
        "type": order.type.value,
        "side": order.side.value,
    }


def _conditional(order: Order) -> Json:
    fields: Json = {"stopPrice": render(order.stop_price)} if order.stop_price else {}
    if order.prevented_match_id is not None:
        fields["preventedMatchId"] = order.prevented_match_id
        fields["preventedQuantity"] = render(order.prevented)
    if order.expiry_reason is not None:
        fields["expiryReason"] = order.expiry_reason.value
    return fields


def order_result(order: Order) -> Json:
    return {
        **order_ack(order),
        **_amounts(order),
        "workingTime": _working_time(order),
        "selfTradePreventionMode": order.stp_mode.value,
        **_conditional(order),
    }


def _working_time(order: Order) -> int:
    return -1 if order.working_ms is None else order.working_ms


def order_full(order: Order) -> Json:
    return {**order_result(order), "fills": [_fill(fill) for fill in order.fills]}


def _fill(fill: Fill) -> Json:
    return {
        "price": render(fill.price),
        "qty": render(fill.quantity),
        "commission": render(fill.commission),
        "commissionAsset": fill.commission_asset,
        "tradeId": fill.trade_id,
    }


def order_query(order: Order) -> Json:
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_id,
        **_amounts(order),
        "stopPrice": render(order.stop_price),
        "icebergQty": _ZERO,
        "time": order.time_ms,
        "updateTime": order.update_ms,
        "isWorking": order.is_working,
        "workingTime": _working_time(order),
        "selfTradePreventionMode": order.stp_mode.value,
        **_conditional(order),
    }


def order_cancel(order: Order) -> Json:
    """Return the answer to a cancel; `clientOrderId` is the id of the cancel request."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.cancel_client_id,
        "transactTime": order.update_ms,
        **_amounts(order),
        "selfTradePreventionMode": order.stp_mode.value,
        **_conditional(order),
    }


def order_list(found: OrderList, reports: Sequence[Json] = ()) -> Json:
    """Return a list of orders; `reports` are the orders themselves in the answer to a placement or a cancel."""
    is_done = found.status is ListStatus.ALL_DONE
    shown: Json = {
        "orderListId": found.list_id,
        "contingencyType": OCO,
        "listStatusType": "ALL_DONE" if is_done else "EXEC_STARTED",
        "listOrderStatus": found.status.value,
        "listClientOrderId": found.client_id,
        "transactionTime": found.update_ms,
        "symbol": found.symbol,
        "orders": [
            {"symbol": found.symbol, "orderId": order_id, "clientOrderId": client_id}
            for order_id, client_id in found.legs
        ],
    }
    return {**shown, "orderReports": list(reports)} if reports else shown


def account_trade(fill: Fill) -> Json:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": fill.list_id,
        "price": render(fill.price),
        "qty": render(fill.quantity),
        "quoteQty": render_money(fill.quote),
        "commission": render(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time_ms,
        "isBuyer": fill.side.value == "BUY",
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def balance_rows(balances: Mapping[str, Balance], *, omit_zero: bool) -> list[Json]:
    return [
        {"asset": asset, "free": render_money(held.free), "locked": render_money(held.locked)}
        for asset, held in balances.items()
        if not omit_zero or held.free or held.locked
    ]


def user_event(event: ExchangeEvent) -> Json | None:
    """Return the user-data event for one account's change, None for public trades."""
    if isinstance(event, OrderChanged):
        return execution_report(event)
    if isinstance(event, ListChanged):
        return list_status(event)
    if isinstance(event, BalancesChanged):
        return {
            "e": "outboundAccountPosition",
            "E": event.time_ms,
            "u": event.time_ms,
            "B": [
                {"a": asset, "f": render_money(held.free), "l": render_money(held.locked)}
                for asset, held in event.assets.items()
            ],
        }
    if isinstance(event, BalanceMoved):
        return {
            "e": "balanceUpdate",
            "E": event.time_ms,
            "a": event.asset,
            "d": render_money(event.delta),
            "T": event.time_ms,
        }
    return None


def execution_report(event: OrderChanged) -> Json:
    """Return the report of one step in an order's life."""
    order = event.order
    report = {
        **_report_order(event),
        **_report_fill(event),
        "z": render(order.executed),
        "T": event.time_ms,
        "I": event.execution_id,
        "w": order.is_open and order.is_working,
        "O": order.time_ms,
        "Z": render_money(order.executed_quote),
        "Q": render(order.quote_quantity),
        "V": order.stp_mode.value,
    }
    if order.working_ms is not None:
        report["W"] = order.working_ms
    if event.expiry_reason is not None:
        report["eR"] = event.expiry_reason.value
    return {**report, **_report_prevention(event)}


def list_status(event: ListChanged) -> Json:
    """Return the report that an order list was placed or is done with."""
    found = order_list(event.order_list)
    return {
        "e": "listStatus",
        "E": event.time_ms,
        "s": found["symbol"],
        "g": found["orderListId"],
        "c": found["contingencyType"],
        "l": found["listStatusType"],
        "L": found["listOrderStatus"],
        "r": "NONE",
        "C": found["listClientOrderId"],
        "T": event.time_ms,
        "O": [
            {"s": event.order_list.symbol, "i": order_id, "c": client_id}
            for order_id, client_id in event.order_list.legs
        ],
    }


def _report_order(event: OrderChanged) -> Json:
    order = event.order
    client_id, original_id = _report_ids(event)
    return {
        "e": "executionReport",
        "E": event.time_ms,
        "s": order.symbol,
        "c": client_id,
        "S": order.side.value,
        "o": order.type.value,
        "f": order.time_in_force.value,
        "q": render(order.quantity),
        "p": render(order.price),
        "P": render(order.stop_price),
        "F": _ZERO,
        "g": order.list_id,
        "C": original_id,
        "x": event.execution_type.value,
        "X": order.status.value,
        "r": "NONE",
        "i": order.order_id,
    }


def _report_ids(event: OrderChanged) -> tuple[str, str]:
    """A cancel's report carries the cancel request's id in `c` and the order's own in `C`."""
    order_id, other = event.order.client_id, event.cancel_client_id or ""
    return (other, order_id) if event.execution_type is ExecutionType.CANCELED else (order_id, other)


def _report_fill(event: OrderChanged) -> Json:
    fill = event.fill
    if fill is None:
        return {"l": _ZERO, "L": _ZERO, "n": "0", "N": None, "t": -1, "m": False, "M": False, "Y": _ZERO}
    return {
        "l": render(fill.quantity),
        "L": render(fill.price),
        "n": render(fill.commission),
        "N": fill.commission_asset,
        "t": fill.trade_id,
        "m": fill.is_maker,
        "M": True,
        "Y": render_money(fill.quote),
    }


def _report_prevention(event: OrderChanged) -> Json:
    if event.prevention is None:
        return {}
    prevented = event.prevention
    return {
        "v": prevented.match_id,
        "A": render(event.order.prevented),
        "B": render(prevented.quantity),
        "u": prevented.match_id,
        "U": prevented.counter_order_id,
        "Cs": event.order.symbol,
        "pl": render(prevented.quantity),
        "pL": render(prevented.price),
        "pY": render_money(prevented.quantity * prevented.price),
    }
