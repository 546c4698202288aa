"""Decimal text on the wire and scaled integers inside, exactly, both ways."""

import re
from typing import Final

from simulator.wire import errors

UNIT: Final = 10**8
"""Prices and quantities are integers scaled by this."""
MONEY_UNIT: Final = 10**16
"""Balances and quote amounts are integers scaled by this, so that price x quantity is exact."""

DECIMAL_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_DECIMAL: Final = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?")
_LARGEST: Final = 2**63 - 1


def parse_scaled(name: str, text: str) -> int:
    """Return `text` as an integer scaled by 10**8.

    Raises:
        ApiError: -1100 for exponents, signs, commas and the like, -1111 beyond 8 decimals,
            -1108 where the scaled value does not fit 64 bits.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise errors.illegal_characters(name, DECIMAL_RANGE)
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > 8:
        raise errors.too_much_precision(name)
    scaled = int(match[1]) * UNIT + int(fraction.ljust(8, "0"))
    if scaled > _LARGEST:
        raise errors.overflow(name)
    return scaled


def render(scaled: int) -> str:
    """Return an integer scaled by 10**8 as decimal text padded to 8 decimals."""
    sign, size = ("-", -scaled) if scaled < 0 else ("", scaled)
    return f"{sign}{size // UNIT}.{size % UNIT:08d}"


def render_money(scaled: int) -> str:
    """Return an integer scaled by 10**16 as text: 8 decimals, more where the exact value has them."""
    sign, size = ("-", -scaled) if scaled < 0 else ("", scaled)
    fraction = f"{size % MONEY_UNIT:016d}"
    return f"{sign}{size // MONEY_UNIT}.{fraction[:8]}{fraction[8:].rstrip('0')}"


def render_ppm(ppm: int) -> str:
    """Return a rate in parts per million as a fraction with 8 decimals (1000 -> 0.00100000)."""
    return f"{ppm // 1_000_000}.{ppm % 1_000_000:06d}00"
