"""A portfolio's back-test in a folder: result.json, report.html, fills.parquet, equity.parquet."""

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from backtest.candles import FloatColumn
from backtest.measures import equity_of, from_the_start
from backtest.portfolio.study import PortfolioStudy
from backtest.portfolio.telling import (
    COLUMNS,
    assumptions,
    facts_of,
    has_trades,
    headline,
    ratio,
    table,
    warnings,
)
from backtest.ratios import Absent, drawdowns
from backtest.ratios import Figure as Number
from backtest.report.document import render
from backtest.report.facts import moment, to_json
from backtest.report.figures import LINE_POINTS, Figure, axis, base_layout, line, short
from backtest.report.files import fills_table
from backtest.report.sentences import amount, day, interval, percent
from backtest.whole_files import write_table, write_text
from backtest.wording import counted

_COLOURS: Final = ("$blue", "$accent", "$good", "$bad", "$quiet", "$text")
_MINUTES: Final = {"one": "the end of a minute", "many": "the ends of minutes"}
_CANDLES: Final = {"one": "a candle's close", "many": "candles' closes"}


def write_all(found: PortfolioStudy, folder: Path) -> list[Path]:
    """Write everything into `folder`, which is made where it does not exist; return the files.

    Raises:
        OSError: if that is not possible.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in ("result.json", "fills.parquet", "equity.parquet", "report.html")]
    write_text(files[0], to_json(facts_of(found), indent=1) + "\n")
    write_table(files[1], _fills(found))
    write_table(files[2], _equity(found))
    write_text(files[3], html_of(found))
    return files


def html_of(found: PortfolioStudy) -> str:
    """Return the page as text."""
    total, risk, quote = found.total, found.risk, found.quote
    candles = found.together.members[0].candles
    return render(
        "portfolio.html",
        title=f"Portfolio of {counted(len(found.symbols), 'grid')}",
        badges=[
            *found.symbols,
            f"{day(int(found.curve.time_ms[0]))} to {day(int(found.curve.time_ms[-1]))}",
            "single trades" if has_trades(found) else f"candles of {interval(candles.interval_ms)}",
            f"{amount(total.start_equity)} {quote} shared",
        ],
        footer=f"Gridhive back-test, made {moment(found.made_ms)} · past prices say little about those to come",
        facts=facts_of(found),
        figures={
            "equity": equity_figure(found),
            "grids": grids_figure(found),
            "risk": risk_figure(found),
        },
        headline=headline(found),
        is_gain=total.equity_change >= 0,
        cards=[
            ("gain", f"{amount(total.equity_change, signed=True)} {quote}"),
            ("return per year", _percent(risk.annual_return)),
            ("deepest fall", percent(risk.max_drawdown)),
            ("Sharpe ratio", ratio(risk.sharpe)),
            ("most at risk", f"{amount(total.most_at_risk)} {quote}"),
            ("cycles", f"{total.cycles:,}"),
        ],
        warnings=warnings(found),
        columns=COLUMNS,
        rows=table(found),
        symbols=found.symbols,
        correlations=[
            (symbol, [ratio(value) for value in row])
            for symbol, row in zip(found.symbols, found.correlations, strict=True)
        ],
        months=[
            (month.month, amount(month.gain, signed=True), month.gain < 0, percent(month.max_drawdown), month.fills)
            for month in found.months
        ],
        assumptions=assumptions(found),
        limit=found.together.max_exposure,
        closes=_MINUTES if has_trades(found) else _CANDLES,
        travels=bool(found.together.members[0].scenario.delays),
    )


def equity_figure(found: PortfolioStudy) -> Figure:
    """Draw the account's gain, and below it how far it lies under its peak."""
    time_ms, quote = found.curve.time_ms, found.quote
    equity = equity_of(found.curve, found.total.start_equity)
    fallen = drawdowns(from_the_start(equity, found.total.start_equity))[1:]
    under = line("under its peak", time_ms, -fallen, "$bad", width=1)
    hover = "%{y:.2%}<extra>under its peak</extra>"
    under |= {"yaxis": "y2", "fill": "tozeroy", "fillcolor": "$bad:33", "showlegend": False, "hovertemplate": hover}
    layout = base_layout(height=440)
    layout["yaxis"] |= {"domain": [0.36, 1], "title": {"text": f"gain, {quote}"}, "zeroline": True}
    layout["yaxis2"] = axis() | {"domain": [0, 0.26], "title": {"text": "under peak"}, "tickformat": ".1%"}
    layout["xaxis"] |= {"anchor": "y2"}
    gain = line("the account", time_ms, found.curve.change_quote, "$blue", width=2, unit=quote)
    return {"data": [gain, under], "layout": layout}


def grids_figure(found: PortfolioStudy) -> Figure:
    """Draw what each grid contributed to the account's gain."""
    traces = [
        line(symbol, found.curve.time_ms, _quote(found, gains), colour, unit=found.quote)
        for symbol, gains, colour in zip(found.symbols, found.gains, _colours(found), strict=True)
    ]
    layout = base_layout(height=380)
    layout["yaxis"] |= {"title": {"text": f"gain, {found.quote}"}, "zeroline": True}
    return {"data": traces, "layout": layout}


def risk_figure(found: PortfolioStudy) -> Figure:
    """Draw what each grid has at risk, one on top of the other, and the limit; of each stretch its highest moment."""
    rows = _highest(found.at_risk.sum(axis=0).astype(np.float64))
    x = found.curve.time_ms[rows].tolist()
    traces: list[Figure] = [
        {
            "type": "scatter",
            "mode": "lines",
            "stackgroup": "risk",
            "name": symbol,
            "x": x,
            "y": short(_quote(found, at_risk[rows])),
            "line": {"color": colour, "width": 0.5},
            "fillcolor": f"{colour}:55",
            "hovertemplate": f"%{{y:,.2f}} {found.quote}<extra>{symbol}</extra>",
        }
        for symbol, at_risk, colour in zip(found.symbols, found.at_risk, _colours(found), strict=True)
    ]
    if found.together.max_exposure is not None:
        limit = float(found.together.max_exposure)
        style = {"color": "$text", "width": 1, "dash": "dash"}
        traces.append(
            {"type": "scatter", "mode": "lines", "name": "limit", "x": [x[0], x[-1]], "y": [limit] * 2, "line": style}
        )
    layout = base_layout(height=340)
    layout["yaxis"] |= {"title": {"text": f"at risk, {found.quote}"}, "rangemode": "tozero"}
    return {"data": traces, "layout": layout}


def _highest(values: FloatColumn) -> npt.NDArray[np.int64]:
    """Return the row of the highest value of each of at most LINE_POINTS equal stretches, and the last row."""
    size = max(1, -(-len(values) // LINE_POINTS))
    padded = np.concatenate((values, np.full(-len(values) % size, -np.inf))).reshape(-1, size)
    rows = np.arange(len(padded)) * size + padded.argmax(axis=1)
    return np.unique(np.append(rows, len(values) - 1))


def _colours(found: PortfolioStudy) -> list[str]:
    return [_COLOURS[index % len(_COLOURS)] for index in range(len(found.symbols))]


def _quote(found: PortfolioStudy, units: npt.NDArray[np.int64]) -> FloatColumn:
    return units.astype(np.float64) * float(found.together.unit)


def _percent(value: Number) -> str:
    return "–" if isinstance(value, Absent) else percent(value, signed=True)


def _fills(found: PortfolioStudy) -> pl.DataFrame:
    """Return the fills of all grids by time."""
    tables = [
        fills_table(result).select(pl.lit(symbol).alias("symbol"), pl.all())
        for symbol, result in zip(found.symbols, found.together.results, strict=True)
    ]
    return pl.concat(tables).sort("time", maintain_order=True)


def _equity(found: PortfolioStudy) -> pl.DataFrame:
    """Return gains and what is at risk, as floats for pictures, and the account's exact gain in units."""
    columns: dict[str, object] = {
        "time": pl.Series(found.curve.time_ms, dtype=pl.Int64).cast(pl.Datetime("ms", "UTC")),
        "equity": equity_of(found.curve, found.total.start_equity),
        "change_units": pl.Series(found.curve.change.tolist(), dtype=pl.Decimal(38, 0)),
        "unit": pl.Series([str(found.curve.unit)], dtype=pl.String).new_from_index(0, len(found.curve.change)),
    }
    for symbol, gains, at_risk in zip(found.symbols, found.gains, found.at_risk, strict=True):
        columns |= {f"{symbol}_change": _quote(found, gains), f"{symbol}_at_risk": _quote(found, at_risk)}
    return pl.DataFrame(columns)
