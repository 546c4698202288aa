"""A recorded candle file as the past of a replay: candles of every coarser interval, aggregated.

Where the file lacks quote volume, count or taker part, these are what the replay's own prints make.
"""

from dataclasses import dataclass
from typing import Any, Final, cast

import numpy as np

from simulator.market.feed import Candle
from simulator.market.files import CandleColumns, CandleFile
from simulator.market.intervals import DURATION_MS, HOUR_MS
from simulator.market.numbers import IntArray
from simulator.market.path import POINTS, CandlePath, shares
from simulator.market.running import RunningCandle, roll_up

_CHUNK: Final = 50_000


class RecordedPast:
    """Candles of one file, shifted by `shift_ms` in time."""

    def __init__(self, file: CandleFile, lot: int, shift_ms: int = 0) -> None:
        self._symbol = file.source.symbol
        self._columns = file.columns
        self._lot = lot
        self._shift_ms = shift_ms
        self._length_ms = DURATION_MS[file.interval]
        self._hours_until: tuple[int, list[Candle]] = (0, [])

    def history(self, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return the newest `limit` candles of what was printed before `end_ms`; fewer if it has fewer.

        Intervals finer than the file's, or no multiple of it, have no past.
        """
        span_ms = DURATION_MS[interval]
        if span_ms % self._length_ms or limit <= 0:
            return []
        stop = self.rows_before(end_ms)
        begun = self._begun(stop, end_ms)
        if span_ms >= HOUR_MS and HOUR_MS % self._length_ms == 0:
            return roll_up([*self._hours(stop), *begun], interval)[-limit:]
        # One candle more than asked for, so that the first one returned is whole.
        start = max(0, stop - (limit + 1) * (span_ms // self._length_ms))
        return roll_up([*self.rows(start, stop), *begun], interval)[-limit:]

    def path_at(self, row: int) -> CandlePath:
        """Return the path of the candles from `row` on; it knows the print before."""
        path = CandlePath(self._symbol, self._lot)
        for candle in self.rows(max(0, row - 1), row):
            path.prints(candle)
        return path

    def _begun(self, row: int, end_ms: int) -> list[Candle]:
        """The candle that is open at `end_ms`, as far as its prints have come."""
        candles = self.rows(row, row + 1)
        if not candles or candles[0].open_ms >= end_ms:
            return []
        candle = candles[0]
        running = RunningCandle(candle.open_ms, candle.close_ms, candle.open)
        prints = [trade for trade in self.path_at(row).prints(candle) if trade.time_ms < end_ms]
        for trade in prints:
            running.add(trade, -1)
        return [running.frozen()] if prints else []

    def rows_before(self, end_ms: int) -> int:
        """Return how many rows had ended before `end_ms`."""
        last_open_ms = end_ms - self._shift_ms - self._length_ms
        return int(np.searchsorted(self._columns.open_ms, last_open_ms, "right"))

    def rows(self, start: int, stop: int) -> list[Candle]:
        """Return rows start..stop as candles."""
        part = complete(self._columns.part(start, stop), self._lot)
        return _as_candles(part, part.open_ms + self._shift_ms, self._length_ms)

    def _hours(self, stop: int) -> list[Candle]:
        if self._hours_until[0] != stop:
            pieces = [
                piece for start in range(0, stop, _CHUNK) for piece in self._hours_of(start, min(stop, start + _CHUNK))
            ]
            self._hours_until = (stop, roll_up(pieces, "1h"))
        return self._hours_until[1]

    def _hours_of(self, start: int, stop: int) -> list[Candle]:
        part = complete(self._columns.part(start, stop), self._lot)
        hours = (part.open_ms + self._shift_ms) // HOUR_MS
        first = np.flatnonzero(np.append(True, hours[1:] != hours[:-1]))
        last = np.append(first[1:], len(hours)) - 1

        def total(column: IntArray | None) -> IntArray:
            return np.add.reduceat(cast("IntArray", column).astype(object), first)

        summed = CandleColumns(
            open_ms=part.open_ms[first],
            open=part.open[first],
            high=np.maximum.reduceat(part.high, first),
            low=np.minimum.reduceat(part.low, first),
            close=part.close[last],
            volume=total(part.volume),
            quote_volume=total(part.quote_volume),
            trades=total(part.trades),
            taker_buy_base=total(part.taker_buy_base),
            taker_buy_quote=total(part.taker_buy_quote),
        )
        return _as_candles(summed, hours[first] * HOUR_MS, HOUR_MS)


def _as_candles(columns: CandleColumns, open_ms: IntArray, length_ms: int) -> list[Candle]:
    """Make candles of columns whose optional ones are all there."""
    figures = (
        open_ms,
        open_ms + (length_ms - 1),
        columns.open,
        columns.high,
        columns.low,
        columns.close,
        columns.volume,
        columns.quote_volume,
        columns.trades,
        columns.taker_buy_base,
        columns.taker_buy_quote,
    )
    rows = zip(*(cast("Any", column).tolist() for column in figures), strict=True)
    return [Candle(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class _Prints:
    """Prices and quantities of all prints of the rows, POINTS a row; quantity 0 where there is none."""

    prices: IntArray
    quantities: IntArray


def complete(columns: CandleColumns, lot: int) -> CandleColumns:
    """Return the columns with every optional one filled in, as the prints of `CandlePath` make them."""
    optional = (columns.quote_volume, columns.trades, columns.taker_buy_base, columns.taker_buy_quote)
    if all(column is not None for column in optional):
        return columns
    prints = _prints(columns, lot)
    quantities = prints.quantities.astype(object)
    bought = np.where(_bought(prints), quantities, 0)
    prices = prints.prices.astype(object)
    made = (
        (prices * quantities).sum(axis=1),
        (prints.quantities > 0).sum(axis=1),
        bought.sum(axis=1),
        (prices * bought).sum(axis=1),
    )
    filled = [mine if given is None else given for given, mine in zip(optional, made, strict=True)]
    return CandleColumns(
        columns.open_ms, columns.open, columns.high, columns.low, columns.close, columns.volume, *filled
    )


def _prints(columns: CandleColumns, lot: int) -> _Prints:
    up, down = columns.high - columns.open, columns.open - columns.low
    high_first = (up < down) | ((up == down) & (columns.close < columns.open))
    nearer = np.where(high_first, columns.high, columns.low)
    other = np.where(high_first, columns.low, columns.high)
    prices = np.stack([columns.open, nearer, other, columns.close], axis=1)
    each = columns.volume // lot // POINTS * lot
    quantities = np.stack([each, each, each, columns.volume - (POINTS - 1) * each], axis=1)
    for row in np.flatnonzero(columns.volume < POINTS * lot):
        parts = shares(prices[row].tolist(), int(columns.volume[row]), lot)
        unused = POINTS - len(parts)
        prices[row] = [price for price, _ in parts] + [0] * unused
        quantities[row] = [quantity for _, quantity in parts] + [0] * unused
    return _Prints(prices, quantities)


def _bought(prints: _Prints) -> IntArray:
    """Mark the prints the taker bought: up from the print before, or like it where the price is the same."""
    printed = prints.quantities > 0
    prices = prints.prices[printed]
    bought = np.zeros(printed.shape, dtype=bool)
    if len(prices):
        moves = np.sign(np.append(1, np.diff(prices)))
        latest = np.maximum.accumulate(np.where(moves != 0, np.arange(len(moves)), 0))
        bought[printed] = moves[latest] > 0
    return bought
