"""The pictures, as plotly's JSON. The page fills in a colour `$name`, dark or light; `$name:22` has that alpha.

Plain maps and no plotly objects: importing and validating those takes longer than a year's replay. A test validates.
"""

from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.candles import FloatColumn, IntColumn
from backtest.measures import equity_of, from_the_start, why_no_holding
from backtest.ratios import drawdowns
from backtest.report.thinning import extremes, marks, stretches
from backtest.result import BUY, SELL, Result
from backtest.study import Study
from domain.money import UNIT

Figure = dict[str, Any]

LINE_POINTS: Final = 2_400
STRETCHES: Final = 1_600
MARKS: Final = 1_200
_NAME_EVERY_RUNG_UP_TO: Final = 60
_DIGITS: Final = 9


def equity_figure(study: Study) -> Figure:
    """Gain over time beside holding, the bounds as a band, and below it how far it lies under its peak."""
    result, time_ms = study.result, study.candles.open_ms + study.candles.interval_ms
    quote = study.rules.rules.instrument.quote
    holding = (
        []
        if why_no_holding(result)
        else [line("holding the first purchase", time_ms, _hold_line(study), "$quiet", dash="dot", unit=quote)]
    )
    traces = [
        *_band(study, time_ms),
        *holding,
        line("everything in the base", time_ms, _all_in_line(study), "$quiet", unit=quote) | {"visible": "legendonly"},
        line("this grid", time_ms, _gain(result), "$blue", width=2, unit=quote),
        _drawdown_line(result, time_ms),
    ]
    layout = base_layout(height=480)
    layout["yaxis"] |= {"domain": [0.36, 1], "title": {"text": f"gain, {quote}"}, "zeroline": True}
    layout["yaxis2"] = axis() | {"domain": [0, 0.26], "title": {"text": "under peak"}, "tickformat": ".1%"}
    layout["xaxis"] |= {"anchor": "y2"}
    return {"data": traces, "layout": layout}


def price_figure(study: Study) -> Figure:
    """Draw the price as a band of lows and highs, the rungs, and every fill (or marks that stand for several)."""
    candles, rules = study.candles, study.rules.rules
    parts = stretches(candles.open_ms, candles.low, candles.high, candles.close, STRETCHES)
    x = parts.time_ms.tolist()
    low, high, close = (short(column * float(UNIT)) for column in (parts.low, parts.high, parts.close))
    traces: list[Figure] = [
        {"type": "scatter", "x": x, "y": low, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"},
        {"type": "scatter", "x": x, "y": high, "mode": "lines", "line": {"width": 0}, "hoverinfo": "skip"},
        {"type": "scatter", "x": x, "y": close, "mode": "lines", "name": "price", "line": {"color": "$quiet"}},
    ]
    traces[0]["showlegend"] = traces[1]["showlegend"] = False
    traces[1] |= {"fill": "tonexty", "fillcolor": "$quiet:33"}
    traces[2]["line"]["width"] = 1
    traces.insert(0, _rungs(study, [x[0], x[-1]]))
    for side, name, colour, symbol in (
        (BUY, "bought", "$good", "triangle-up"),
        (SELL, "sold", "$bad", "triangle-down"),
    ):
        traces.append(_fills(study.result, side, name, colour, symbol))
    layout = base_layout(height=480)
    layout["hovermode"] = "closest"
    layout["xaxis"]["range"] = [x[0], x[-1]]
    layout["yaxis"] |= {"title": {"text": f"price, {rules.instrument.quote}"}, "range": _price_range(study)}
    layout["yaxis"]["showgrid"] = False  # the rungs are the grid
    return {"data": traces, "layout": layout}


def money_figure(study: Study) -> Figure:
    """Draw where the gain comes from, one step after the other."""
    money = study.measures.money
    steps = [
        ("grid profit", money.grid_profit),
        ("inventory", money.inventory_change),
        ("fees", -money.fees),
        ("funding", money.funding),
        ("fee asset", money.fee_asset_revaluation),
        ("rounding", money.quote_rounding + money.residual),
    ]
    steps = [(name, value) for name, value in steps if value or name in ("grid profit", "inventory", "fees")]
    trace = {
        "type": "waterfall",
        "x": [*(name for name, _ in steps), "gain"],
        "y": [*(_number(value) for _, value in steps), _number(money.equity_change)],
        "measure": [*("relative" for _ in steps), "total"],
        "increasing": {"marker": {"color": "$good"}},
        "decreasing": {"marker": {"color": "$bad"}},
        "totals": {"marker": {"color": "$blue"}},
        "connector": {"line": {"color": "$line"}},
        "texttemplate": "%{delta:+,.2f}",
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{x}: %{delta:,.8f}<extra></extra>",
    }
    trace["texttemplate"] = ["%{delta:+,.2f}"] * len(steps) + ["%{final:+,.2f}"]
    layout = base_layout(height=320)
    layout["xaxis"] = axis() | {"type": "category"}
    layout["showlegend"] = False
    layout["yaxis"]["title"] = {"text": study.rules.rules.instrument.quote}
    return {"data": [trace], "layout": layout}


def _band(study: Study, time_ms: IntColumn) -> list[Figure]:
    if study.bounds is None:
        return []
    worst, best = _gain(study.bounds.pessimistic), _gain(study.bounds.optimistic)
    low = line("pessimistic", time_ms, np.minimum(worst, best), "$blue:00", width=0)
    high = line("between pessimistic and optimistic", time_ms, np.maximum(worst, best), "$blue:00", width=0)
    low |= {"showlegend": False, "hoverinfo": "skip"}
    high |= {"fill": "tonexty", "fillcolor": "$blue:22", "hoverinfo": "skip"}
    return [low, high]


def _drawdown_line(result: Result, time_ms: IntColumn) -> Figure:
    equity = float(result.start_equity) + _gain(result)
    under = -drawdowns(from_the_start(equity, result.start_equity))[1:]
    drawn = line("under its peak", time_ms, under, "$bad", width=1)
    hover = "%{y:.2%}<extra>under its peak</extra>"
    return drawn | {
        "yaxis": "y2",
        "fill": "tozeroy",
        "fillcolor": "$bad:33",
        "showlegend": False,
        "hovertemplate": hover,
    }


def line(
    name: str,
    time_ms: IntColumn,
    values: FloatColumn,
    colour: str,
    *,
    width: float = 1.2,
    dash: str = "solid",
    unit: str = "",
) -> Figure:
    """Draw a line of at most LINE_POINTS points, its extremes among them."""
    rows = extremes(values, LINE_POINTS)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": time_ms[rows].tolist(),
        "y": short(values[rows]),
        "line": {"color": colour, "width": width, "dash": dash},
        "hovertemplate": f"%{{y:+,.2f}} {unit}<extra>{name}</extra>",
    }


def _gain(result: Result) -> FloatColumn:
    if result.curve is None:
        raise ValueError("this figure needs an equity curve; replay with curve=True")
    return equity_of(result.curve, result.start_equity) - float(result.start_equity)


def _hold_line(study: Study) -> FloatColumn:
    plan = study.result.scenario.plan
    prices: FloatColumn = study.candles.close.astype(np.float64) * float(UNIT)
    return float(plan.entry_quantity) * (prices - float(plan.start_price))


def _all_in_line(study: Study) -> FloatColumn:
    prices: FloatColumn = study.candles.close.astype(np.float64) * float(UNIT)
    return float(study.result.start_equity) * (prices / float(study.result.first_price) - 1)


def _rungs(study: Study, ends: list[int]) -> Figure:
    prices = study.result.scenario.plan.prices
    x: list[int | None] = []
    y: list[float | None] = []
    for price in prices:
        x += [*ends, None]
        y += [float(price), float(price), None]
    width = 0.8 if len(prices) <= _NAME_EVERY_RUNG_UP_TO else 0.3
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{len(prices)} rungs",
        "x": x,
        "y": y,
        "line": {"color": "$accent:77", "width": width},
        "hoverinfo": "skip",
    }


def _fills(result: Result, side: int, name: str, colour: str, symbol: str) -> Figure:
    found = marks(result.fills, side, MARKS)
    total = int((result.fills.side == side).sum())
    sizes = np.clip(5 + 2 * np.log2(np.maximum(found.fills.astype(np.float64), 1)), 5, 14)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{name} ({total:,})",
        "x": found.time_ms.tolist(),
        "y": short(found.price_ticks * float(result.scenario.rules.tick)),
        "customdata": found.fills.tolist(),
        "marker": {"color": colour, "symbol": symbol, "size": short(sizes), "opacity": 0.6, "line": {"width": 0}},
        "hovertemplate": f"%{{customdata}} x {name} at %{{y:,}}<br>%{{x}}<extra></extra>",
    }


def _price_range(study: Study) -> list[float]:
    """Return the axis: all of the price, and of the ladder what lies within as much again."""
    low, high = (float(value) * float(UNIT) for value in (study.candles.low.min(), study.candles.high.max()))
    prices, reach = study.result.scenario.plan.prices, high - low
    bottom, top = max(float(prices[0]), low - reach), min(float(prices[-1]), high + reach)
    room = (max(high, top) - min(low, bottom)) * 0.03
    return short(np.array([min(low, bottom) - room, max(high, top) + room]))


def base_layout(height: int) -> Figure:
    return {
        "height": height,
        "margin": {"l": 10, "r": 10, "t": 36, "b": 10},
        "paper_bgcolor": "$none",
        "plot_bgcolor": "$none",
        "font": {"color": "$text", "family": "system-ui, sans-serif", "size": 12},
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": "$card", "bordercolor": "$line", "font": {"color": "$text"}},
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": 1.0,
            "yanchor": "bottom",
            "bgcolor": "$none",
            "traceorder": "normal",
        },
        "xaxis": axis() | {"type": "date"},
        "yaxis": axis(),
    }


def axis() -> Figure:
    return {
        "gridcolor": "$line:88",
        "linecolor": "$line",
        "zerolinecolor": "$quiet",
        "zeroline": False,
        "automargin": True,
        "ticks": "",
    }


def short(values: npt.NDArray[np.floating[Any]]) -> list[float]:
    """Return floats with nine digits: more would only make the file longer."""
    return [float(f"{value:.{_DIGITS}g}") for value in values.tolist()]


def _number(value: Decimal) -> float:
    return float(f"{value:.{_DIGITS}g}")
