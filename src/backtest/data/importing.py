"""Files that a person has, into the store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from backtest.data import columns
from backtest.data.checks import infer_interval
from backtest.data.intake import Intake, check_against_checksum
from backtest.data.reading import Source, open_source
from backtest.data.room import check_room
from backtest.data.series import (
    CANDLE_KINDS,
    FUTURES_KINDS,
    TRADE_KINDS,
    Series,
    parse_interval,
    parse_kind,
    refuse,
    symbol_in_name,
)
from backtest.data.store import Put, Store
from domain.instrument import Market
from ports.archives import Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a person said about files; None is left to the files themselves."""

    symbol: str | None = None
    market: str | None = None
    kind: str | None = None
    interval: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of one file."""

    file: str
    series: Series
    put: Put
    notices: Sequence[str]


@dataclass(slots=True)
class _Known:
    source: Source
    series: Series
    parts: list[pl.DataFrame]
    notices: list[str] = field(default_factory=list)


def import_files(store: Store, files: Sequence[Path], words: Words, intake: Intake) -> list[Imported]:
    """Check all files, and only then store them, one after the other.

    Raises:
        InvalidRequest: naming field, file, row and remedy; nothing was stored.
        Conflict: if rows contradict stored ones; files before that one are stored.
    """
    check_room(store.folder, sum(path.stat().st_size for path in files if path.is_file()))
    known = [_check(path, words, intake) for path in files]
    with store.writing():
        return [_keep(store, file, intake) for file in known]


def _check(path: Path, words: Words, intake: Intake) -> _Known:
    source = open_source(path)
    notices: list[str] = ["its checksum agrees"] if check_against_checksum(path) else []
    kind = _kind_of(source, words)
    # Trades may be many times the memory: they are checked here and read a second time to be stored.
    rows = [] if kind in TRADE_KINDS else list(intake.read(source, kind))
    series = _series_of(path.name, kind, words, rows)
    if source.has_floats(kind):
        grid = f"the nearest multiple of {intake.dialect.tick}" if intake.dialect.tick else "8 decimals"
        notices.append(f"its prices are binary floats, which were rounded to {grid}")
    parts = [part for part in intake.checked(source, series, notices, rows) if kind not in TRADE_KINDS]
    return _Known(source, series, parts, notices)


def _keep(store: Store, known: _Known, intake: Intake) -> Imported:
    parts = known.parts or intake.checked(known.source, known.series, [])
    put = intake.keep(store, known.series, parts)
    return Imported(known.source.path.name, known.series, put, known.notices)


def _kind_of(source: Source, words: Words) -> Recording:
    kind = source.kind if words.kind is None else parse_kind(words.kind)
    if kind is None:
        hint = "mark (prices without a volume)" if columns.looks_like_prices(source.names) else "klines"
        told = ", ".join(source.names)
        refuse("kind", f"{source.path.name} has the columns {told}: say what they are, e.g. --kind {hint}")
    return kind


def _series_of(name: str, kind: Recording, words: Words, rows: Sequence[pl.DataFrame]) -> Series:
    symbol = words.symbol or symbol_in_name(name)
    if symbol is None:
        refuse("symbol", f"the name {name} does not tell it; say --symbol BTCUSDT")
    market = words.market or (Market.FUTURES if kind in FUTURES_KINDS else Market.SPOT)
    if kind not in CANDLE_KINDS:
        return Series.named(symbol, market, kind)
    said = None if words.interval is None else parse_interval(words.interval)
    return Series.named(symbol, market, kind, infer_interval(rows[0]["open_ms"], name, said))
