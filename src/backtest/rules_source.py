"""Which order rules a replay is held to, where they come from and of when: nothing is made up in silence."""

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, cast

from domain.errors import FieldMistake, InvalidRequest, VenueError
from domain.instrument import Instrument, InstrumentRules, Market

BUILT_IN: Final = "builtin"
BUILT_IN_DATE: Final = date(2025, 8, 1)
RULES_NOTES: Final = "rules-production.json"
"""Where a server on the real exchange notes the spot rules in use, in its data folder."""

ParseRules = Callable[[Instrument, Mapping[str, Any]], InstrumentRules]
_Row = Mapping[str, Any]

# Spot: tick, lot, minimum notional in USDT.
_BUILT_IN: Final[Mapping[str, tuple[str, str, str]]] = {
    "BTC": ("0.01", "0.00001", "5"),
    "ETH": ("0.01", "0.0001", "5"),
    "BNB": ("0.01", "0.001", "5"),
    "SOL": ("0.01", "0.001", "5"),
    "XRP": ("0.0001", "0.1", "5"),
    "ADA": ("0.0001", "0.1", "5"),
    "DOGE": ("0.00001", "1", "1"),
}


# USD-M perpetuals, the same.
_BUILT_IN_FUTURES: Final[Mapping[str, tuple[str, str, str]]] = {
    "BTC": ("0.1", "0.001", "100"),
    "ETH": ("0.01", "0.001", "20"),
    "BNB": ("0.01", "0.01", "5"),
    "SOL": ("0.01", "1", "5"),
    "DOGE": ("0.00001", "1", "5"),
}


@dataclass(frozen=True, slots=True)
class UsedRules:
    """Rules with their origin, for the report. `dated` is the day they were published or read, None where unknown."""

    rules: InstrumentRules
    origin: str
    dated: date | None

    @property
    def sentence(self) -> str:
        when = f"of {self.dated}" if self.dated else "of an unknown day"
        rules = self.rules
        return (
            f"{when} ({self.origin}): prices in steps of {rules.tick:f}, quantities in steps of "
            f"{rules.lot:f}, orders worth at least {rules.min_notional:f} {rules.instrument.quote}"
        )


def built_in(symbol: str, market: Market) -> UsedRules:
    """Return the rules that lie in this file: Binance's filters of the largest USDT pairs and perpetuals.

    Raises:
        InvalidRequest: for a symbol or market that is not among them.
    """
    base = symbol.removesuffix("USDT")
    known = _BUILT_IN if market is Market.SPOT else _BUILT_IN_FUTURES
    if base not in known or base == symbol:
        have = ", ".join(f"{name}USDT" for name in known)
        raise _refused(f"there are none built in for {symbol} on {market}, only for {have}; {_REMEDY}")
    tick, lot, least = (Decimal(text) for text in known[base])
    rules = InstrumentRules(
        instrument=Instrument("binance", market, base, "USDT"),
        status="TRADING",
        tick=tick,
        lot=lot,
        min_quantity=lot,
        max_quantity=Decimal(0),
        min_notional=least,
    )
    return UsedRules(rules, "built in, without the venue's upper limits", BUILT_IN_DATE)


def read_rules(file: Path, symbol: str, market: Market, parse: ParseRules) -> UsedRules:
    """Return a symbol's rules from a saved answer of exchangeInfo (also .gz), or the notes of a data folder.

    Raises:
        InvalidRequest: naming `rules`, if the file cannot be read or does not hold the symbol.
    """
    told = _load(file)
    rows = told.get("symbols")
    if isinstance(rows, list):
        row = next((entry for entry in rows if isinstance(entry, dict) and entry.get("symbol") == symbol), None)
    else:
        row = told.get(symbol)
    if not isinstance(row, dict):
        raise _refused(f"{file} does not hold {symbol}; {_REMEDY}")
    try:
        instrument = Instrument("binance", market, row["baseAsset"], row["quoteAsset"])
        rules = parse(instrument, row)
    except (VenueError, KeyError, TypeError) as error:
        raise _refused(f"{file}: what is said of {symbol} cannot be used ({error!s}); {_REMEDY}") from None
    return UsedRules(rules, str(file), _date_of(told, file))


def find_rules(wanted: str | None, symbol: str, market: Market, parse: ParseRules, data_dir: Path) -> UsedRules:
    """Return the rules asked for; without a wish those a server noted in `data_dir`, else the built-in ones.

    Raises:
        InvalidRequest: if there are none.
    """
    if wanted == BUILT_IN:
        return built_in(symbol, market)
    if wanted is not None:
        return read_rules(Path(wanted), symbol, market, parse)
    notes = data_dir / RULES_NOTES
    if market is Market.SPOT and notes.is_file() and symbol in _load(notes):
        return read_rules(notes, symbol, market, parse)
    return built_in(symbol, market)


_REMEDY: Final = (
    "save the answer of https://api.binance.com/api/v3/exchangeInfo (futures: https://fapi.binance.com/fapi/v1/"
    "exchangeInfo) to a file and say --rules FILE"
)


def _load(file: Path) -> dict[str, Any]:
    try:
        raw = file.read_bytes()
        told = json.loads(gzip.decompress(raw) if file.suffix == ".gz" else raw)
    except (OSError, ValueError, EOFError) as error:
        raise _refused(f"{file} cannot be read: {error}; {_REMEDY}") from None
    if not isinstance(told, dict):
        raise _refused(f"{file} is no answer of exchangeInfo; {_REMEDY}")
    return cast("dict[str, Any]", told)


def _date_of(told: _Row, file: Path) -> date | None:
    server_ms = told.get("serverTime")
    if isinstance(server_ms, int):
        return datetime.fromtimestamp(server_ms / 1000, UTC).date()
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).date()


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest([FieldMistake("rules", message)])
