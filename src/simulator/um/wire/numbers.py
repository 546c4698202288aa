"""Decimal text of USD-M: padded to the symbol's precision over REST, plain `0` for nothing in events."""

from simulator.core.symbols import UNIT

MONEY_DECIMALS = 8


def render_to(scaled: int, decimals: int) -> str:
    """Return an amount scaled by UNIT with at least that many decimals, more where its value has them."""
    sign, size = ("-", -scaled) if scaled < 0 else ("", scaled)
    digits = f"{size % UNIT:08d}"
    fraction = digits[:decimals] + digits[decimals:].rstrip("0")
    return f"{sign}{size // UNIT}.{fraction}" if fraction else f"{sign}{size // UNIT}"


def render_money(scaled: int) -> str:
    """Return USDT scaled by UNIT with 8 decimals."""
    return render_to(scaled, MONEY_DECIMALS)


def in_event(scaled: int, decimals: int = 0) -> str:
    """Return an amount as events show it: `0` for nothing."""
    return render_to(scaled, decimals) if scaled else "0"


def ratio(ppm: int) -> float:
    """Return a rate in parts per million as the JSON number that leverageBracket shows."""
    return ppm / 1_000_000


def number(scaled: int) -> int | float:
    """Return an amount scaled by UNIT as a JSON number, whole where it is."""
    return scaled // UNIT if scaled % UNIT == 0 else scaled / UNIT
