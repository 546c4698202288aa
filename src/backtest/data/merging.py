"""Rows that come beside rows that are stored: equal ones are one, contradicting ones are refused."""

from dataclasses import dataclass

import polars as pl

from backtest.data import columns
from backtest.data.periods import utc
from backtest.data.series import Series
from domain.errors import Conflict
from domain.money import from_units, plain


@dataclass(frozen=True, slots=True)
class Merged:
    """Stored and fresh rows together, in order, and what became of the fresh ones."""

    rows: pl.DataFrame
    added: int
    same: int
    replaced: int
    changed: bool


def merge(stored: pl.DataFrame, fresh: pl.DataFrame, series: Series, *, replace: bool) -> Merged:
    """Return both together. What one source does not tell (null) is taken from the other.

    Raises:
        Conflict: naming the first row that contradicts a stored one, unless `replace`.
    """
    key = columns.KEYS[series.kind]
    if stored.is_empty():
        return Merged(fresh, fresh.height, 0, 0, changed=not fresh.is_empty())
    both = stored.join(fresh, on=key, how="inner", suffix="_fresh")
    told = [name for name in stored.columns if name != key]
    differs = pl.any_horizontal((pl.col(name) != pl.col(f"{name}_fresh")).fill_null(value=False) for name in told)
    at_odds = both.filter(differs)
    if at_odds.height and not replace:
        raise Conflict(_contradiction(at_odds, series, told))
    filled = both.select(key, *(pl.coalesce(f"{name}_fresh", name).alias(name) for name in told))
    kept = stored.join(fresh, on=key, how="anti")
    added = fresh.join(stored, on=key, how="anti")
    rows = pl.concat([kept, filled.select(stored.columns), added]).sort(key)
    return Merged(rows, added.height, both.height - at_odds.height, at_odds.height, changed=not rows.equals(stored))


def _contradiction(at_odds: pl.DataFrame, series: Series, told: list[str]) -> str:
    row = at_odds.row(0, named=True)
    pairs = {name: (row[name], row[f"{name}_fresh"]) for name in told}
    name = next(name for name, pair in pairs.items() if None not in pair and pair[0] != pair[1])
    time, per_ms = columns.TIMES[series.kind]
    when = utc(row[time] // per_ms)
    others = f" ({at_odds.height - 1} more rows differ)" if at_odds.height > 1 else ""
    return (
        f"{series}: at {when} {name} is stored as {_shown(row[name], name)}, and now comes as "
        f"{_shown(row[f'{name}_fresh'], name)}{others}; say --replace to take the new values, or drop what is stored"
    )


def _shown(value: object, name: str) -> str:
    if isinstance(value, int) and name in {*columns.PRICES, "price", "rate"}:
        return plain(from_units(value))
    return str(value)
