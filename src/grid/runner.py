"""The thread around one worker: take an event, let it be handled, show what came of it. It decides nothing itself."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Lock

from domain.events import ContractStands, CountdownStands, StreamLost
from domain.grids import GridSnapshot, GridStatus, Phase
from domain.instrument import InstrumentRules
from grid.house import GridHouse
from grid.inbox import GridInbox
from grid.pauses import PauseRequested, ResumeRequested
from grid.worker_events import EditRequested, ShutdownRequested, StopRequested, WorkerEvent
from grid.worker_host import WorkerHost
from ports.store import GridRow, StoreFailed
from utils.clock_steps import ClockSteps
from utils.worker_loop import Health, LoopState, WorkerLoop

PUBLISH_S = 0.1
HUNG_S = 30.0
"""A step of a grid's thread never waits for the network and for the disk a few seconds at most."""


class GridRunner:
    """One grid in its own thread.

    A failure throws the worker away; the next step builds it anew from the store, as after a crash, so that nothing
    is carried on that might be half done. A store that cannot commit pauses the grid until it can: it is tried every
    few seconds, and nothing is read from or sent to the venue meanwhile.
    """

    def __init__(
        self,
        row: GridRow,
        rules: InstrumentRules,
        house: GridHouse,
        on_end: Callable[["GridRunner"], None],
    ) -> None:
        self.row = row
        self.finished = Event()
        self._house = house
        self._on_end = on_end
        self._inbox = GridInbox(house.recorder.ear(row) if house.recorder else None)
        self._host = WorkerHost(row, rules, house, self._inbox.order)
        self._steps = ClockSteps(house.clock)
        self._published_s = float("-inf")
        self._idle = False
        self._asking = Lock()  # requests are heeded in the order in which they were put in
        self._asked: deque[Event] = deque()
        self._taken: list[Event] = []
        self._snapshot = self._host.snapshot()
        self._store_failed = False
        self._loop = WorkerLoop(
            self._host.name,
            self._step,
            clock=house.clock,
            on_fault=self._faulted,
            wake=self._inbox.wake,
            patient=(StoreFailed,),
        )

    # --- for other threads ---

    def start(self) -> None:
        self._loop.start()

    def request_stop(self, request: StopRequested | ShutdownRequested) -> None:
        """Ask the grid to end, or to take its orders off for a shutdown; `finished` is set when it has."""
        self._inbox.command(request)

    def request_change(self, request: PauseRequested | ResumeRequested | EditRequested) -> Event:
        """Ask the grid to pause, to go on or to be edited.

        What is returned is set once that, or a later word, is stored and shown.
        It stays unset while the store cannot commit, and of a grid that ends before.
        """
        heeded = Event()
        with self._asking:
            self._asked.append(heeded)
            self._inbox.command(request)
        return heeded

    def tell(self, event: ContractStands | CountdownStands) -> None:
        """Let the grid know how its contract, or the countdown over it, stands.

        Before `start`, so that nothing is sent before it knows.
        """
        self._inbox.order(event)

    def halt(self, timeout_s: float) -> bool:
        """Stop the thread and leave everything as it is; tell whether it ended in time."""
        self._loop.stop()
        ended = self._loop.join(timeout_s)
        self._host.stops.hear_no_more()
        self._house.streams.unwatch(self.row.instrument, self._inbox)
        return ended

    @property
    def is_idle(self) -> bool:
        """Tell whether everything that reached this grid has been handled and no answer is awaited."""
        return self._inbox.pending == 0 and self._idle

    @property
    def is_alive(self) -> bool:
        """Tell whether this grid's thread runs and does not hang."""
        health = self.health()
        return health.state is LoopState.RUNNING and health.silent_s <= HUNG_S

    def snapshot(self) -> GridSnapshot:
        """Return the grid as its own thread last showed it."""
        return self._snapshot

    def health(self) -> Health:
        return self._loop.health()

    # --- in the grid's thread ---

    def _step(self) -> None:
        host, event = self._host, None
        try:
            if not host.is_open:
                self._open()
            wait_s = host.timer_wait_s
            event = self._inbox.take(wait_s) if wait_s > 0 else None
            if not self._loop.is_current():
                return
            self._doubt_after_sleep()
            if isinstance(event, PauseRequested | ResumeRequested | EditRequested):
                self._taken.append(self._asked.popleft())
            if event is not None:
                host.handle(event)
            host.fire_timer()
            self._idle = host.is_idle
            self._publish()
        except BaseException as error:
            host.drop()
            self._idle = False
            if isinstance(error, StoreFailed):
                self._pause(str(error), event)
            raise
        finally:
            if event is not None:
                self._inbox.done()

    def _pause(self, reason: str, event: WorkerEvent | None) -> None:
        """Show why nothing is sent, and keep a person's word for later; the rest is read from the venue again."""
        self._store_failed = True
        self._snapshot = replace(self._snapshot, phase=Phase.PAUSED, phase_reason=reason)
        if isinstance(event, StopRequested | ShutdownRequested):
            self._inbox.command(event)

    def _doubt_after_sleep(self) -> None:
        """Trust no stream that this host slept through: nothing is decided before the account was read again."""
        step_ms = self._steps.step_ms
        if not step_ms:
            return
        self._steps.settle()
        reason = f"this host slept or its clock was set: wall time is {step_ms / 1000:+.1f} s off its course"
        for kind in ("user", "market"):
            self._host.handle(StreamLost(kind, reason))
            self._house.streams.distrust(kind, reason, self.row.instrument.market)

    def _open(self) -> None:
        if self._store_failed:
            self._try_the_store()
        self._house.streams.unwatch(self.row.instrument, self._inbox)
        self._host.open()
        self._host.stops.hear()
        self._house.streams.watch(self.row.instrument, self._inbox)

    def _try_the_store(self) -> None:
        """Commit that the grid is paused: true, and cheaper than asking the venue in vain."""
        shown = self._snapshot
        self._house.store.set_grid(
            self.row.grid_id, status=GridStatus.RUNNING, phase=Phase.PAUSED, phase_reason=shown.phase_reason
        )
        self._store_failed = False

    def _publish(self) -> None:
        now_s = self._house.clock.monotonic_s()
        is_due = self._inbox.pending <= 1 or now_s - self._published_s >= PUBLISH_S
        if is_due or self._taken or self._host.finished:
            self._published_s = now_s
            self._snapshot = self._host.snapshot()
        while self._taken:
            self._taken.pop().set()
        if self._host.finished:
            self._host.stops.hear_no_more()
            self.finished.set()
            self._loop.stop()
            self._house.streams.unwatch(self.row.instrument, self._inbox)
            self._on_end(self)

    def _faulted(self, _name: str, error: BaseException) -> None:
        self._idle = False
        self._snapshot = replace(
            self._snapshot, status=GridStatus.ERROR, phase=Phase.FAULTED, phase_reason=f"gave up: {error}"
        )
