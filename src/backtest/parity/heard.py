"""The prices a grid saw: as it kept them itself, else as recorded trades or candles tell them."""

import gzip
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import numpy as np

from backtest.candles import Candles, IntColumn
from backtest.trade_slices import TradeSlice
from domain.instrument import Instrument
from domain.money import to_units
from ports.heard_prices import ENDING, PACKED, Heard, Mark, Marked, read_lines

UNKNOWN: Final = -1
_QUIET_MS: Final = 2_000


class Source(StrEnum):
    """Where prices come from."""

    RECORDED = "recorded"  # by the grid itself
    TRADES = "trades"  # of the store
    CANDLES = "candles"  # of the store: what happened within one is guessed


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which nothing was heard, and why."""

    from_ms: int
    until_ms: int
    why: Mark

    def covers(self, time_ms: int) -> bool:
        return self.from_ms < time_ms < self.until_ms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prices:
    """Prices in the order they were heard, at least one.

    `price` is in 1e-8 quote, `quantity` in 1e-8 base, UNKNOWN where it was not told. `heard_ms` is our wall clock's
    time of hearing, which never goes back.
    """

    source: Source
    time_ms: IntColumn
    price: IntColumn
    quantity: IntColumn
    heard_ms: IntColumn
    silences: tuple[Silence, ...] = ()

    def __len__(self) -> int:
        return len(self.time_ms)

    def trades(self, instrument: Instrument, first: int = 0) -> TradeSlice:
        """Return them from `first` on as prints; of an unknown quantity nothing fills at its own price."""
        return TradeSlice(
            symbol=f"{instrument.base}{instrument.quote}",
            market=instrument.market,
            time_ms=self.time_ms[first:],
            price=self.price[first:],
            quantity=np.maximum(self.quantity[first:], 0),
        )

    def was_silent(self, time_ms: int) -> bool:
        return any(silence.covers(time_ms) for silence in self.silences)


def read_recorded(folder: Path, from_ms: int | None = None, until_ms: int | None = None) -> Prices | None:
    """Return what a grid kept of [from_ms, until_ms); None if that is nothing.

    Raises:
        OSError: if a file cannot be read.
    """
    columns = tuple(array("q") for _ in range(4))  # lists of numbers would take ten times the memory
    times_ms = columns[0]
    silences: list[Silence] = []
    missing: Mark | None = None
    for told in _told(folder):
        if isinstance(told, Marked):
            missing = missing if told.word is Mark.DAY else told.word
            continue
        if (from_ms is not None and told.time_ms < from_ms) or (until_ms is not None and told.time_ms >= until_ms):
            continue
        if missing is not None and times_ms and told.time_ms - times_ms[-1] > _QUIET_MS:
            silences.append(Silence(times_ms[-1], told.time_ms, missing))
        missing = None
        quantity = UNKNOWN if told.quantity is None else to_units(told.quantity)
        row = (told.time_ms, to_units(told.price), quantity, told.time_ms + told.lag_ms)
        for column, number in zip(columns, row, strict=True):
            column.append(number)
    if not times_ms:
        return None
    time_ms, price, quantities, heard_ms = (np.array(column, dtype=np.int64) for column in columns)
    return Prices(
        source=Source.RECORDED,
        time_ms=time_ms,
        price=price,
        quantity=quantities,
        heard_ms=np.maximum.accumulate(heard_ms),
        silences=tuple(silences),
    )


def _told(folder: Path) -> Iterator[Heard | Marked]:
    paths = [path for path in folder.glob(f"*{ENDING}*") if path.name.endswith((ENDING, PACKED))]
    for path in sorted(paths, key=lambda path: path.name):
        with gzip.open(path, "rt", encoding="ascii") if path.suffix == ".gz" else path.open(encoding="ascii") as lines:
            yield from read_lines(lines)


def prices_of_trades(trades: TradeSlice) -> Prices:
    return Prices(
        source=Source.TRADES,
        time_ms=trades.time_ms,
        price=trades.price,
        quantity=trades.quantity,
        heard_ms=trades.time_ms,
    )


def prices_of_candles(candles: Candles) -> Prices:
    """Return four prices a candle, by the shorter way from open to close, of unknown quantity."""
    rises = candles.close >= candles.open
    second = np.where(rises, candles.low, candles.high)
    third = np.where(rises, candles.high, candles.low)
    steps = np.array([0, candles.interval_ms // 4, candles.interval_ms // 2, candles.interval_ms - 1], dtype=np.int64)
    time_ms = (candles.open_ms[:, None] + steps).reshape(-1)
    price = np.column_stack((candles.open, second, third, candles.close)).reshape(-1).astype(np.int64)
    return Prices(
        source=Source.CANDLES,
        time_ms=time_ms,
        price=price,
        quantity=np.full(len(price), UNKNOWN, dtype=np.int64),
        heard_ms=time_ms,
    )
