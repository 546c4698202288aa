"""The table of USD-M's public operations (protocol section 1.6)."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.um.wire import exchange_info, market_data
from simulator.um.wire.market_data import CONTRACT_TYPES
from simulator.um.wire.parameters import ANY_SYMBOL, LIMIT, SYMBOL, TIMES
from simulator.um.wire.topics import INTERVALS
from simulator.wire import market_data as shared
from simulator.wire.calls import Operation, Security, fixed
from simulator.wire.errors import ApiError
from simulator.wire.parameters import Param, integer, one_of, symbol

_FROM_ID: Final = Param("fromId", integer)
_INTERVAL: Final = Param("interval", one_of(INTERVALS, lambda: ApiError(-1120, "Invalid interval.")), required=True)
_PAIR: Final = Param("pair", symbol, required=True)
_CONTRACT_TYPE: Final = Param(
    "contractType", one_of(CONTRACT_TYPES, lambda: ApiError(-4104, "Invalid contract type")), required=True
)
_USUAL_ROWS: Final = 500


def _depth_weight(params: Mapping[str, Any]) -> int:
    limit = params.get("limit", _USUAL_ROWS)
    return next((weight for top, weight in ((50, 2), (100, 5), (500, 10)) if limit <= top), 20)


def _candle_weight(params: Mapping[str, Any]) -> int:
    limit = params.get("limit", _USUAL_ROWS)
    return next((weight for below, weight in ((100, 1), (500, 2), (1_001, 5)) if limit < below), 10)


def _row(path: str, *rest: Any, **named: Any) -> Operation:
    return Operation(f"fut.{path.partition('/')[2]}", "GET", f"/fapi/{path}", *rest, **named)


def _light(one: int, every: int) -> dict[str, Any]:
    return {"params": (ANY_SYMBOL,), "weight": lambda params: one if "symbol" in params else every}


def _candles(*subject: Param) -> dict[str, Any]:
    return {"params": (*subject, _INTERVAL, *TIMES, LIMIT), "weight": _candle_weight}


PUBLIC_OPERATIONS: Final = (
    _row("v1/ping", shared.ping),
    _row("v1/time", shared.server_time),
    _row("v1/exchangeInfo", exchange_info.exchange_info),
    _row("v1/depth", market_data.depth, weight=_depth_weight, params=(SYMBOL, LIMIT)),
    _row("v1/trades", market_data.trades, weight=fixed(5), params=(SYMBOL, LIMIT)),
    _row(
        "v1/historicalTrades", market_data.historical_trades, weight=fixed(200), security=Security.KEY,
        params=(SYMBOL, LIMIT, _FROM_ID),
    ),
    _row(
        "v1/aggTrades", market_data.aggregate_trades, weight=fixed(20), params=(SYMBOL, _FROM_ID, *TIMES, LIMIT)
    ),
    _row("v1/klines", market_data.klines, **_candles(SYMBOL)),
    _row("v1/continuousKlines", market_data.continuous_klines, **_candles(_PAIR, _CONTRACT_TYPE)),
    _row("v1/indexPriceKlines", market_data.index_klines, **_candles(_PAIR)),
    _row("v1/markPriceKlines", market_data.mark_klines, **_candles(SYMBOL)),
    _row("v1/premiumIndex", market_data.premium_index, **_light(1, 10)),
    _row("v1/fundingRate", market_data.funding_rate, weight=fixed(0), params=(ANY_SYMBOL, *TIMES, LIMIT)),
    _row("v1/fundingInfo", market_data.funding_info, weight=fixed(0)),
    _row("v1/ticker/24hr", market_data.day_ticker, **_light(1, 40)),
    _row("v1/ticker/price", market_data.price_ticker, **_light(1, 2)),
    Operation("fut.ticker/price.v2", "GET", "/fapi/v2/ticker/price", market_data.price_ticker, **_light(1, 2)),
    _row("v1/ticker/bookTicker", market_data.book_ticker, **_light(2, 5)),
    _row("v1/openInterest", market_data.open_interest, params=(SYMBOL,)),
)  # fmt: skip
