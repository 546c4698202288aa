"""Reading and writing of conditional orders, inside a transaction."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from adapters.storage.rows import instrument_of
from adapters.storage.tables import conditional_orders
from domain.conditional import ConditionalIntent, ConditionalKind, ConditionalStatus, WatchedPrice
from domain.orders import PositionSide, Side
from ports.store import ConditionalRow


def record_conditionals(connection: Connection, account: str, grid_id: int, rows: Sequence[ConditionalRow]) -> None:
    """Store what is known of a grid's conditional orders; an intent that is stored stays as it is."""
    table = conditional_orders
    for row in rows:
        told = {
            "status": None if row.status is None else row.status.value,
            "venue_order_id": row.venue_order_id,
            "updated_ms": row.updated_ms,
        }
        same = (table.c.account == account) & (table.c.client_id == row.intent.client_id)
        if connection.execute(update(table).where(same).values(**told)).rowcount == 0:
            connection.execute(insert(table).values(**_intent_values(account, grid_id, row.intent), **told))


def forget_conditionals(connection: Connection, account: str, grid_id: int, client_ids: Sequence[str]) -> None:
    """Drop conditional orders of a grid by client id."""
    table = conditional_orders
    if client_ids:
        its = (table.c.account == account) & (table.c.grid_id == grid_id)
        connection.execute(delete(table).where(its, table.c.client_id.in_(client_ids)))


def read_conditionals(connection: Connection, account: str, grid_id: int) -> tuple[ConditionalRow, ...]:
    """Return a grid's conditional orders in the order they were stored."""
    table = conditional_orders
    wanted = select(table).where(table.c.account == account, table.c.grid_id == grid_id).order_by(table.c.seq)
    return tuple(_row_of(row) for row in connection.execute(wanted))


def _intent_values(account: str, grid_id: int, intent: ConditionalIntent) -> dict[str, object]:
    return {
        "account": account,
        "client_id": intent.client_id,
        "instrument": intent.instrument.id,
        "grid_id": grid_id,
        "kind": intent.kind.value,
        "side": intent.side.value,
        "position_side": intent.position_side.value,
        "trigger_price": intent.trigger_price,
        "quantity": intent.quantity,
        "price": intent.price,
        "reduce_only": intent.reduce_only,
        "watches": intent.watches.value,
        "reason": intent.reason,
        "created_ms": intent.created_ms,
    }


def _row_of(row: Row[Any]) -> ConditionalRow:
    intent = ConditionalIntent(
        client_id=row.client_id,
        instrument=instrument_of(row.instrument),
        kind=ConditionalKind(row.kind),
        side=Side(row.side),
        trigger_price=row.trigger_price,
        quantity=row.quantity,
        price=row.price,
        position_side=PositionSide(row.position_side),
        reduce_only=row.reduce_only,
        watches=WatchedPrice(row.watches),
        reason=row.reason,
        created_ms=row.created_ms,
    )
    return ConditionalRow(
        intent=intent,
        status=None if row.status is None else ConditionalStatus(row.status),
        venue_order_id=row.venue_order_id,
        updated_ms=row.updated_ms,
    )
