"""A portfolio's back-test on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtest.portfolio.study import PortfolioStudy
from backtest.portfolio.telling import COLUMNS, assumptions, headline, ratio, table, warnings
from backtest.ratios import Absent
from backtest.report.sentences import percent


def show(found: PortfolioStudy, written: Sequence[Path], console: Console | None = None) -> None:
    """Print what was found, what to doubt in it, what was assumed, and what was written."""
    console = console or Console(highlight=False)
    good = found.total.equity_change >= 0
    console.print(Text(headline(found), style="bold green" if good else "bold red"))
    console.print()
    console.print(_grids(found))
    console.print()
    console.print(Text(_risk(found)))
    for index, symbol in enumerate(found.symbols[:-1]):
        pairs = zip(found.symbols[index + 1 :], found.correlations[index][index + 1 :], strict=True)
        told = ", ".join(f"{other} {ratio(value)}" for other, value in pairs)
        console.print(Text(f"correlation of daily changes, {symbol} with {told}"))
    for warning in warnings(found):
        console.print(Text(f"! {warning}", style="yellow"))
    for line in assumptions(found):
        console.print(Text(f"· {line}", style="dim"))
    for file in written:
        console.print(Text(f"written: {file}"), soft_wrap=True)


def _grids(found: PortfolioStudy) -> Table:
    shown = Table(box=None, pad_edge=False, collapse_padding=True, header_style="bold")
    shown.add_column(found.quote)
    for name in COLUMNS[1:]:
        shown.add_column(name, justify="right", overflow="fold")
    rows = table(found)
    for row in rows:
        style = "red" if row[1].startswith("-") else ""
        shown.add_row(row[0], Text(row[1], style=style), *row[2:], style="bold" if row is rows[-1] else "")
    return shown


def _risk(found: PortfolioStudy) -> str:
    risk = found.risk
    yearly = "–" if isinstance(risk.annual_return, Absent) else percent(risk.annual_return, signed=True)
    worst = "–" if isinstance(risk.worst_day, Absent) else percent(risk.worst_day, signed=True)
    return (
        f"account: return {percent(risk.total_return, signed=True)}, per year {yearly}, deepest fall "
        f"{percent(risk.max_drawdown)}, worst day {worst}, Sharpe {ratio(risk.sharpe)}, Sortino "
        f"{ratio(risk.sortino)}, Calmar {ratio(risk.calmar)}"
    )
