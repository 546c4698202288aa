"""Reading and writing of grids and of their money over time, inside a transaction."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, delete, func, insert, select, update

from adapters.storage.rows import equity_of, grid_of
from adapters.storage.tables import equity, grids
from domain.grids import GridPlan, GridStatus
from domain.instrument import Instrument
from domain.money import parse_amount
from domain.plan_text import encode_plan
from ports.store import EquityRow, GridRow, StoreFailed

GRIDS_PER_LIFE: Final = 1000
"""How far apart the grid ids of two lives of the database begin: a copy that was put back does not know which ids were
given away after it was taken, and a new grid would take the orders and trades of a lost one of its id for its own."""


def add_grid(
    connection: Connection,
    account: str,
    epoch: int,
    *,
    instrument: Instrument,
    plan: GridPlan,
    started_ms: int,
    started_wall_ms: int,
) -> GridRow:
    """Store a new grid, running and in phase starting, under the account's next id in this life of the database."""
    lost = (epoch - 1) * GRIDS_PER_LIFE
    highest = connection.execute(select(func.max(grids.c.grid_id)).where(grids.c.account == account)).scalar()
    row = connection.execute(
        insert(grids)
        .values(
            account=account,
            grid_id=max(highest or 0, lost) + 1,
            instrument=instrument.id,
            plan=encode_plan(plan),
            status=GridStatus.RUNNING.value,
            phase="starting",
            phase_reason="",
            started_ms=started_ms,
            started_wall_ms=started_wall_ms,
        )
        .returning(grids)
    ).one()
    return grid_of(row)


def change_grid(connection: Connection, account: str, grid_id: int, values: Mapping[str, str | int]) -> None:
    """Set columns of a grid.

    Raises:
        StoreFailed: where the account has no such grid.
    """
    its = (grids.c.account == account) & (grids.c.grid_id == grid_id)
    if connection.execute(update(grids).where(its).values(**values)).rowcount != 1:
        raise StoreFailed(f"grid {grid_id} is not in the books of {account}")


def read_grids(connection: Connection, account: str) -> tuple[GridRow, ...]:
    """Return all grids of the account, oldest first."""
    wanted = select(grids).where(grids.c.account == account).order_by(grids.c.grid_id)
    return tuple(grid_of(row) for row in connection.execute(wanted).all())


def put_equity(connection: Connection, account: str, row: EquityRow) -> None:
    """Store a grid's money; a second row of the same grid and moment replaces the first."""
    for amount in (row.equity_change, row.grid_profit, row.mark_price):
        parse_amount(amount)
    of_grid = (equity.c.account == account) & (equity.c.grid_id == row.grid_id)
    connection.execute(delete(equity).where(of_grid, equity.c.time_ms == row.time_ms))
    connection.execute(
        insert(equity).values(
            account=account,
            grid_id=row.grid_id,
            time_ms=row.time_ms,
            equity_change=row.equity_change,
            grid_profit=row.grid_profit,
            mark_price=row.mark_price,
        )
    )


def read_equity(connection: Connection, account: str, grid_id: int, limit: int) -> tuple[EquityRow, ...]:
    """Return the grid's newest `limit` rows, oldest first."""
    wanted = (
        select(equity)
        .where(equity.c.account == account, equity.c.grid_id == grid_id)
        .order_by(equity.c.time_ms.desc())
        .limit(limit)
    )
    return tuple(equity_of(row) for row in reversed(connection.execute(wanted).all()))
