"""Heat maps of a sweep: two keys across and down, one measure as the colour."""

import math
from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from domain.money import plain

MOST_CELLS: Final = 60
"""Along one side; a key with more values is cut into so many ranges, or fewer where little was tried."""
_FEWEST_CELLS: Final = 5
_TEXT_UP_TO: Final = 13
_TIGHT_FROM: Final = 30  # cells; more are drawn without a line between them


class Heat(NamedTuple):
    """Labels across and down, and for each cell the value, None where nothing was tried."""

    x: list[str]
    y: list[str]
    cells: list[list[float | None]]


def heat_map(table: pl.DataFrame, x: str, y: str, measure: str) -> Heat:
    """Return the median of `measure` over everything tried with the same (or about the same) `x` and `y`.

    A median shows whether a region is good; the best of a cell would show where somebody was lucky.
    """
    most = MOST_CELLS
    if table[x].n_unique() * table[y].n_unique() > 2 * table.height:  # tried here and there, not everywhere
        most = min(MOST_CELLS, max(_FEWEST_CELLS, math.isqrt(table.height // 2)))
    across, down = _labels(table[x], most), _labels(table[y], most)
    values = pl.DataFrame({"x": across.row, "y": down.row, "value": table[measure].cast(pl.Float64)})
    found = values.filter(pl.col("value").is_finite()).group_by("x", "y").agg(pl.col("value").median())
    cells: list[list[float | None]] = [[None] * len(across.names) for _ in down.names]
    for column, line, value in found.iter_rows():
        cells[line][column] = float(f"{value:.6g}")
    return Heat(across.names, down.names, cells)


def heat_figure(table: pl.DataFrame, keys: Sequence[str], measures: Sequence[str]) -> dict[str, Any]:
    """Return plotly's JSON, with every choice of two keys and a measure under `choices`, named `x|y|measure`."""
    choices = {
        f"{x}|{y}|{measure}": _choice(heat_map(table, x, y, measure), x, y, measure)
        for x, y in pairs(keys)
        for measure in measures
    }
    first = next(iter(choices.values()))
    return {"data": [dict(first["data"])], "layout": dict(first["layout"]), "choices": choices}


def pairs(keys: Sequence[str]) -> list[tuple[str, str]]:
    """Return every two keys, the first two before all others."""
    return list(combinations(keys, 2))


def varying(table: pl.DataFrame, keys: Sequence[str]) -> list[str]:
    """Return the keys that take more than one value."""
    return [key for key in keys if table[key].n_unique() > 1]


class _Labelled(NamedTuple):
    names: list[str]
    row: pl.Series  # for each row the place of its label


def _labels(column: pl.Series, most: int) -> _Labelled:
    values = column.unique().sort()
    if len(values) <= most or not column.dtype.is_numeric():
        places = {value: place for place, value in enumerate(values.to_list())}
        names = ["-" if value is None else _name(value) for value in values.to_list()]
        return _Labelled(names, pl.Series([places[value] for value in column.to_list()], dtype=pl.Int64))
    numbers = column.cast(pl.Float64).to_numpy()
    edges = np.quantile(numbers, np.linspace(0, 1, most + 1))
    edges = np.unique(np.round(edges) if column.dtype.is_integer() else edges)
    rows = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, len(edges) - 2)
    names = [f"{_name(low)} to {_name(high)}" for low, high in pairwise(edges)]
    return _Labelled(names, pl.Series(rows, dtype=pl.Int64))


def _name(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    return f"{float(value):.4g}" if isinstance(value, float | np.floating) else str(value)


def _choice(heat: Heat, x: str, y: str, measure: str) -> dict[str, Any]:
    known = [cell for line in heat.cells for cell in line if cell is not None]
    has_both = bool(known) and min(known) < 0 < max(known)
    colours: dict[str, Any] = {"colorscale": [[0, "$card"], [1, "$good"]]}
    if has_both:  # as much red as green, or the losses of absurd corners would wash out all gains
        limit = max(known)
        colours = {"colorscale": [[0, "$bad"], [0.5, "$card"], [1, "$good"]], "zmin": -limit, "zmax": limit}
    elif known and max(known) <= 0:
        colours = {"colorscale": [[0, "$bad"], [1, "$card"]]}
    small = max(len(heat.x), len(heat.y)) <= _TEXT_UP_TO
    return {
        "data": {
            "type": "heatmap",
            "x": heat.x,
            "y": heat.y,
            "z": heat.cells,
            "xgap": int(len(heat.x) <= _TIGHT_FROM),
            "ygap": int(len(heat.y) <= _TIGHT_FROM),
            "hovertemplate": f"{x} %{{x}}<br>{y} %{{y}}<br>{measure} %{{z:{_digits(known, 4)}}}<extra></extra>",
            "texttemplate": f"%{{z:{_digits(known, 3)}}}" if small else "",
            "colorbar": {"thickness": 12, "outlinewidth": 0},
            **colours,
        },
        "layout": {
            "height": 480,
            "margin": {"l": 10, "r": 10, "t": 10, "b": 10},
            "paper_bgcolor": "$none",
            "plot_bgcolor": "$none",
            "font": {"color": "$text", "family": "system-ui, sans-serif", "size": 12},
            "hoverlabel": {"bgcolor": "$card", "bordercolor": "$line", "font": {"color": "$text"}},
            "xaxis": {"type": "category", "title": {"text": x}, "automargin": True, "showgrid": False},
            "yaxis": {"type": "category", "title": {"text": y, "standoff": 12}, "automargin": True, "showgrid": False},
        },
    }


def _digits(known: Sequence[float], significant: int) -> str:
    """Return d3's format for a map's numbers: large ones in full, never as powers of ten."""
    largest = max((abs(value) for value in known), default=0.0)
    return ",.0f" if largest >= 10**significant / 10 else f",.{significant}~g"
