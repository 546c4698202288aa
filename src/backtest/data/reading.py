"""Files of candles, trades and funding rates to rows as the store keeps them.

Text files are read in blocks, so that a month of trades needs no more memory than its largest block.
"""

import gzip
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Final, cast

import polars as pl

from backtest.data import columns
from backtest.data.exact import Place, TimeUnit, amounts, microseconds, truths, units, whole_numbers
from backtest.data.series import CANDLE_KINDS, MINUTE_MS, TRADE_KINDS, refuse
from ports.archives import Recording

TEXT_ENDINGS: Final = (".csv", ".csv.gz", ".zip")
TABLE_ENDINGS: Final = (".parquet", ".pq", ".feather", ".arrow", ".ipc")
_BLOCK_BYTES: Final = 32 << 20
_SEPARATORS: Final = ",;\t|"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What a person may have to say about a file.

    Attributes:
        tick: prices that come as floats are taken at the nearest multiple of it.
    """

    time_unit: TimeUnit | None = None
    tick: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One file, known by its columns. `kind` is None where these do not tell what it holds."""

    path: Path
    names: Sequence[str]
    kind: Recording | None
    separator: str = ""
    has_header: bool = True

    def blocks(self, kind: Recording, dialect: Dialect) -> Iterator[pl.DataFrame]:
        """Yield the rows in the file's order, in the store's columns; what they say is not checked yet.

        Raises:
            InvalidRequest: naming column and row of what cannot be read exactly.
        """
        picked = columns.pick(self.names, kind, self.path.name)
        rows = 0
        for raw in self._raw_blocks():
            chosen = raw.select(pl.col(name).alias(column) for column, name in picked.items())
            yield _stored(chosen, kind, Place(self.path.name, rows), dialect)
            rows += raw.height
        if not rows:
            refuse("file", f"{self.path.name} holds no rows")

    def has_floats(self, kind: Recording) -> bool:
        """Whether prices or rates come as binary floats, which are rounded on their way in."""
        if self.separator:
            return False
        types = _schema(self.path)
        picked = columns.pick(self.names, kind, self.path.name)
        return any(types[picked[name]].is_float() for name in (*columns.PRICES, "price", "rate") if name in picked)

    def _raw_blocks(self) -> Iterator[pl.DataFrame]:
        with _readable(self.path):
            if not self.separator:
                yield _table(self.path)
                return
            for text in _text_blocks(self.path, skip_first=self.has_header):
                yield pl.read_csv(
                    text,
                    has_header=False,
                    schema=dict.fromkeys(self.names, pl.String),
                    separator=self.separator,
                    infer_schema=False,
                )


def open_source(path: Path) -> Source:
    """Look at a file's columns.

    Raises:
        InvalidRequest: if there is no such file, or nothing can be made of it.
    """
    if not path.is_file():
        refuse("file", f"there is no file {path}")
    name = path.name.lower()
    if name.endswith(TABLE_ENDINGS):
        names = list(_schema(path))
        return Source(path, names, columns.kind_of(names))
    if not name.endswith(TEXT_ENDINGS):
        refuse("file", f"{path.name} is none of {', '.join((*TEXT_ENDINGS, *TABLE_ENDINGS))}; convert it to one")
    line = _first_line(path)
    separator = max(_SEPARATORS, key=line.count)
    cells = [cell.strip().strip('"') for cell in line.split(separator)]
    header = columns.is_header(cells)
    names = cells if header else list(columns.layout(cells, path.name))
    if twice := {name for name in names if names.count(name) > 1}:
        refuse("file", f"{path.name} has the column {', '.join(sorted(twice))} twice; rename one of them")
    return Source(path, names, columns.kind_of(names), separator, header)


def _stored(raw: pl.DataFrame, kind: Recording, place: Place, dialect: Dialect) -> pl.DataFrame:
    if kind in CANDLE_KINDS:
        stored = _candles(raw, place, dialect)
    elif kind in TRADE_KINDS:
        stored = _trades(raw, place, dialect)
    else:
        stored = _funding(raw, place, dialect)
    return stored.cast(columns.SCHEMAS[kind]).select(columns.SCHEMAS[kind].names())


def _candles(raw: pl.DataFrame, place: Place, dialect: Dialect) -> pl.DataFrame:
    opened_us = microseconds(raw["open_time"], place, dialect.time_unit)
    return pl.DataFrame(
        {
            "open_ms": opened_us // 1_000,
            **{name: units(raw[name], place, tick=dialect.tick) for name in columns.PRICES},
            "volume": amounts(raw["volume"], place) if "volume" in raw.columns else _nothing(raw, "0"),
            "quote_volume": amounts(raw["quote_volume"], place) if "quote_volume" in raw.columns else _nothing(raw),
            "trades": whole_numbers(raw["trades"], place) if "trades" in raw.columns else _nothing(raw),
        }
    )


def _trades(raw: pl.DataFrame, place: Place, dialect: Dialect) -> pl.DataFrame:
    ids: dict[str, pl.Series] = {
        name: whole_numbers(raw[name], place) for name in ("id", "first_id", "last_id") if name in raw.columns
    }
    return pl.DataFrame(
        {
            **ids,
            "time_us": microseconds(raw["time"], place, dialect.time_unit),
            "price": units(raw["price"], place, tick=dialect.tick),
            "quantity": amounts(raw["quantity"], place),
            "buyer_is_maker": truths(raw["buyer_is_maker"], place),
        }
    )


def _funding(raw: pl.DataFrame, place: Place, dialect: Dialect) -> pl.DataFrame:
    # Binance writes some settlements a few ms late; the minute is the settlement's name.
    minutes = microseconds(raw["time"], place, dialect.time_unit) // (MINUTE_MS * 1_000)
    known = "interval_hours" in raw.columns
    return pl.DataFrame(
        {
            "time_ms": minutes * MINUTE_MS,
            "rate": units(raw["rate"], place),
            "interval_hours": whole_numbers(raw["interval_hours"], place) if known else _nothing(raw),
        }
    )


def _nothing(raw: pl.DataFrame, value: str | None = None) -> pl.Series:
    return pl.Series([value], dtype=pl.String).new_from_index(0, raw.height)


def _schema(path: Path) -> dict[str, pl.DataType]:
    with _readable(path):
        return dict(pl.read_parquet_schema(path) if _is_parquet(path) else pl.read_ipc_schema(path))


def _table(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path) if _is_parquet(path) else pl.read_ipc(path)


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith((".parquet", ".pq"))


def _first_line(path: Path) -> str:
    with _readable(path), _opened(path) as file:
        line = file.readline().decode("utf-8-sig", "replace").rstrip("\r\n")
    if not line:
        refuse("file", f"{path.name} is empty")
    return line


def _text_blocks(path: Path, *, skip_first: bool) -> Iterator[bytes]:
    """Yield the text in blocks of whole lines."""
    with _opened(path) as file:
        if skip_first:
            file.readline()
        rest = b""
        while read := file.read(_BLOCK_BYTES):
            whole, newline, rest_of_read = read.rpartition(b"\n")
            if newline:
                yield (rest + whole + newline).removeprefix(_BYTE_ORDER_MARK)
                rest = rest_of_read
            else:
                rest += read
        if rest.strip():
            yield rest.removeprefix(_BYTE_ORDER_MARK)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    name = path.name.lower()
    if name.endswith(".csv"):
        with path.open("rb") as file:
            yield file
    elif name.endswith(".gz"):
        with gzip.open(path) as unpacked:
            yield cast("IO[bytes]", unpacked)
    else:
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive, path)) as member:
            yield member


def _only_member(archive: zipfile.ZipFile, path: Path) -> str:
    members = [name for name in archive.namelist() if name.lower().endswith(".csv")]
    if len(members) != 1:
        refuse("file", f"{path.name} holds {len(members)} CSV files instead of one; unpack it and name them")
    return members[0]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pl.exceptions.PolarsError, OSError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        said = str(error).splitlines() or [type(error).__name__]
        refuse("file", f"{path.name} cannot be read: {said[0]}; mend it or get it anew")
