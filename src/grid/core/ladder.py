"""Price ladders in whole ticks, by exact integer arithmetic: the same rungs on every machine.

Rungs ascend. The start price is itself a rung and stands in the middle (index `levels // 2`).
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise

PPM = 1_000_000

# Wide enough that the root of a ratio of two 64-bit prices rounds to the right tick.
_WIDE = Context(prec=60)


class LadderError(ValueError):
    """The rungs asked for cannot stand on this tick grid; the text says why."""


def geometric_around(start_ticks: int, spacing_ppm: int, levels: int) -> list[int]:
    """Return `levels` rungs around `start_ticks`, neighbours `spacing_ppm` millionths apart.

    Raises:
        LadderError: if two rungs round to one tick or the lowest to none.
    """
    middle = levels // 2
    step = PPM + spacing_ppm
    rungs = []
    for index in range(levels):
        power = abs(index - middle)
        if index >= middle:
            rungs.append(_half_up(start_ticks * step**power, PPM**power))
        else:
            rungs.append(_half_up(start_ticks * PPM**power, step**power))
    return _checked(rungs)


def arithmetic_around(start_ticks: int, spacing_ppm: int, levels: int) -> list[int]:
    """Return `levels` rungs around `start_ticks`, each `spacing_ppm` millionths of the start price apart.

    Raises:
        LadderError: if two rungs round to one tick or the lowest to none.
    """
    middle = levels // 2
    return _checked(
        [start_ticks + _half_up_signed((index - middle) * start_ticks * spacing_ppm, PPM) for index in range(levels)]
    )


def geometric_between(lower_ticks: int, upper_ticks: int, levels: int) -> list[int]:
    """Return `levels` rungs from `lower_ticks` to `upper_ticks` with one ratio between neighbours.

    Raises:
        LadderError: if the bounds are not ascending or two rungs round to one tick.
    """
    _check_bounds(lower_ticks, upper_ticks, levels)
    lower, upper = Decimal(lower_ticks), Decimal(upper_ticks)
    growth = _WIDE.ln(_WIDE.divide(upper, lower))
    rungs = [lower_ticks]
    for index in range(1, levels - 1):
        share = _WIDE.divide(_WIDE.multiply(growth, Decimal(index)), Decimal(levels - 1))
        exact = _WIDE.multiply(lower, _WIDE.exp(share))
        rungs.append(int(exact.to_integral_value(ROUND_HALF_UP, _WIDE)))
    return _checked([*rungs, upper_ticks])


def arithmetic_between(lower_ticks: int, upper_ticks: int, levels: int) -> list[int]:
    """Return `levels` rungs from `lower_ticks` to `upper_ticks` with one difference between neighbours.

    Raises:
        LadderError: if the bounds are not ascending or two rungs round to one tick.
    """
    _check_bounds(lower_ticks, upper_ticks, levels)
    width = upper_ticks - lower_ticks
    return _checked([lower_ticks + _half_up(width * index, levels - 1) for index in range(levels)])


def nearest_rung(prices: Sequence[int], price_ticks: int) -> int:
    """Return the index of the rung nearest to `price_ticks`, the lower one of two at the same distance."""
    return min(range(len(prices)), key=lambda index: (abs(prices[index] - price_ticks), index))


def _check_bounds(lower_ticks: int, upper_ticks: int, levels: int) -> None:
    if not 0 < lower_ticks < upper_ticks:
        raise LadderError("the lower bound must be above zero and below the upper bound")
    if levels < 2:
        raise LadderError("a ladder between bounds needs at least two rungs")


def _checked(rungs: list[int]) -> list[int]:
    if rungs[0] <= 0:
        raise LadderError("the lowest rung would be at or below zero; use fewer levels or a smaller spacing")
    for below, above in pairwise(rungs):
        if above <= below:
            raise LadderError("two rungs round to one price tick; use a larger spacing or fewer levels")
    return rungs


def _half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)


def _half_up_signed(numerator: int, denominator: int) -> int:
    half = _half_up(abs(numerator), denominator)
    return half if numerator >= 0 else -half
