"""Many runs, one seed after the other, on as many processes as there are cores."""

import logging
import multiprocessing
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from chaos.bugs import planted
from chaos.disk import make_template
from chaos.drawing import draw_plan
from chaos.outcome import Outcome
from chaos.points import Boundary, Fault
from chaos.trial import Trial
from chaos.verdict import final_state
from domain.instrument import Market

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder in memory where the system has one


@dataclass(slots=True)
class Tally:
    """What a campaign on these markets came to. `failed` maps seeds to reasons, `on_contracts` counts runs there."""

    markets: tuple[Market, ...] = tuple(Market)
    runs: int = 0
    twins: int = 0
    on_contracts: int = 0
    payments: int = 0
    trades: int = 0
    orders: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    hits: Counter[tuple[Boundary, Fault]] = field(default_factory=Counter)
    deaths: Counter[Boundary] = field(default_factory=Counter)
    strikes: Counter[Fault] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.runs += 1
        self.twins += outcome.twin
        self.on_contracts += outcome.on_contract
        self.payments += outcome.payments
        self.trades += outcome.trades
        self.orders += outcome.orders
        self.hits += outcome.hits
        self.deaths += outcome.deaths
        self.strikes += outcome.strikes
        if outcome.reason:
            self.failed[outcome.seed] = outcome.reason


class Bench:
    """Plays runs, one at a time, on databases below `folder`; all on `market`, or each seed on its own."""

    def __init__(self, folder: Path, bug: str = "", market: Market | None = None) -> None:
        self._bug, self._market = bug, market
        self._folder = Path(tempfile.mkdtemp(dir=folder))
        self._template = self._folder / "template.db"
        make_template(self._template)

    def run(self, seed: int, note: Callable[[str], None] = lambda _text: None) -> Outcome:
        """Play one seed, and its twin where it has one."""
        plan = draw_plan(seed, self._market)
        with planted(self._bug):
            try:
                trial = Trial(plan, self._folder, self._template, note)
                outcome = trial.run()
            except Exception:  # noqa: BLE001 - a run that breaks is a run that failed, and its seed is told
                return Outcome(seed, f"the run broke: {traceback.format_exc(limit=-3)}")
        if plan.lock_step and not outcome.reason:
            outcome.twin = True
            note("the twin, undisturbed:")
            twin = Trial(plan, self._folder, self._template, note, undisturbed=True)
            undisturbed = twin.run()
            if undisturbed.reason:
                return replace(outcome, reason=f"the undisturbed twin failed: {undisturbed.reason}")
            outcome.reason = difference(final_state(trial.venue), final_state(twin.venue))
        return outcome


def play(seeds: range, *, processes: int, bug: str = "", market: Market | None = None) -> Iterator[Outcome]:
    """Yield the outcome of each seed; with more than one process in any order."""
    with place_for_databases() as folder:
        if processes == 1:
            yield from map(Bench(folder, bug, market).run, seeds)
            return
        with multiprocessing.get_context("spawn").Pool(processes, _begin, (folder, bug, market)) as pool:
            yield from pool.imap_unordered(_play, seeds, chunksize=4)


def difference(ended: Counter[str], twin: Counter[str]) -> str:
    """Return what a run ended with and its twin did not, and the other way round; empty where they are equal."""
    if ended == twin:
        return ""
    more, less = (", ".join(sorted((one - other).elements())) for one, other in ((ended, twin), (twin, ended)))
    return f"unlike its undisturbed twin it has {more or 'nothing'} and lacks {less or 'nothing'}"


@contextmanager
def place_for_databases() -> Iterator[Path]:
    """Give a folder that is gone afterwards; in memory where the system has such a place."""
    with tempfile.TemporaryDirectory(prefix="chaos-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder:
        yield Path(folder)


_bench: list[Bench] = []


def quiet() -> None:
    """Let the bot keep its troubles to itself: here they are no news."""
    logging.disable(logging.CRITICAL)


def _begin(folder: Path, bug: str, market: Market | None) -> None:
    quiet()
    _bench.append(Bench(folder, bug, market))


def _play(seed: int) -> Outcome:
    return _bench[-1].run(seed)
