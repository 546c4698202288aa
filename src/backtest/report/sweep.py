"""The page of a sweep: what thousands of grids did, where the good region lies, and whether the winner is luck."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from backtest.overfitting import Honesty
from backtest.report.document import render
from backtest.report.facts import FORMAT, json_value, moment
from backtest.report.figures import base_layout, short
from backtest.report.glossary import GROUPS, Entry, Unit, shown
from backtest.report.heat import heat_figure, pairs, varying
from backtest.whole_files import write_text
from backtest.wording import counted
from domain.money import plain

BEST_ROWS: Final = 25
_POINTS: Final = 3_000
_MOST_KEYS: Final = 4  # in the heat map: every two of them
_HEAT_MEASURES: Final = ("equity_change", "versus_hold", "total_return", "max_drawdown", "sharpe", "cycles")
_COLUMNS: Final = ("equity_change", "total_return", "versus_hold", "max_drawdown", "sharpe", "cycles", "time_in_range")
_ENTRIES: Final[Mapping[str, Entry]] = {entry.name: entry for group in GROUPS for entry in group.entries}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of its own on the page, with a sentence above it. `columns` names the cells of every row."""

    title: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep:
    """What a sweep found.

    Attributes:
        table: a row per configuration: the columns `keys`, and measures by the names of `Measures.flat()`; null
            measures where the configuration was refused.
        keys: the configuration's columns, the two most telling first.
        objective: the measure searched for.
        more_is_better: whether larger values of it are.
        quote: asset of amounts.
        honesty: how far the winner is to be trusted.
        notes: sentences on what was swept and assumed.
        front: rows of `table` on the Pareto front, where several objectives were searched for.
        sections: tables that belong to this search alone, walk-forward for one.
        made_ms: wall time.
    """

    table: pl.DataFrame
    keys: Sequence[str]
    objective: str = "equity_change"
    more_is_better: bool = True
    quote: str = "USDT"
    title: str = "Sweep"
    honesty: Honesty | None = None
    notes: Sequence[str] = ()
    front: Sequence[int] = ()
    sections: Sequence[Section] = ()
    made_ms: int = 0

    @property
    def ran(self) -> pl.DataFrame:
        """Return the configurations that ran, the best first, with their row in `table` as `row`."""
        value = pl.col(self.objective).cast(pl.Float64)
        order = [self.more_is_better, False]  # of equal ones the first tried
        return self.table.with_row_index("row").filter(value.is_finite()).sort(value, "row", descending=order)


def sweep_report(sweep: Sweep, file: Path) -> None:
    """Write a sweep's page; it appears whole or not at all.

    Raises:
        ValueError: if a column is missing, or nothing ran.
        OSError: if it cannot be written.
    """
    write_text(file, sweep_html(sweep))


def sweep_html(sweep: Sweep) -> str:
    """Return the page as text; errors as of `sweep_report`."""
    missing = {*sweep.keys, sweep.objective} - set(sweep.table.columns)
    if missing:
        raise ValueError(f"the table lacks {', '.join(sorted(missing))}")
    ran = sweep.ran
    if ran.is_empty():
        raise ValueError("no configuration ran, so there is nothing to show; see why they were refused")
    keys = varying(ran, sweep.keys)
    measures = list(dict.fromkeys(name for name in (sweep.objective, *_HEAT_MEASURES) if _is_known(ran, name)))
    drawn: dict[str, Any] = {"spread": _spread(sweep, ran)}
    if len(keys) >= 2:
        drawn["heat"] = heat_figure(ran, keys[:_MOST_KEYS], measures)
    if _is_known(ran, "max_drawdown"):
        drawn["risk"] = _risk(sweep, ran)
    return render(
        "sweep.html",
        title=sweep.title,
        badges=[
            counted(sweep.table.height, "configuration"),
            f"{ran.height:,} ran",
            f"searched for {_in_words(sweep.objective)}",
        ],
        footer=f"Gridhive sweep, made {moment(sweep.made_ms)} · the best of one past need not be tomorrow's",
        facts=sweep_facts(sweep),
        figures=drawn,
        headline=headline(sweep),
        is_luck=sweep.honesty is None or sweep.honesty.is_probably_luck,
        verdict=_verdict(sweep.honesty),
        notes=list(sweep.notes),
        sections=sweep.sections,
        pairs=[f"{x}|{y}" for x, y in pairs(keys[:_MOST_KEYS])],
        measures=[(name, _label(name)) for name in measures],
        columns=_columns(sweep, ran),
        rows=list(_rows(sweep, ran.head(BEST_ROWS))),
    )


def headline(sweep: Sweep) -> str:
    """Return what the sweep found, in words."""
    ran = sweep.ran
    values = ran[sweep.objective].cast(pl.Float64).to_numpy()
    best = ", ".join(f"{key} {shown_key(ran[key][0])}" for key in varying(ran, sweep.keys))
    refused = sweep.table.height - ran.height
    half = "more" if sweep.more_is_better else "less"
    lost = ""
    if _is_known(ran, "equity_change"):
        losers = int((ran["equity_change"] < 0).sum())
        lost = f" {losers:,} of them lost." if losers else " None of them lost."
    return (
        f"Of {counted(ran.height, 'grid')} the best by {_in_words(sweep.objective)} reached "
        f"{shown_measure(sweep.objective, values[0], sweep.quote)} ({best or 'the only one'}); half of all reached "
        f"{half} than {shown_measure(sweep.objective, float(np.median(values)), sweep.quote)}.{lost}"
        f"{f' {refused:,} could not have been started.' if refused else ''}"
    )


def best_rows(sweep: Sweep, most: int) -> tuple[list[str], list[list[str]]]:
    """Return the head of the table of the best, and its rows, as texts."""
    ran = sweep.ran
    return _columns(sweep, ran), [[*row["keys"], *row["values"]] for row in _rows(sweep, ran.head(most))]


def _columns(sweep: Sweep, ran: pl.DataFrame) -> list[str]:
    return [*sweep.keys, *(_label(name) for name in _shown_columns(ran))]


def _verdict(honesty: Honesty | None) -> str:
    if honesty is None:
        return "Nobody tested whether the winner is luck: with many tries the best always looks good."
    return honesty.sentence


def _shown_columns(ran: pl.DataFrame) -> list[str]:
    return [name for name in _COLUMNS if _is_known(ran, name)]


def _rows(sweep: Sweep, best: pl.DataFrame) -> Iterator[dict[str, Any]]:
    names = _shown_columns(best)
    for row in best.iter_rows(named=True):
        yield {
            "keys": [shown_key(row[key]) for key in sweep.keys],
            "values": [shown_measure(name, row[name], sweep.quote) for name in names],
            "is_front": row["row"] in sweep.front,
        }


def _spread(sweep: Sweep, ran: pl.DataFrame) -> dict[str, Any]:
    values = ran[sweep.objective].cast(pl.Float64).to_numpy()
    counts, edges = np.histogram(values, bins=min(60, max(8, int(np.sqrt(len(values))))))
    middles = (edges[:-1] + edges[1:]) / 2
    bars = {
        "type": "bar",
        "x": short(middles),
        "y": counts.tolist(),
        "marker": {"color": ["$good" if middle >= 0 else "$bad" for middle in middles]},
        "hovertemplate": "about %{x:,.4g}: %{y} grids<extra></extra>",
    }
    layout = base_layout(300)
    layout["xaxis"] |= {"type": "linear", "title": {"text": _label(sweep.objective)}}
    layout["yaxis"]["title"] = {"text": "grids"}
    return {"data": [bars], "layout": layout | {"bargap": 0.05, "showlegend": False, "hovermode": "closest"}}


def _risk(sweep: Sweep, ran: pl.DataFrame) -> dict[str, Any]:
    """Draw every grid's objective over its deepest fall; of very many the best and an even choice of the others."""
    step = max(1, -(-ran.height // _POINTS))
    some = ran.gather_every(step)
    traces = [_points(sweep, some, "grids", "$blue:99", 5)]
    front = ran.filter(pl.col("row").is_in(list(sweep.front)))
    if not front.is_empty():
        traces.append(_points(sweep, front, "Pareto front", "$accent", 8))
    traces.append(_points(sweep, ran.head(1), "winner", "$good", 12))
    layout = base_layout(380)
    layout["xaxis"] |= {"type": "linear", "title": {"text": "deepest fall"}, "tickformat": ".3~%", "zeroline": True}
    layout["yaxis"] |= {"title": {"text": _label(sweep.objective)}, "zeroline": True}
    return {"data": traces, "layout": layout | {"hovermode": "closest"}}


def _points(sweep: Sweep, rows: pl.DataFrame, name: str, colour: str, size: int) -> dict[str, Any]:
    told = [", ".join(f"{key} {shown_key(row[key])}" for key in sweep.keys) for row in rows.iter_rows(named=True)]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": short(rows["max_drawdown"].cast(pl.Float64).to_numpy()),
        "y": short(rows[sweep.objective].cast(pl.Float64).to_numpy()),
        "text": told,
        "marker": {"color": colour, "size": size},
        "hovertemplate": "%{text}<br>%{y:,.4g}, deepest fall %{x:.1%}<extra></extra>",
    }


def sweep_facts(sweep: Sweep) -> dict[str, Any]:
    """Return what the page tells, as JSON's own values."""
    honesty, ran = sweep.honesty, sweep.ran
    told = {
        "format": FORMAT,
        "kind": "sweep",
        "made": moment(sweep.made_ms),
        "headline": headline(sweep),
        "verdict": _verdict(honesty),
        "honesty": honesty,
        "keys": list(sweep.keys),
        "objective": sweep.objective,
        "configurations": sweep.table.height,
        "ran": ran.height,
        "best": [_finite_row(row) for row in ran.head(BEST_ROWS).iter_rows(named=True)],
        "front": list(sweep.front),
        "sections": sweep.sections,
        "notes": list(sweep.notes),
    }
    return {name: json_value(value) for name, value in told.items()}


def _finite_row(row: Mapping[str, object]) -> dict[str, object]:
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}


def _is_known(table: pl.DataFrame, name: str) -> bool:
    return name in table.columns and table[name].dtype.is_numeric() and not table[name].is_null().all()


def _label(name: str) -> str:
    return _ENTRIES[name].label if name in _ENTRIES else name


def _in_words(name: str) -> str:
    """Return a measure's label within a sentence; those named after a person keep their capital."""
    label = _label(name)
    return label if label.endswith("ratio") else label[0].lower() + label[1:]


def shown_measure(name: str, value: Any, quote: str) -> str:
    """Return a measure of `Measures.flat()` as people write it; – where there is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if name not in _ENTRIES:
        return f"{value:,.4g}" if isinstance(value, float) else str(value)
    unit = _ENTRIES[name].unit
    return shown(Decimal(str(value)) if unit in (Unit.QUOTE, Unit.GAIN) else value, unit, quote)


def shown_key(value: object) -> str:
    """Return a configuration's value, of a decimal every digit."""
    if isinstance(value, Decimal):
        return plain(value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)
