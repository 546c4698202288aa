"""The worker loop with time passed in: no test here sleeps."""

import logging
import queue
from collections.abc import Callable
from threading import Event, Thread

import pytest

from utils.worker_loop import LoopState, WorkerLoop

DEADLINE_S = 60.0


class SteppedTime:
    """Time that moves only when someone waits."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.waits: list[float] = []

    def monotonic_s(self) -> float:
        return self.seconds

    def wait(self, stopping: Event, seconds: float) -> bool:
        self.seconds += seconds
        self.waits.append(seconds)
        return stopping.is_set()


class RealWait:
    """A clock whose waits are real and end when the event is set."""

    def monotonic_s(self) -> float:
        return 0.0

    def wait(self, stopping: Event, seconds: float) -> bool:
        return stopping.wait(seconds)


class Script:
    """A step that fails where told and stops its loop at the end."""

    def __init__(self, *outcomes: bool) -> None:
        self.outcomes = list(outcomes)
        self.stop: Callable[[], None] = lambda: None

    def __call__(self) -> None:
        works = self.outcomes.pop(0)
        if not self.outcomes:
            self.stop()
        if not works:
            raise OSError("no route")


def scripted(*outcomes: bool, every_s: float = 5.0, max_failures: int = 9) -> tuple[WorkerLoop, SteppedTime, list[str]]:
    clock, faults, script = SteppedTime(), list[str](), Script(*outcomes)
    loop = WorkerLoop(
        "data",
        script,
        clock=clock,
        every_s=every_s,
        max_failures=max_failures,
        on_fault=lambda name, error: faults.append(f"{name}: {error}"),
    )
    script.stop = loop.stop
    return loop, clock, faults


def test_steps_follow_each_other_at_the_asked_pace():
    loop, clock, faults = scripted(True, True, True, every_s=7.0)
    loop.run_here()
    assert clock.waits == [7.0, 7.0, 7.0]
    assert loop.state is LoopState.STOPPED
    assert loop.health().steps == 3
    assert faults == []


def test_it_gives_up_after_the_ceiling_with_growing_pauses_and_tells_once():
    loop, clock, faults = scripted(*[False] * 4, True, max_failures=4)
    loop.run_here()
    assert clock.waits == [2.0, 4.0, 8.0]
    assert loop.state is LoopState.FAULTED
    assert faults == ["data: no route"]
    assert loop.health().last_error == "OSError: no route"


def test_the_pause_grows_up_to_its_bound_and_a_success_sets_it_back():
    loop, clock, _ = scripted(*[False] * 7, True, False, True, max_failures=9)
    loop.run_here()
    assert clock.waits == [2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 5.0, 2.0, 5.0]
    health = loop.health()
    assert (health.failures, health.failures_in_row, health.steps) == (8, 0, 2)


def test_the_first_failure_and_the_recovery_are_logged_and_the_rest_counted(caplog):
    loop, _, _ = scripted(False, False, False, True, True)
    with caplog.at_level(logging.INFO, logger="utils.worker_loop"):
        loop.run_here()
    assert [record.getMessage() for record in caplog.records] == [
        "data failed; it will try again",
        "data works again after 3 failures",
    ]


def test_what_others_have_to_mend_is_told_in_a_sentence_and_never_given_up(caplog):
    clock, script = SteppedTime(), Script(*[False] * 5, True)
    loop = WorkerLoop("data", script, clock=clock, max_failures=2, patient=(OSError,), on_fault=lambda *_: None)
    script.stop = loop.stop
    with caplog.at_level(logging.INFO, logger="utils.worker_loop"):
        loop.run_here()
    assert loop.state is LoopState.STOPPED
    assert [(record.getMessage(), record.exc_info) for record in caplog.records] == [
        ("data cannot go on and will try again: no route", None),
        ("data works again after 5 failures", None),
    ]


def test_a_queue_driven_worker_never_pauses_after_success():
    loop, clock, _ = scripted(True, True, True, every_s=0.0)
    loop.run_here()
    assert clock.waits == []


def test_stop_ends_a_long_pause_at_once():
    stepped = Event()
    loop = WorkerLoop("risk", stepped.set, clock=RealWait(), every_s=3600.0, on_fault=lambda *_: None)
    loop.start()
    assert stepped.wait(DEADLINE_S)
    loop.stop()
    assert loop.join(DEADLINE_S)
    assert loop.state is LoopState.STOPPED


def test_stop_wakes_a_worker_that_waits_on_its_queue():
    inbox: queue.Queue[str | None] = queue.Queue()
    taken: list[str | None] = []
    loop = WorkerLoop(
        "grid",
        lambda: taken.append(inbox.get(timeout=3600.0)),
        clock=RealWait(),
        on_fault=lambda *_: None,
        wake=lambda: inbox.put(None),
    )
    loop.start()
    inbox.put("price")
    loop.stop()
    assert loop.join(DEADLINE_S)
    assert set(taken) <= {"price", None}


def test_each_start_has_its_own_generation_and_only_one_runs():
    loop, _, _ = scripted(True)
    assert loop.generation == 0
    loop.run_here()
    assert loop.generation == 1
    waiting = Event()
    blocked = WorkerLoop(
        "ai", lambda: None, clock=RealWait(), every_s=3600.0, on_fault=lambda *_: None, wake=waiting.set
    )
    assert blocked.start() == 1
    with pytest.raises(RuntimeError, match="ai runs already"):
        blocked.start()
    blocked.stop()
    assert blocked.join(DEADLINE_S)
    assert waiting.is_set()
    assert blocked.start() == 2
    blocked.stop()
    assert blocked.join(DEADLINE_S)


def test_a_hung_thread_is_fenced_and_says_nothing_when_it_comes_back():
    """The first thread hangs in its step; its successor runs; what the first does later is not counted."""
    hung, release, second, late = Event(), Event(), Event(), list[bool]()
    faults: list[str] = []

    def step() -> None:
        if loop.generation == 1:
            hung.set()
            release.wait(DEADLINE_S)
            late.append(loop.is_current())
            raise OSError("came back too late")
        assert loop.is_current()
        second.set()

    loop = WorkerLoop(
        "grid",
        step,
        clock=RealWait(),
        every_s=3600.0,
        max_failures=1,
        on_fault=lambda name, _: faults.append(name),
    )
    loop.start()
    assert hung.wait(DEADLINE_S)
    first = loop._run.thread
    assert isinstance(first, Thread)
    assert loop.restart() == 2
    assert second.wait(DEADLINE_S)
    release.set()
    first.join(DEADLINE_S)
    assert late == [False]
    assert faults == []
    assert loop.state is LoopState.RUNNING
    assert loop.health().failures == 0
    loop.stop()
    assert loop.join(DEADLINE_S)


def test_silence_is_counted_inside_a_step_and_not_between_steps():
    clock, seen = SteppedTime(), list[float]()

    def step() -> None:
        clock.seconds += 20.0
        seen.append(loop.health().silent_s)
        loop.beat()
        seen.append(loop.health().silent_s)
        loop.stop()

    loop = WorkerLoop("data", step, clock=clock, every_s=600.0, on_fault=lambda *_: None)
    loop.run_here()
    assert seen == [20.0, 0.0]
    assert loop.health().silent_s == 0.0


def test_an_exit_inside_a_step_is_a_fault_and_not_silence():
    faults: list[str] = []

    def step() -> None:
        raise SystemExit(3)

    loop = WorkerLoop("ai", step, clock=SteppedTime(), on_fault=lambda name, error: faults.append(f"{name}: {error!r}"))
    with pytest.raises(SystemExit):
        loop.run_here()
    assert faults == ["ai: SystemExit(3)"]
    assert loop.state is LoopState.FAULTED


def test_a_callback_that_raises_is_told_once_and_not_swallowed():
    told: list[str] = []

    def on_fault(name: str, error: BaseException) -> None:
        told.append(name)
        raise LookupError("no coordinator")

    def step() -> None:
        raise OSError("no route")

    loop = WorkerLoop("ai", step, clock=SteppedTime(), max_failures=1, on_fault=on_fault)
    with pytest.raises(LookupError, match="no coordinator"):
        loop.run_here()
    assert told == ["ai"]


def test_a_failure_while_stopping_ends_as_stopped():
    loop, _, faults = scripted(True, False)
    loop.run_here()
    assert loop.state is LoopState.STOPPED
    assert faults == []


@pytest.mark.parametrize("wrong", [{"max_failures": 0}, {"every_s": -1.0}, {"longest_pause_s": 1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError, match="worker x"):
        WorkerLoop("x", lambda: None, clock=SteppedTime(), on_fault=lambda *_: None, **wrong)
