"""Recorded candles from parquet and CSV files, read exactly and checked before anything is played."""

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast

import numpy as np

from simulator.core.symbols import NOTIONAL_UNIT, UNIT
from simulator.market.catalogue import SPECS
from simulator.market.feed import MarketError
from simulator.market.intervals import DURATION_MS, epoch_ms
from simulator.market.numbers import IntArray, parse_floats, parse_text, parse_texts

if TYPE_CHECKING:
    import polars as pl

Market = Literal["spot", "um"]
Content = Literal["prices", "mark", "funding"]
"""What a file tells: candles or trades of the market itself, candles of the mark price, or funding rates."""

_OPTION: Final = re.compile(r"(?:(?P<market>spot|um|mark|funding):)?(?:(?P<symbol>[A-Za-z0-9]{5,20})=)?(?P<path>.+)")
_FILE_NAME: Final = re.compile(
    r"(?:ws_)?(?:(?P<market>spot|um)_)?(?P<symbol>[A-Z0-9]{5,20})_(?P<rest>[A-Za-z0-9_]+)"
    r"\.(?:parquet|csv|jsonl|jsonl\.gz)"
)
_MUST_HAVE: Final = ("open_time", "open", "high", "low", "close", "volume")
_MAY_HAVE: Final = ("quote_volume", "trades", "taker_buy_base", "taker_buy_quote")
_MICROSECONDS_FROM: Final = 10**14
_MILLISECONDS_FROM: Final = 10**11


@dataclass(frozen=True, slots=True)
class DataSource:
    """One `--data` option: which symbol of which market a file holds."""

    market: Market
    symbol: str
    path: Path
    content: Content = "prices"

    @classmethod
    def parse(cls, option: str) -> Self:
        """Read `[spot:|um:|mark:|funding:]SYMBOL=FILE` or a file whose name tells the symbol (`BTCUSDT_1m.parquet`).

        Mark prices and funding rates are known by their prefix, or by a name like `BTCUSDT_mark_1h.parquet`
        and `BTCUSDT_funding.csv`; they always belong to the USD-M contract.

        Raises:
            MarketError: when neither tells the symbol, or there is no such file.
        """
        match = _OPTION.fullmatch(option)
        if match is None:
            raise MarketError(f"--data {option!r} is empty; write [spot:|um:|mark:|funding:]SYMBOL=FILE")
        path = Path(match["path"])
        named = _FILE_NAME.fullmatch(path.name)
        symbol = match["symbol"] or (named["symbol"] if named else None)
        if symbol is None:
            raise MarketError(f"--data {option!r}: the name does not tell the symbol; write SYMBOL={path}")
        if not path.is_file():
            raise MarketError(f"--data {option!r}: there is no file {path}")
        market = match["market"] or (named["market"] if named else None) or "spot"
        content = _content(match["market"], named["rest"] if named else "")
        return cls(cast("Market", market if content == "prices" else "um"), symbol.upper(), path, content)

    @property
    def holds_trades(self) -> bool:
        return self.path.name.endswith((".jsonl", ".jsonl.gz"))


def _content(prefix: str | None, rest: str) -> Content:
    for content in ("mark", "funding"):
        if prefix == content or (prefix in {None, "um"} and rest.split("_", maxsplit=1)[0] == content):
            return cast("Content", content)
    return "prices"


@dataclass(frozen=True, slots=True)
class CandleColumns:
    """Candles of one symbol as columns; prices and volumes scaled by 10**8, quote amounts by 10**16."""

    open_ms: IntArray
    open: IntArray
    high: IntArray
    low: IntArray
    close: IntArray
    volume: IntArray
    quote_volume: IntArray | None = None
    trades: IntArray | None = None
    taker_buy_base: IntArray | None = None
    taker_buy_quote: IntArray | None = None

    def __len__(self) -> int:
        return len(self.open_ms)

    def part(self, start: int, stop: int) -> "CandleColumns":
        """Return rows start..stop as views."""
        cut: dict[str, Any] = {}
        for field in fields(self):
            column = getattr(self, field.name)
            cut[field.name] = None if column is None else column[start:stop]
        return CandleColumns(**cut)


@dataclass(frozen=True, slots=True)
class CandleFile:
    """A whole, checked candle file."""

    source: DataSource
    interval: str
    columns: CandleColumns
    notices: tuple[str, ...]


def read_candles(source: DataSource) -> CandleFile:
    """Read and check a candle file.

    Raises:
        MarketError: naming the file, the row (the first data row is 1) and the remedy.
    """
    frame = read_frame(source.path)
    needed = [name for name in _MUST_HAVE if name != "volume" or source.content == "prices"]
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        raise MarketError(
            f"{source.path}: column {', '.join(missing)} is missing; a candle file needs {', '.join(needed)}"
        )
    if frame.height == 0:
        raise MarketError(f"{source.path}: holds no rows; record or export at least one candle")
    columns = _columns(source, frame)
    interval = _interval(source, columns.open_ms)
    _check(source.path, columns)
    return CandleFile(source, interval, columns, _gaps(source.path, interval, columns.open_ms))


def read_frame(path: Path) -> "pl.DataFrame":
    """Read a parquet or CSV file as it is.

    Raises:
        MarketError: it is neither, or cannot be read.
    """
    import polars as pl  # noqa: PLC0415  a second of import that only file replays should pay

    try:
        if path.suffix == ".parquet":
            return pl.read_parquet(path)
        if path.suffix == ".csv":
            return pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise MarketError(f"{path}: cannot be read ({error}); give a parquet or CSV file of candles") from error
    raise MarketError(f"{path}: is neither .parquet, .csv, .jsonl nor .jsonl.gz")


def _columns(source: DataSource, frame: "pl.DataFrame") -> CandleColumns:
    spec = SPECS.get(source.symbol)
    grids = dict.fromkeys(("open", "high", "low", "close"), spec.tick if spec else 1)
    grids["volume"] = spec.lot if spec else 1
    found: dict[str, IntArray] = {"open_ms": read_times(source.path, frame["open_time"])}
    for name, grid in grids.items():
        if name in frame.columns:
            found[name] = _amounts(source.path, frame[name], grid)
        else:
            found[name] = np.zeros(frame.height, dtype=np.int64)
    for name in _MAY_HAVE:
        if name in frame.columns:
            found[name] = _additional(source.path, frame[name])
    return CandleColumns(**found)


def read_times(path: Path, column: "pl.Series") -> IntArray:
    """Return a column of moments in ms; MarketError naming the row where one is empty or no time."""
    if column.null_count():
        raise _bad_row(path, _first(column.is_null().to_numpy()), f"{column.name} is empty; fill it or drop the row")
    if column.dtype.is_temporal():
        return column.dt.epoch("ms").to_numpy()
    if column.dtype.is_integer():
        return np.array([_to_ms(value) for value in column.to_list()], dtype=np.int64)
    texts = column.to_list()
    return np.array([_time_ms(path, at, column.name, text) for at, text in enumerate(texts)], dtype=np.int64)


def _time_ms(path: Path, at: int, name: str, text: object) -> int:
    try:
        return parse_moment(str(text))
    except MarketError as error:
        raise _bad_row(path, at, f"{name}: {error}") from error


def parse_moment(text: str) -> int:
    """Return an ISO date, date-time (UTC where no zone is given) or epoch (s, ms or µs) in ms.

    Raises:
        MarketError: for anything else.
    """
    if text.isdecimal() and len(text) > len("20240808"):
        return _to_ms(int(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise MarketError(f"{text!r} is no time; write 2024-08-08 or 2024-08-08T23:55 (UTC)") from error
    return epoch_ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _to_ms(epoch: int) -> int:
    if epoch >= _MICROSECONDS_FROM:
        return epoch // 1_000
    return epoch if epoch >= _MILLISECONDS_FROM else epoch * 1_000


def _amounts(path: Path, column: "pl.Series", grid: int) -> IntArray:
    if column.dtype.is_float():
        values = column.to_numpy()
        wrong = ~np.isfinite(values)
        if column.null_count() or wrong.any():
            raise _bad_row(path, _first(wrong), f"{column.name} is empty or not finite; fill it or drop the row")
        return parse_floats(values, grid)
    return read_decimals(path, column, UNIT)


def _additional(path: Path, column: "pl.Series") -> IntArray:
    scale = {"trades": 1, "taker_buy_base": UNIT}.get(column.name, NOTIONAL_UNIT)
    return read_decimals(path, column, scale)


def read_decimals(path: Path, column: "pl.Series", unit: int) -> IntArray:
    """Return a column of numbers scaled by `unit`; MarketError naming the row where one is none."""
    values: list[Any] = column.to_list()
    texts = [repr(value) if isinstance(value, float) else str(value) for value in values]
    try:
        return parse_texts(texts, unit=unit)
    except ValueError:
        for at, text in enumerate(texts):
            try:
                parse_text(text, unit=unit)
            except ValueError as error:
                raise _bad_row(path, at, f"{column.name}: {error}; mend or drop the row") from error
        raise


def _interval(source: DataSource, open_ms: IntArray) -> str:
    named = _FILE_NAME.fullmatch(source.path.name)
    told = next((part for part in named["rest"].split("_") if part in DURATION_MS), None) if named else None
    steps = np.diff(open_ms)
    if told in DURATION_MS:
        interval = told
    elif len(steps):
        length = int(steps[steps > 0].min(initial=2**62))
        interval = next((name for name, duration in DURATION_MS.items() if duration == length), "")
    else:
        interval = ""
    if not interval or DURATION_MS[interval] > DURATION_MS["1d"]:
        raise MarketError(
            f"{source.path}: the candles' interval is not one from 1s to 1d; name the file {source.symbol}_1m.parquet"
        )
    off = open_ms % DURATION_MS[interval] != 0
    if off.any():
        raise _bad_row(source.path, _first(off), f"open_time is not the start of a {interval} candle; mend the times")
    return interval


def _check(path: Path, columns: CandleColumns) -> None:
    rules = (
        (
            np.append(False, np.diff(columns.open_ms) <= 0),
            "is not later than the row before; sort by open_time and drop repeats",
        ),
        (columns.low <= 0, "has a price that is not above 0; drop the row"),
        (columns.high < np.maximum(columns.open, columns.close), "has a high below its open or close; mend or drop it"),
        (columns.low > np.minimum(columns.open, columns.close), "has a low above its open or close; mend or drop it"),
        (columns.volume < 0, "has a negative volume; mend or drop it"),
    )
    for wrong, remedy in rules:
        if wrong.any():
            raise _bad_row(path, _first(wrong), remedy)


def _gaps(path: Path, interval: str, open_ms: IntArray) -> tuple[str, ...]:
    length = DURATION_MS[interval]
    steps = np.diff(open_ms)
    holes = np.flatnonzero(steps > length)
    if not len(holes):
        return ()
    lost = int((steps[holes] // length - 1).sum())
    first = datetime.fromtimestamp(int(open_ms[holes[0]]) / 1_000 + length / 1_000, UTC)
    return (f"{path}: {len(holes)} gaps, {lost} candles of {interval} missing, the first from {first:%Y-%m-%d %H:%M}",)


def _first(wrong: Any) -> int:
    return int(np.flatnonzero(np.asarray(wrong))[0])


def _bad_row(path: Path, at: int, remedy: str) -> MarketError:
    return MarketError(f"{path}: row {at + 1} {remedy}")
