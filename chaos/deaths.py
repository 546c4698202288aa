"""Where a process dies: which boundaries belong together, and how a death there is drawn."""

from collections.abc import Sequence
from random import Random
from typing import Final

from chaos.plan import Death
from chaos.points import Boundary
from domain.grids import OnStop

_RECOVERY: Final = (
    Boundary.OPENED,
    Boundary.RESTORED,
    Boundary.RESTORED,
    Boundary.LOOK_UP_ASKED,
    Boundary.LOOK_UP_BEFORE_COMMIT,
    Boundary.LOOK_UP_AFTER_COMMIT,
    Boundary.READING_ASKED,
    Boundary.READING_BEFORE_COMMIT,
    Boundary.READING_BEFORE_COMMIT,
    Boundary.READING_AFTER_COMMIT,
    Boundary.READING_AFTER_COMMIT,
)  # some twice, because not every life comes that far, and not every reading brings something to commit
_CANCELLING: Final = (
    Boundary.CANCEL_SENT,
    Boundary.CANCEL_APPLIED,
    Boundary.CANCEL_BEFORE_COMMIT,
    Boundary.CANCEL_AFTER_COMMIT,
)
STOPPING: Final = (Boundary.STOP_BEFORE_COMMIT, Boundary.STOP_AFTER_COMMIT, Boundary.STOP_CANCELLING)
_UNWINDING: Final = (
    Boundary.STOP_CANCELLING,
    Boundary.UNWIND_SENT,
    Boundary.UNWIND_SENT,
    Boundary.UNWIND_APPLIED,
    Boundary.UNWIND_APPLIED,
)
_STOPS: Final = (*STOPPING, *_UNWINDING, Boundary.END_BEFORE_COMMIT)
FUNDING: Final = {
    Boundary.FUNDING_ASKED: 0.6,
    Boundary.FUNDING_BEFORE_COMMIT: 0.9,
    Boundary.FUNDING_AFTER_COMMIT: 0.95,
}
_OF_MOVES: Final = (Boundary.MOVE_BEFORE_COMMIT, Boundary.MOVE_AFTER_COMMIT)
MOVING: Final = (_OF_MOVES[:1], _OF_MOVES[1:], _OF_MOVES[1:], _OF_MOVES)
_TRADING: Final = tuple(
    boundary for boundary in Boundary if boundary not in (*_RECOVERY, *_CANCELLING, *_STOPS, *FUNDING, *_OF_MOVES)
)


def first_choices(kind: str, stop: OnStop | None) -> Sequence[Boundary]:
    if kind == "shut down":
        return (*_CANCELLING, Boundary.CANCEL_BEFORE_COMMIT, Boundary.CANCEL_AFTER_COMMIT)
    if stop is OnStop.UNWIND:
        return (*_CANCELLING, *_STOPS, *_UNWINDING)
    if stop is not None:
        return (*STOPPING, Boundary.END_BEFORE_COMMIT)
    return _TRADING


def later_choices(random: Random, stop: OnStop | None) -> Sequence[Boundary]:
    if stop is None or random.random() < 0.5:
        return _RECOVERY
    return _UNWINDING if stop is OnStop.UNWIND else (*STOPPING, Boundary.END_BEFORE_COMMIT)


def draw_death(random: Random, boundary: Boundary, *, may_lose: bool) -> Death:
    power_loss = may_lose and random.random() < 0.3
    return Death(
        boundary=boundary,
        passes=1 if boundary in _STOPS else random.choice([1, 1, 1, 2, 3]),
        # A machine without power is back after longer than a request may be on its way; a process is back at once.
        down_ms=random.choice([15_000, 40_000] if power_loss else [50, 1_000, 6_000, 30_000]),
        lost_commits=random.choice([1, 2, 3, 5, 8, 13]) if power_loss else 0,
        lagging_notes=0 if power_loss else random.choice([0, 0, 1]),
    )
