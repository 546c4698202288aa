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


def show(found: Parity, written: Sequence[Path], console: Console | None = None) -> None:
    """Print what was found, level by level, why it differs, and what was written."""
    console = console or Console(highlight=False)
    agreement = found.agreement
    console.print(Text(headline(found), style="bold green" if (agreement or 0) >= _GOOD else "bold yellow"))
    console.print(Text(queue_sentence(found.calibration)))
    console.print()
    console.print(_table(found))
    for word, count, meaning in reasons(found):
        console.print(Text(f"! {count:,} × {word}: {meaning}", style="yellow"))
    difference = amount(found.equity_difference, signed=True)
    console.print(Text(f"· Equity, live less replayed: {difference} {found.lived.row.instrument.quote}."))
    for line in notes(found):
        console.print(Text(f"· {line}", style="dim"))
    for file in written:
        console.print(Text(f"written: {file}"))


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


def _table(found: Parity) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "side" else "right")
    for level in reversed(found.levels):
        differs = level.live != level.paired or level.replayed != level.paired
        table.add_row(*cells(level), style="yellow" if differs else "")
    return table
