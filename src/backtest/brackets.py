"""Leverage brackets of contracts: those that lie here, and those of a saved answer of the venue."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from domain.errors import FieldMistake, InvalidRequest
from domain.futures import Bracket
from domain.money import ZERO, exact

BUILT_IN: Final = "builtin"
_THOUSAND: Final = 1_000
_REMEDY: Final = "save the answer of GET /fapi/v1/leverageBracket to a file and say --brackets FILE"

# Most leverage, cap of the notional in thousands of USDT, maintenance rate, of 2025 without tier.
_STEPS: Final[Mapping[str, str]] = {
    "BTCUSDT": "150 300 .004, 100 800 .005, 75 3000 .0065, 50 12000 .01, 25 70000 .02, 20 100000 .025, 10 230000 .05, "
    "5 480000 .1, 4 600000 .125, 3 800000 .15, 2 1200000 .25, 1 1800000 .5",
    "ETHUSDT": "125 300 .004, 100 800 .005, 75 3000 .0065, 50 12000 .01, 25 50000 .02, 20 65000 .025, 10 150000 .05, "
    "5 320000 .1, 4 400000 .125, 3 530000 .15, 2 800000 .25, 1 1200000 .5",
    "SOLUSDT": "100 50 .005, 75 400 .0065, 50 1000 .01, 25 4000 .02, 20 8000 .025, 10 40000 .05, 5 80000 .1, "
    "4 100000 .125, 2 200000 .25, 1 400000 .5",
    "BNBUSDT": "75 10 .005, 50 50 .006, 40 200 .01, 25 1500 .02, 20 3000 .025, 10 15000 .05, 5 30000 .1, "
    "4 37500 .125, 2 75000 .25, 1 150000 .5",
    "DOGEUSDT": "75 80 .0065, 50 150 .01, 40 750 .0125, 25 2000 .02, 20 4000 .025, 10 20000 .05, 5 40000 .1, "
    "4 50000 .125, 2 100000 .25, 1 200000 .5",
}


def built_in(symbol: str) -> tuple[Bracket, ...]:
    """Return the brackets that lie in this file.

    Raises:
        InvalidRequest: naming `brackets`, for a contract that is not among them.
    """
    if symbol not in _STEPS:
        raise _refused(f"there are none built in for {symbol}, only for {', '.join(_STEPS)}; {_REMEDY}")
    rows = (step.split() for step in _STEPS[symbol].split(","))
    return _joined((int(most), Decimal(cap) * _THOUSAND, Decimal(rate)) for most, cap, rate in rows)


@exact
def _joined(steps: Iterable[tuple[int, Decimal, Decimal]]) -> tuple[Bracket, ...]:
    """Return brackets whose deductions follow from maintenance being continuous where they meet."""
    brackets: list[Bracket] = []
    floor = deduction = before = ZERO
    for most, cap, rate in steps:
        deduction += floor * (rate - before)
        brackets.append(Bracket(floor=floor, cap=cap, max_leverage=most, maintenance_rate=rate, deduction=deduction))
        floor, before = cap, rate
    return tuple(brackets)


def read_brackets(file: Path, symbol: str) -> tuple[Bracket, ...]:
    """Return a contract's brackets from a saved answer of the venue, for one symbol or for all.

    Raises:
        InvalidRequest: naming `brackets`, if the file cannot be read or does not hold the contract.
    """
    try:
        told = json.loads(file.read_bytes())
    except (OSError, ValueError) as error:
        raise _refused(f"{file} cannot be read: {error}; {_REMEDY}") from None
    rows = _rows_of(told, symbol)
    if not rows:
        raise _refused(f"{file} does not hold {symbol}; {_REMEDY}")
    try:
        found = sorted((_bracket(row) for row in rows), key=lambda bracket: bracket.floor)
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise _refused(f"{file}: what is said of {symbol} cannot be used ({error!r}); {_REMEDY}") from None
    return tuple(found)


def _rows_of(told: Any, symbol: str) -> list[Any]:
    if isinstance(told, list):
        told = next((entry for entry in told if isinstance(entry, dict) and entry.get("symbol") == symbol), {})
    if not isinstance(told, dict):
        return []
    rows = told.get("brackets") if told.get("symbol") == symbol else told.get(symbol)
    return rows if isinstance(rows, list) else []


def _bracket(row: Mapping[str, Any]) -> Bracket:
    return Bracket(
        floor=Decimal(str(row["notionalFloor"])),
        cap=Decimal(str(row["notionalCap"])),
        max_leverage=int(row["initialLeverage"]),
        maintenance_rate=Decimal(str(row["maintMarginRatio"])),
        deduction=Decimal(str(row["cum"])),
    )


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest([FieldMistake("brackets", message)])
