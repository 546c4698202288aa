"""What the futures port answers until futures trading is offered: start-up calls, honestly empty."""

from simulator.core.symbols import SymbolSpec
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.numbers import render
from simulator.wire.venue import Venue

Json = dict[str, object]
_PERPETUAL_END_MS = 4_133_404_800_000
_LIMITS = [
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2_400},
    {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1_200},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
]


def refuse(_venue: Venue, _call: Call) -> Json:
    raise errors.ApiError(
        -1020, "This operation is not supported. Futures trading is not offered by this simulator yet."
    )


def exchange_info(venue: Venue, call: Call) -> Json:
    """Return the symbols as contracts that wait for trading: PENDING_TRADING is Binance's word."""
    return {
        "timezone": "UTC",
        "serverTime": call.server_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": _LIMITS,
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [_contract(venue.spec(name)) for name in venue.symbols],
    }


def _contract(spec: SymbolSpec) -> Json:
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": _PERPETUAL_END_MS,
        "onboardDate": 0,
        "status": "PENDING_TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": _decimals(spec.tick),
        "quantityPrecision": _decimals(spec.lot),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": "0.05",
        "maxMoveOrderLimit": 10_000,
        "orderTypes": ["LIMIT", "MARKET"],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": _filters(spec),
    }


def _decimals(step: int) -> int:
    return len(render(step).rstrip("0").partition(".")[2])


def _filters(spec: SymbolSpec) -> list[Json]:
    return [
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
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": render(spec.min_qty),
            "maxQty": render(spec.market_max_qty or spec.max_qty),
            "stepSize": render(spec.lot),
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
        {"filterType": "MIN_NOTIONAL", "notional": render(spec.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": "1.0500",
            "multiplierDown": "0.9500",
            "multiplierDecimal": "4",
        },
    ]


def coin_exchange_info(_venue: Venue, call: Call) -> Json:
    return {
        "timezone": "UTC",
        "serverTime": call.server_ms,
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [],
    }


def position_mode(_venue: Venue, _call: Call) -> Json:
    return {"dualSidePosition": False}


def multi_assets(_venue: Venue, _call: Call) -> Json:
    return {"multiAssetsMargin": False}


def fee_burn(_venue: Venue, _call: Call) -> Json:
    return {"feeBurn": False}


def account(_venue: Venue, _call: Call) -> Json:
    """Return an empty futures wallet."""
    totals = (
        "totalInitialMargin", "totalMaintMargin", "totalWalletBalance", "totalUnrealizedProfit",
        "totalMarginBalance", "totalPositionInitialMargin", "totalOpenOrderInitialMargin",
        "totalCrossWalletBalance", "totalCrossUnPnl", "availableBalance", "maxWithdrawAmount",
    )  # fmt: skip
    return {**dict.fromkeys(totals, "0.00000000"), "assets": [], "positions": []}


def empty_list(_venue: Venue, _call: Call) -> list[Json]:
    return []
