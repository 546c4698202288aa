"""Requests, rules and plans that many tests start from. BTCUSDT-like numbers."""

from decimal import Decimal
from typing import Any

from domain.grids import GridPlan, GridRequest
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from grid.preflight import PreflightFacts, plan_grid
from risk.gate import GateLimits, RiskGate

BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")
FEES = FeeRates(maker=Decimal("0.001"), taker=Decimal("0.001"))
LIMITS = GateLimits(
    max_order_notional=Decimal(100_000),
    max_exposure=Decimal(1_000_000),
    max_orders_per_10s=1_000,
    max_price_distance=Decimal("0.9"),
    max_price_age_s=1e9,
    max_leverage=20,
)


def btc_rules(**changes: Any) -> InstrumentRules:
    values: dict[str, Any] = {
        "instrument": BTC,
        "status": "TRADING",
        "tick": Decimal("0.01"),
        "lot": Decimal("0.00001"),
        "min_quantity": Decimal("0.00001"),
        "max_quantity": Decimal(9000),
        "min_notional": Decimal(5),
        "bid_up": Decimal(5),
        "bid_down": Decimal("0.2"),
        "ask_up": Decimal(5),
        "ask_down": Decimal("0.2"),
    }
    return InstrumentRules(**(values | changes))


def request(**changes: Any) -> GridRequest:
    values: dict[str, Any] = {"instrument": BTC, "levels": 10, "spacing_percent": Decimal("0.5")}
    return GridRequest(**(values | changes))


def facts(**changes: Any) -> PreflightFacts:
    values: dict[str, Any] = {
        "rules": btc_rules(),
        "fees": FEES,
        "price": Decimal(60_000),
        "free_quote": Decimal(10_000),
        "default_capital": Decimal(1_000),
        "min_order_value": Decimal(10),
        "max_price_distance": Decimal("0.9"),
        "max_order_notional": Decimal(100_000),
    }
    return PreflightFacts(**(values | changes))


def plan(fact_changes: dict[str, Any] | None = None, **changes: Any) -> GridPlan:
    return plan_grid(request(**changes), facts(**(fact_changes or {})))


def gate(**changes: Any) -> RiskGate:
    values = {name: getattr(LIMITS, name) for name in LIMITS.__slots__}
    return RiskGate(GateLimits(**(values | changes)))
