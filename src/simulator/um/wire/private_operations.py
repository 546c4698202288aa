"""The private operations of USD-M: one row per endpoint, with weights of protocol sections 1.7 and 1.8."""

from typing import Any, Final

from simulator.um.core.orders import MarginType
from simulator.um.wire import account, algos, listen_key_calls, queries, settings, trading, transfers
from simulator.um.wire import parameters as given
from simulator.wire import errors
from simulator.wire.calls import Operation, Security, Weight, fixed
from simulator.wire.parameters import Param, boolean, integer, one_of, text

_NOTHING: Final = fixed(0)
_ALL_OR_ONE: Final[Weight] = lambda params: 1 if "symbol" in params else 40  # noqa: E731
_FORCED: Final[Weight] = lambda params: 20 if "symbol" in params else 50  # noqa: E731
_COUNTED: Final = {"weight": _NOTHING, "orders": 1}
_BATCHED: Final = {"weight": fixed(5), "orders": 1}
_FIVE: Final = {"weight": fixed(5)}

_LISTED: Final = (*given.TIMES, given.LIMIT)
_ALGO: Final = (given.ANY_SYMBOL, Param("algoId", integer), Param("clientAlgoId", text))
"""Clients name the symbol too, though the id says it all."""
_MARGIN_TYPE: Final = Param(
    "marginType", one_of(tuple(MarginType), lambda: errors.invalid_data("marginType")), required=True
)


def _row(name: str, method: str, path: str, *rest: Any, **named: Any) -> Operation:
    return Operation(f"fut.{name}", method, f"/fapi/{path}", *rest, **{"security": Security.SIGNED, **named})


def _orders() -> list[Operation]:
    countdown = (given.SYMBOL, Param("countdownTime", integer, required=True))
    one, new, modify = given.ONE_ORDER, given.NEW_ORDER, given.MODIFY
    batch, gone = given.BATCH, given.BATCH_CANCEL
    return [
        _row("order.new", "POST", "v1/order", trading.place, params=new, **_COUNTED),
        _row("order.test", "POST", "v1/order/test", trading.test, params=new, weight=_NOTHING),
        _row("order.modify", "PUT", "v1/order", trading.modify, params=modify, **_COUNTED),
        _row("order.cancel", "DELETE", "v1/order", trading.cancel, params=one),
        _row("order.get", "GET", "v1/order", queries.order, params=one),
        _row("batchOrders.new", "POST", "v1/batchOrders", trading.place_batch, params=batch, **_BATCHED),
        _row("batchOrders.modify", "PUT", "v1/batchOrders", trading.modify_batch, params=batch, **_BATCHED),
        _row("batchOrders.cancel", "DELETE", "v1/batchOrders", trading.cancel_batch, params=gone),
        _row("openOrders.cancel", "DELETE", "v1/allOpenOrders", trading.cancel_all, params=(given.SYMBOL,)),
        _row(
            "countdownCancelAll", "POST", "v1/countdownCancelAll", trading.count_down,
            params=countdown, weight=fixed(10),
        ),
    ]  # fmt: skip


def _order_queries() -> list[Operation]:
    any_symbol, times = given.ANY_SYMBOL, given.TIMES
    order_id = Param("orderId", integer)
    trades = (given.SYMBOL, order_id, Param("fromId", integer), *_LISTED)
    forced = (any_symbol, Param("autoCloseType", text), *_LISTED)
    return [
        _row("openOrder", "GET", "v1/openOrder", queries.open_order, params=given.ONE_ORDER),
        _row("openOrders", "GET", "v1/openOrders", queries.open_orders, params=(any_symbol,), weight=_ALL_OR_ONE),
        _row("allOrders", "GET", "v1/allOrders", queries.all_orders, params=(any_symbol, order_id, *_LISTED), **_FIVE),
        _row("userTrades", "GET", "v1/userTrades", queries.user_trades, params=trades, **_FIVE),
        _row(
            "orderAmendment", "GET", "v1/orderAmendment", queries.amendments,
            params=(*given.ONE_ORDER, *times, given.LIMIT),
        ),
        _row("forceOrders", "GET", "v1/forceOrders", queries.force_orders, params=forced, weight=_FORCED),
    ]  # fmt: skip


def _algos() -> list[Operation]:
    symbol = given.SYMBOL
    opened = (given.ANY_SYMBOL, Param("algoType", text), Param("algoId", integer))
    past = (symbol, Param("algoId", integer), *_LISTED)
    return [
        _row("algoOrder.new", "POST", "v1/algoOrder", algos.place, params=given.NEW_ALGO, **_COUNTED),
        _row("algoOrder.get", "GET", "v1/algoOrder", algos.one, params=_ALGO),
        _row("algoOrder.cancel", "DELETE", "v1/algoOrder", algos.cancel, params=_ALGO),
        _row("algoOpenOrders.cancel", "DELETE", "v1/algoOpenOrders", algos.cancel_all, params=(symbol,)),
        _row("openAlgoOrders", "GET", "v1/openAlgoOrders", algos.open_ones, params=opened, weight=_ALL_OR_ONE),
        _row("allAlgoOrders", "GET", "v1/allAlgoOrders", algos.all_ones, params=past, **_FIVE),
    ]


def _account() -> list[Operation]:
    any_symbol = (given.ANY_SYMBOL,)
    income = (
        given.ANY_SYMBOL, Param("incomeType", text), *given.TIMES, Param("page", integer), given.LIMIT,
    )  # fmt: skip
    return [
        _row("account.v2", "GET", "v2/account", account.account_v2, **_FIVE),
        _row("account", "GET", "v3/account", account.account_v3, **_FIVE),
        _row("balance.v2", "GET", "v2/balance", account.balances, **_FIVE),
        _row("balance", "GET", "v3/balance", account.balances, **_FIVE),
        _row("positionRisk.v2", "GET", "v2/positionRisk", account.risk_v2, params=any_symbol, **_FIVE),
        _row("positionRisk", "GET", "v3/positionRisk", account.risk_v3, params=any_symbol, **_FIVE),
        _row("accountConfig", "GET", "v1/accountConfig", account.account_config, **_FIVE),
        _row("symbolConfig", "GET", "v1/symbolConfig", account.symbol_config, params=any_symbol, **_FIVE),
        _row("leverageBracket", "GET", "v1/leverageBracket", account.brackets, params=any_symbol),
        _row(
            "commissionRate", "GET", "v1/commissionRate", account.commission,
            params=(given.SYMBOL,), weight=fixed(20),
        ),
        _row("income", "GET", "v1/income", account.income, params=income, weight=fixed(30)),
        _row("rateLimitOrder", "GET", "v1/rateLimit/order", account.order_counts),
        _row("adlQuantile", "GET", "v1/adlQuantile", settings.adl_quantile, params=any_symbol, **_FIVE),
    ]  # fmt: skip


def _settings() -> list[Operation]:
    def switch(name: str) -> tuple[Param, ...]:
        return (Param(name, boolean, required=True),)

    read = {"weight": fixed(30)}
    leverage = (given.SYMBOL, Param("leverage", integer, required=True))
    kind = Param("type", settings.margin_direction, required=True)
    adjusted = (given.SYMBOL, Param("amount", given.signed_decimal, required=True), kind, given.POSITION_SIDE)
    changes = (given.SYMBOL, Param("type", settings.margin_direction), *_LISTED)
    mode, assets, burn = "v1/positionSide/dual", "v1/multiAssetsMargin", "v1/feeBurn"
    return [
        _row("leverage", "POST", "v1/leverage", settings.set_leverage, params=leverage),
        _row("marginType", "POST", "v1/marginType", settings.set_margin_type, params=(given.SYMBOL, _MARGIN_TYPE)),
        _row("positionMargin", "POST", "v1/positionMargin", settings.adjust_margin, params=adjusted),
        _row(
            "positionMarginHistory", "GET", "v1/positionMargin/history", account.margin_changes, params=changes,
        ),
        _row("positionMode.get", "GET", mode, settings.position_mode, **read),
        _row("positionMode.set", "POST", mode, settings.set_position_mode, params=switch("dualSidePosition")),
        _row("multiAssets.get", "GET", assets, settings.multi_assets, **read),
        _row("multiAssets.set", "POST", assets, settings.set_multi_assets, params=switch("multiAssetsMargin")),
        _row("feeBurn.get", "GET", burn, settings.fee_burn, **read),
        _row("feeBurn.set", "POST", burn, settings.set_fee_burn, params=switch("feeBurn")),
    ]  # fmt: skip


def _listen_keys() -> list[Operation]:
    key = {"security": Security.KEY, "params": (Param("listenKey", text),)}
    path = "v1/listenKey"
    return [
        _row("listenKey.start", "POST", path, listen_key_calls.start, **key),
        _row("listenKey.renew", "PUT", path, listen_key_calls.renew, **key),
        _row("listenKey.close", "DELETE", path, listen_key_calls.close, **key),
    ]


def _transfers() -> list[Operation]:
    def row(name: str, method: str, path: str, *rest: Any, **named: Any) -> Operation:
        return Operation(f"sapi.{name}", method, f"/sapi/v1/{path}", *rest, **{"security": Security.SIGNED, **named})

    kind = Param("type", text, required=True)
    moved = (kind, Param("asset", text, required=True), Param("amount", given.decimal, required=True))
    others = (Param("fromSymbol", text), Param("toSymbol", text))
    page = (kind, *given.TIMES, Param("current", integer), Param("size", integer), *others)
    return [
        row("transfer.new", "POST", "asset/transfer", transfers.transfer, params=(*moved, *others)),
        row("transfer.list", "GET", "asset/transfer", transfers.transfers, params=page),
        row("futuresTransfer", "POST", "futures/transfer", transfers.legacy_transfer, params=moved),
    ]


TRANSFERS: Final = tuple(_transfers())
"""The wallet calls that concern both venues; they are served wherever sapi is."""
PRIVATE: Final = (*_orders(), *_order_queries(), *_algos(), *_account(), *_settings(), *_listen_keys())
"""Every operation of USD-M that needs a key."""
