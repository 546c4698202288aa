"""Which column is which: Binance's own order where there is no header, and the names people and tools write."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from backtest.data.exact import AMOUNT
from backtest.data.series import refuse
from ports.archives import Recording

PRICES: Final = ("open", "high", "low", "close")
_Types = dict[str, pl.DataType | type[pl.DataType]]
_CANDLE_SCHEMA: Final[_Types] = {
    "open_ms": pl.Int64,
    **dict.fromkeys(PRICES, pl.Int64),
    "volume": AMOUNT,
    "quote_volume": AMOUNT,
    "trades": pl.Int64,
}
_TRADE_SCHEMA: Final[_Types] = {
    "id": pl.Int64,
    "time_us": pl.Int64,
    "price": pl.Int64,
    "quantity": AMOUNT,
    "buyer_is_maker": pl.Boolean,
}
SCHEMAS: Final[Mapping[Recording, pl.Schema]] = {
    Recording.KLINES: pl.Schema(_CANDLE_SCHEMA),
    Recording.MARK: pl.Schema(_CANDLE_SCHEMA),
    Recording.TRADES: pl.Schema(_TRADE_SCHEMA),
    Recording.AGG_TRADES: pl.Schema({**_TRADE_SCHEMA, "first_id": pl.Int64, "last_id": pl.Int64}),
    Recording.FUNDING: pl.Schema({"time_ms": pl.Int64, "rate": pl.Int64, "interval_hours": pl.Int64}),
}
"""Columns as they are stored. Prices and rates are units of 1e-8; null is what the source did not tell."""
KEYS: Final[Mapping[Recording, str]] = {
    Recording.KLINES: "open_ms",
    Recording.MARK: "open_ms",
    Recording.TRADES: "id",
    Recording.AGG_TRADES: "id",
    Recording.FUNDING: "time_ms",
}
"""The column that tells rows apart and orders them."""
TIMES: Final[Mapping[Recording, tuple[str, int]]] = {
    kind: ("time_us", 1_000) if "time_us" in schema else (KEYS[kind], 1) for kind, schema in SCHEMAS.items()
}
"""The column that says when, and how many of its steps are a millisecond."""

_TIME_NAMES: Final = ("timestamp", "ts", "time", "date", "datetime", "unix")
_NAMES: Final[Mapping[str, Sequence[str]]] = {
    "open_time": ("open_time", "opentime", "open_ms", *_TIME_NAMES),
    **{name: (name,) for name in PRICES},
    "volume": ("volume", "vol", "base_volume"),
    "quote_volume": ("quote_volume", "quote_asset_volume", "quotevolume", "quote_av"),
    "trades": ("trades", "count", "number_of_trades", "num_trades", "trade_count"),
    "id": ("id", "trade_id", "tradeid", "agg_trade_id", "aggregate_tradeid", "aggregate_trade_id"),
    "price": ("price",),
    "quantity": ("quantity", "qty", "size", "amount"),
    "time": ("transact_time", "time_us", "calc_time", "funding_time", "fundingtime", "time_ms", *_TIME_NAMES),
    "buyer_is_maker": ("buyer_is_maker", "is_buyer_maker", "isbuyermaker", "was_the_buyer_the_maker"),
    "first_id": ("first_id", "first_trade_id", "first_tradeid"),
    "last_id": ("last_id", "last_trade_id", "last_tradeid"),
    "rate": ("rate", "last_funding_rate", "funding_rate", "fundingrate"),
    "interval_hours": ("interval_hours", "funding_interval_hours"),
}
_CANDLES: Final = (("open_time", *PRICES, "volume"), ("quote_volume", "trades"))
_TRADES: Final = (("id", "time", "price", "quantity", "buyer_is_maker"), ())
_COLUMNS: Final[Mapping[Recording, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    Recording.KLINES: _CANDLES,
    Recording.MARK: (("open_time", *PRICES), ()),
    Recording.TRADES: _TRADES,
    Recording.AGG_TRADES: ((*_TRADES[0], "first_id", "last_id"), ()),
    Recording.FUNDING: (("time", "rate"), ("interval_hours",)),
}
"""What a source must have, and what it may have besides."""

_KLINES: Final = "open_time open high low close volume close_time quote_volume trades taker_base taker_quote ignore"
_TRADES_IN_FILES: Final = "id price quantity quote_quantity time buyer_is_maker best_match"
_AGG: Final = "id price quantity first_id last_id time buyer_is_maker"
_LAYOUTS: Final[Mapping[tuple[int, int], tuple[Recording, Sequence[str]]]] = {
    (12, 0): (Recording.KLINES, _KLINES.split()),
    (6, 0): (Recording.KLINES, _KLINES.split()[:6]),
    (6, 1): (Recording.TRADES, _TRADES_IN_FILES.split()[:6]),
    (7, 2): (Recording.TRADES, _TRADES_IN_FILES.split()),
    (7, 1): (Recording.AGG_TRADES, _AGG.split()),
    (8, 2): (Recording.AGG_TRADES, [*_AGG.split(), "best_match"]),
    (3, 0): (Recording.FUNDING, ("time", "interval_hours", "rate")),
}
"""Files without a header, told apart by their number of columns and how many of these are true or false."""


def is_header(cells: Sequence[str]) -> bool:
    """Whether a file's first line names columns instead of holding the first row."""
    known = {name for names in _NAMES.values() for name in names}
    return any(_plain(cell) in known for cell in cells) or not any(re.match(r"\s*-?[\d.]", cell) for cell in cells)


def layout(cells: Sequence[str], file: str) -> Sequence[str]:
    """Return the names of a file without header, from its first row.

    Raises:
        InvalidRequest: for a layout that is not one of Binance's.
    """
    flags = sum(cell.strip().lower() in {"true", "false"} for cell in cells)
    if (found := _LAYOUTS.get((len(cells), flags))) is None:
        refuse("file", f"{file} has no header and {len(cells)} columns, which is no layout of Binance; add a header")
    return found[1]


def kind_of(names: Sequence[str]) -> Recording | None:
    """Return what columns of these names record, None where that cannot be told."""
    given = {_plain(name) for name in names}
    for kind in (Recording.KLINES, Recording.AGG_TRADES, Recording.TRADES, Recording.FUNDING):
        if all(given.intersection(_NAMES[column]) for column in _COLUMNS[kind][0]):
            return kind
    return None


def looks_like_prices(names: Sequence[str]) -> bool:
    """Whether these are candles, though perhaps without a volume."""
    return {_plain(name) for name in names}.issuperset(PRICES)


def pick(names: Sequence[str], kind: Recording, file: str) -> dict[str, str]:
    """Return for each column of `kind` the name it has in the source.

    Raises:
        InvalidRequest: naming a column that is missing.
    """
    given = {_plain(name): name for name in reversed(names)}
    needed, besides = _COLUMNS[kind]
    found = {}
    for column in (*needed, *besides):
        name = next((given[alias] for alias in _NAMES[column] if alias in given), None)
        if name is not None:
            found[column] = name
        elif column in needed:
            mark = "; for mark prices, which have none, say --kind mark" if column == "volume" else ""
            wanted = ", ".join(needed)
            refuse(column, f"{file} has no such column, only {', '.join(names)}; {kind} need {wanted}{mark}")
    return found


def empty_frame(kind: Recording) -> pl.DataFrame:
    return SCHEMAS[kind].to_frame()


def _plain(name: str) -> str:
    return name.strip().strip('"').lower().replace(" ", "_").replace("-", "_")
