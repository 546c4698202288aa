"""exchangeInfo of USD-M: the contracts with the rules in force (protocol section 1.6)."""

from typing import Final

from simulator.um.core.contracts import MARGIN_ASSET, ContractSpec
from simulator.um.wire.numbers import render_to
from simulator.um.wire.venue import FuturesVenue
from simulator.wire.calls import Call

Json = dict[str, object]
ORDER_TYPES: Final = (
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET",
)  # fmt: skip
TIMES_IN_FORCE: Final = ("GTC", "IOC", "FOK", "GTX", "GTD")
_PPM_DECIMALS: Final = 6


def exchange_info(venue: FuturesVenue, call: Call) -> Json:
    return {
        "timezone": "UTC",
        "serverTime": call.server_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": venue.limits.rows(),
        "exchangeFilters": [],
        "assets": [{"asset": MARGIN_ASSET, "marginAvailable": True, "autoAssetExchange": "0"}],
        "symbols": [contract_row(venue.spec(name)) for name in venue.symbols],
    }


def contract_row(spec: ContractSpec) -> Json:
    return {
        "symbol": spec.symbol,
        "pair": spec.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": spec.delivery_ms,
        "onboardDate": 0,
        "status": spec.status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": spec.base,
        "quoteAsset": spec.quote,
        "marginAsset": spec.quote,
        "pricePrecision": spec.price_precision,
        "quantityPrecision": spec.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "settlePlan": 0,
        "triggerProtect": _fraction(spec.trigger_protect_ppm, 4),
        "liquidationFee": _fraction(spec.liquidation_fee_ppm, 6),
        "marketTakeBound": _fraction(spec.market_take_bound_ppm, 2),
        "maxMoveOrderLimit": 10_000,
        "filters": _filters(spec),
        "orderTypes": list(ORDER_TYPES),
        "timeInForce": list(TIMES_IN_FORCE),
    }


def _filters(spec: ContractSpec) -> list[Json]:
    prices, lots = spec.price_precision, spec.quantity_precision
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": render_to(spec.min_price, prices),
            "maxPrice": render_to(spec.max_price, 0),
            "tickSize": render_to(spec.tick, prices),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": render_to(spec.min_qty, lots),
            "maxQty": render_to(spec.max_qty, 0),
            "stepSize": render_to(spec.lot, lots),
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": render_to(spec.market_min_qty, lots),
            "maxQty": render_to(spec.market_max_qty, 0),
            "stepSize": render_to(spec.market_step, lots),
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": spec.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": spec.max_algo_orders},
        {"filterType": "MIN_NOTIONAL", "notional": render_to(spec.min_notional, 0)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": _fraction(spec.mult_up_ppm, spec.mult_decimals),
            "multiplierDown": _fraction(spec.mult_down_ppm, spec.mult_decimals),
            "multiplierDecimal": str(spec.mult_decimals),
        },
    ]


def _fraction(ppm: int, decimals: int) -> str:
    """Return parts per million as a fraction with at least so many decimals: 50000 -> 0.0500."""
    whole, rest = divmod(ppm, 10**_PPM_DECIMALS)
    digits = f"{rest:06d}"
    return f"{whole}.{digits[:decimals]}{digits[decimals:].rstrip('0')}"
