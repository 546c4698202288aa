"""Columns of numbers and times, read without a binary float where there is a text.

Prices and rates become whole units of 1e-8; volumes, which outgrow 64 bits in such units, decimals with 8 places.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NoReturn

import polars as pl

from backtest.data.series import refuse
from domain.money import UNIT, parse_amount, to_units

AMOUNT: Final = pl.Decimal(38, 8)
_WIDE: Final = pl.Decimal(38, 18)
_TOO_FINE: Final = r"\.\d{18}\d*[1-9]|[eE]-(1[1-9]|[2-9]\d|\d{3,})"
"""Digits which the wide decimal would drop without a word."""
_SECONDS_BELOW: Final = 10**11
_MICROSECONDS_FROM: Final = 10**14
_NANOSECONDS_FROM: Final = 10**17
_WHOLE: Final = r"^\d{1,19}(\.0*)?$"
_ISO: Final = r"^\d{4}-\d{2}-\d{2}"
_MAX_UNITS: Final = 2**63 - 1
TimeUnit = Literal["s", "ms", "us", "ns"]
_PER_SECOND: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Place:
    """Where rows come from, for messages: the file, and how many rows came before these."""

    file: str
    rows_before: int = 0

    def refuse(self, field: str, at: int, message: str) -> NoReturn:
        """Refuse row `at` of these; the file's first data row is 1.

        Raises:
            InvalidRequest: always.
        """
        refuse(field, f"{self.file}, row {self.rows_before + at + 1}: {message}")


def amounts(column: pl.Series, place: Place) -> pl.Series:
    """Return a column as decimals with 8 places, exactly; floats, which never are exact, rounded to 8 places.

    Raises:
        InvalidRequest: naming the column and the first row that cannot be kept exactly.
    """
    _refuse_empty(column, place)
    if column.dtype.is_float():
        return _from_floats(column, place)
    if column.dtype.is_integer():
        return column.cast(AMOUNT)
    texts = column.cast(pl.String).str.strip_chars()
    wide = texts.cast(_WIDE, strict=False)
    narrow = wide.round(8).cast(AMOUNT)
    wrong = wide.is_null() | (narrow.cast(_WIDE) != wide) | texts.str.contains(_TOO_FINE)
    if wrong.any():
        at = _first(wrong)
        place.refuse(column.name, at, _why_not(texts[at]))
    return narrow


def units(column: pl.Series, place: Place, *, tick: Decimal | None = None) -> pl.Series:
    """Return a column as int64 in units of 1e-8; floats at the nearest multiple of `tick` where it is given.

    Raises:
        InvalidRequest: see `amounts`; also for what does not fit into 64 bits.
    """
    whole = amounts(column, place).to_physical()
    wrong = whole.abs() > _MAX_UNITS
    if wrong.any():
        at = _first(wrong)
        place.refuse(column.name, at, f"{column[at]} is too large; prices up to {_MAX_UNITS * UNIT:.0f} can be kept")
    kept = whole.cast(pl.Int64)
    if tick is None or not column.dtype.is_float():
        return kept
    step = to_units(tick)
    return (kept + step // 2) // step * step


def whole_numbers(column: pl.Series, place: Place) -> pl.Series:
    """Return a column of counts or ids as int64, from `7`, `7.0` or 7.

    Raises:
        InvalidRequest: naming the column and the first row that is none.
    """
    if column.dtype.is_integer():
        return column.cast(pl.Int64)
    texts = column.cast(pl.String).str.strip_chars()
    wrong = ~texts.str.contains(_WHOLE).fill_null(True)
    if wrong.any():
        at = _first(wrong)
        place.refuse(column.name, at, f"{texts[at]!r} is no whole number")
    return texts.str.replace(r"\.0*$", "").cast(pl.Int64)


def truths(column: pl.Series, place: Place) -> pl.Series:
    """Return a column of true and false.

    Raises:
        InvalidRequest: naming the column and the first row that is neither.
    """
    _refuse_empty(column, place)
    if column.dtype == pl.Boolean:
        return column
    texts = column.cast(pl.String).str.strip_chars().str.to_lowercase()
    wrong = ~texts.is_in(["true", "false", "1", "0"])
    if wrong.any():
        at = _first(wrong)
        place.refuse(column.name, at, f"{texts[at]!r} is neither true nor false")
    return texts.is_in(["true", "1"])


def microseconds(column: pl.Series, place: Place, unit: TimeUnit | None = None) -> pl.Series:
    """Return times as int64 microseconds since 1970.

    Numbers are told apart by their size: milliseconds, microseconds (spot archives since 2025) or nanoseconds. Texts
    that are no numbers are ISO times, UTC unless they name a zone.

    Raises:
        InvalidRequest: naming the column and the row, for seconds unless `unit` says so.
    """
    _refuse_empty(column, place)
    if column.dtype.is_temporal():
        return column.cast(pl.Datetime("us")).dt.epoch("us") if column.dtype == pl.Date else column.dt.epoch("us")
    if column.dtype.is_float() and bool((column == column.floor()).all()):
        column = column.cast(pl.Int64)
    if not column.dtype.is_integer():
        texts = column.cast(pl.String).str.strip_chars()
        if not texts.str.contains(_WHOLE).all():
            return _from_iso(texts, place)
        column = texts.str.replace(r"\.0*$", "").cast(pl.Int64)
    return _from_epochs(column.cast(pl.Int64), place, unit)


def _from_epochs(column: pl.Series, place: Place, unit: TimeUnit | None) -> pl.Series:
    if unit is not None:
        per_second = _PER_SECOND[unit]
        return column * (1_000_000 // per_second) if per_second <= 1_000_000 else column // 1_000
    early = column < _SECONDS_BELOW
    if early.any():
        at = _first(early)
        place.refuse(
            column.name, at, f"{column[at]} looks like seconds; times are milliseconds or microseconds (--time-unit s)"
        )
    frame = pl.DataFrame({column.name: column})
    return frame.select(
        pl.when(pl.col(column.name) >= _NANOSECONDS_FROM)
        .then(pl.col(column.name) // 1_000)
        .when(pl.col(column.name) >= _MICROSECONDS_FROM)
        .then(pl.col(column.name))
        .otherwise(pl.col(column.name) * 1_000)
    ).to_series()


def _from_iso(texts: pl.Series, place: Place) -> pl.Series:
    wrong = ~texts.str.contains(_ISO)  # 01/02/2023 is a day of January or of February
    if wrong.any():
        _refuse_time(texts, _first(wrong), place)
    try:
        times = texts.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    except pl.exceptions.PolarsError:  # it could not even guess a format
        times = pl.Series(texts.name, [None] * len(texts), dtype=pl.Datetime("us", "UTC"))
    if times.has_nulls():
        _refuse_time(texts, _first(times.is_null()), place)
    return times.dt.epoch("us")


def _refuse_time(texts: pl.Series, at: int, place: Place) -> NoReturn:
    place.refuse(texts.name, at, f"{texts[at]!r} is no time; write ms since 1970 or 2023-01-31T14:30:00Z")


def _from_floats(column: pl.Series, place: Place) -> pl.Series:
    wrong = ~column.is_finite()
    if wrong.any():
        place.refuse(column.name, _first(wrong), "is no finite number; fill it or drop the row")
    # The shortest text that is this float is what was written before somebody made a float of it.
    rounded = column.cast(pl.String).cast(_WIDE, strict=False).round(8).cast(AMOUNT)
    if rounded.has_nulls():
        place.refuse(column.name, _first(rounded.is_null()), "is too large to be kept exactly")
    return rounded


def _refuse_empty(column: pl.Series, place: Place) -> None:
    if column.has_nulls():
        place.refuse(column.name, _first(column.is_null()), "is empty; fill it or drop the row")


def _first(wrong: pl.Series) -> int:
    return int(wrong.fill_null(True).arg_true()[0])


def _why_not(text: str) -> str:
    try:
        parse_amount(text)
    except ValueError:
        comma = "; write a decimal point, not a comma" if re.fullmatch(r"[-\d]+,\d+", text) else ""
        return f"{text!r} is not a number{comma}"
    return f"{text} has more than 8 decimals or is too large; Binance's numbers never are: which column is this?"
