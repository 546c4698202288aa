"""Recorded numbers as exact scaled ints, whatever type a file keeps them in."""

import re
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from simulator.core.symbols import UNIT

IntArray = NDArray[Any]
"""int64, or Python ints in an object array where a value would not fit."""

_PLAIN: Final = re.compile(r"([0-9]+)(?:\.([0-9]{0,8})0*)?")
_INT64_SAFE: Final = 2.0**62
_EXACT_FLOAT: Final = 2.0**52


def parse_text(text: str, *, unit: int = UNIT) -> int:
    """Return decimal text scaled by `unit`, exactly where `unit` has the decimals, else rounded half even.

    Raises:
        ValueError: for text that is no finite number.
    """
    match = _PLAIN.fullmatch(text)
    if match is not None and unit == UNIT:
        return int(match[1]) * UNIT + int((match[2] or "").ljust(8, "0"))
    try:
        value = Decimal(text.strip())
    except InvalidOperation as error:
        raise ValueError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return int((value * unit).to_integral_value(ROUND_HALF_EVEN))


def parse_texts(texts: list[str], *, unit: int = UNIT) -> IntArray:
    """Return a column of decimal texts as scaled ints."""
    return as_array([parse_text(text, unit=unit) for text in texts])


def parse_floats(values: NDArray[np.float64], grid: int) -> IntArray:
    """Return floats scaled by 10**8 as the decimals they were written from.

    A value within float noise (4 units in the last place) of a multiple of `grid` (scaled by 10**8) is
    that multiple; any other is its shortest decimal text, rounded to 8 decimals.
    """
    per_unit = max(1, UNIT // grid)
    steps = np.rint(values * per_unit)
    on_grid = (np.abs(steps / per_unit - values) <= 4 * np.spacing(np.abs(values))) & (np.abs(steps) < _EXACT_FLOAT)
    scale = UNIT // per_unit
    if on_grid.all() and np.abs(steps).max(initial=0.0) * scale < _INT64_SAFE:
        return steps.astype(np.int64) * scale
    exact = [
        int(step) * scale if fits else parse_text(repr(float(value)))
        for value, step, fits in zip(values.tolist(), steps.tolist(), on_grid.tolist(), strict=True)
    ]
    return as_array(exact)


def as_array(values: list[int]) -> IntArray:
    """Return ints as int64 where all fit, else as an object array."""
    if any(abs(value) >= 2**62 for value in values):
        wide = np.empty(len(values), dtype=object)
        wide[:] = values
        return wide
    return np.array(values, dtype=np.int64)
