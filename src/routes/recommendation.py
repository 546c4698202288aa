"""A grid that would suit a symbol, worked out from its rules, the account's fees and its recent candles."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import numpy as np
import talib

from domain.events import Candle
from domain.instrument import FeeRates, InstrumentRules

ATR_HOURS = 14
LOOK_BACK_HOURS = 168  # one week of hourly candles
MOST_LEVELS = 1000
# A cycle should earn several times its fees, else a tick's slippage eats it.
EARN_TIMES_FEES = 3


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`spacing_percent` is percent between neighbours, `capital` the least quote amount that pays every rung."""

    levels: int
    spacing_percent: Decimal
    capital: Decimal


def break_even_percent(fees: FeeRates) -> Decimal:
    """Return the spacing, in percent, at which one cycle just pays its two maker fees."""
    return ((1 + fees.maker) / (1 - fees.maker) - 1) * 100


def hourly_range_percent(candles: Sequence[Candle]) -> Decimal:
    """Return the average true range of an hour (TA-Lib ATR 14) as percent of the last close."""
    high, low, close = (
        np.array([float(getattr(candle, name)) for candle in candles]) for name in ("high", "low", "close")
    )
    atr = float(talib.ATR(high, low, close, timeperiod=ATR_HOURS)[-1])
    return Decimal(repr(atr)) / candles[-1].close * 100


def enough(candles: Sequence[Candle]) -> bool:
    return len(candles) > ATR_HOURS


def recommend(
    rules: InstrumentRules,
    fees: FeeRates,
    candles: Sequence[Candle],
    price: Decimal,
    min_order_size: Decimal,
) -> Recommendation:
    """Return levels and spacing that hold the look-back's range, and the least capital they take.

    Spacing is one hour's average range, at least several fees and one tick; levels are as many rungs of it as the
    range of the look-back holds; the capital pays the smallest order the venue and the settings (`min_order_size`,
    quote) allow on every rung but one, the base of the upper half bought at `price` with a taker fee.
    """
    least = max(EARN_TIMES_FEES * break_even_percent(fees), rules.tick / price * 100)
    spacing = max(hourly_range_percent(candles), least).quantize(Decimal("0.01"), ROUND_CEILING)
    levels = _levels_that_hold(candles, spacing, rules)
    return Recommendation(levels, spacing, _least_capital(rules, fees, price, spacing, levels, min_order_size))


def _levels_that_hold(candles: Sequence[Candle], spacing: Decimal, rules: InstrumentRules) -> int:
    high = max(candle.high for candle in candles)
    low = min(candle.low for candle in candles)
    steps = math.log(high / low) / math.log1p(float(spacing) / 100)
    return max(3, min(math.ceil(steps) + 1, rules.max_open_orders + 1, MOST_LEVELS))


def _least_capital(
    rules: InstrumentRules, fees: FeeRates, price: Decimal, spacing: Decimal, levels: int, min_order_size: Decimal
) -> Decimal:
    below = (levels - 1) // 2
    above = levels - 1 - below
    ratio = 1 + spacing / 100
    buys = [price / ratio**step for step in range(1, below + 1)]
    lowest = min(buys, default=price)
    quantity = max(_up(max(rules.min_notional, min_order_size) / lowest, rules.lot), rules.min_quantity)
    total = quantity * (sum(buys, Decimal(0)) + above * price * (1 + fees.taker))
    return total.quantize(Decimal("0.01"), ROUND_CEILING)


def _up(value: Decimal, step: Decimal) -> Decimal:
    return (value / step).to_integral_value(ROUND_CEILING) * step
