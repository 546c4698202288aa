"""Candles straight from a person's file, without the store."""

from decimal import Decimal
from pathlib import Path

import polars as pl

from backtest.candles import Candles
from backtest.data import columns
from backtest.data.checks import RowChecks, infer_interval
from backtest.data.coverage import gap_text
from backtest.data.periods import utc
from backtest.data.reading import Dialect, open_source
from backtest.data.series import Series, parse_interval, refuse
from backtest.wording import counted
from domain.instrument import Market
from ports.archives import Recording


def read_candles(
    file: Path,
    symbol: str,
    market: Market,
    interval: str | None,
    window: tuple[int | None, int | None],
    *,
    tick: Decimal,
    allow_gaps: bool = False,
) -> tuple[Candles, list[str]]:
    """Return the candles of a CSV, Parquet or feather file that open in the window, and what is to be said of them.

    Args:
        file: columns are found by the names people and tools give them, or in Binance's order.
        symbol: what it holds, as Binance writes it.
        market: on which market.
        interval: `1m` to `1d`; None takes the commonest step between rows.
        window: ms, start within and end not; None reaches as far as the file.
        tick: prices that come as floats are taken at its nearest multiple.
        allow_gaps: replay what is there.

    Raises:
        InvalidRequest: naming field, row and remedy.
    """
    source = open_source(file)
    rows = pl.concat(list(source.blocks(Recording.KLINES, Dialect(tick=tick))))
    said = None if interval is None else parse_interval(interval)
    series = Series.named(symbol, market, Recording.KLINES, infer_interval(rows["open_ms"], file.name, said))
    notices: list[str] = []
    rows = RowChecks(file.name, series.kind, series.interval, notices=notices).check(rows)
    if source.has_floats(series.kind):
        notices.append(f"its prices are binary floats, rounded to the nearest multiple of {tick:f}")
    from_ms, until_ms = window
    kept = rows.filter(
        pl.lit(True) if from_ms is None else pl.col("open_ms") >= from_ms,
        pl.lit(True) if until_ms is None else pl.col("open_ms") < until_ms,
    )
    if kept.is_empty():
        first, last = int(rows["open_ms"][0]), int(rows["open_ms"][-1]) + series.interval_ms
        refuse("from", f"{file.name} has no candle in that window; it reaches from {utc(first)} to {utc(last)}")
    candles = Candles(
        symbol=series.symbol,
        market=series.market,
        interval_ms=series.interval_ms,
        **{name: kept[name].to_numpy(writable=True) for name in ("open_ms", *columns.PRICES)},
        volume=kept["volume"].cast(pl.Float64).to_numpy(writable=True),
    )
    if candles.gaps and not allow_gaps:
        shown = "; ".join(gap_text(gap) for gap in candles.gaps[:3])
        refuse(
            "data",
            f"{file.name} has {counted(len(candles.gaps), 'gap')}: {shown}. Narrow the window, or say --allow-gaps",
        )
    return candles, notices
