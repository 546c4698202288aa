"""The one loop that agents and grids run in: step, heartbeat, growing pause, ceiling, fault."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event, Lock, Thread, current_thread
from typing import Protocol

log = logging.getLogger(__name__)


class LoopClock(Protocol):
    """What the loop needs of a clock; `ports.clock.Clock` has it."""

    def monotonic_s(self) -> float: ...

    def wait(self, stopping: Event, seconds: float) -> bool: ...


class LoopState(StrEnum):
    NEW = "new"
    RUNNING = "running"
    STOPPED = "stopped"
    FAULTED = "faulted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a loop fares, for the supervisor and for people.

    `silent_s` is the time since the last sign of life inside a step, and 0 while the loop waits between steps: a
    step that hangs shows here, a long pause does not. `failures` counts all of them, `failures_in_row` the last run
    without a success.
    """

    state: LoopState
    generation: int
    steps: int
    failures: int
    failures_in_row: int
    last_error: str
    silent_s: float


@dataclass(slots=True, eq=False)
class _Run:
    """One start of the loop. What an outdated run still does is not counted."""

    generation: int
    stopping: Event = field(default_factory=Event)
    thread: Thread | None = None
    state: LoopState = LoopState.NEW
    alive_s: float | None = None  # monotonic; None between steps
    steps: int = 0
    failures: int = 0
    failures_in_row: int = 0
    last_error: str = ""


def _no_waker() -> None:
    """Stand in where nothing but the pause has to be woken."""


class WorkerLoop:
    """Runs `step` over and over in a thread of its own until it is stopped or fails too often in a row.

    Two ways of use: a periodic worker leaves `every_s` between the end of a step and the next one; a queue-driven
    one has `every_s=0`, takes from its queue with a time-out inside `step`, and gives as `wake` what makes that
    take return (a sentinel put into the queue), so that `stop` is heeded at once.

    A thread that hangs cannot be killed. `restart` fences it: its run is outdated, its stop event is set, and a new
    thread runs under the next generation. A step that may outlive its run asks `is_current` before it acts.

    Args:
        name: for logs, the thread and `on_fault`.
        step: one unit of work; returning is success, an `Exception` is a failure.
        clock: monotonic time and a wait that a set event ends.
        every_s: pause after a success, in seconds.
        max_failures: failures in a row that make the loop give up.
        on_fault: called in the loop's thread with name and error, once per run, after the state is FAULTED.
        wake: called by `stop` and `restart` after the stop event is set.
        first_pause_s: pause after the first failure; it doubles with each further one up to `longest_pause_s`.
        patient: failures that are somebody else's to mend (a full disk): told in one sentence, without a traceback;
            the loop tries again after `first_pause_s` each time, and they never make it give up.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], None],
        *,
        clock: LoopClock,
        on_fault: Callable[[str, BaseException], None],
        every_s: float = 0.0,
        max_failures: int = 6,
        wake: Callable[[], None] = _no_waker,
        first_pause_s: float = 2.0,
        longest_pause_s: float = 60.0,
        patient: tuple[type[Exception], ...] = (),
    ) -> None:
        if max_failures < 1 or every_s < 0 or first_pause_s < 0 or longest_pause_s < first_pause_s:
            raise ValueError(f"worker {name}: pauses must not be negative and max_failures at least 1")
        self.name = name
        self._step = step
        self._clock = clock
        self._on_fault = on_fault
        self._every_s = every_s
        self._max_failures = max_failures
        self._wake = wake
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._patient = patient
        self._lock = Lock()
        self._run = _Run(generation=0)

    @property
    def state(self) -> LoopState:
        return self._run.state

    @property
    def generation(self) -> int:
        """Return the number of the latest start; 0 before the first."""
        return self._run.generation

    def is_current(self) -> bool:
        """Tell whether the calling thread is the one of the latest start and was not asked to stop."""
        run = self._run
        return run.thread is current_thread() and not run.stopping.is_set()

    def health(self) -> Health:
        run, now_s = self._run, self._clock.monotonic_s()
        alive_s = run.alive_s
        return Health(
            state=run.state,
            generation=run.generation,
            steps=run.steps,
            failures=run.failures,
            failures_in_row=run.failures_in_row,
            last_error=run.last_error,
            silent_s=0.0 if alive_s is None else max(0.0, now_s - alive_s),
        )

    def beat(self) -> None:
        """Give a sign of life from inside a long step. Counts only from the current run's thread."""
        run = self._run
        if run.thread is current_thread() and run.alive_s is not None:
            run.alive_s = self._clock.monotonic_s()

    def start(self) -> int:
        """Start a thread under the next generation and return that generation.

        Raises:
            RuntimeError: if the loop runs already.
        """
        with self._lock:
            if self._run.state is LoopState.RUNNING:
                raise RuntimeError(f"worker {self.name} runs already")
            return self._launch()

    def restart(self) -> int:
        """Fence the run there is, hung or not, and start the next generation; return it."""
        with self._lock:
            self._run.stopping.set()
            generation = self._launch()
        self._wake()
        return generation

    def stop(self) -> None:
        """Ask the loop to end after the step it is in. Returns at once; a pause ends at once."""
        self._run.stopping.set()
        self._wake()

    def join(self, timeout_s: float) -> bool:
        """Wait for the latest start's thread to end; tell whether it has."""
        thread = self._run.thread
        if thread is None or thread is current_thread():
            return thread is None
        thread.join(timeout_s)
        return not thread.is_alive()

    def run_here(self) -> None:
        """Run under the next generation in the calling thread, until stopped or faulted."""
        with self._lock:
            if self._run.state is LoopState.RUNNING:
                raise RuntimeError(f"worker {self.name} runs already")
            run = self._run = self._next_run()
            run.thread = current_thread()
        self._loop(run)

    def _next_run(self) -> _Run:
        return _Run(generation=self._run.generation + 1, state=LoopState.RUNNING)

    def _launch(self) -> int:
        run = self._next_run()
        run.thread = Thread(target=self._loop, args=(run,), name=f"{self.name}-{run.generation}", daemon=True)
        self._run = run
        run.thread.start()
        return run.generation

    def _loop(self, run: _Run) -> None:
        try:
            while not run.stopping.is_set():
                pause_s = self._step_once(run)
                if pause_s is None:
                    return
                if pause_s > 0:
                    self._clock.wait(run.stopping, pause_s)
        except BaseException as error:
            # Not an Exception: SystemExit and the like. The thread ends either way, but not in silence.
            self._fault(run, error)
            raise
        run.state = LoopState.STOPPED

    def _step_once(self, run: _Run) -> float | None:
        """Return the pause after one step in seconds, or None when the loop gave up."""
        run.alive_s = self._clock.monotonic_s()
        try:
            self._step()
        except Exception as error:  # noqa: BLE001 - the edge where any failure of a worker is counted and told
            run.alive_s = None
            return self._note_failure(run, error)
        run.alive_s = None
        run.steps += 1
        if run.failures_in_row and run is self._run:
            log.info("%s works again after %d failures", self.name, run.failures_in_row)
        run.failures_in_row = 0
        return self._every_s

    def _note_failure(self, run: _Run, error: Exception) -> float | None:
        run.failures += 1
        run.failures_in_row += 1
        run.last_error = f"{type(error).__name__}: {error}"
        is_first = run.failures_in_row == 1 and run is self._run
        if isinstance(error, self._patient):
            if is_first:
                log.warning("%s cannot go on and will try again: %s", self.name, error)
                log.debug("%s failed here", self.name, exc_info=error)
            return self._first_pause_s
        if is_first:
            log.warning("%s failed; it will try again", self.name, exc_info=error)
        if run.failures_in_row >= self._max_failures:
            self._fault(run, error)
            return None
        return min(self._first_pause_s * 2.0 ** (run.failures_in_row - 1), self._longest_pause_s)

    def _fault(self, run: _Run, error: BaseException) -> None:
        if run.state is LoopState.FAULTED:
            return  # `on_fault` itself raised; it was told once
        run.last_error = f"{type(error).__name__}: {error}"
        run.state = LoopState.FAULTED
        if run is not self._run:
            return  # fenced: its successor speaks for this worker
        log.error("%s gave up after %d failures in a row", self.name, run.failures_in_row, exc_info=error)
        self._on_fault(self.name, error)
