"""A back-test on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtest.measured import Measures
from backtest.measures import measure
from backtest.report import glossary, sentences
from backtest.report.doubts import warnings
from backtest.report.windows import windows_sentence
from backtest.study import Study

_SHOWN: Final = (
    "equity_change",
    "total_return",
    "annual_return",
    "versus_hold",
    "all_in_change",
    "grid_profit",
    "inventory_change",
    "fees",
    "fee_asset_revaluation",
    "cycles",
    "cycles_per_day",
    "profit_per_cycle",
    "max_drawdown",
    "max_drawdown_days",
    "worst_day",
    "sharpe",
    "sortino",
    "calmar",
    "time_in_range",
    "exposure",
    "capital_efficiency",
)

_DELAYED: Final = ("post_only_refusals", "late_cancels", "rate_waits")
_LIMITED: Final = ("over_limit_orders",)
_OF_CONTRACT: Final = ("funding", "liquidation_distance")


def show(study: Study, written: Sequence[Path], console: Console | None = None) -> None:
    """Print what was found, what to doubt in it, what was assumed, and what was written."""
    console = console or Console(highlight=False)
    good = study.result.books.equity_change >= 0
    console.print(Text(sentences.headline(study), style="bold green" if good else "bold red"))
    console.print()
    console.print(_table(study))
    if study.window_length is not None:
        console.print(Text(windows_sentence(study)))
    for warning in warnings(study):
        console.print(Text(f"! {warning}", style="yellow"))
    for line in sentences.assumptions(study):
        console.print(Text(f"· {line}", style="dim"))
    for file in written:
        console.print(Text(f"written: {file}"), soft_wrap=True)


def _table(study: Study) -> Table:
    quote = study.rules.rules.instrument.quote
    columns: list[tuple[str, Measures]] = [("as assumed", study.measures)]
    if study.bounds is not None:
        columns.insert(0, ("pessimistic", measure(study.bounds.pessimistic, study.candles, study.missing_share)))
        columns.append(("optimistic", measure(study.bounds.optimistic, study.candles, study.missing_share)))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(sentences.name_of(study.result))
    for name, _ in columns:
        table.add_column(name, justify="right")
    cells = [
        {row.name: row for group in glossary.GROUPS for row in glossary.rows(measures, group, quote)}
        for _, measures in columns
    ]
    has_moved = study.measures.money.fee_asset_revaluation != 0
    asked = study.result.scenario
    more = (*(_DELAYED if asked.orders_travel else ()), *(() if asked.max_exposure is None else _LIMITED))
    more += _OF_CONTRACT if asked.contract else ()
    for name in (*_SHOWN, *more):
        if name == "fee_asset_revaluation" and not has_moved:
            continue
        table.add_row(cells[0][name].label, *(_cell(found[name]) for found in cells))
    return table


def _cell(row: glossary.Row) -> Text:
    return Text(row.text, style="red" if row.is_loss else "")
