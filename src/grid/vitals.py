"""How the parts of one account's house fare: each grid's thread here, the others as they tell it themselves."""

from collections.abc import Callable, Sequence

from domain.grids import Phase
from grid.manager import GridManager
from grid.pauses import told_of
from grid.runner import HUNG_S, GridRunner
from ports.control import PartState
from utils.worker_loop import LoopState

_AT_WORK = (Phase.WAITING, Phase.ENTERING, Phase.TRADING, Phase.STOPPING, Phase.ENDED)


class Vitals:
    """Asks all parts; may be called from any thread."""

    def __init__(self, manager: GridManager, others: Sequence[Callable[[], PartState]]) -> None:
        self._manager = manager
        self._others = tuple(others)

    def parts(self) -> tuple[PartState, ...]:
        return (*(ask() for ask in self._others), *map(grid_part, self._manager.running))


def grid_part(runner: GridRunner) -> PartState:
    """Judge one grid: its thread must run and not hang, and nothing but a person may keep it from trading."""
    health, snapshot = runner.health(), runner.snapshot()
    instrument = runner.row.instrument
    name = f"grid {instrument.base}{instrument.quote}:{instrument.market}"
    if health.state is not LoopState.RUNNING:
        return PartState(name=name, alive=False, ready=False, reason=f"its thread has ended: {health.last_error}")
    if health.silent_s > HUNG_S:
        reason = f"its thread has not come back from a step for {health.silent_s:.0f} s"
        return PartState(name=name, alive=False, ready=False, reason=reason)
    if health.failures_in_row:
        return PartState(name=name, alive=True, ready=False, reason=snapshot.phase_reason or health.last_error)
    by_request = snapshot.paused is not None and snapshot.phase_reason == told_of(snapshot.paused)
    ready = snapshot.phase in _AT_WORK or by_request
    reason = "" if ready else f"{snapshot.phase}: {snapshot.phase_reason}"
    return PartState(name=name, alive=True, ready=ready, reason=reason)
