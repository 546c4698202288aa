"""Selects pairs at its interval, in a thread of its own because it waits for the venue."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Final

from domain.errors import Conflict, TradingError
from domain.instrument import Instrument, Market
from domain.pairs import Selection
from domain.switches import Switch, SwitchPhase
from grid.autopilot import Autopilot
from grid.switching import Switching
from ports.clock import Clock
from ports.control import PartState
from ports.pairs import PairsShown
from ports.store import StoreFailed
from utils.worker_loop import LoopState, WorkerLoop

log = logging.getLogger(__name__)

STEP_S: Final = 2.0
FIRST_S: Final = 60.0
"""The first minute belongs to the grids that are taken up again."""
APART_S: Final = 60.0
"""Least wall time between two selections, however fast a replay runs or how often somebody asks."""
AGAIN_S: Final = 600.0
"""Wall time after which a market that did not answer is read again, whatever the interval."""
STALE_INTERVALS: Final = 2
MOST_SWITCHES: Final = 20
TOLD_FOR_MS: Final = 86_400_000


class PairWatch:
    """Implements ports.pairs.Pairs.

    Args:
        select: reads and judges all candidates; blocks.
        clock: market time for the interval, monotonic time for ages.
        every_s: interval in seconds of market time.
    """

    def __init__(self, select: Callable[[], Selection], clock: Clock, *, every_s: float) -> None:
        self._select, self._clock, self._every_ms = select, clock, round(every_s * 1000)
        self._begun_s = clock.monotonic_s()
        self._tried_s: float | None = None
        self._selection: Selection | None = None
        self._trouble = ""
        self._asked = Event()
        self._is_looking = False
        self._autopilot: Autopilot | None = None
        self._switching: Switching | None = None
        self._loop = WorkerLoop(
            "pair-selection",
            self.step,
            clock=clock,
            every_s=STEP_S,
            on_fault=lambda _name, error: log.error("pairs are no longer selected: %s", error),
            max_failures=10**9,
            longest_pause_s=60.0,
            patient=(StoreFailed,),
        )

    def lead(self, autopilot: Autopilot, switching: Switching) -> None:
        """Have each selection followed, and pairs moved, in the same thread."""
        self._autopilot, self._switching = autopilot, switching

    def start(self) -> None:
        """Begin; not before the grids are taken up again, for these may be among what is started and ended here."""
        self._loop.start()

    def stop(self) -> None:
        self._loop.stop()
        self._loop.join(1.0)

    def part(self) -> PartState:
        """Tell how the selection fares; trading goes on without it."""
        alive = self._loop.state is LoopState.RUNNING
        shown = self.shown()
        return PartState(
            name="pair selection",
            alive=alive,
            ready=True,
            reason=shown.trouble,
            age_s=shown.age_s,
            notice=self._failed_switch(),
        )

    def _failed_switch(self) -> str:
        """Return what a person must know of the newest switch, for a day."""
        newest = next(iter(self._switching.newest_first), None) if self._switching is not None else None
        if newest is None or newest.phase is not SwitchPhase.FAILED or newest.ended_ms is None:
            return ""
        if self._clock.market_ms() - newest.ended_ms > TOLD_FOR_MS:
            return ""
        return f"{newest.source.base}{newest.source.quote} could not move to {newest.target.market}: {newest.reason}"

    # --- shown ---

    def shown(self) -> PairsShown:
        selection, autopilot = self._selection, self._autopilot
        return PairsShown(
            selection=selection,
            age_s=None if selection is None else self._clock.monotonic_s() - selection.read_s,
            stale=self.is_stale,
            next_ms=None if selection is None else selection.taken_ms + self._every_ms,
            is_looking=self._is_looking,
            trouble=self._trouble,
            autopilot=autopilot is not None and autopilot.acts,
            proposals=() if autopilot is None else autopilot.proposals,
            shares=() if autopilot is None else autopilot.shares,
            switches=() if self._switching is None else self._switching.newest_first[:MOST_SWITCHES],
        )

    @property
    def is_stale(self) -> bool:
        """Tell whether there is no selection that may be acted upon."""
        selection = self._selection
        return selection is None or not 0 <= self._age_ms(selection) <= STALE_INTERVALS * self._every_ms

    def refresh(self) -> None:
        self._asked.set()

    def switch(self, source: Instrument, to: Market) -> Switch:
        if self._switching is None:
            raise Conflict("no pair can change markets here")
        return self._switching.begin(source, to)

    def accepted(self, market: Market) -> tuple[Instrument, ...]:
        """Return the pairs of a market that the newest selection accepts, best first."""
        selection = self._selection
        found = () if selection is None else selection.accepted
        return tuple(it.instrument for it in found if it.instrument.market is market)

    # --- at work ---

    def step(self) -> None:
        """Take pairs on their way further, select where it is time for it, and follow that while it is new enough."""
        if self._switching is not None:
            self._switching.step()
        if self._is_due():
            self._look()
        selection, autopilot = self._selection, self._autopilot
        if autopilot is None or selection is None:
            return
        if self.is_stale:
            autopilot.nothing_to_go_by()
        else:
            autopilot.step(selection)

    def _look(self) -> None:
        self._asked.clear()
        self._tried_s = self._clock.monotonic_s()
        self._is_looking = True
        try:
            self._selection = self._select()
            self._trouble = ""
        except TradingError as error:
            self._trouble = f"no pairs could be selected: {error}"
            log.warning("%s", self._trouble)
        finally:
            self._is_looking = False

    def _is_due(self) -> bool:
        now_s = self._clock.monotonic_s()
        if self._tried_s is not None and now_s - self._tried_s < APART_S:
            return False
        if self._asked.is_set():
            return True
        if self._tried_s is None:
            return now_s - self._begun_s >= FIRST_S
        selection = self._selection
        if selection is None or any(look.trouble for look in selection.markets):
            return now_s - self._tried_s >= AGAIN_S
        return not 0 <= self._age_ms(selection) < self._every_ms

    def _age_ms(self, selection: Selection) -> int:
        """Return the age in market time, below 0 after the clock was set back."""
        return self._clock.market_ms() - selection.taken_ms
