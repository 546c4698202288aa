"""Editing of grids at work: what it would come to, told from the store, and its way into the grid's own thread."""

from dataclasses import replace
from decimal import Decimal
from threading import Event
from typing import Final

from domain.edits import EditedGrid, GridChanges
from domain.errors import Conflict
from domain.grids import GridPlan, GridSnapshot, MoveKind, Phase
from domain.instrument import Instrument
from domain.money import ZERO
from grid.assembly import stored_state
from grid.core.planning_facts import PreflightFacts
from grid.edit_moves import EditAsked, EditMade
from grid.editing import Sketch, sketch_edit
from grid.house import GridHouse
from grid.runner import GridRunner
from grid.state import GridState
from grid.venue_facts import VenueFacts
from grid.worker_events import EditRequested

WAIT_S: Final = 5.0
_LOOK_S: Final = 0.05
_REFUSED: Final = {
    Phase.STARTING: "is still reading the account; ask again in a moment",
    Phase.WAITING: "waits for its trigger price; stop it and start a new one instead",
    Phase.ENTERING: "still trades what its ladder begins with; ask again when it is done, or stop it",
    Phase.STOPPING: "is being stopped; start a new one instead",
    Phase.ENDED: "has ended; start a new one instead",
    Phase.FAULTED: "needs a person first: its status tells the alarm; mend that, or stop it",
}


class GridEditor:
    """Of one account's grids. Safe to call from any thread; blocks on the venue."""

    def __init__(self, house: GridHouse, facts: VenueFacts) -> None:
        self._house = house
        self._facts = facts

    def edit(
        self, runner: GridRunner, changes: GridChanges, *, dry_run: bool, others_need: Decimal = ZERO
    ) -> EditedGrid:
        """Tell what the changes come to, and without `dry_run` have the grid make them.

        `others_need` is the free quote that is other grids'. Waits a few seconds; `is_done` tells whether it came to
        it, else it goes on by itself.

        Raises:
            InvalidRequest: all mistakes at once.
            Conflict: if the grid cannot be edited now.
            VenueError: if the venue does not answer.
        """
        sketch = self._sketch(runner, changes, others_need)
        if dry_run:
            return EditedGrid(edit=sketch.shown, grid=runner.snapshot(), is_done=False)
        is_heeded = runner.request_change(EditRequested(sketch.asked)).wait(WAIT_S)
        self._await_end(runner)
        grid = runner.snapshot()
        is_done = _is_by(grid, sketch.asked.plan)
        if is_heeded and grid.is_edited_now and self._asked_for(runner) != sketch.asked.plan:
            raise _under_way(grid)
        if is_heeded and not is_done and not grid.is_edited_now:
            if grid.phase in _REFUSED:
                raise _conflict(grid)
            raise Conflict(f"the grid on {_name(grid.instrument)} was changed meanwhile; ask again")
        return EditedGrid(edit=sketch.shown, grid=grid, is_done=is_done)

    def _await_end(self, runner: GridRunner) -> None:
        """Wait until orders that stand in the way are off the book."""
        clock, never = self._house.clock, Event()
        until_s = clock.monotonic_s() + WAIT_S
        while runner.snapshot().is_edited_now and clock.monotonic_s() < until_s:
            clock.wait(never, _LOOK_S)

    def _asked_for(self, runner: GridRunner) -> GridPlan | None:
        """Return what the last word that was stored asks for."""
        moves = self._house.store.moves(runner.row.grid_id)
        asked = [move for move in moves if move.kind is MoveKind.ASKED][-1:]
        return EditAsked.read(asked[0].data).plan if asked else None

    # --- what it would come to ---

    def _sketch(self, runner: GridRunner, changes: GridChanges, others_need: Decimal) -> Sketch:
        grid = runner.snapshot()
        if grid.phase in _REFUSED and grid.phase is not Phase.ENTERING:
            raise _conflict(grid)
        if grid.is_edited_now and grid.paused is None:
            raise _under_way(grid)
        row, store = runner.row, self._house.store
        facts = self._facts.preflight(grid.plan.request, -others_need)
        state = stored_state(row, facts.rules, store)
        if state.is_entering and not state.is_edited:
            raise _conflict(replace(grid, phase=Phase.ENTERING))
        self._refuse_other_steps(state, facts)
        edits = [EditMade.read(move.data).plan for move in store.moves(row.grid_id) if move.kind is MoveKind.EDIT]
        known = [*reversed([row.plan, *edits])]
        if facts.contract is not None and row.plan.terms is not None:
            facts = replace(facts, contract=replace(facts.contract, terms=row.plan.terms))
        books = grid.books
        profit = books.grid_profit + books.inventory_value - books.inventory_cost - books.fees + books.funding
        sketch = sketch_edit(state, changes, facts, known, books.inventory_cost, profit)
        if grid.paused is None:
            return sketch
        told = (
            "it is paused by request: what is not allowed to rest meanwhile waits until it goes on, "
            "and so does all of the edit where that holds its trade back"
        )
        return replace(sketch, shown=replace(sketch.shown, warnings=(*sketch.shown.warnings, told)))

    @staticmethod
    def _refuse_other_steps(state: GridState, facts: PreflightFacts) -> None:
        rules = state.rules
        if (rules.tick, rules.lot) != (facts.rules.tick, facts.rules.lot):
            name = _name(rules.instrument)
            raise Conflict(f"the exchange's price or quantity steps of {name} changed since the start; stop the grid")


def _is_by(grid: GridSnapshot, plan: GridPlan) -> bool:
    """Tell whether the grid's ladder is the planned one."""
    return not grid.is_edited_now and grid.plan == plan


def _conflict(grid: GridSnapshot) -> Conflict:
    return Conflict(f"the grid on {_name(grid.instrument)} {_REFUSED[grid.phase]}")


def _under_way(grid: GridSnapshot) -> Conflict:
    return Conflict(f"the grid on {_name(grid.instrument)} is being edited; ask again when that is done")


def _name(instrument: Instrument) -> str:
    return f"{instrument.base}{instrument.quote} {instrument.market}"
