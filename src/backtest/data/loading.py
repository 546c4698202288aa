"""From the store to what replays read: candles, trades and funding rates of a window."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, NoReturn

import numpy as np
import polars as pl

from backtest.candles import Candles, FloatColumn, IntColumn
from backtest.data import columns
from backtest.data.coverage import Coverage, coverage_of, extent, gaps_text, window_text
from backtest.data.periods import check_window
from backtest.data.series import INTERVALS_MS, WORD_OF_MARKET, Series
from backtest.data.store import Store
from domain.errors import FieldMistake, InvalidRequest
from domain.instrument import Market
from ports.archives import Recording

_ALIKE: Final = 0.8  # BTCUSD is BTCUSDT misspelt, ETHUSDT is another one


class NotStored(InvalidRequest):
    """Nothing is stored that `wanted` could be made of.

    `intervals` are those that are stored of its symbol; without any, `near` is a stored symbol like it, or empty.
    """

    def __init__(self, wanted: Series, intervals: Sequence[str], near: str) -> None:
        super().__init__([_not_stored(wanted, intervals, near)])
        self.wanted, self.intervals, self.near = wanted, tuple(intervals), near


class NoneInWindow(InvalidRequest):
    """The series is stored, but nothing of it within the window."""

    def __init__(self, series: Series, from_ms: int | None, to_ms: int | None) -> None:
        window = window_text(from_ms, to_ms)
        super().__init__(
            [FieldMistake("from", f"nothing of {series} is stored between {window}; `data list` shows what is")]
        )
        self.series, self.from_ms, self.to_ms = series, from_ms, to_ms


class GapsInWindow(InvalidRequest):
    """The window lacks rows, within or at its ends: `found` lists them."""

    def __init__(self, found: Coverage) -> None:
        super().__init__(
            [
                FieldMistake(
                    "from",
                    f"{found.series} has gaps in this window: {gaps_text(found.gaps)}. Choose another window, get or "
                    "import what is missing, or say --allow-gaps to go on without it",
                )
            ]
        )
        self.found = found


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FundingRates:
    """Settlements of one symbol, oldest first: `time_ms` is the minute, `rate` whole units of 1e-8 (a fraction)."""

    symbol: str
    time_ms: IntColumn
    rate: IntColumn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trades:
    """Trades of one symbol in the order of their ids.

    `price` is whole units of 1e-8 of the quote asset, `quantity` base as a float: like a candle's volume it only ever
    scales a declared assumption. Where `buyer_is_maker`, the price was hit by a sale.
    """

    symbol: str
    market: Market
    id: IntColumn
    time_us: IntColumn
    price: IntColumn
    quantity: FloatColumn
    buyer_is_maker: np.ndarray[tuple[int], np.dtype[np.bool_]]


def load_candles(
    store: Store,
    symbol: str,
    market: str | Market,
    interval: str,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    allow_gaps: bool = False,
    kind: Recording = Recording.KLINES,
) -> Candles:
    """Return the candles that open in [from_ms, to_ms); None reaches as far as what is stored.

    Where the interval itself is not stored, the longest stored one that divides it is aggregated: a candle counts once
    all its time has passed, and what is missing within it is a gap.

    Args:
        store: where to look.
        symbol: as Binance writes it, also BTC/USDT.
        market: `spot` or `um`.
        interval: `1s` to `1d`.
        from_ms: start of the window.
        to_ms: its end.
        allow_gaps: replay what is there; the window's ends may be missing too. `Candles.gaps` lists the rest.
        kind: klines, or mark prices of futures.

    Raises:
        InvalidRequest: naming the field: a word nobody knows, an empty window, nothing stored, or gaps.
        Conflict: if a file of the store is damaged.
    """
    wanted = Series.named(symbol, market, kind, interval)
    check_window(from_ms, to_ms)
    source = _source_of(store, wanted, from_ms, to_ms)
    rows = _rows(store, source, from_ms, to_ms)
    if not allow_gaps:
        _refuse_gaps(coverage_of(source, rows, from_ms, to_ms))
    if source != wanted:
        rows = _aggregated(rows, source.interval_ms, wanted.interval_ms, from_ms)
        if rows.is_empty():
            raise NoneInWindow(source, from_ms, to_ms)
    return Candles(
        symbol=wanted.symbol,
        market=wanted.market,
        interval_ms=wanted.interval_ms,
        **{name: rows[name].to_numpy(writable=True) for name in ("open_ms", *columns.PRICES)},
        volume=rows["volume"].cast(pl.Float64).to_numpy(writable=True),
    )


def load_funding(
    store: Store, symbol: str, from_ms: int | None = None, to_ms: int | None = None, *, allow_gaps: bool = False
) -> FundingRates:
    """Return the funding settlements of [from_ms, to_ms) of a USD-M future.

    Raises:
        InvalidRequest, Conflict: see `load_candles`.
    """
    series = Series.named(symbol, Market.FUTURES, Recording.FUNDING)
    check_window(from_ms, to_ms)
    rows = _rows(store, series, from_ms, to_ms)
    if not allow_gaps:
        _refuse_gaps(coverage_of(series, rows, from_ms, to_ms))
    time_ms, rate = (rows[name].to_numpy(writable=True) for name in ("time_ms", "rate"))
    return FundingRates(symbol=series.symbol, time_ms=time_ms, rate=rate)


def load_trades(
    store: Store,
    symbol: str,
    market: str | Market,
    from_ms: int | None = None,
    to_ms: int | None = None,
    *,
    aggregated: bool = False,
    allow_gaps: bool = False,
) -> Trades:
    """Return the trades (or Binance's aggregated ones) of [from_ms, to_ms).

    Raises:
        InvalidRequest, Conflict: see `load_candles`; a gap of trades is an id that is missing.
    """
    series = Series.named(symbol, market, Recording.AGG_TRADES if aggregated else Recording.TRADES)
    check_window(from_ms, to_ms)
    rows = _rows(store, series, from_ms, to_ms)
    if not allow_gaps:
        _refuse_gaps(coverage_of(series, rows, from_ms, to_ms))
    return Trades(
        symbol=series.symbol,
        market=series.market,
        **{name: rows[name].to_numpy(writable=True) for name in ("id", "time_us", "price", "buyer_is_maker")},
        quantity=rows["quantity"].cast(pl.Float64).to_numpy(writable=True),
    )


def _source_of(store: Store, wanted: Series, from_ms: int | None, to_ms: int | None) -> Series:
    """Return the longest stored interval that makes the wanted one, of those that reach over the window if any does."""
    candidates = []
    for interval, length in sorted(INTERVALS_MS.items(), key=lambda item: -item[1]):
        source = Series(wanted.market, wanted.kind, wanted.symbol, interval)
        if length <= wanted.interval_ms and wanted.interval_ms % length == 0 and store.holdings(source):
            candidates.append(source)
    if not candidates:
        _refuse_unknown(store, wanted)
    return next((source for source in candidates if _reaches(store, source, from_ms, to_ms)), candidates[0])


def _reaches(store: Store, series: Series, from_ms: int | None, to_ms: int | None) -> bool:
    stored = extent(store, series)
    return (from_ms is None or stored.first_ms <= from_ms) and (to_ms is None or stored.end_ms >= to_ms)


def _rows(store: Store, series: Series, from_ms: int | None, to_ms: int | None) -> pl.DataFrame:
    if not store.holdings(series):
        _refuse_unknown(store, series)
    rows = store.read(series, from_ms, to_ms)
    if rows.is_empty():
        raise NoneInWindow(series, from_ms, to_ms)
    return rows


def _aggregated(rows: pl.DataFrame, step_ms: int, length_ms: int, from_ms: int | None) -> pl.DataFrame:
    """Return longer candles; one at either end of which the rows tell only a part is left out."""
    begun = rows["open_ms"][0] if from_ms is None else from_ms
    ended = rows["open_ms"][-1] + step_ms
    bucket = pl.col("open_ms") // length_ms * length_ms
    return (
        rows.group_by(bucket, maintain_order=True)
        .agg(
            pl.col("open").first(),
            pl.col("high").max(),
            pl.col("low").min(),
            pl.col("close").last(),
            pl.col("volume").sum(),
        )
        .filter((pl.col("open_ms") >= begun) & (pl.col("open_ms") + length_ms <= ended))
    )


def _refuse_gaps(found: Coverage) -> None:
    if found.gaps:
        raise GapsInWindow(found)


def _refuse_unknown(store: Store, wanted: Series) -> NoReturn:
    stored = store.series()
    same = [series for series in stored if (series.market, series.kind) == (wanted.market, wanted.kind)]
    near = get_close_matches(wanted.symbol, {series.symbol for series in same}, n=1, cutoff=_ALIKE)
    intervals = [series.interval for series in same if series.symbol == wanted.symbol]
    raise NotStored(wanted, intervals, near[0] if near else "")


def _not_stored(wanted: Series, intervals: Sequence[str], near: str) -> FieldMistake:
    market = WORD_OF_MARKET[wanted.market]
    if intervals:
        there = f"of {market} {wanted.symbol} only {', '.join(intervals)} is stored"
        return FieldMistake("interval", f"{there}, which {wanted.interval} cannot be made of")
    hint = f"did you mean {near}? " if near else ""
    words = f"{wanted.symbol} --market {market} --kind {wanted.kind}"
    words += f" --interval {wanted.interval}" if wanted.interval else ""
    return FieldMistake(
        "symbol",
        f"no {wanted.kind} of {market} {wanted.symbol} are stored; {hint}get them: data get {words} --from 2023-01",
    )
