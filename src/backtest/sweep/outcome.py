"""What a finished sweep tells: its page, its numbers as JSON, and a few lines on the terminal."""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from backtest.data.series import refuse
from backtest.objectives import Objective
from backtest.overfitting import Honesty
from backtest.ratios import YEAR_DAYS
from backtest.report.facts import to_json
from backtest.report.sentences import assumptions_of
from backtest.report.sweep import Sweep, best_rows, headline, sweep_facts, sweep_report
from backtest.rules_source import UsedRules
from backtest.sweep.luck import judge_winner
from backtest.sweep.task import RETURNS, ROW, Task
from backtest.sweep.trials import Ground, Trials
from backtest.whole_files import write_text

_SHOWN: Final = 5
_WIDE: Final = 160  # where no terminal says how wide it is
_ONE_PATH: Final = (
    "Every configuration was replayed along one declared path. How much the answer depends on that, the two bounds "
    "of a single back-test of the winner tell."
)


def sweep_of(task: Task, table: pl.DataFrame, aim: Objective, *, rules: UsedRules, origin: str, made_ms: int) -> Sweep:
    """Return what the report tells of a sweep's rows, in their order, and of its winner.

    Raises:
        InvalidRequest: if nothing has the objective's measure.
    """
    winner = best_row(table, aim)
    values = task.space.values(winner)
    return Sweep(
        table=table.drop(RETURNS, ROW),
        keys=told_keys([axis.key for axis in task.space.axes], table, aim),
        objective=aim.measure,
        more_is_better=aim.more_is_better,
        quote=rules.rules.instrument.quote,
        title=f"Sweep of {task.ground.candles.symbol}",
        honesty=_honesty(task, table, values),
        notes=[*notes_of(task.ground, values, rules, origin), _ONE_PATH],
        made_ms=made_ms,
    )


def best_row(table: pl.DataFrame, aim: Objective) -> int:
    """Return the place of the winner, of equal ones the first.

    Raises:
        InvalidRequest: if none has the objective's measure.
    """
    values = table[aim.measure].cast(pl.Float64)
    if values.null_count() == len(values):
        refuse("vary", f"no {aim.name} exists for any of them; a longer window or --objective profit has one")
    found = values.arg_max() if aim.more_is_better else values.arg_min()
    assert found is not None  # noqa: S101 - one is not null
    return found


def told_keys(keys: Sequence[str], table: pl.DataFrame, aim: Objective) -> list[str]:
    """Return the varied keys, those first that the objective depends on most (by the spread of its medians)."""
    ran = table.filter(pl.col(aim.measure).is_not_null())

    def spread(key: str) -> float:
        medians = ran.group_by(key).agg(pl.col(aim.measure).cast(pl.Float64).median().alias("median"))["median"]
        return float(np.ptp(medians.to_numpy())) if len(medians) else 0.0

    return sorted(keys, key=lambda key: -spread(key))


def notes_of(ground: Ground, values: Mapping[str, object], rules: UsedRules, origin: str) -> list[str]:
    """Return what was assumed of all of them; amounts on the account are those of the configuration `values`."""
    return assumptions_of(ground.scenario(values), ground.candles, rules, origin)


def _honesty(task: Task, table: pl.DataFrame, winner: Mapping[str, object]) -> Honesty:
    kept = [np.array(row) for row in table[RETURNS].drop_nulls().to_list()]
    longest = max((len(row) for row in kept), default=0)
    sample = np.array([row for row in kept if len(row) == longest]).T if kept else np.empty((0, 0))
    sharpes = table["sharpe"].drop_nulls().to_numpy() / YEAR_DAYS**0.5
    returns = Trials(task.ground, 1).run([winner])[0].returns
    return judge_winner(returns, sample, sharpes, table["refusal"].null_count())


def write_outcome(sweep: Sweep, folder: Path) -> list[Path]:
    """Write report.html and result.json.

    Raises:
        OSError: if that is not possible.
    """
    page, facts = folder / "report.html", folder / "result.json"
    sweep_report(sweep, page)
    write_text(facts, to_json(sweep_facts(sweep), indent=1) + "\n")
    return [page, facts]


def tell(sweep: Sweep, files: Sequence[Path], command: str, console: Console | None = None) -> None:
    """Print what was found, how far to trust it, the best, and how to look at the winner."""
    console = console or _console()
    console.print(Text(headline(sweep), style="bold"))
    lucky = sweep.honesty is None or sweep.honesty.is_probably_luck
    if sweep.honesty is not None:
        console.print(Text(sweep.honesty.sentence, style="yellow" if lucky else "green"))
    console.print()
    console.print(_table(*best_rows(sweep, _SHOWN)))
    for section in sweep.sections:
        console.print()
        console.print(Text(section.title, style="bold"))
        console.print(Text(section.text))
        console.print(_table(section.columns, section.rows))
    console.print()
    console.print(Text(f"look at the winner: {command}", style="dim"), soft_wrap=True)
    for file in files:
        console.print(Text(f"written: {file}"), soft_wrap=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDE)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def command_of(given: argparse.Namespace, base: Mapping[str, object], winner: Mapping[str, object]) -> str:
    """Return the words that replay the winner with everything its report tells."""
    words: list[Any] = ["--symbol", given.symbol]
    flags = {
        "--market": None if given.market == "spot" else given.market,
        "--interval": given.interval,
        "--from": given.start,
        "--to": given.end,
        "--data": given.data,
        "--capital": given.capital,
        "--fees": given.fees,
        "--bnb-price": given.bnb_price,
        "--bnb-data": given.bnb_data,
        "--bnb": given.bnb,
        "--fill": given.fill,
        "--path": given.path,
        "--latency": getattr(given, "latency", None),  # words written by an older version name no delays
        "--orders-per-10s": getattr(given, "orders_per_10s", None),
        "--max-exposure": getattr(given, "max_exposure", None),
        "--funding": getattr(given, "funding", None),
        "--brackets": getattr(given, "brackets", None),
        "--rules": given.rules,
        "--data-dir": given.data_dir,
        "--config": given.config,
    }
    words += [word for flag, value in flags.items() if value is not None for word in (flag, value)]
    words += ["--allow-gaps"] if given.allow_gaps else []
    words += [word for key, value in {**base, **winner}.items() for word in ("--set", f"{key}={value}")]
    return f"python -m backtest run {shlex.join(str(word) for word in words)} --out winner"
