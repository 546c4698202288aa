"""The same grid started anew in each day, week or month: a picture, and a sentence."""

import numpy as np

from backtest.report.figures import Figure, axis, base_layout, short
from backtest.report.sentences import day, percent
from backtest.study import Study
from backtest.wording import counted


def windows_figure(study: Study) -> Figure | None:
    """Draw what the same grid would have brought in each window, beside holding; None where it ran in none."""
    ran = [window for window in study.windows if window.fraction is not None]
    if not ran:
        return None
    names = [day(window.from_ms) for window in ran]
    gains = [window.fraction or 0.0 for window in ran]
    bars = {
        "type": "bar",
        "name": "this grid",
        "x": names,
        "y": short(np.array(gains)),
        "marker": {"color": ["$good" if gain >= 0 else "$bad" for gain in gains]},
        "customdata": [window.cycles for window in ran],
        "hovertemplate": "from %{x}: %{y:.2%}, %{customdata} cycles<extra></extra>",
    }
    held = [(day(window.from_ms), window.hold_fraction) for window in ran if window.hold_fraction is not None]
    hold = {
        "type": "scatter",
        "mode": "markers",
        "name": "holding the first purchase",
        "x": [name for name, _ in held],
        "y": short(np.array([fraction for _, fraction in held])),
        "marker": {"color": "$text", "symbol": "line-ew-open", "size": 12},
        "hovertemplate": "holding: %{y:.2%}<extra></extra>",
    }
    layout = base_layout(height=340)
    layout["xaxis"] = axis() | {"type": "category", "nticks": 12}
    layout["yaxis"] |= {"tickformat": ".1%", "zeroline": True}
    layout["bargap"] = 0.25
    return {"data": [bars, hold] if held else [bars], "layout": layout}


def windows_sentence(study: Study) -> str:
    """Return how the windows fared, in words; empty where none were asked for."""
    if study.window_length is None:
        return ""
    if not study.windows:
        return f"The data holds no whole {study.window_length}, so the grid was started anew in none."
    gains = np.array([window.fraction for window in study.windows if window.fraction is not None])
    if not len(gains):
        where = "the only" if len(study.windows) == 1 else f"any of {len(study.windows)}"
        return f"The grid could not have been started in {where} {_length(study, len(study.windows))}."
    lost = int((gains < 0).sum())
    if len(gains) == 1:
        return f"The same grid started anew in 1 {study.window_length} brought {percent(gains[0], signed=True)}."
    low, middle, high = np.quantile(gains, [0.1, 0.5, 0.9])
    return (
        f"The same grid started anew at the price of each of {counted(len(gains), study.window_length)}: half of them "
        f"brought more than {percent(middle, signed=True)}, one in ten less than {percent(low, signed=True)} and one "
        f"in ten more than {percent(high, signed=True)}; {lost or 'none'} lost."
    )


def _length(study: Study, number: int) -> str:
    return f"{study.window_length}" if number == 1 else f"{study.window_length}s"
