"""`python -m backtest sweep`: thousands of grids over recorded candles."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Final, NamedTuple

from backtest.candles import BadCandles
from backtest.chosen_bnb import bnb_market_of
from backtest.chosen_contract import contract_of
from backtest.chosen_market import candles_of, rules_of
from backtest.data.command import settings_of
from backtest.data.series import DAY_MS, refuse
from backtest.objectives import Objective, check_length, parse_objectives
from backtest.outside import Outside
from backtest.rules_source import UsedRules
from backtest.sweep.ahead import refuse_too_much, refuse_unstartable
from backtest.sweep.folder import RESULTS, SweepFolder, cut
from backtest.sweep.options import (
    account_of,
    base_of,
    check_threads,
    deciding_words,
    parse,
    resumed,
    space_of,
)
from backtest.sweep.progress import shown
from backtest.sweep.task import Task
from backtest.sweep.trials import Ground, refuse_common_mistakes
from backtest.sweep.work import Estimate, Pieces, estimate, on_this_machine, stoppable
from backtest.wording import counted
from domain.errors import Conflict

STOPPED: Final = 130
_LESS: Final = "vary less, draw some of them (--random 10000)"


class _Wish(NamedTuple):
    """What the words ask for."""

    given: argparse.Namespace
    task: Task
    rules: UsedRules
    origin: str
    aim: Objective


def main(words: Sequence[str], program: str, outside: Outside) -> int:
    """Run `sweep WORDS` and return its exit code.

    Raises:
        TradingError: what cannot be done, in one sentence.
        ConfigError: if environment, file or options cannot be used.
    """
    given = parse(words, program)
    check_threads(given.threads)
    folder = SweepFolder(given.resume or given.out)
    if given.resume is None:
        folder.state.check_unused()
    elif given.symbol is None:
        given = resumed(given, folder.state.words())
    try:
        wish = _wish_of(given, program, outside)
        expected = _look_ahead(wish, folder, len(wish.task.space)) if given.resume is None else None
        with folder.state.working():
            return _sweep(wish, folder, outside, expected)
    except BadCandles as error:
        refuse("candles", str(error))
    except OSError as error:
        raise Conflict(f"{error.filename or folder.folder}: {error.strerror or error}") from error


def _wish_of(given: argparse.Namespace, program: str, outside: Outside) -> _Wish:
    settings = settings_of(given, program)
    rules = rules_of(given, settings, outside, contracts=True)
    aims = parse_objectives(given.objective)
    if len(aims) > 1:
        refuse("objective", "a sweep has one; `search` takes several and shows their Pareto front")
    space = space_of(given, rules.rules)
    base, account = base_of(given, space.axes), account_of(given)
    candles, origin = candles_of(given, settings, rules)
    check_length(aims, (candles.end_ms - candles.start_ms) / DAY_MS, candles.missing_share)
    window = (candles.start_ms, candles.end_ms)
    bnb = bnb_market_of(given, settings, rules.rules.instrument, window, candles.interval_ms)
    contract = contract_of(given, settings, candles)
    account = replace(account, fees=replace(account.fees, bnb_market=bnb), contract=contract)
    ground = Ground(candles=candles, rules=rules.rules, account=account, base=base)
    refuse_common_mistakes(ground, space.values(0))
    refuse_unstartable(ground, space)
    return _Wish(given, Task(ground=ground, space=space), rules, origin, aims[0])


def _sweep(wish: _Wish, folder: SweepFolder, outside: Outside, expected: Estimate | None) -> int:
    """Begin the sweep that was looked ahead at, or go on with one."""
    task, given, rows = wish.task, wish.given, len(wish.task.space)
    if expected is None:
        folder.state.check(task.identity)
        if folder.is_finished:
            _say(f"the sweep in {folder.folder} is finished; {folder.folder / RESULTS} holds its {rows:,} rows")
            return 0
    work = _worker(given, task)
    if expected is None:
        missing = folder.missing(rows)
        expected = _look_ahead(wish, folder, sum(map(len, missing)))
    else:
        missing = [range(rows)]
        folder.state.begin(deciding_words(given), task.identity)
    if not _work_off(work, cut(missing, expected.piece), wish, folder, _plan(wish, missing, expected)):
        left = sum(map(len, folder.missing(rows)))
        _say(f"stopped; {rows - left:,} of {rows:,} are saved. Go on: --resume {folder.folder}")
        return STOPPED
    _finish(wish, folder, outside)
    return 0


def _worker(given: argparse.Namespace, task: Task) -> Pieces:
    if given.ray is None:
        return on_this_machine(task, given.threads)
    from backtest.sweep.cluster import on_cluster  # noqa: PLC0415 - Ray is asked for by those who have one

    return on_cluster(task, given.ray)


def _look_ahead(wish: _Wish, folder: SweepFolder, rows: int) -> Estimate:
    expected = estimate(wish.task, rows, wish.given.threads)
    refuse_too_much(expected.needs, folder.folder, wish.given.max_time, less=_LESS)
    return expected


def _plan(wish: _Wish, missing: list[range], expected: Estimate) -> str:
    return (
        f"{counted(sum(map(len, missing)), 'configuration')} on {counted(len(wish.task.ground.candles), 'candle')}: "
        f"{expected.needs}"
    )


def _work_off(work: Pieces, pieces: list[Sequence[int]], wish: _Wish, folder: SweepFolder, plan: str) -> bool:
    """Tell the plan and work until all is done; return False where it was stopped before that."""
    before, todo = folder.done(), sum(map(len, pieces))
    with stoppable() as stopping, shown(wish.aim, len(wish.task.space), before, quiet=wish.given.as_json) as watcher:
        _say(plan)
        done = 0
        with closing(work(pieces, stopping)) as tables:
            for table in tables:
                folder.write(table)
                watcher.done(table)
                done += table.height
    return done == todo


def _finish(wish: _Wish, folder: SweepFolder, outside: Outside) -> None:
    from backtest.report.facts import to_json  # noqa: PLC0415 - the work itself needs none of these
    from backtest.report.sweep import sweep_facts  # noqa: PLC0415
    from backtest.sweep.outcome import command_of, sweep_of, tell, write_outcome  # noqa: PLC0415

    task = wish.task
    table = folder.finish()
    sweep = sweep_of(task, table, wish.aim, rules=wish.rules, origin=wish.origin, made_ms=outside.now_ms())
    files = [folder.folder / RESULTS, *write_outcome(sweep, folder.folder)]
    folder.tidy()
    if wish.given.as_json:
        print(to_json(sweep_facts(sweep), indent=2))  # noqa: T201
        return
    winner = task.space.values(int(sweep.ran["row"][0]))
    tell(sweep, files, command_of(wish.given, task.ground.base, winner))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201
