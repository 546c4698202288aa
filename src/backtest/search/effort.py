"""What a search will take, told before it begins by a trial of it."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from time import perf_counter
from typing import Final, NamedTuple

from backtest.search.exploring import ROUND, Exploration, Plan, open_storage
from backtest.sweep.ahead import PAGE_BYTES, ROW_BYTES, Needs
from backtest.sweep.trials import Ground, Trials

_LONGER_NUMBERS: Final = 1.1  # a journal's lines grow with the numbers of its trials


class Pace(NamedTuple):
    """What one trial takes: its proposal, its replay over all candles, and its lines in the journal."""

    proposal_s: float
    replay_s: float
    journal_bytes: float

    def needs(self, parts: Iterable[tuple[float, int]]) -> Needs:
        """Return what a search takes; each of its windows is a fraction of all candles, and the trials left in it."""
        told = list(parts)
        trials = sum(left for _, left in told)
        replays = 2 * sum(share * left for share, left in told)  # once when proposed, once when all are compared
        rows = max((left for _, left in told), default=0) + len(told)
        disk_bytes = int(trials * self.journal_bytes * _LONGER_NUMBERS) + rows * ROW_BYTES + PAGE_BYTES
        return Needs(trials * self.proposal_s + replays * self.replay_s, disk_bytes)


def pace_of(plan: Plan, ground: Ground, threads: int) -> Pace:
    """Make two rounds of trials, of which nothing is kept, and tell what one of the second took.

    Raises:
        BadCandles: for candles that the rules do not fit.
    """
    trials, short = Trials(ground, threads), replace(plan, trials=2 * ROUND)
    with TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        exploration = Exploration(short, open_storage(journal), "pace")
        rounds = exploration.explore(trials, Event())
        next(rounds)  # loads or compiles the engine; its proposals are drawn, which is quicker
        began = perf_counter()
        next(rounds)
        round_s = perf_counter() - began
        noted_bytes = journal.stat().st_size
        tried = exploration.done[-ROUND:]
    began = perf_counter()
    trials.run(tried)
    replay_s = (perf_counter() - began) / len(tried)
    return Pace(max(round_s / ROUND - replay_s, 0.0), replay_s, noted_bytes / short.trials)
