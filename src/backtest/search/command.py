"""`python -m backtest search`: guided search over recorded candles, walk-forward, with the odds of mere luck."""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from backtest.candles import BadCandles
from backtest.chosen_bnb import bnb_market_of
from backtest.chosen_contract import contract_of
from backtest.chosen_market import candles_of, rules_of
from backtest.data.command import settings_of
from backtest.data.series import DAY_MS, refuse
from backtest.durations import parse_duration_ms
from backtest.objectives import check_length, parse_objectives
from backtest.outside import Outside
from backtest.rules_source import UsedRules
from backtest.search.effort import Pace, pace_of
from backtest.search.exploring import Exploration, Plan, open_storage
from backtest.search.finding import Finding, Window, found_in, report_of
from backtest.search.forward import Step, searched_in, splits_of
from backtest.search.options import OWN, TRIALS, parse
from backtest.sweep.ahead import Needs, refuse_too_much, refuse_unstartable
from backtest.sweep.axes import parse_axes
from backtest.sweep.folder import RESULTS
from backtest.sweep.options import account_of, base_of, check_threads, deciding_words, resumed
from backtest.sweep.outcome import command_of, tell, write_outcome
from backtest.sweep.progress import shown
from backtest.sweep.space import MOST_ROWS, Space
from backtest.sweep.state import WorkFolder
from backtest.sweep.task import Task, digest_of_words
from backtest.sweep.trials import Ground, Trials, measure_table, refuse_common_mistakes
from backtest.sweep.work import stoppable
from backtest.whole_files import write_table
from backtest.windows import Split
from backtest.wording import counted
from domain.errors import Conflict

STOPPED: Final = 130
_JOURNAL: Final = "optuna.journal"
_WHOLE: Final = "whole"
_LOOKED_AT: Final = 1_000
"""Configurations of which one at least must start: a search of as many would find nothing either."""
_LESS: Final = "fewer --trials, or fewer windows to --walk-forward"


class _Wish(NamedTuple):
    """What the words ask for."""

    given: argparse.Namespace
    plan: Plan
    ground: Ground
    rules: UsedRules
    origin: str
    splits: tuple[Split, ...]


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `search WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    check_threads(given.threads)
    state = WorkFolder(given.resume or given.out, "search")
    if given.resume is None:
        state.check_unused()
    elif given.symbol is None:
        given = resumed(given, state.words(), OWN)
        given.trials = given.begun_with if given.trials is None else given.trials
    try:
        wish = _wish_of(given, program, outside)
        windows = _windows(wish)
        pace = pace_of(wish.plan, wish.ground, given.threads)
        if given.resume is None:
            _look_ahead(wish, pace, [(window, wish.plan.trials) for window in windows], state)
        with state.working():
            return _search(wish, windows, pace, state, outside)
    except BadCandles as error:
        refuse("candles", str(error))
    except OSError as error:
        raise Conflict(f"{error.filename or state.folder}: {error.strerror or error}") from error


def _wish_of(given: argparse.Namespace, program: str, outside: Outside) -> _Wish:
    settings = settings_of(given, program)
    rules = rules_of(given, settings, outside, contracts=True)
    axes = parse_axes(given.vary, rules.rules, dense=True)
    trials = TRIALS if given.trials is None else given.trials
    plan = Plan(axes=axes, aims=parse_objectives(given.objective), trials=trials, seed=given.seed)
    _check_trials(plan)
    base, account = base_of(given, axes), account_of(given)
    candles, origin = candles_of(given, settings, rules)
    window = (candles.start_ms, candles.end_ms)
    bnb = bnb_market_of(given, settings, rules.rules.instrument, window, candles.interval_ms)
    contract = contract_of(given, settings, candles)
    account = replace(account, fees=replace(account.fees, bnb_market=bnb), contract=contract)
    ground = Ground(candles=candles, rules=rules.rules, account=account, base=base)
    refuse_common_mistakes(ground, {axis.key: axis.value(0) for axis in axes})
    splits: list[Split] = []
    if given.walk_forward is not None:
        embargo_ms = parse_duration_ms("embargo", given.embargo)
        splits = splits_of(
            candles, given.walk_forward, train=given.train, embargo_ms=embargo_ms, anchored=given.anchored
        )
    for part in (candles, *searched_in(candles, splits)):
        check_length(plan.aims, (part.end_ms - part.start_ms) / DAY_MS, part.missing_share)
    _check_count(plan, len(splits) + 1)
    return _Wish(given, plan, ground, rules, origin, tuple(splits))


def _check_trials(plan: Plan) -> None:
    if plan.trials < 1:
        refuse("trials", f"must be at least 1, was {plan.trials}")
    combinations = math.prod(len(axis) for axis in plan.axes)
    if combinations <= plan.trials:
        refuse("vary", f"there are only {combinations:,} combinations; `sweep` tries them all")


def _check_count(plan: Plan, windows: int) -> None:
    if plan.trials * windows > MOST_ROWS:
        told = f"{_plan(plan.trials, windows)} are {plan.trials * windows:,}"
        refuse("trials", f"{told}, at most {MOST_ROWS:,} are made; {_LESS}")


def _windows(wish: _Wish) -> list[Window]:
    """Return where is searched, the whole at last.

    Raises:
        InvalidRequest: naming `vary`, for one in which nothing can be started.
    """
    windows = [Window(f"split-{at + 1}", ground_of(wish, split), split) for at, split in enumerate(wish.splits)]
    windows.append(Window(_WHOLE, wish.ground, None))
    some = Space.random(wish.plan.axes, _LOOKED_AT, wish.plan.seed)
    for window in windows:
        refuse_unstartable(window.ground, some, f" of {len(some):,} looked at in the window {window.name}")
    return windows


def _look_ahead(wish: _Wish, pace: Pace, todo: Sequence[tuple[Window, int]], state: WorkFolder) -> Needs:
    """Return what the trials left in each window take, unless that is too much."""
    candles = len(wish.ground.candles)
    needs = pace.needs((len(window.ground.candles) / candles, left) for window, left in todo)
    refuse_too_much(needs, state.folder, wish.given.max_time, less=_LESS)
    return needs


def _identity(wish: _Wish) -> dict[str, str]:
    plan = wish.plan
    walk = [wish.given.walk_forward, wish.given.embargo, wish.given.train, wish.given.anchored]
    task = Task(ground=wish.ground, space=Space(plan.axes))
    return {**task.identity, "aims, seed or walk-forward": digest_of_words([plan.aims, plan.seed, walk])}


def _search(wish: _Wish, windows: list[Window], pace: Pace, state: WorkFolder, outside: Outside) -> int:
    given, plan = wish.given, wish.plan
    if given.resume is not None:
        state.check(_identity(wish))
    else:
        state.begin({**deciding_words(given, OWN), "begun_with": plan.trials}, _identity(wish))
    storage = open_storage(state.folder / _JOURNAL)
    explored = [(window, Exploration(plan, storage, window.name)) for window in windows]
    needs = _look_ahead(wish, pace, [(window, one.left) for window, one in explored], state)
    total = plan.trials * len(windows)
    with stoppable() as stopping, shown(plan.aims[0], total, None, quiet=given.as_json) as watcher:
        _say(f"{_plan(plan.trials, len(windows))}, {counted(len(wish.ground.candles), 'candle')} in all: {needs}")
        for window, exploration in explored:
            for found in exploration.explore(Trials(window.ground, given.threads), stopping):
                watcher.done(measure_table(found))
        if stopping.is_set():
            _say(f"stopped; what is done is kept. Go on: --resume {state.folder}")
            return STOPPED
    _finish(wish, [found_in(window, plan, one.done, given.threads) for window, one in explored], state, outside)
    return 0


def ground_of(wish: _Wish, split: Split) -> Ground:
    """Return the ground of a split's search."""
    return replace(wish.ground, candles=wish.ground.candles.between(split.search_from_ms, split.search_until_ms))


def _finish(wish: _Wish, findings: list[Finding], state: WorkFolder, outside: Outside) -> None:
    from backtest.report.facts import to_json  # noqa: PLC0415 - the search itself needs none of these
    from backtest.report.sweep import sweep_facts  # noqa: PLC0415

    *parts, whole = findings
    steps = [_judged(wish, part) for part in parts]
    sweep = report_of(whole, steps, wish.plan, rules=wish.rules, origin=wish.origin, made_ms=outside.now_ms())
    write_table(state.folder / RESULTS, whole.table)
    files = [state.folder / RESULTS, *write_outcome(sweep, state.folder)]
    if wish.given.as_json:
        print(to_json(sweep_facts(sweep), indent=2))  # noqa: T201
    else:
        tell(sweep, files, command_of(wish.given, wish.ground.base, whole.winner))


def _judged(wish: _Wish, found: Finding) -> Step:
    split = found.window.split
    assert split is not None  # noqa: S101 - only the whole has none
    later = replace(wish.ground, candles=wish.ground.candles.between(split.judge_from_ms, split.judge_until_ms))
    (judged,) = Trials(later, 1).run([found.winner])
    return Step(split=split, winner=found.winner, searched=found.best, judged=judged, honesty=found.honesty)


def _plan(trials: int, windows: int) -> str:
    told = counted(trials, "trial")
    return told if windows == 1 else f"{told} in each of {windows:,} windows"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
