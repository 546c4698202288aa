"""What became of orders, step by step."""

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, insert, select, text

from adapters.storage.rows import fill_of, order_of
from adapters.storage.tables import fills, order_moves, orders
from domain.orders import Status
from ports.books import Moves
from ports.store import OrderHistory, OrderRow

_ADD_MOVE = insert(order_moves)
_ADD_MOVE_THAT_IS_NEWS = text(
    "INSERT INTO order_moves (account, client_id, status, at_ms) "
    "SELECT account, client_id, :status, :at_ms FROM orders "
    "WHERE account = :account AND client_id = :client_id AND status <> :status"
)


def note_move(connection: Connection, account: str, told: OrderRow, *, is_new: bool = False) -> None:
    """Note the status an order is told to have, if it is another than the stored one or the order `is_new`.

    To be called before the order itself is changed.
    """
    move = {
        "account": account,
        "client_id": told.intent.client_id,
        "status": told.status.value,
        "at_ms": told.updated_ms,
    }
    connection.execute(_ADD_MOVE if is_new else _ADD_MOVE_THAT_IS_NEWS, move)


def read_history(connection: Connection, account: str, client_id: str) -> OrderHistory | None:
    """Return everything stored of the order, None where the account's books lack it."""
    row = connection.execute(
        select(orders).where(orders.c.account == account, orders.c.client_id == client_id)
    ).one_or_none()
    if row is None:
        return None
    moves = select(order_moves.c.status, order_moves.c.at_ms).where(
        order_moves.c.account == account, order_moves.c.client_id == client_id
    )
    its_fills = select(fills).where(fills.c.account == account, fills.c.client_id == client_id)
    return OrderHistory(
        order=order_of(row),
        moves=tuple((Status(it.status), it.at_ms) for it in connection.execute(moves.order_by(order_moves.c.seq))),
        fills=tuple(fill_of(it) for it in connection.execute(its_fills.order_by(fills.c.trade_id))),
    )


def read_moves(connection: Connection, account: str, grid_id: int) -> Mapping[str, Moves]:
    """Return the moves of a grid's orders by client id."""
    its_orders = (orders.c.account == order_moves.c.account) & (orders.c.client_id == order_moves.c.client_id)
    wanted = (
        select(order_moves.c.client_id, order_moves.c.status, order_moves.c.at_ms)
        .join(orders, its_orders)
        .where(order_moves.c.account == account, orders.c.grid_id == grid_id)
        .order_by(order_moves.c.seq)
    )
    found: dict[str, Moves] = defaultdict(tuple)
    for move in connection.execute(wanted):
        found[move.client_id] += ((Status(move.status), move.at_ms),)
    return found
