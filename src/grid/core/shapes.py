"""Which ladders may suit a market: from how far its prices move and from what a cycle costs. Nothing here is money."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

from domain.instrument import FeeRates

EARN_TIMES_FEES: Final = 3
"""A cycle should earn several times its fees, else the wait for a fill is paid for by them."""
LEVELS: Final = (4, 6, 10, 16, 24, 40)
_RANGES: Final = (0.5, 1.0, 1.5, 2.5)  # half of the ladder, in what the price usually moves within a week
_STEPS: Final = (0.5, 1.0, 2.0, 4.0)  # spacing, in the usual range of an hour
_DAYS_A_WEEK: Final = 7
_WIDEST: Final = Decimal(10)
_HUNDREDTH: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Volatility:
    """How far prices move, in percent: the average true range of an hour, and a day's standard deviation."""

    hourly_range: float
    daily_move: float


@dataclass(frozen=True, slots=True, order=True)
class Shape:
    """A ladder around the price; `spacing` is percent between neighbouring rungs, geometric."""

    levels: int
    spacing: Decimal


def break_even_percent(fees: FeeRates) -> Decimal:
    """Return the spacing, in percent, at which one cycle just pays its two maker fees."""
    return (1 / (1 - fees.maker) ** 2 - 1) * 100


def least_spacing(fees: FeeRates, tick: Decimal, price: Decimal) -> Decimal:
    """Return the narrowest spacing worth having, in percent: several fees and two ticks, rounded up to hundredths."""
    least = max(EARN_TIMES_FEES * break_even_percent(fees), 2 * tick / price * 100)
    return least.quantize(_HUNDREDTH, ROUND_CEILING)


def shapes(moves: Volatility, least: Decimal) -> tuple[Shape, ...]:
    """Return the ladders worth a replay, narrowest first; none is spaced closer than `least` percent."""
    wanted = (Shape(levels, _rounded(spacing, least)) for levels, spacing in _wanted(moves))
    return tuple(sorted({shape for shape in wanted if shape.spacing <= max(least, _WIDEST)}))


def _wanted(moves: Volatility) -> Iterator[tuple[int, float]]:
    weekly = moves.daily_move * math.sqrt(_DAYS_A_WEEK) / 100
    for levels in LEVELS:
        for half in _RANGES:
            yield levels, 100 * math.expm1(2 * half * weekly / (levels - 1))
        for step in _STEPS:
            yield levels, step * moves.hourly_range


def _rounded(spacing: float, least: Decimal) -> Decimal:
    return max(Decimal(f"{spacing:.2f}"), least)
