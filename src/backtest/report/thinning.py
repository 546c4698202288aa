"""Fewer points that look the same: a year of minutes has more of them than a browser draws smoothly."""

from typing import NamedTuple

import numpy as np

from backtest.candles import FloatColumn, IntColumn
from backtest.result import Fills


def extremes(values: FloatColumn, most: int) -> IntColumn:
    """Return the rows to draw, ascending, at most about `most`: first, last, lowest and highest of equal stretches."""
    count = len(values)
    if count <= most:
        return np.arange(count)
    stretch = -(-count // max(most // 2, 1))
    padded = np.concatenate((values, np.full(-count % stretch, values[-1]))).reshape(-1, stretch)
    starts = np.arange(len(padded)) * stretch
    rows = np.concatenate(([0], starts + padded.argmin(axis=1), starts + padded.argmax(axis=1), [count - 1]))
    return np.unique(np.minimum(rows, count - 1))


class Stretches(NamedTuple):
    """Equal stretches of candles: when each begins, its lowest low, highest high and last close."""

    time_ms: IntColumn
    low: IntColumn
    high: IntColumn
    close: IntColumn


def stretches(time_ms: IntColumn, low: IntColumn, high: IntColumn, close: IntColumn, most: int) -> Stretches:
    """Return at most `most` stretches; every candle is a stretch of its own where that suffices."""
    size = max(1, -(-len(time_ms) // most))
    starts = np.arange(0, len(time_ms), size)
    last = np.minimum(starts + size, len(time_ms)) - 1
    return Stretches(
        time_ms[starts],
        np.minimum.reduceat(low, starts),
        np.maximum.reduceat(high, starts),
        close[last],
    )


class Marks(NamedTuple):
    """Fills to draw, those of one rung and side that lie close together as one mark. `fills` says how many."""

    time_ms: IntColumn
    price_ticks: IntColumn
    fills: IntColumn


def marks(fills: Fills, side: int, most: int) -> Marks:
    """Return at most about `most` marks for the fills of one side; each fill is one where that suffices."""
    mine = np.flatnonzero(fills.side == side)
    time_ms, price = fills.time_ms[mine], fills.price_ticks[mine]
    if len(mine) <= most:
        return Marks(time_ms, price, np.ones(len(mine), dtype=np.int64))
    parts = most
    while True:
        width = max(1, -(-int(time_ms[-1] - time_ms[0] + 1) // parts))
        keys = np.stack(((time_ms - time_ms[0]) // width, price), axis=1)
        found, counts = np.unique(keys, axis=0, return_counts=True)
        if len(found) <= most or parts == 1:
            return Marks(time_ms[0] + found[:, 0] * width + width // 2, found[:, 1], counts)
        parts = max(1, parts // 2)
