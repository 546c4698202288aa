"""The table of operations: one row per endpoint, served over REST and, where named, over the ws-api."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.wire import accounts, market_data, tickers, wallet
from simulator.wire.calls import Operation, Security, Weight, fixed
from simulator.wire.errors import refusal
from simulator.wire.order_operations import LIMIT, SYMBOL, TIMES, spot_lists, spot_orders
from simulator.wire.parameters import (
    Param,
    boolean,
    client_id,
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


_interval: Final = one_of(INTERVALS, refusal(-1120, "Invalid interval."))
_status: Final = one_of(_STATUSES, refusal(-1122, "Invalid symbolStatus."))
_ticker_type: Final = one_of(("FULL", "MINI"), refusal(-1139, "Invalid ticker type."))


_ANY_SYMBOL: Final = Param("symbol", symbol)
_SYMBOLS: Final = Param("symbols", symbol_list)
_KLINE: Final = (SYMBOL, Param("interval", _interval, required=True), *TIMES, Param("timeZone", text), LIMIT)
_TICKERS: Final = (_ANY_SYMBOL, _SYMBOLS, Param("symbolStatus", _status))


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
    older = (SYMBOL, LIMIT, Param("fromId", integer))
    aggregates = (*older, *TIMES)
    book = (SYMBOL, LIMIT, Param("symbolStatus", _status))
    return [
        row("ping", "ping", market_data.ping, "ping"),
        row("time", "time", market_data.server_time, "time"),
        row("exchangeInfo", "exchangeInfo", market_data.exchange_info, "exchangeInfo", weight=fixed(20), params=info),
        row("executionRules", "executionRules", market_data.execution_rules, weight=fixed(40), params=rules),
        row("depth", "depth", market_data.depth, "depth", weight=_depth_weight, params=book),
        row("trades", "trades", market_data.trades, "trades.recent", weight=fixed(25), params=(SYMBOL, LIMIT)),
        row("historicalTrades", "historicalTrades", market_data.historical_trades, weight=fixed(25), params=older),
        row(
            "aggTrades", "aggTrades", market_data.aggregate_trades, "trades.aggregate",
            weight=fixed(4), params=aggregates,
        ),
        row("klines", "klines", market_data.klines, "klines", weight=fixed(2), params=_KLINE),
        row("uiKlines", "uiKlines", market_data.klines, "uiKlines", weight=fixed(2), params=_KLINE),
        row("avgPrice", "avgPrice", market_data.average_price, "avgPrice", weight=fixed(2), params=(SYMBOL,)),
        row("referencePrice", "referencePrice", market_data.reference_price, weight=fixed(2), params=(SYMBOL,)),
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


def _spot_queries() -> list[Operation]:
    def row(name: str, path: str, *rest: Any, **named: Any) -> Operation:
        return Operation(f"spot.{name}", "GET", f"/api/v3/{path}", *rest, **{"security": _SIGNED, **named})

    one = (SYMBOL, Param("orderId", integer), Param("origClientOrderId", client_id))
    many = (SYMBOL, Param("orderId", integer), *TIMES, LIMIT)
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
        row("account", "account", accounts.account, "account.status", weight=fixed(20), params=omit),
        row(
            "commission",
            "account/commission",
            accounts.commission,
            "account.commission",
            weight=fixed(20),
            params=(SYMBOL,),
        ),
        row("myTrades", "myTrades", accounts.my_trades, "myTrades", weight=fills_weight, params=fills),
        row("rateLimitOrder", "rateLimit/order", accounts.order_counts, "account.rateLimits.orders", weight=fixed(40)),
        row("myFilters", "myFilters", accounts.my_filters, "myFilters", weight=fixed(40), params=(SYMBOL,)),
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


OPERATIONS: Final = (
    *_spot_market(),
    *_spot_tickers(),
    *spot_orders(),
    *spot_lists(),
    *_spot_queries(),
    *_wallet(),
    *_start_up(),
)
BY_ADDRESS: Final = {(operation.method, operation.path): operation for operation in OPERATIONS}
BY_SOCKET_METHOD: Final = {operation.socket_method: operation for operation in OPERATIONS if operation.socket_method}
RETIRED: Final = frozenset({"/api/v3/userDataStream"})
"""The spot listen key was switched off on 2026-02-20; live answers 410."""
