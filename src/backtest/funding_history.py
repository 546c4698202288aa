"""Funding as it was settled, from the store or from a file, with the mark prices that are stored beside it."""

from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from backtest.candles import Candles, IntColumn
from backtest.contract_market import FundingHistory
from backtest.data.checks import RowChecks
from backtest.data.loading import FundingRates, NoneInWindow, NotStored, load_candles, load_funding
from backtest.data.periods import utc
from backtest.data.reading import Dialect, open_source
from backtest.data.series import HOUR_MS, MINUTE_MS, refuse
from backtest.data.store import Store
from backtest.wording import counted
from domain.errors import InvalidRequest
from ports.archives import Recording

STORED: Final = "stored"
NONE: Final = "none"
_LONGEST_MS: Final = 8 * HOUR_MS
"""Contracts settle at least as often."""
_OR_WITHOUT: Final = f"or leave funding out: {NONE}"


def stored_funding(store: Store, candles: Candles, *, allow_gaps: bool = False) -> FundingHistory:
    """Return what was settled within the candles, from the store.

    Raises:
        InvalidRequest: naming `funding`, where nothing is stored, or, unless gaps are allowed, something is missing.
        Conflict: if a file of the store is damaged.
    """
    symbol = candles.symbol
    try:
        rates = load_funding(store, symbol, candles.start_ms, candles.end_ms, allow_gaps=True)
    except NoneInWindow:
        rates = FundingRates(symbol=symbol, time_ms=np.empty(0, np.int64), rate=np.empty(0, np.int64))
    except NotStored as error:
        words = f"get {symbol} --market um --kind funding --from {utc(candles.start_ms)[:7]}"
        refuse("funding", f"{error.mistakes[0].message.split(';')[0]}; get them: data {words}, {_OR_WITHOUT}")
    return _history(rates.time_ms, rates.rate, candles, store, "the store", allow_gaps=allow_gaps)


def read_funding(file: Path, store: Store, candles: Candles, *, allow_gaps: bool = False) -> FundingHistory:
    """Return what was settled within the candles, from a CSV, Parquet or feather file.

    Raises:
        InvalidRequest: naming field, row and remedy.
    """
    source = open_source(file)
    rows = RowChecks(file.name, Recording.FUNDING, "", notices=[]).check(
        pl.concat(list(source.blocks(Recording.FUNDING, Dialect())))
    )
    inside = rows.filter(pl.col("time_ms") >= candles.start_ms, pl.col("time_ms") < candles.end_ms)
    time_ms, rate = (inside[name].to_numpy(writable=True) for name in ("time_ms", "rate"))
    return _history(time_ms, rate, candles, store, file.name, allow_gaps=allow_gaps)


def _history(
    time_ms: IntColumn, rate: IntColumn, candles: Candles, store: Store, source: str, *, allow_gaps: bool
) -> FundingHistory:
    missing = _missing(time_ms, candles)
    if missing and not allow_gaps:
        first, until = missing[0]
        more = f", and {len(missing) - 1} more gaps" if len(missing) > 1 else ""
        refuse(
            "funding",
            f"{source} tells of no settlement of {candles.symbol} between {utc(first)} and {utc(until)}{more}; get or "
            f"import what is missing, allow gaps to settle what is known, {_OR_WITHOUT}",
        )
    mark, known = _marks(time_ms, store, candles)
    lacks = f", {counted(len(missing), 'gap')} in it" if missing else ""
    marked = f"marks of {known} of them recorded, else the candle's open" if known else "marked at the candle's open"
    told = f"{counted(len(time_ms), 'settlement')} from {source}{lacks}, {marked}"
    return FundingHistory(time_ms=time_ms, rate=rate, mark=mark, source=told)


def _missing(time_ms: IntColumn, candles: Candles) -> list[tuple[int, int]]:
    """Return the stretches longer than contracts ever go without a settlement."""
    edges = [candles.start_ms, *time_ms.tolist(), candles.end_ms]
    return [(before, after) for before, after in pairwise(edges) if after - before > _LONGEST_MS + MINUTE_MS]


def _marks(time_ms: IntColumn, store: Store, candles: Candles) -> tuple[IntColumn, int]:
    """Return the recorded mark price at each of these times, 0 where none is, and how many are known."""
    mark = np.zeros(len(time_ms), dtype=np.int64)
    try:
        told = load_candles(
            store,
            candles.symbol,
            candles.market,
            "1h",
            candles.start_ms,
            candles.end_ms,
            allow_gaps=True,
            kind=Recording.MARK,
        )
    except InvalidRequest:
        return mark, 0
    opens = dict(zip(told.open_ms.tolist(), told.open.tolist(), strict=True))
    for index, settled_ms in enumerate(time_ms.tolist()):
        mark[index] = opens.get(settled_ms // MINUTE_MS * MINUTE_MS, 0)
    return mark, int((mark > 0).sum())
