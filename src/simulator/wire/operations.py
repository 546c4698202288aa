"""The table of operations: one row per endpoint, served over REST and, where named, over the ws-api."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from simulator.core.orders import CancelRestriction, Side, StpMode, TimeInForce
from simulator.wire import accounts, market_data, replacing, tickers, trading, wallet
from simulator.wire.calls import Operation, Security, Weight, fixed
from simulator.wire.errors import ApiError
from simulator.wire.parameters import (
    Param,
    boolean,
    client_id,
    decimal,
    integer,
    one_of,
    symbol,
    symbol_list,
    text,
)
from simulator.wire.topics import INTERVALS

_KEY: Final = Security.KEY
_SIGNED: Final = Security.SIGNED
_STATUSES: Final = ("TRADING", "HALT", "BREAK")


def _refusal(code: int, message: str) -> Callable[[], ApiError]:
    return lambda: ApiError(code, message)


_interval: Final = one_of(INTERVALS, _refusal(-1120, "Invalid interval."))
_status: Final = one_of(_STATUSES, _refusal(-1122, "Invalid symbolStatus."))
_ticker_type: Final = one_of(("FULL", "MINI"), _refusal(-1139, "Invalid ticker type."))
_side: Final = one_of(tuple(Side), _refusal(-1117, "Invalid side."))
_type: Final = one_of(trading.KNOWN_TYPES, _refusal(-1116, "Invalid orderType."))
_time_in_force: Final = one_of(tuple(TimeInForce), _refusal(-1115, "Invalid timeInForce."))
_restriction: Final = one_of(
    tuple(CancelRestriction),
    _refusal(-1145, "`cancelRestrictions` has to be either `ONLY_NEW` or `ONLY_PARTIALLY_FILLED`."),
)


def _word(name: str, *allowed: str) -> Param:
    return Param(name, one_of(allowed, _refusal(-1130, f"Data sent for parameter '{name}' is not valid.")))


_SYMBOL: Final = Param("symbol", symbol, required=True)
_ANY_SYMBOL: Final = Param("symbol", symbol)
_SYMBOLS: Final = Param("symbols", symbol_list)
_LIMIT: Final = Param("limit", integer)
_TIMES: Final = (Param("startTime", integer), Param("endTime", integer))
_KLINE: Final = (_SYMBOL, Param("interval", _interval, required=True), *_TIMES, Param("timeZone", text), _LIMIT)
_TICKERS: Final = (_ANY_SYMBOL, _SYMBOLS, Param("symbolStatus", _status))

_NEW_ORDER: Final = (
    _SYMBOL,
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
_CANCEL: Final = (
    _SYMBOL,
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


def _depth_weight(params: Mapping[str, Any]) -> int:
    limit = params.get("limit", 100)
    return next((weight for top, weight in ((100, 5), (500, 25), (1_000, 50)) if limit <= top), 250)


def _day_ticker_weight(params: Mapping[str, Any]) -> int:
    if "symbol" in params:
        return 2
    wanted = len(params.get("symbols", range(101)))
    return next((weight for top, weight in ((20, 2), (100, 40)) if wanted <= top), 80)


def _one_or_more(one: int, more: int) -> Weight:
    return lambda params: one if "symbol" in params else more


def _market_row(name: str, path: str, *rest: Any, **named: Any) -> Operation:
    return Operation(f"spot.{name}", "GET", f"/api/v3/{path}", *rest, **named)


def _spot_market() -> list[Operation]:
    row = _market_row
    rules = (_ANY_SYMBOL, _SYMBOLS, Param("symbolStatus", _status))
    info = (*rules, Param("permissions", text), Param("showPermissionSets", boolean))
    older = (_SYMBOL, _LIMIT, Param("fromId", integer))
    aggregates = (*older, *_TIMES)
    book = (_SYMBOL, _LIMIT, Param("symbolStatus", _status))
    return [
        row("ping", "ping", market_data.ping, "ping"),
        row("time", "time", market_data.server_time, "time"),
        row("exchangeInfo", "exchangeInfo", market_data.exchange_info, "exchangeInfo", weight=fixed(20), params=info),
        row("executionRules", "executionRules", market_data.execution_rules, weight=fixed(40), params=rules),
        row("depth", "depth", market_data.depth, "depth", weight=_depth_weight, params=book),
        row("trades", "trades", market_data.trades, "trades.recent", weight=fixed(25), params=(_SYMBOL, _LIMIT)),
        row("historicalTrades", "historicalTrades", market_data.historical_trades, weight=fixed(25), params=older),
        row(
            "aggTrades", "aggTrades", market_data.aggregate_trades, "trades.aggregate",
            weight=fixed(4), params=aggregates,
        ),
        row("klines", "klines", market_data.klines, "klines", weight=fixed(2), params=_KLINE),
        row("uiKlines", "uiKlines", market_data.klines, "uiKlines", weight=fixed(2), params=_KLINE),
        row("avgPrice", "avgPrice", market_data.average_price, "avgPrice", weight=fixed(2), params=(_SYMBOL,)),
        row("referencePrice", "referencePrice", market_data.reference_price, weight=fixed(2), params=(_SYMBOL,)),
    ]  # fmt: skip


def _spot_tickers() -> list[Operation]:
    row = _market_row
    window = (*_TICKERS, Param("timeZone", text), Param("windowSize", text), Param("type", _ticker_type))
    day = (*_TICKERS, Param("type", _ticker_type))
    light = {"weight": _one_or_more(2, 4), "params": _TICKERS}
    return [
        row("ticker24hr", "ticker/24hr", tickers.day_ticker, "ticker.24hr", weight=_day_ticker_weight, params=day),
        row("tickerTradingDay", "ticker/tradingDay", tickers.refuse_window, weight=fixed(4), params=window),
        row("tickerWindow", "ticker", tickers.refuse_window, weight=fixed(4), params=window),
        row("tickerPrice", "ticker/price", market_data.price_ticker, "ticker.price", **light),
        row("bookTicker", "ticker/bookTicker", market_data.book_ticker, "ticker.book", **light),
    ]


def _order_row(name: str, method: str, path: str, *rest: Any, **named: Any) -> Operation:
    settings = {"security": _SIGNED, "free_on_success": True, **named}
    return Operation(f"spot.{name}", method, f"/api/v3/{path}", *rest, **settings)


def _spot_orders() -> list[Operation]:
    test = (*_NEW_ORDER, Param("computeCommissionRates", boolean))
    return [
        _order_row("order.new", "POST", "order", trading.place, "order.place", params=_NEW_ORDER, orders=1),
        _order_row(
            "order.test", "POST", "order/test", trading.test, "order.test", params=test, free_on_success=False,
            weight=lambda params: 20 if params.get("computeCommissionRates") else 1,
        ),
        _order_row("order.cancel", "DELETE", "order", trading.cancel, "order.cancel", params=_CANCEL),
        _order_row(
            "openOrders.cancel", "DELETE", "openOrders", trading.cancel_all, "openOrders.cancelAll", params=(_SYMBOL,),
        ),
        _order_row(
            "order.cancelReplace", "POST", "order/cancelReplace", replacing.cancel_replace,
            "order.cancelReplace", params=_REPLACE, orders=1,
        ),
    ]  # fmt: skip


def _spot_queries() -> list[Operation]:
    def row(name: str, path: str, *rest: Any, **named: Any) -> Operation:
        return Operation(f"spot.{name}", "GET", f"/api/v3/{path}", *rest, **{"security": _SIGNED, **named})

    one = (_SYMBOL, Param("orderId", integer), Param("origClientOrderId", client_id))
    many = (_SYMBOL, Param("orderId", integer), *_TIMES, _LIMIT)
    fills = (*many, Param("fromId", integer))
    fills_weight: Weight = lambda params: 5 if "orderId" in params else 20  # noqa: E731
    omit = (Param("omitZeroBalances", boolean),)
    return [
        row("order.get", "order", accounts.order, "order.status", weight=fixed(4), params=one),
        row(
            "openOrders",
            "openOrders",
            accounts.open_orders,
            "openOrders.status",
            weight=_one_or_more(6, 80),
            params=(_ANY_SYMBOL,),
        ),
        row("allOrders", "allOrders", accounts.all_orders, "allOrders", weight=fixed(20), params=many),
        row("openOrderList", "openOrderList", accounts.empty_list, weight=fixed(6)),
        row("account", "account", accounts.account, "account.status", weight=fixed(20), params=omit),
        row(
            "commission",
            "account/commission",
            accounts.commission,
            "account.commission",
            weight=fixed(20),
            params=(_SYMBOL,),
        ),
        row("myTrades", "myTrades", accounts.my_trades, "myTrades", weight=fills_weight, params=fills),
        row("rateLimitOrder", "rateLimit/order", accounts.order_counts, "account.rateLimits.orders", weight=fixed(40)),
        row("myFilters", "myFilters", accounts.my_filters, "myFilters", weight=fixed(40), params=(_SYMBOL,)),
    ]


def _wallet() -> list[Operation]:
    def row(name: str, method: str, path: str, *rest: Any, **named: Any) -> Operation:
        return Operation(f"sapi.{name}", method, f"/sapi/{path}", *rest, **{"security": _SIGNED, **named})

    asset = (Param("asset", text), Param("needBtcValuation", boolean))
    return [
        row("systemStatus", "GET", "v1/system/status", wallet.system_status, security=Security.NONE),
        row("userAsset", "POST", "v3/asset/getUserAsset", wallet.user_assets, weight=fixed(5), params=asset),
        row("fundingAsset", "POST", "v1/asset/get-funding-asset", accounts.empty_list, params=asset),
        row("coins", "GET", "v1/capital/config/getall", accounts.empty_list, weight=fixed(10)),
        row("tradeFee", "GET", "v1/asset/tradeFee", wallet.trade_fee, params=(_ANY_SYMBOL,)),
        row("marginPairs", "GET", "v1/margin/allPairs", accounts.empty_list, security=_KEY, params=(_ANY_SYMBOL,)),
        row(
            "isolatedPairs", "GET", "v1/margin/isolated/allPairs", accounts.empty_list,
            security=_KEY, params=(_ANY_SYMBOL,), weight=fixed(10),
        ),
        row("bnbBurn.get", "GET", "v1/bnbBurn", wallet.bnb_burn),
        row("apiRestrictions", "GET", "v1/account/apiRestrictions", wallet.api_restrictions),
        row("accountStatus", "GET", "v1/account/status", wallet.account_status),
        row("apiTradingStatus", "GET", "v1/account/apiTradingStatus", wallet.trading_status),
        row("delistSchedule", "GET", "v1/spot/delist-schedule", accounts.empty_list, security=_KEY, weight=fixed(100)),
    ]  # fmt: skip


def _start_up() -> list[Operation]:
    """What clients ask of COIN-M before they trade anything."""
    return [
        Operation("dapi.ping", "GET", "/dapi/v1/ping", market_data.ping),
        Operation("dapi.exchangeInfo", "GET", "/dapi/v1/exchangeInfo", market_data.coin_exchange_info),
    ]


OPERATIONS: Final = (*_spot_market(), *_spot_tickers(), *_spot_orders(), *_spot_queries(), *_wallet(), *_start_up())
BY_ADDRESS: Final = {(operation.method, operation.path): operation for operation in OPERATIONS}
BY_SOCKET_METHOD: Final = {operation.socket_method: operation for operation in OPERATIONS if operation.socket_method}
RETIRED: Final = frozenset({"/api/v3/userDataStream"})
"""The spot listen key was switched off on 2026-02-20; live answers 410."""
