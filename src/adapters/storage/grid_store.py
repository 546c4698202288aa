"""An account's grids as stored: plans, states, changes of their ladders, and their money over time."""

from adapters.storage.grid_moves import add_grid_move, read_grid_moves
from adapters.storage.grid_rows import add_grid, change_grid, put_equity, read_equity, read_grids
from adapters.storage.transactions import Transactions
from domain.grids import GridPlan, GridStatus, Move
from domain.instrument import Instrument
from ports.store import EquityRow, GridRow


class GridStore(Transactions):
    """The part of `ports.store.Store` about grids."""

    def add_grid(self, instrument: Instrument, plan: GridPlan, started_ms: int, started_wall_ms: int) -> GridRow:
        """Store a new grid, running and in phase starting, under the next id of this account in this life."""
        with self._writing() as connection:
            return add_grid(
                connection,
                self._id,
                self.epoch,
                instrument=instrument,
                plan=plan,
                started_ms=started_ms,
                started_wall_ms=started_wall_ms,
            )

    def set_grid(
        self,
        grid_id: int,
        *,
        status: GridStatus,
        phase: str,
        phase_reason: str,
        on_stop: str | None = None,
        ended_ms: int | None = None,
    ) -> None:
        """Change a grid's state. None for `on_stop` or `ended_ms` leaves what is stored.

        Raises:
            StoreFailed: also where this account has no such grid.
        """
        told = {"on_stop": on_stop, "ended_ms": ended_ms}
        values = {name: value for name, value in told.items() if value is not None}
        values |= {"status": status.value, "phase": phase, "phase_reason": phase_reason}
        with self._writing() as connection:
            change_grid(connection, self._id, grid_id, values)

    def grids(self) -> tuple[GridRow, ...]:
        """Return all grids of the account, oldest first."""
        with self._database.reading() as connection:
            return read_grids(connection, self._id)

    def add_move(self, grid_id: int, move: Move) -> None:
        """Store a change of the grid's ladder.

        Raises:
            StoreFailed: nothing was stored; also for a number that exists and for a grid that does not.
        """
        with self._writing() as connection:
            add_grid_move(connection, self._id, grid_id, move)

    def moves(self, grid_id: int) -> tuple[Move, ...]:
        with self._database.reading() as connection:
            return read_grid_moves(connection, self._id, grid_id)

    def add_equity(self, row: EquityRow) -> None:
        """Store a grid's money; a second row of the same grid and moment replaces the first."""
        with self._writing() as connection:
            put_equity(connection, self._id, row)

    def equity(self, grid_id: int, limit: int) -> tuple[EquityRow, ...]:
        """Return the grid's newest `limit` rows, oldest first."""
        with self._database.reading() as connection:
            return read_equity(connection, self._id, grid_id, limit)
