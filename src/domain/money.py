"""Exact decimal money.

Amounts come from the venue's own texts and are only added, subtracted and multiplied. The context traps `Inexact`:
an operation that would round raises instead of rounding in silence. `exact` applies it whatever thread runs.
"""

from collections.abc import Callable
from decimal import (
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

# 60 digits hold price x quantity x price of a fee asset with room to spare; at the default 28 that product is inexact.
EXACT = Context(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])

ZERO = Decimal(0)
UNIT = Decimal("0.00000001")
UNITS_PER_ONE = 10**8


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in the exact context.

    Raises:
        decimal.Inexact: where an operation inside would have to round.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(EXACT):
            return function(*args, **kwargs)

    return run


def parse_amount(text: str) -> Decimal:
    """Return the finite decimal that `text` writes.

    Raises:
        ValueError: for anything else (NaN, Infinity, empty, spaces).
    """
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not value.is_finite():
        raise ValueError(f"{text!r} is not a finite number")
    return value


def plain(value: Decimal) -> str:
    """Return `value` in fixed-point notation, no exponent, no trailing zeros ("0.00001", "45000")."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


@exact
def to_units(amount: Decimal) -> int:
    """Return `amount` in whole 1e-8 units.

    Raises:
        ValueError: if it is no whole number of units.
    """
    units = amount * UNITS_PER_ONE
    if units != units.to_integral_value():
        raise ValueError(f"{amount} has more than 8 decimals")
    return int(units)


@exact
def from_units(units: int) -> Decimal:
    """Return the amount of whole 1e-8 `units`."""
    return Decimal(units) * UNIT
