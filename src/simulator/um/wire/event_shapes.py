"""User-data events of USD-M (protocol section 1.11): amounts are `0` where there is nothing."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Final

from simulator.um.core.contracts import MARGIN_ASSET, ContractSpec
from simulator.um.core.events import (
    AccountUpdate,
    AlgoUpdate,
    FuturesEvent,
    FuturesExecution,
    LeverageChanged,
    MarginCall,
    OrderUpdate,
)
from simulator.um.core.orders import AlgoOrder, AlgoStatus, FuturesFill, FuturesOrder, MarginType
from simulator.um.core.views import PositionView
from simulator.um.wire.numbers import MONEY_DECIMALS, in_event
from simulator.um.wire.order_shapes import CONDITIONAL

Json = dict[str, object]
SpecOf = Callable[[str], ContractSpec]

_NO_PRICE_MATCH: Final = "NONE"
_REJECTS: Final = "CONDITIONAL_ORDER_TRIGGER_REJECT"


def user_events(events: Sequence[FuturesEvent], spec_of: SpecOf) -> Iterator[tuple[str, Json]]:
    """Yield each account's events: a fill as TRADE_LITE, ACCOUNT_UPDATE, ORDER_TRADE_UPDATE, in that order."""
    for event, following in pairwise((*events, None)):
        if isinstance(event, AccountUpdate):
            if isinstance(following, OrderUpdate) and _is_lite(following, event.account_id):
                yield event.account_id, trade_lite(following, spec_of(following.order.symbol))
            yield event.account_id, account_update(event, spec_of)
        elif isinstance(event, OrderUpdate):
            yield event.account_id, order_update(event, spec_of(event.order.symbol))
        elif isinstance(event, AlgoUpdate):
            yield from _algo_events(event, spec_of(event.algo.symbol))
        elif isinstance(event, MarginCall):
            yield event.account_id, margin_call(event, spec_of)
        elif isinstance(event, LeverageChanged):
            yield event.account_id, leverage_changed(event)


def _is_lite(update: OrderUpdate, account_id: str) -> bool:
    is_trade = update.execution_type is FuturesExecution.TRADE and update.fill is not None
    return is_trade and update.account_id == account_id


def order_update(event: OrderUpdate, spec: ContractSpec) -> Json:
    order = event.order
    shown = {
        **_order_terms(order, spec),
        "x": event.execution_type.value,
        "X": order.status.value,
        "i": order.order_id,
        "z": in_event(order.executed, spec.quantity_precision),
        **_order_fill(event.fill, spec),
        "T": event.time_ms,
        "b": in_event(event.bid_notional),
        "a": in_event(event.ask_notional),
        "si": 0,
        "ss": 0,
        "pm": _NO_PRICE_MATCH,
        "er": "0",
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": event.time_ms, "T": event.time_ms, "o": shown}


def _order_terms(order: FuturesOrder, spec: ContractSpec) -> Json:
    return {
        "s": order.symbol,
        "c": order.client_id,
        "S": order.side.value,
        "o": order.type.value,
        "f": order.time_in_force.value,
        "q": in_event(order.quantity, spec.quantity_precision),
        "p": in_event(order.price, spec.price_precision),
        "ap": in_event(order.average_price, spec.price_precision),
        "sp": in_event(order.stop_price, spec.price_precision),
        "R": order.reduce_only,
        "wt": order.working_type.value,
        "ot": order.original_type.value,
        "ps": order.position_side.value,
        "cp": order.close_position,
        "pP": order.price_protect,
        "V": order.stp_mode.value,
        "gtd": order.good_till_ms,
    }


def _order_fill(fill: FuturesFill | None, spec: ContractSpec) -> Json:
    if fill is None:
        return {"l": "0", "L": "0", "n": "0", "N": MARGIN_ASSET, "t": 0, "m": False, "rp": "0"}
    return {
        "l": in_event(fill.quantity, spec.quantity_precision),
        "L": in_event(fill.price, spec.price_precision),
        "n": in_event(fill.commission, MONEY_DECIMALS),
        "N": fill.commission_asset,
        "t": fill.trade_id,
        "m": fill.is_maker,
        "rp": in_event(fill.realized_pnl, MONEY_DECIMALS),
    }


def trade_lite(event: OrderUpdate, spec: ContractSpec) -> Json:
    """Return the short form of a fill: `p` is the order's price, `L` the fill's."""
    order, fill = event.order, event.fill
    if fill is None:
        raise ValueError("a TRADE_LITE needs a fill")
    return {
        "e": "TRADE_LITE",
        "E": event.time_ms,
        "T": event.time_ms,
        "s": order.symbol,
        "q": in_event(order.quantity, spec.quantity_precision),
        "p": in_event(order.price, spec.price_precision),
        "m": fill.is_maker,
        "c": order.client_id,
        "S": order.side.value,
        "L": in_event(fill.price, spec.price_precision),
        "l": in_event(fill.quantity, spec.quantity_precision),
        "t": fill.trade_id,
        "i": order.order_id,
    }


def account_update(event: AccountUpdate, spec_of: SpecOf) -> Json:
    balance = {
        "a": MARGIN_ASSET,
        "wb": in_event(event.wallet_balance, MONEY_DECIMALS),
        "cw": in_event(event.cross_wallet_balance, MONEY_DECIMALS),
        "bc": in_event(event.change, MONEY_DECIMALS),
    }
    changes: Json = {
        "m": event.reason.value,
        "B": [balance],
        "P": [_moved(position, spec_of(position.symbol)) for position in event.positions],
    }
    if event.symbol is not None:
        changes["S"] = event.symbol
    return {"e": "ACCOUNT_UPDATE", "E": event.time_ms, "T": event.time_ms, "a": changes}


def _moved(position: PositionView, spec: ContractSpec) -> Json:
    return {
        "s": position.symbol,
        "pa": in_event(position.quantity, spec.quantity_precision),
        "ep": in_event(position.entry_price, spec.price_precision),
        "bep": in_event(position.break_even_price, spec.price_precision),
        "cr": in_event(position.realized, MONEY_DECIMALS),
        "up": in_event(position.unrealized, MONEY_DECIMALS),
        "mt": _margin(position),
        "iw": in_event(position.isolated_wallet, MONEY_DECIMALS),
        "ps": position.position_side.value,
    }


def _margin(position: PositionView) -> str:
    return "isolated" if position.margin_type is MarginType.ISOLATED else "cross"


def margin_call(event: MarginCall, spec_of: SpecOf) -> Json:
    call: Json = {"e": "MARGIN_CALL", "E": event.time_ms}
    if event.cross_wallet_balance is not None:
        call["cw"] = in_event(event.cross_wallet_balance, MONEY_DECIMALS)
    call["p"] = [_called(position, spec_of(position.symbol)) for position in event.positions]
    return call


def _called(position: PositionView, spec: ContractSpec) -> Json:
    return {
        "s": position.symbol,
        "ps": position.position_side.value,
        "pa": in_event(position.quantity, spec.quantity_precision),
        "mt": position.margin_type.value,
        "iw": in_event(position.isolated_wallet, MONEY_DECIMALS),
        "mp": in_event(position.mark_price, MONEY_DECIMALS),
        "up": in_event(position.unrealized, MONEY_DECIMALS),
        "mm": in_event(position.maintenance_margin, MONEY_DECIMALS),
    }


def leverage_changed(event: LeverageChanged) -> Json:
    return {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": event.time_ms,
        "T": event.time_ms,
        "ac": {"s": event.symbol, "l": event.leverage},
    }


def _algo_events(event: AlgoUpdate, spec: ContractSpec) -> Iterator[tuple[str, Json]]:
    yield event.account_id, algo_update(event, spec)
    if event.algo.status is AlgoStatus.REJECTED:
        yield event.account_id, _trigger_reject(event)


def _trigger_reject(event: AlgoUpdate) -> Json:
    """Return the event that told of a refused trigger before ALGO_UPDATE did, and still comes beside it."""
    return {
        "e": _REJECTS,
        "E": event.time_ms,
        "T": event.time_ms,
        "or": {"s": event.algo.symbol, "i": event.algo.algo_id, "r": event.algo.failure},
    }


def algo_update(event: AlgoUpdate, spec: ContractSpec) -> Json:
    algo, actual = event.algo, event.actual_order
    shown = {
        **_algo_terms(algo, spec),
        "X": algo.status.value,
        "ai": "" if algo.actual_order_id is None else str(algo.actual_order_id),
        "ap": in_event(actual.average_price if actual else 0, spec.price_precision),
        "aq": in_event(actual.executed if actual else 0, spec.quantity_precision),
        "act": actual.type.value if actual else "0",
        "tt": algo.trigger_ms,
        "rm": algo.failure,
    }
    return {"e": "ALGO_UPDATE", "E": event.time_ms, "T": event.time_ms, "o": shown}


def _algo_terms(algo: AlgoOrder, spec: ContractSpec) -> Json:
    return {
        "caid": algo.client_id,
        "aid": algo.algo_id,
        "at": CONDITIONAL,
        "o": algo.type.value,
        "s": algo.symbol,
        "S": algo.side.value,
        "ps": algo.position_side.value,
        "f": algo.time_in_force.value,
        "q": in_event(algo.quantity, spec.quantity_precision),
        "tp": in_event(algo.trigger_price, spec.price_precision),
        "p": in_event(algo.price, spec.price_precision),
        "V": algo.stp_mode.value,
        "wt": algo.working_type.value,
        "pm": _NO_PRICE_MATCH,
        "cp": algo.close_position,
        "pP": algo.price_protect,
        "R": algo.reduce_only,
        "gtd": algo.good_till_ms,
    }


def listen_key_expired(key: str, now_ms: int) -> Json:
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": key}
