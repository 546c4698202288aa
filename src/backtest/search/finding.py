"""What a search found in one window, and what is told of all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from backtest.data.series import refuse
from backtest.objectives import Objective, pareto_front
from backtest.overfitting import Honesty
from backtest.report.sweep import Section, Sweep, shown_key, shown_measure
from backtest.rules_source import UsedRules
from backtest.search.exploring import Plan, Values, aims_of, winner_of
from backtest.search.forward import Step, walk_section
from backtest.sweep.luck import judge_winner, sharpe_per_day
from backtest.sweep.outcome import notes_of, told_keys
from backtest.sweep.task import MOST_KEPT, ROW
from backtest.sweep.trials import Ground, Trial, Trials, key_columns, measure_columns
from backtest.windows import Split

_FRONT_ROWS: Final = 30
_UNJUDGED: Final = (
    "Nothing was judged on candles that the search did not see; --walk-forward 6 --embargo 1d does that, and is the "
    "harder test."
)


class Window(NamedTuple):
    """Where one search takes place; without `split` it is the whole."""

    name: str
    ground: Ground
    split: Split | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Finding:
    """Everything tried in one window: `table` has a row for each configuration, in the order they were proposed."""

    window: Window
    table: pl.DataFrame
    front: list[int]
    winner: Values
    best: Trial
    honesty: Honesty


def found_in(window: Window, plan: Plan, tried: Sequence[Values], threads: int) -> Finding:
    """Measure what was tried, choose the winner, and judge it.

    Raises:
        InvalidRequest: if nothing of it could be started.
    """
    trials = Trials(window.ground, threads).run(tried)
    front = front_of(trials, plan.aims)
    if not front:
        reasons = {trial.refusal for trial in trials if trial.refusal}
        told = "; ".join(sorted(reasons)[:3]) or f"none has a {plan.aims[0].name}"
        refuse("vary", f"not one of {len(trials):,} tried in the window {window.name} could be started: {told}")
    won = winner_of(trials, plan.aims, front)
    return Finding(
        window=window,
        table=pl.DataFrame(
            {
                ROW: pl.Series(ROW, range(len(trials)), dtype=pl.Int64),
                **key_columns(plan.axes, tried),
                **measure_columns(trials),
            }
        ),
        front=front,
        winner=tried[won],
        best=trials[won],
        honesty=_honesty(trials, won),
    )


def front_of(trials: Sequence[Trial], aims: Sequence[Objective]) -> list[int]:
    """Return the places of what nothing beats in all aims at once."""
    known = [(at, values) for at, trial in enumerate(trials) if (values := aims_of(trial, aims)) is not None]
    return [known[place][0] for place in pareto_front([values for _, values in known], aims)]


def report_of(
    whole: Finding, steps: Sequence[Step], plan: Plan, *, rules: UsedRules, origin: str, made_ms: int
) -> Sweep:
    """Return what the page tells: all that was tried on the whole, the splits, the front, and the doubt."""
    aim, keys, quote = plan.aims[0], [axis.key for axis in plan.axes], rules.rules.instrument.quote
    sections = [walk_section(steps, plan.aims, quote)] if steps else []
    if len(plan.aims) > 1:
        sections.append(_front_section(whole, plan, quote))
    notes = notes_of(whole.window.ground, whole.winner, rules, origin)
    way = "TPE" if len(plan.aims) == 1 else "NSGA-II"
    notes.append(
        f"Search: {plan.trials:,} proposals by {way} (Optuna, seed {plan.seed}), {whole.table.height:,} of them "
        "different; a search looks where it is good, so the spread of what it tried understates that of all."
    )
    return Sweep(
        table=whole.table.drop(ROW),
        keys=told_keys(keys, whole.table, aim),
        objective=aim.measure,
        more_is_better=aim.more_is_better,
        quote=quote,
        title=f"Search on {whole.window.ground.candles.symbol}",
        honesty=whole.honesty,
        notes=notes if steps else [*notes, _UNJUDGED],
        front=whole.front if len(plan.aims) > 1 else (),
        sections=sections,
        made_ms=made_ms,
    )


def _front_section(whole: Finding, plan: Plan, quote: str) -> Section:
    keys, names = [axis.key for axis in plan.axes], [aim.measure for aim in plan.aims]
    table = whole.table[whole.front].sort(names[0], descending=plan.aims[0].more_is_better).head(_FRONT_ROWS)
    aims = ", ".join(aim.name for aim in plan.aims)
    text = f"Of these {len(whole.front)} none is better in every aim than another: {aims}. Which is best, you decide."
    if len(whole.front) == 1:
        text = f"No other is better in any aim than this one: {aims}."
    rows = [
        [shown_key(value) for value in row[: len(keys)]]
        + [shown_measure(name, value, quote) for name, value in zip(names, row[len(keys) :], strict=True)]
        for row in table.select(*keys, *names).iter_rows()
    ]
    return Section(title="Pareto front", text=text, columns=[*keys, *(aim.name for aim in plan.aims)], rows=rows)


def _honesty(trials: Sequence[Trial], won: int) -> Honesty:
    ran = [trial.returns for trial in trials if trial.refusal is None]
    longest = max((len(row) for row in ran), default=0)
    # The newest are those that the search settled on; an even choice over its course is fairer.
    step = max(1, -(-len(ran) // MOST_KEPT))
    sample = np.array([row for row in ran[::step] if len(row) == longest]).T if longest else np.empty((0, 0))
    sharpes = [ratio for ratio in map(sharpe_per_day, ran) if ratio is not None]
    return judge_winner(trials[won].returns, sample, np.array(sharpes), len(ran))
