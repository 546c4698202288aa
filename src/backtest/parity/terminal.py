"""A comparison on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtest.parity.comparing import Level, Parity
from backtest.parity.telling import headline, notes, queue_sentence, reasons
from backtest.report.sentences import amount, percent
from backtest.result import BUY
from domain.money import plain

COLUMNS: Final = (
    "level",
    "side",
    "orders",
    "reached",
    "filled",
    "rate",
    "live",
    "replayed",
    "agree",
    "waits s",
    "later s",
    "price off",
)
_GOOD: Final = 0.95
_LEAST_NEEDED: Final = ("price off", "rate", "later s", "filled", "waits s", "reached", "orders")
"""In which order columns give way where the terminal is too narrow for all."""


def show(found: Parity, written: Sequence[Path], console: Console | None = None) -> None:
    """Print what was found, level by level, why it differs, and what was written."""
    console = console or Console(highlight=False)
    agreement = found.agreement
    console.print(Text(headline(found), style="bold green" if (agreement or 0) >= _GOOD else "bold yellow"))
    console.print(Text(queue_sentence(found.calibration)))
    console.print()
    table, left_out = table_of(found.levels, console.width)
    console.print(table)
    if left_out:
        console.print(Text(f"· Left out, too wide for here: {', '.join(left_out)}; --out and --json have them."))
    for word, count, meaning in reasons(found):
        console.print(Text(f"! {count:,} × {word}: {meaning}", style="yellow"))
    difference = amount(found.equity_difference, signed=True)
    console.print(Text(f"· Equity, live less replayed: {difference} {found.lived.row.instrument.quote}."))
    for line in notes(found):
        console.print(Text(f"· {line}", style="dim"))
    for file in written:
        console.print(Text(f"written: {file}"), soft_wrap=True)


def cells(level: Level) -> list[str]:
    """Return a level's row."""
    return [
        plain(level.price),
        "buy" if level.side == BUY else "sell",
        f"{level.orders:,}",
        f"{level.reached:,}",
        f"{level.filled:,}",
        "–" if level.fill_rate is None else percent(level.fill_rate, places=0),
        f"{level.live:,}",
        f"{level.replayed:,}",
        f"{level.paired:,}",
        "–" if level.wait_s is None else f"{level.wait_s:,.1f}",
        "–" if level.delay_s is None else f"{level.delay_s:+,.1f}",
        "–" if level.price_difference is None else plain(level.price_difference),
    ]


def table_of(levels: Sequence[Level], width: int) -> tuple[Table, list[str]]:
    """Return the table of the levels, the highest on top, for a terminal so wide, and the columns it has no room for.

    What stands in the table is never cut: of names of two words each has its line, and columns give way one by one.
    """
    rows = [(level, dict(zip(COLUMNS, cells(level), strict=True))) for level in reversed(levels)]
    widths = {
        name: max(len(text) for text in (*name.split(), *(texts[name] for _, texts in rows))) + 1 for name in COLUMNS
    }
    left_out: list[str] = []
    for name in _LEAST_NEEDED:
        if sum(widths.values()) - 1 <= width:
            break
        del widths[name]
        left_out.append(name)
    table = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold")
    for name in widths:
        header = name.replace(" ", "\n")
        table.add_column(header, justify="left" if name == "side" else "right", no_wrap=True, overflow="fold")
    for level, texts in rows:
        differs = level.live != level.paired or level.replayed != level.paired
        table.add_row(*(texts[name] for name in widths), style="yellow" if differs else "")
    return table, left_out
