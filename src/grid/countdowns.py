"""The venue's countdown over each contract that a grid trades: armed, watched and stopped.

While this server lives, the countdown is renewed and nothing happens. Once it is gone, by a crash, a power cut or a
process that hangs, the venue cancels within two minutes what rests on the contract, so that no entry fills unwatched.
"""

import logging
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Final

from domain.errors import VenueError
from domain.events import CountdownStands
from domain.futures import CountdownPolicy
from domain.instrument import Instrument
from grid.runner import GridRunner
from ports.clock import Clock
from ports.futures import Countdowns
from utils.worker_loop import LoopState, WorkerLoop

log = logging.getLogger(__name__)

LOOK_S: Final = 5.0
HUNG_S: Final = 60.0
"""Longer than a look in which one answer of the venue is awaited."""
PARTING_S: Final = 15.0


def is_wanted(policy: CountdownPolicy, foreign_orders: int | None) -> bool | None:
    """Tell whether a running grid's contract is to have a countdown; None while it is not known what rests there."""
    if policy is not CountdownPolicy.AUTO:
        return policy is CountdownPolicy.FORCE
    return None if foreign_orders is None else foreign_orders == 0


def why_not(policy: CountdownPolicy, foreign_orders: int | None) -> str:
    """Tell people why there is none; empty where they asked for none."""
    if policy is not CountdownPolicy.AUTO or not foreign_orders:
        return ""
    return (
        f"{foreign_orders} order(s) of others rest on this contract: the exchange's countdown is off, because it would "
        "cancel them too. If this server dies, the grid's orders stay; take the others off, or set "
        "grid.futures.countdown: force"
    )


class CountdownWatch:
    """One thread for all grids of an account. Arming blocks on the venue; what is not confirmed is tried again.

    Alive is who keeps moving: a contract's countdown is renewed while the thread of its grid comes back from its steps
    and this watch comes back from its looks. A grid that is paused, or in doubt, lives; one whose thread has ended or
    hangs does not. `clock` is asked for monotonic time.
    """

    def __init__(
        self,
        countdowns: Countdowns,
        policy: CountdownPolicy,
        runners: Callable[[], Iterable[GridRunner]],
        clock: Clock,
    ) -> None:
        self._countdowns, self._policy, self._runners, self._clock = countdowns, policy, runners, clock
        self._lock = Lock()  # no arming after the parting
        self._has_parted = self._has_left = False
        self._settled: dict[Instrument, bool | None] = {}  # what the venue confirmed: armed or not; None: neither
        self._told: dict[GridRunner, CountdownStands] = {}
        self._looked_s = clock.monotonic_s()
        self._loop = WorkerLoop(
            "countdown-watch",
            self.look,
            clock=clock,
            every_s=LOOK_S,
            on_fault=lambda _name, error: log.error("countdowns are not watched any more and run out: %s", error),
            max_failures=10**9,
            longest_pause_s=LOOK_S,
        )
        countdowns.renew_while(self.is_alive)

    def start(self) -> None:
        """Begin to look; a second call changes nothing."""
        if self._loop.state is LoopState.NEW:
            self._loop.start()

    def part(self) -> None:
        """End in order: what rests is to rest on, so every countdown is stopped. Blocks for seconds."""
        self._loop.stop()
        with self._lock:
            self._has_parted = True
        if self._has_left:
            return
        began_s = self._clock.monotonic_s()
        armed = {shown.instrument for shown in self._countdowns.standing()}
        running = {runner.row.instrument for runner in self._runners() if runner.row.plan.terms is not None}
        doubtful = {it for it in running | self._settled.keys() if self._settled.get(it) is not False}
        for instrument in armed | doubtful:  # an earlier process may have armed what this one has not looked at yet
            if self._clock.monotonic_s() - began_s > PARTING_S or not self._disarm(instrument):
                log.error("%s: the exchange cancels what rests there within two minutes", instrument)
        self._loop.join(1.0)

    def leave(self) -> None:
        """End and stop no countdown, after a start that failed: nobody watches what rests, what is armed runs out."""
        self._loop.stop()
        with self._lock:
            self._has_parted = self._has_left = True

    def is_alive(self, instrument: Instrument) -> bool:
        """Tell whether somebody is at the wheel of this contract. Never blocks."""
        if self._clock.monotonic_s() - self._looked_s > HUNG_S:
            return False
        return all(runner.is_alive for runner in self._runners() if runner.row.instrument == instrument)

    def look(self) -> None:
        """Arm what is to be armed, stop what is not, and tell each grid how its countdown stands."""
        running = {runner.row.instrument: runner for runner in self._runners() if runner.row.plan.terms is not None}
        for instrument in [*self._settled]:
            if instrument not in running and not self._bring(instrument, wanted=False):
                self._settled.pop(instrument)
        for instrument, runner in running.items():
            self._looked_s = self._clock.monotonic_s()
            self._look_at(runner, instrument)
        self._told = {runner: stands for runner, stands in self._told.items() if runner in running.values()}
        self._looked_s = self._clock.monotonic_s()

    def _look_at(self, runner: GridRunner, instrument: Instrument) -> None:
        foreign = runner.snapshot().foreign_orders
        wanted = is_wanted(self._policy, foreign)
        if wanted is None:
            return
        trouble = self._bring(instrument, wanted=wanted)
        (shown,) = [one for one in self._countdowns.standing() if one.instrument == instrument] or (None,)
        notice = trouble or (shown.trouble if shown else why_not(self._policy, foreign))
        stands = CountdownStands(shown.runs_out_ms if shown else None, notice)
        before = self._told.get(runner)
        if stands != before:
            self._told[runner] = stands
            runner.tell(stands)
        if stands.notice and (before is None or stands.notice != before.notice):
            log.warning("%s: %s", instrument, stands.notice)

    def _bring(self, instrument: Instrument, *, wanted: bool) -> str:
        """Arm or stop a contract's countdown unless the venue confirmed that already; return what went wrong."""
        if self._settled.get(instrument) is wanted:
            return ""
        if not wanted:
            return "" if self._disarm(instrument) else "the exchange does not confirm that the countdown is off"
        try:
            with self._lock:
                if not self._has_parted:
                    self._settled[instrument] = None
                    self._countdowns.arm(instrument)
                    self._settled[instrument] = True
                    log.info("%s: the exchange cancels what rests there if this server is gone", instrument)
        except VenueError as error:
            return f"the exchange did not confirm the countdown, it is asked again: {error}"
        return ""

    def _disarm(self, instrument: Instrument) -> bool:
        self._settled[instrument] = None
        try:
            self._countdowns.disarm(instrument)
        except VenueError as error:
            log.warning("the countdown of %s could not be stopped: %s", instrument, error)
            return False
        self._settled[instrument] = False
        return True
