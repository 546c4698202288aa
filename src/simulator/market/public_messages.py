"""Binance's public answers and stream messages as our values."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from simulator.core.events import MarketTrade
from simulator.core.orders import StpMode
from simulator.core.symbols import ALL_STP_MODES, NOTIONAL_UNIT, SymbolSpec
from simulator.market.feed import BookUpdate, Candle, Level, MarketError
from simulator.market.numbers import parse_text

_PPM: Final = 10**6


def candle_of_row(row: Sequence[Any]) -> Candle:
    """Read one row of /api/v3/klines."""
    return Candle(
        open_ms=int(row[0]),
        close_ms=int(row[6]),
        open=parse_text(row[1]),
        high=parse_text(row[2]),
        low=parse_text(row[3]),
        close=parse_text(row[4]),
        volume=parse_text(row[5]),
        quote_volume=parse_text(row[7], unit=NOTIONAL_UNIT),
        trades=int(row[8]),
        taker_buy_base=parse_text(row[9]),
        taker_buy_quote=parse_text(row[10], unit=NOTIONAL_UNIT),
    )


def trade_of(data: Mapping[str, Any]) -> MarketTrade:
    """Read a trade event."""
    return MarketTrade(data["s"], parse_text(data["p"]), parse_text(data["q"]), int(data["T"]), bool(data["m"]))


def book_of(symbol: str, data: Mapping[str, Any]) -> BookUpdate:
    """Read a partial depth message (`bids`, `asks`)."""
    return BookUpdate(symbol, _levels(data["bids"]), _levels(data["asks"]))


def specs_of_info(info: Mapping[str, Any]) -> dict[str, SymbolSpec]:
    """Read the symbols of an exchangeInfo answer.

    Raises:
        MarketError: for a symbol without PRICE_FILTER or LOT_SIZE.
    """
    return {entry["symbol"]: _spec(entry) for entry in info["symbols"]}


def _levels(rows: Sequence[Sequence[str]]) -> tuple[Level, ...]:
    return tuple((parse_text(price), parse_text(quantity)) for price, quantity in rows)


def _spec(entry: Mapping[str, Any]) -> SymbolSpec:
    filters = {item["filterType"]: item for item in entry["filters"]}
    for name in ("PRICE_FILTER", "LOT_SIZE"):
        if name not in filters:
            raise MarketError(f"exchangeInfo of {entry['symbol']} has no {name}; leave the symbol out")
    price, lot = filters["PRICE_FILTER"], filters["LOT_SIZE"]
    market = filters.get("MARKET_LOT_SIZE", {})
    notional = filters.get("NOTIONAL", filters.get("MIN_NOTIONAL", {}))
    percent = filters.get("PERCENT_PRICE_BY_SIDE", {})
    return SymbolSpec(
        symbol=entry["symbol"],
        base=entry["baseAsset"],
        quote=entry["quoteAsset"],
        status=entry["status"],
        tick=_amount(price, "tickSize"),
        lot=_amount(lot, "stepSize"),
        min_price=_amount(price, "minPrice"),
        max_price=_amount(price, "maxPrice"),
        min_qty=_amount(lot, "minQty"),
        max_qty=_amount(lot, "maxQty"),
        market_min_qty=_amount(market, "minQty"),
        market_max_qty=_amount(market, "maxQty"),
        market_step=_amount(market, "stepSize"),
        min_notional=_amount(notional, "minNotional"),
        max_notional=_amount(notional, "maxNotional"),
        apply_min_to_market=bool(notional.get("applyMinToMarket", notional.get("applyToMarket", True))),
        apply_max_to_market=bool(notional.get("applyMaxToMarket", False)),
        bid_mult_up=_ppm(percent, "bidMultiplierUp"),
        bid_mult_down=_ppm(percent, "bidMultiplierDown"),
        ask_mult_up=_ppm(percent, "askMultiplierUp"),
        ask_mult_down=_ppm(percent, "askMultiplierDown"),
        avg_price_mins=int(notional.get("avgPriceMins", 5)),
        max_orders=int(filters.get("MAX_NUM_ORDERS", {}).get("maxNumOrders", 200)),
        max_algo_orders=int(filters.get("MAX_NUM_ALGO_ORDERS", {}).get("maxNumAlgoOrders", 5)),
        max_order_lists=int(filters.get("MAX_NUM_ORDER_LISTS", {}).get("maxNumOrderLists", 20)),
        max_position=_amount(filters.get("MAX_POSITION", {}), "maxPosition"),
        stp_modes=_stp_modes(entry),
        default_stp=StpMode(entry.get("defaultSelfTradePreventionMode", StpMode.EXPIRE_MAKER)),
    )


def _stp_modes(entry: Mapping[str, Any]) -> tuple[StpMode, ...]:
    known = {mode.value for mode in ALL_STP_MODES}
    told = entry.get("allowedSelfTradePreventionModes", [])
    return tuple(StpMode(name) for name in told if name in known) or ALL_STP_MODES


def _amount(values: Mapping[str, Any], name: str) -> int:
    return parse_text(values.get(name, "0"))


def _ppm(values: Mapping[str, Any], name: str) -> int:
    return parse_text(values.get(name, "0"), unit=_PPM)
