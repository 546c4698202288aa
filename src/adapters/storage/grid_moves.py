"""Reading and writing of what changed a grid's ladder, inside a transaction."""

from sqlalchemy import Connection, insert, select

from adapters.storage.tables import grid_moves
from domain.grids import Move, MoveKind


def add_grid_move(connection: Connection, account: str, grid_id: int, move: Move) -> None:
    """Store a change; its number in the grid has to be new."""
    connection.execute(
        insert(grid_moves).values(
            account=account,
            grid_id=grid_id,
            number=move.number,
            kind=move.kind.value,
            after_trade=move.after_trade,
            data=move.data,
            market_ms=move.market_ms,
        )
    )


def read_grid_moves(connection: Connection, account: str, grid_id: int) -> tuple[Move, ...]:
    """Return a grid's changes by number."""
    table = grid_moves
    wanted = select(table).where(table.c.account == account, table.c.grid_id == grid_id).order_by(table.c.number)
    return tuple(
        Move(
            number=row.number,
            kind=MoveKind(row.kind),
            after_trade=row.after_trade,
            data=row.data,
            market_ms=row.market_ms,
        )
        for row in connection.execute(wanted)
    )
