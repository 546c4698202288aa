"""Recorded trades in slices of whole minutes, so that a month of them needs no more memory than a slice."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from backtest.candles import Candles, Gap, IntColumn
from backtest.data.series import MINUTE_MS
from domain.instrument import Market
from domain.money import UNITS_PER_ONE

MOST_ROWS: Final = 250_000
NEEDED: Final = ("id", "time_us", "price", "quantity")
_LARGEST: Final = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TradeSlice:
    """Trades of one symbol in the order they happened: `price` in 1e-8 quote, `quantity` in 1e-8 base."""

    symbol: str
    market: Market
    time_ms: IntColumn
    price: IntColumn
    quantity: IntColumn

    def __len__(self) -> int:
        return len(self.time_ms)

    @property
    def minute_ends(self) -> IntColumn:
        """Return the last trade of every minute that has one."""
        minute = self.time_ms // MINUTE_MS
        return np.append(np.flatnonzero(minute[1:] != minute[:-1]), len(minute) - 1).astype(np.int64)

    def candles(self) -> Candles:
        """Return the minutes in which anything was traded.

        Raises:
            BadCandles: if times go back or a price is not above 0.
        """
        ends = self.minute_ends
        starts = np.append(0, ends[:-1] + 1)
        return Candles(
            symbol=self.symbol,
            market=self.market,
            interval_ms=MINUTE_MS,
            open_ms=self.time_ms[starts] // MINUTE_MS * MINUTE_MS,
            open=self.price[starts],
            high=np.maximum.reduceat(self.price, starts),
            low=np.minimum.reduceat(self.price, starts),
            close=self.price[ends],
            volume=np.add.reduceat(self.quantity.astype(np.float64), starts) / UNITS_PER_ONE,
        )


def parts_of(trades: TradeSlice, most_rows: int = MOST_ROWS) -> Iterator[TradeSlice]:
    """Yield parts of whole minutes, of about `most_rows` each."""
    ends = trades.minute_ends + 1
    first = 0
    while first < len(trades):
        until = int(ends[min(int(np.searchsorted(ends, first + most_rows)), len(ends) - 1)])
        part = _rows(trades, first, until)
        if part is not None:
            yield part
        first = until


def in_step(sources: Sequence[Iterator[TradeSlice]]) -> Iterator[list[TradeSlice | None]]:
    """Yield what the sources hold in stretches of the same minutes, None for those that have nothing in them."""
    kept = [next(source, None) for source in sources]
    while any(kept):
        until_ms = min(_minute_end_ms(part) for part in kept if part is not None)
        pairs = [(None, None) if part is None else _split(part, until_ms) for part in kept]
        yield [before for before, _ in pairs]
        kept = [
            next(source, None) if after is None else after for source, (_, after) in zip(sources, pairs, strict=True)
        ]


def _minute_end_ms(trades: TradeSlice) -> int:
    """Return when the minute of the last trade ends."""
    return (int(trades.time_ms[-1]) // MINUTE_MS + 1) * MINUTE_MS


def _split(trades: TradeSlice, at_ms: int) -> tuple[TradeSlice | None, TradeSlice | None]:
    """Return the trades before a time and the others, None where there are none."""
    row = int(np.searchsorted(trades.time_ms, at_ms))
    return _rows(trades, 0, row), _rows(trades, row, len(trades))


def _rows(trades: TradeSlice, first: int, until: int) -> TradeSlice | None:
    if first == until:
        return None
    columns = {name: getattr(trades, name)[first:until] for name in ("time_ms", "price", "quantity")}
    return replace(trades, **columns)


def whole(parts: Iterable[TradeSlice]) -> TradeSlice:
    """Return all parts, which are some, as one."""
    kept = list(parts)
    return replace(
        kept[0],
        time_ms=np.concatenate([part.time_ms for part in kept]),
        price=np.concatenate([part.price for part in kept]),
        quantity=np.concatenate([part.quantity for part in kept]),
    )


class Slicing:
    """Cuts rows of the store's trades into slices; `gaps` tells afterwards which ids were missing."""

    def __init__(self, symbol: str, market: Market, *, most_rows: int = MOST_ROWS) -> None:
        self.gaps: list[Gap] = []
        self._symbol, self._market, self._most_rows = symbol, market, most_rows
        self._last: tuple[int, int] | None = None  # id, ms

    def slices(self, frames: Iterable[pl.DataFrame]) -> Iterator[TradeSlice]:
        """Yield what the frames hold, in their order; no minute is cut in two."""
        kept: list[pl.DataFrame] = []
        rows = 0
        for frame in frames:
            for part in frame.select(NEEDED).iter_slices(self._most_rows):
                self._note_gaps(part)
                kept.append(part)
                rows += part.height
                if rows >= self._most_rows:
                    whole, rest = _cut(pl.concat(kept))
                    kept, rows = [rest], rest.height
                    if whole.height:
                        yield self._slice(whole)
        if rows:
            yield self._slice(pl.concat(kept))

    def _slice(self, rows: pl.DataFrame) -> TradeSlice:
        quantity = rows["quantity"].to_physical().clip(0, _LARGEST).cast(pl.Int64)
        return TradeSlice(
            symbol=self._symbol,
            market=self._market,
            time_ms=(rows["time_us"] // 1_000).to_numpy(writable=True),
            price=rows["price"].to_numpy(writable=True),
            quantity=quantity.to_numpy(writable=True),
        )

    def _note_gaps(self, part: pl.DataFrame) -> None:
        ids, times = part["id"].to_numpy(), part["time_us"].to_numpy() // 1_000
        if not len(ids):
            return
        if self._last is not None and ids[0] > self._last[0] + 1:
            self.gaps.append(Gap(self._last[1], int(times[0]), int(ids[0]) - self._last[0] - 1))
        steps = np.diff(ids)
        for at in np.flatnonzero(steps > 1):
            self.gaps.append(Gap(int(times[at]), int(times[at + 1]), int(steps[at]) - 1))
        self._last = int(ids[-1]), int(times[-1])


def _cut(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split before the last minute, which may go on."""
    minute = rows["time_us"] // (MINUTE_MS * 1_000)
    begun = int(minute.search_sorted(minute[-1], "left"))
    return rows[:begun], rows[begun:]
