"""A grid that would suit a symbol, worked out from its rules, the account's fees and its recent candles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from domain.errors import InvalidRequest
from domain.events import Candle
from domain.grids import GridRequest
from grid.core.shapes import least_spacing
from grid.preflight import MINIMUM_FACTOR, PreflightFacts, plan_grid

ATR_HOURS = 14
LOOK_BACK_HOURS = 168  # one week of hourly candles
FEWEST_LEVELS = 3
MOST_LEVELS = 1000
_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`spacing_percent` is percent between neighbours, `capital` the least quote amount that pays every rung."""

    levels: int
    spacing_percent: Decimal
    capital: Decimal


def hourly_range_percent(candles: Sequence[Candle]) -> Decimal:
    """Return the average true range of an hour (TA-Lib ATR 14) as percent of the last close."""
    import numpy as np  # noqa: PLC0415  talib loads a data frame library that no start should wait for
    import talib  # noqa: PLC0415

    high, low, close = (
        np.array([float(getattr(candle, name)) for candle in candles]) for name in ("high", "low", "close")
    )
    atr = float(talib.ATR(high, low, close, timeperiod=ATR_HOURS)[-1])
    return Decimal(repr(atr)) / candles[-1].close * 100


def enough(candles: Sequence[Candle]) -> bool:
    """Return whether volatility can be measured on these hourly candles."""
    return len(candles) > ATR_HOURS


def recommend(facts: PreflightFacts, candles: Sequence[Candle]) -> Recommendation:
    """Return levels and spacing that hold the candles' range, and the least capital such a grid takes.

    Spacing is one hour's average range, at least several fees and two ticks. Levels are as many rungs of it as the
    range of the candles holds. The capital is what preflight itself asks for the smallest quantity it accepts.

    Raises:
        InvalidRequest: if no such grid passes preflight here; it says why.
    """
    least = least_spacing(facts.fees, facts.rules.tick, facts.price)
    spacing = max(hourly_range_percent(candles), least).quantize(_HUNDREDTH, ROUND_CEILING)
    levels = min(_levels_that_hold(candles, spacing), facts.rules.max_open_orders + 1, MOST_LEVELS)
    return with_capital(facts, levels, spacing)


def _levels_that_hold(candles: Sequence[Candle], spacing: Decimal) -> int:
    high = max(candle.high for candle in candles)
    low = min(candle.low for candle in candles)
    return max(FEWEST_LEVELS, math.ceil(math.log(high / low) / math.log1p(float(spacing) / 100)) + 1)


def with_capital(facts: PreflightFacts, levels: int, spacing: Decimal) -> Recommendation:
    """Return these levels and this spacing with the least capital that preflight asks of them.

    Raises:
        InvalidRequest: if they do not pass preflight here.
    """
    rules = facts.rules
    free = replace(facts, free_quote=None)
    below = levels // 2
    lowest = facts.price / (1 + spacing / 100) ** below - rules.tick
    value = max(facts.min_order_value, rules.min_notional * MINIMUM_FACTOR)
    lots = (max(value / max(lowest, rules.tick), rules.min_quantity) / rules.lot).to_integral_value(ROUND_CEILING)
    request = GridRequest(
        instrument=rules.instrument, levels=levels, spacing_percent=spacing, quantity=rules.quantity(int(lots))
    )
    capital = plan_grid(request, free).capital_needed
    return Recommendation(levels, spacing, capital.quantize(_HUNDREDTH, ROUND_CEILING))


def why_not(error: InvalidRequest) -> list[str]:
    """Return what preflight has against the recommended grid, as sentences."""
    return [f"{mistake.field}: {mistake.message}" for mistake in error.mistakes]
