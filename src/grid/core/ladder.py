"""Price ladders in whole ticks, by exact integer arithmetic: the same rungs on every machine.

Rungs ascend. The start price is itself a rung and stands in the middle (index `levels // 2`).
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise

PPM = 1_000_000

# Wide enough that the root of a ratio of two 64-bit prices rounds to the right tick.
_WIDE = Context(prec=60)


class LadderError(ValueError):
    """The rungs asked for cannot stand on this tick grid; the text says why."""


Rung = Callable[[int], int]
"""The price in ticks of a rung by its index, which may lie beyond the ladder's ends."""


def geometric_around(start_ticks: int, spacing_ppm: int, levels: int) -> list[int]:
    """Return `levels` rungs around `start_ticks`, neighbours `spacing_ppm` millionths apart.

    Raises:
        LadderError: if two rungs round to one tick or the lowest to none.
    """
    return checked(list(map(geometric_rungs_around(start_ticks, spacing_ppm, levels), range(levels))))


def geometric_from(lower_ticks: int, spacing_ppm: int, levels: int) -> list[int]:
    """Return `levels` rungs from `lower_ticks` up, neighbours `spacing_ppm` millionths apart.

    Raises:
        LadderError: if two rungs round to one tick or the lowest to none.
    """
    rungs, numerator, denominator = [], lower_ticks, 1
    for _ in range(levels):
        rungs.append(_half_up(numerator, denominator))
        numerator *= PPM + spacing_ppm
        denominator *= PPM
    return checked(rungs)


def arithmetic_around(start_ticks: int, spacing_ppm: int, levels: int) -> list[int]:
    """Return `levels` rungs around `start_ticks`, each `spacing_ppm` millionths of the start price apart.

    Raises:
        LadderError: if two rungs round to one tick or the lowest to none.
    """
    return checked(list(map(arithmetic_rungs_around(start_ticks, spacing_ppm, levels), range(levels))))


def geometric_between(lower_ticks: int, upper_ticks: int, levels: int) -> list[int]:
    """Return `levels` rungs from `lower_ticks` to `upper_ticks` with one ratio between neighbours.

    Raises:
        LadderError: if the bounds are not ascending or two rungs round to one tick.
    """
    _check_bounds(lower_ticks, upper_ticks, levels)
    inner = map(geometric_rungs_between(lower_ticks, upper_ticks, levels), range(1, levels - 1))
    return checked([lower_ticks, *inner, upper_ticks])


def arithmetic_between(lower_ticks: int, upper_ticks: int, levels: int) -> list[int]:
    """Return `levels` rungs from `lower_ticks` to `upper_ticks` with one difference between neighbours.

    Raises:
        LadderError: if the bounds are not ascending or two rungs round to one tick.
    """
    _check_bounds(lower_ticks, upper_ticks, levels)
    return checked(list(map(arithmetic_rungs_between(lower_ticks, upper_ticks, levels), range(levels))))


def geometric_rungs_around(start_ticks: int, spacing_ppm: int, levels: int) -> Rung:
    middle, step = levels // 2, PPM + spacing_ppm

    def rung(index: int) -> int:
        power = abs(index - middle)
        if index >= middle:
            return _half_up(start_ticks * step**power, PPM**power)
        return _half_up(start_ticks * PPM**power, step**power)

    return rung


def arithmetic_rungs_around(start_ticks: int, spacing_ppm: int, levels: int) -> Rung:
    middle = levels // 2
    return lambda index: start_ticks + _half_up_signed((index - middle) * start_ticks * spacing_ppm, PPM)


def geometric_rungs_between(lower_ticks: int, upper_ticks: int, levels: int) -> Rung:
    lower, upper = Decimal(lower_ticks), Decimal(upper_ticks)
    growth = _WIDE.ln(_WIDE.divide(upper, lower))

    def rung(index: int) -> int:
        share = _WIDE.divide(_WIDE.multiply(growth, Decimal(index)), Decimal(levels - 1))
        exact = _WIDE.multiply(lower, _WIDE.exp(share))
        return int(exact.to_integral_value(ROUND_HALF_UP, _WIDE))

    return rung


def arithmetic_rungs_between(lower_ticks: int, upper_ticks: int, levels: int) -> Rung:
    width = upper_ticks - lower_ticks
    return lambda index: lower_ticks + _half_up_signed(width * index, levels - 1)


def lengthened(rungs: Sequence[int], rung: Rung, down_to: int | None, up_to: int | None, most: int) -> list[int]:
    """Return the ladder with the rungs beyond its ends down to one price in ticks and up to the other, None: none.

    Raises:
        LadderError: if two of them round to one tick, or there would be more than `most` in all.
    """
    below = _beyond(rung, -1, -1, lambda ticks: down_to is not None and ticks >= max(down_to, 1), most)
    above = _beyond(rung, len(rungs), 1, lambda ticks: up_to is not None and ticks <= up_to, most)
    whole = checked([*reversed(below), *rungs, *above])
    if len(whole) > most:
        raise LadderError(f"more than {most} rungs lie on the way; use a nearer price or a larger spacing")
    return whole


def _beyond(rung: Rung, index: int, step: int, is_within: Callable[[int], bool], most: int) -> list[int]:
    found: list[int] = []
    while len(found) <= most and is_within(ticks := rung(index)):
        found.append(ticks)
        index += step
    return found


def nearest_rung(prices: Sequence[int], price_ticks: int) -> int:
    """Return the index of the rung nearest to `price_ticks`, the lower one of two at the same distance."""
    return min(range(len(prices)), key=lambda index: (abs(prices[index] - price_ticks), index))


def _check_bounds(lower_ticks: int, upper_ticks: int, levels: int) -> None:
    if not 0 < lower_ticks < upper_ticks:
        raise LadderError("the lower bound must be above zero and below the upper bound")
    if levels < 2:
        raise LadderError("a ladder between bounds needs at least two rungs")


def checked(rungs: list[int]) -> list[int]:
    """Return the rungs if they ascend from above zero.

    Raises:
        LadderError: if they do not.
    """
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
