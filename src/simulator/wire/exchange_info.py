"""exchangeInfo rows with the filters in force, spot and (for later) futures."""

from typing import Final

from simulator.core.orders import OrderType
from simulator.core.symbols import SymbolSpec
from simulator.wire.numbers import render

Json = dict[str, object]
ORDER_TYPES: Final = tuple(OrderType)
_ICEBERG_PARTS: Final = 100


def symbol_row(spec: SymbolSpec) -> Json:
    """Return one symbol as spot exchangeInfo shows it; what is not offered says so."""
    return {
        "symbol": spec.symbol,
        "status": spec.status,
        "baseAsset": spec.base,
        "baseAssetPrecision": 8,
        "quoteAsset": spec.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": list(ORDER_TYPES),
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": spot_filters(spec),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": spec.default_stp.value,
        "allowedSelfTradePreventionModes": [mode.value for mode in spec.stp_modes],
    }


def spot_filters(spec: SymbolSpec) -> list[Json]:
    """Return exactly the filters the matching core applies."""
    filters: list[Json] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": render(spec.min_price),
            "maxPrice": render(spec.max_price),
            "tickSize": render(spec.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": render(spec.min_qty),
            "maxQty": render(spec.max_qty),
            "stepSize": render(spec.lot),
        },
        {"filterType": "ICEBERG_PARTS", "limit": _ICEBERG_PARTS},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": render(spec.market_min_qty),
            "maxQty": render(spec.market_max_qty),
            "stepSize": render(spec.market_step),
        },
    ]
    if spec.bid_mult_up:
        filters.append(_percent_price(spec))
    filters.append(_notional(spec))
    filters.append({"filterType": "MAX_NUM_ORDERS", "maxNumOrders": spec.max_orders})
    filters.append({"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": spec.max_algo_orders})
    filters.append({"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": spec.max_order_lists})
    if spec.max_position:
        filters.append({"filterType": "MAX_POSITION", "maxPosition": render(spec.max_position)})
    return filters


def _percent_price(spec: SymbolSpec) -> Json:
    return {
        "filterType": "PERCENT_PRICE_BY_SIDE",
        "bidMultiplierUp": _multiplier(spec.bid_mult_up),
        "bidMultiplierDown": _multiplier(spec.bid_mult_down),
        "askMultiplierUp": _multiplier(spec.ask_mult_up),
        "askMultiplierDown": _multiplier(spec.ask_mult_down),
        "avgPriceMins": spec.avg_price_mins,
    }


def _notional(spec: SymbolSpec) -> Json:
    return {
        "filterType": "NOTIONAL",
        "minNotional": render(spec.min_notional),
        "applyMinToMarket": spec.apply_min_to_market,
        "maxNotional": render(spec.max_notional),
        "applyMaxToMarket": spec.apply_max_to_market,
        "avgPriceMins": spec.avg_price_mins,
    }


def _multiplier(ppm: int) -> str:
    """Return parts per million as Binance writes multipliers: 5000000 -> 5, 200000 -> 0.2."""
    text = f"{ppm // 1_000_000}.{ppm % 1_000_000:06d}".rstrip("0")
    return text.rstrip(".")
