"""Walk-forward: search in one window, judge in the next, which the search never saw, and go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from backtest.candles import Candles, FloatColumn
from backtest.data.periods import utc
from backtest.data.series import DAY_MS, refuse
from backtest.objectives import Objective
from backtest.overfitting import Honesty
from backtest.ratios import Absent, Figure, sharpe
from backtest.report.sentences import day, percent
from backtest.report.sweep import Section, shown_measure
from backtest.sweep.trials import Trial
from backtest.windows import Split, walk_forward
from backtest.wording import counted

_FEWEST_CANDLES: Final = 2
_LEAST_THERE: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """One split: what was best in the window searched, and how it did in the window judged."""

    split: Split
    winner: dict[str, str]
    searched: Trial
    judged: Trial
    honesty: Honesty


def splits_of(candles: Candles, count: int, *, train: int, embargo_ms: int, anchored: bool = False) -> list[Split]:
    """Return `count` splits that end with the candles; windows to search are `train` times as long as those to judge.

    Windows are whole days where they are longer than one.

    Raises:
        InvalidRequest: naming `walk-forward`.
    """
    if count < 1 or train < 1:
        refuse("walk-forward", f"needs at least one split and one length to train, was {count} and {train}")
    length = candles.end_ms - candles.start_ms - embargo_ms
    judge_ms = length // (count + train)
    judge_ms -= judge_ms % (DAY_MS if judge_ms > DAY_MS else candles.interval_ms)
    if judge_ms < _FEWEST_CANDLES * candles.interval_ms:
        refuse(
            "walk-forward",
            f"the candles are too few for {counted(count, 'split')}; take fewer, a shorter embargo, more candles",
        )
    search_ms = train * judge_ms
    from_ms = candles.end_ms - (search_ms + embargo_ms + count * judge_ms)
    found = walk_forward(
        from_ms, candles.end_ms, search_ms=search_ms, judge_ms=judge_ms, embargo_ms=embargo_ms, anchored=anchored
    )
    return list(found)


def searched_in(candles: Candles, splits: Sequence[Split]) -> list[Candles]:
    """Return the candles of every split's search.

    Raises:
        InvalidRequest: naming `walk-forward`, if of a window to search or to judge less than half is there.
    """
    windows = [(split.search_from_ms, split.search_until_ms) for split in splits]
    for from_ms, until_ms in [*windows, *((split.judge_from_ms, split.judge_until_ms) for split in splits)]:
        first, last = np.searchsorted(candles.open_ms, [from_ms, until_ms])
        if (last - first) * candles.interval_ms < _LEAST_THERE * (until_ms - from_ms):
            refuse(
                "walk-forward",
                f"the window from {utc(from_ms)} to {utc(until_ms)} lies mostly in a gap; get what is missing, "
                "or choose --from and --to beside it",
            )
    return [candles.between(*window) for window in windows]


def walk_section(steps: Sequence[Step], aims: Sequence[Objective], quote: str) -> Section:
    """Return the splits side by side: what was promised in sample, and what came of it; amounts are in `quote`."""
    aim = aims[0]
    keys = list(steps[0].winner) if steps else []
    columns = ["searched", "judged after", *keys, aim.name, f"{aim.name} after", "return", "return after"]
    columns += ["against holding after", "luck?"]
    rows = [_row(step, aim, quote) for step in steps]
    return Section(title="Walk-forward", text=sentence_of(steps), columns=columns, rows=rows)


def sentence_of(steps: Sequence[Step]) -> str:
    """Return in plain words whether what the search finds holds on candles it did not see."""
    ran = [step for step in steps if step.judged.refusal is None]
    if not ran:
        return "None of the winners could have been started in the window after its own."
    promised, kept = _mean_day([step.searched for step in ran]), _mean_day([step.judged for step in ran])
    gained = sum(_total(step.judged) > 0 for step in ran)
    together = float(np.prod([1 + _total(step.judged) for step in ran]) - 1)
    ratio = out_of_sample_sharpe(steps)
    told = "" if isinstance(ratio, Absent) else f", at a Sharpe ratio of {ratio:.2f}"
    verdict = "did not hold" if kept <= 0 else "held in part" if kept < promised / 2 else "held"
    if promised <= 0:
        verdict = "promised nothing even where it was searched"
    return (
        f"What the search found {verdict}: the winners made {percent(promised, signed=True)} a day where they were "
        f"searched and {percent(kept, signed=True)} a day in the windows after, which the search never saw. "
        f"There {gained} of {len(ran)} gained, {percent(together, signed=True)} one after another{told}."
    )


def out_of_sample_sharpe(steps: Sequence[Step]) -> Figure:
    """Return the Sharpe ratio of all judged days in a row."""
    return sharpe(np.concatenate([step.judged.returns for step in steps] or [np.empty(0)]))


def _row(step: Step, aim: Objective, quote: str) -> list[str]:
    split = step.split
    windows = [
        f"{day(split.search_from_ms)} to {day(split.search_until_ms)}",
        f"{day(split.judge_from_ms)} to {day(split.judge_until_ms)}",
    ]
    luck = "may be" if step.honesty.is_probably_luck else "hardly"
    if step.judged.refusal is not None:
        told = [
            shown_measure(aim.measure, step.searched.measures[aim.measure], quote),
            f"not started: {step.judged.refusal}",
        ]
        return [*windows, *step.winner.values(), *told, percent(_total(step.searched), signed=True), "–", "–", luck]
    return [
        *windows,
        *step.winner.values(),
        shown_measure(aim.measure, step.searched.measures[aim.measure], quote),
        shown_measure(aim.measure, step.judged.measures[aim.measure], quote),
        percent(_total(step.searched), signed=True),
        percent(_total(step.judged), signed=True),
        shown_measure("versus_hold", step.judged.measures["versus_hold"], quote),
        luck,
    ]


def _total(trial: Trial) -> float:
    return float(str(trial.measures["total_return"]))


def _mean_day(trials: Sequence[Trial]) -> float:
    returns: FloatColumn = np.concatenate([trial.returns for trial in trials])
    return float(returns.mean()) if len(returns) else 0.0
