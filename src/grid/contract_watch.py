"""Looks now and then whether the venue still trades the contracts of running grids as these were planned."""

import logging
from collections.abc import Callable, Iterable
from typing import Final

from grid.contracts import Contracts
from grid.runner import GridRunner
from ports.clock import Clock
from utils.worker_loop import LoopState, WorkerLoop

log = logging.getLogger(__name__)

LOOK_S: Final = 30.0
"""One look costs a weight of 35, and 5 for each grid, of 2,400 a minute."""


class ContractWatch:
    """One thread for all grids of an account; it ends with `stop`."""

    def __init__(self, contracts: Contracts, runners: Callable[[], Iterable[GridRunner]], clock: Clock) -> None:
        self._contracts = contracts
        self._runners = runners
        self._loop = WorkerLoop(
            "contract-watch",
            self.look,
            clock=clock,
            every_s=LOOK_S,
            on_fault=lambda _name, error: log.error("settings of contracts are not watched any more: %s", error),
            max_failures=10**9,
            longest_pause_s=LOOK_S,
        )

    def start(self) -> None:
        """Begin to look; a second call changes nothing."""
        if self._loop.state is LoopState.NEW:
            self._loop.start()

    def stop(self) -> None:
        self._loop.stop()
        self._loop.join(1.0)

    def look(self) -> None:
        """Tell each running futures grid how the account stands in its contract."""
        told = {runner.row.instrument: runner for runner in self._runners()}
        terms = {at: runner.row.plan.terms for at, runner in told.items()}
        asked = {instrument: its for instrument, its in terms.items() if its is not None}
        for instrument, stands in self._contracts.stand(asked).items():
            told[instrument].tell(stands)
