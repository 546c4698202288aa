"""A comparison in a folder: parity.json and report.html, which needs nothing else."""

from pathlib import Path
from typing import Any

import numpy as np

from backtest.parity.calibration import fill_words
from backtest.parity.comparing import Parity
from backtest.parity.telling import facts_of, headline, notes, queue_sentence, reasons
from backtest.parity.terminal import COLUMNS, cells
from backtest.report.document import render
from backtest.report.facts import moment, to_json
from backtest.report.figures import Figure, base_layout, short
from backtest.report.sentences import amount, minute, percent
from backtest.result import BUY, SELL
from backtest.whole_files import write_text
from domain.money import UNIT

_LINE_POINTS = 4_000


def write_all(found: Parity, folder: Path) -> list[Path]:
    """Write everything into `folder`, which is made where it does not exist; return the files.

    Raises:
        OSError: if that is not possible.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "parity.json", folder / "report.html"]
    write_text(files[0], to_json(facts_of(found), indent=1) + "\n")
    write_text(files[1], html_of(found))
    return files


def html_of(found: Parity) -> str:
    """Return the page as text."""
    row = found.lived.row
    drawn: dict[str, Any] = {"price": price_figure(found)}
    if found.calibration is not None:
        drawn["queue"] = queue_figure(found)
    quote = row.instrument.quote
    return render(
        "parity.html",
        title=f"Parity {row.instrument.base}/{quote}",
        badges=[
            f"grid {row.grid_id}",
            f"{minute(found.from_ms)} to {minute(found.until_ms)}",
            f"{len(found.prices):,} prices, {found.prices.source}",
            f"replayed with {fill_words(found.fill)}, {found.latency.used_ms:,} ms",
        ],
        footer=f"Gridhive parity, made {moment(found.made_ms)}",
        facts=facts_of(found),
        figures=drawn,
        headline=headline(found),
        is_good=(found.agreement or 0) >= 0.95,
        queue=queue_sentence(found.calibration),
        has_queue=found.calibration is not None,
        cards=[
            ("agreement", "–" if found.agreement is None else percent(found.agreement, places=1)),
            ("live fills", f"{found.live_count:,}"),
            ("replayed fills", f"{found.replayed_count:,}"),
            ("equal to the last digit", f"{found.exact_count:,}"),
            ("equity, live less replayed", f"{amount(found.equity_difference, signed=True)} {quote}"),
        ],
        columns=COLUMNS,
        levels=[cells(level) for level in reversed(found.levels)],
        reasons=reasons(found),
        notes=list(notes(found)),
    )


def price_figure(found: Parity) -> Figure:
    """Draw the price with live fills and replayed ones."""
    step = max(len(found.prices) // _LINE_POINTS, 1)
    traces: list[Figure] = [
        {
            "type": "scatter",
            "x": found.prices.time_ms[::step].tolist(),
            "y": short(found.prices.price[::step] * float(UNIT)),
            "mode": "lines",
            "name": "price",
            "line": {"color": "$quiet", "width": 1},
        }
    ]
    for side, word, colour, symbol in (
        (BUY, "bought", "$good", "triangle-up"),
        (SELL, "sold", "$bad", "triangle-down"),
    ):
        here = [pair for pair in found.pairs if pair.side == side]
        traces += [
            _marks([pair.live for pair in here], f"{word} live", colour, symbol, 9),
            _marks([pair.replayed for pair in here], f"{word} in the replay", "$blue", f"{symbol}-open", 13),
        ]
    layout = base_layout(height=480)
    layout["hovermode"] = "closest"
    layout["yaxis"] |= {"title": {"text": f"price, {found.lived.row.instrument.quote}"}}
    return {"data": traces, "layout": layout}


def queue_figure(found: Parity) -> Figure:
    """Draw how far each share of what is traded at a price lies from what was lived."""
    assert found.calibration is not None  # noqa: S101 - asked for only then
    candidates = found.calibration.candidates
    trace = {
        "type": "bar",
        "x": [fill_words(candidate.fill).removeprefix("share:") for candidate in candidates],
        "y": short(np.array([candidate.distance for candidate in candidates])),
        "marker": {"color": "$blue"},
        "hovertemplate": "%{x}: %{y:.4f}<extra></extra>",
    }
    layout = base_layout(height=280)
    layout["xaxis"] = {"type": "category", "automargin": True}
    layout["showlegend"] = False
    layout["yaxis"] |= {"title": {"text": "distance from what was lived"}}
    return {"data": [trace], "layout": layout}


def _marks(ends: list[Any], name: str, colour: str, symbol: str, size: int) -> Figure:
    there = [end for end in ends if end is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [end.time_ms for end in there],
        "y": short(np.array([end.price for end in there], dtype=np.float64) * float(UNIT)),
        "marker": {"color": colour, "symbol": symbol, "size": size},
    }
