"""Small back-tests for tests of what is told about them, by the plain form of the engine: nothing is compiled."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from backtest.candles import Candles
from backtest.measures import measure
from backtest.price_path import PricePath
from backtest.result import RanBy, Result
from backtest.rules_source import UsedRules
from backtest.run import run_on
from backtest.scenario import FillAssumption, FillKind, PathRule, Scenario
from backtest.study import Bounds, Study
from domain.grids import GridRequest
from domain.instrument import Instrument, InstrumentRules, Market

START_MS = 1_704_067_200_000  # 2024-01-01
HOUR_MS = 3_600_000
BTC = Instrument("binance", Market.SPOT, "BTC", "USDT")


def rules(**named: Any) -> UsedRules:
    given: dict[str, Any] = {
        "instrument": BTC,
        "status": "TRADING",
        "tick": Decimal("0.01"),
        "lot": Decimal("0.00001"),
        "min_quantity": Decimal("0.00001"),
        "max_quantity": Decimal(9000),
        "min_notional": Decimal(5),
        **named,
    }
    return UsedRules(InstrumentRules(**given), "a test", date(2024, 2, 1))


def walk(hours: int, *, seed: int = 1, sigma: float = 0.006, drift: float = 0.0) -> Candles:
    """Return hourly candles of a seeded walk around 40,000."""
    random = np.random.default_rng(seed)
    closes = 40_000 * np.exp(np.cumsum(random.normal(drift, sigma, hours)))
    opens = np.concatenate(([40_000.0], closes[:-1]))
    reach = 1 + np.abs(random.normal(0, sigma / 2, (2, hours)))
    cents = {
        "open": opens,
        "close": closes,
        "high": np.maximum(opens, closes) * reach[0],
        "low": np.minimum(opens, closes) / reach[1],
    }
    units = {name: np.round(values * 100).astype(np.int64) * 10**6 for name, values in cents.items()}
    return candles(units, random.uniform(1, 50, hours))


def candles(units: dict[str, np.ndarray[Any, Any]], volume: np.ndarray[Any, Any]) -> Candles:
    return Candles(
        symbol="BTCUSDT",
        market=Market.SPOT,
        interval_ms=HOUR_MS,
        open_ms=START_MS + np.arange(len(volume), dtype=np.int64) * HOUR_MS,
        volume=volume,
        **units,
    )


def without(series: Candles, first: int, until: int) -> Candles:
    """Return the candles with a gap."""
    kept = np.r_[0:first, until : len(series)]
    columns = ("open_ms", "open", "high", "low", "close", "volume")
    return replace(series, **{name: getattr(series, name)[kept] for name in columns})


def scenario(series: Candles, **named: Any) -> Scenario:
    grid: dict[str, Any] = {"instrument": BTC, "levels": 12, "spacing_percent": Decimal(1), "capital": Decimal(10_000)}
    given = {name: named.pop(name) for name in list(named) if name in GridRequest.__dataclass_fields__}
    balances = named.pop("balances", {"USDT": Decimal(10_000)})
    return Scenario.of(GridRequest(**{**grid, **given}), series, rules().rules, balances=balances, **named)


def replayed(series: Candles, wanted: Scenario, *, curve: bool = True) -> Result:
    return run_on(PricePath.of(series, wanted), wanted, curve=curve, form=RanBy.PLAIN)


def a_study(series: Candles | None = None, *, bounds: bool = True, **named: Any) -> Study:
    """Return a whole study; `named` are keys of the grid or of the scenario."""
    series = series if series is not None else walk(24 * 40)
    wanted = scenario(series, **named)
    result = replayed(series, wanted)
    through = replace(wanted, path=PathRule.PESSIMISTIC, fill=FillAssumption(FillKind.THROUGH))
    touch = replace(wanted, path=PathRule.OPTIMISTIC, fill=FillAssumption(FillKind.TOUCH))
    return Study(
        candles=series,
        origin="from a test",
        rules=rules(),
        result=result,
        measures=measure(result, series),
        bounds=Bounds(pessimistic=replayed(series, through), optimistic=replayed(series, touch)) if bounds else None,
        made_ms=START_MS,
    )
