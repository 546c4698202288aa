"""Writing orders and fills inside a transaction, so that telling the same thing twice changes nothing."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from sqlalchemy import Connection, bindparam, insert, select, update

from adapters.storage.history import note_move
from adapters.storage.rows import fill_of, fill_values, order_values
from adapters.storage.tables import fills, orders
from domain.instrument import Instrument
from domain.money import plain
from domain.orders import Fill
from ports.store import OrderRow, StoreFailed

T = TypeVar("T")

_CHUNK: Final = 500  # names in one IN list; SQLite takes 32,766 values in a statement

_SET_ORDER = (
    update(orders)
    .where(orders.c.account == bindparam("of_account"), orders.c.client_id == bindparam("of_client_id"))
    .values(
        status=bindparam("new_status"),
        venue_order_id=bindparam("new_venue_order_id"),
        updated_ms=bindparam("new_updated_ms"),
    )
)
_ADD_ORDERS = insert(orders)
_ADD_FILLS = insert(fills)


def book_orders(connection: Connection, account: str, told: Sequence[OrderRow]) -> None:
    """Update orders by client id and add those that are not there. The last word on an id wins; all are kept."""
    for order in told:
        note_move(connection, account, order)
        changed = connection.execute(
            _SET_ORDER,
            {
                "of_account": account,
                "of_client_id": order.intent.client_id,
                "new_status": order.status.value,
                "new_venue_order_id": order.venue_order_id,
                "new_updated_ms": order.updated_ms,
            },
        )
        if changed.rowcount == 0:
            connection.execute(_ADD_ORDERS, order_values(account, order))
            note_move(connection, account, order, is_new=True)


def book_fills(connection: Connection, account: str, told: Sequence[Fill]) -> None:
    """Add the fills that are not booked yet.

    Raises:
        StoreFailed: where one is booked with other amounts.
    """
    by_instrument: defaultdict[Instrument, list[int]] = defaultdict(list)
    for fill in told:
        by_instrument[fill.instrument].append(fill.trade_id)
    booked = {
        (fill.instrument, fill.trade_id): fill
        for instrument, trade_ids in by_instrument.items()
        for fill in _booked(connection, account, instrument, trade_ids)
    }
    fresh: list[Fill] = []
    for fill in told:
        key = (fill.instrument, fill.trade_id)
        if key not in booked:
            booked[key] = fill
            fresh.append(fill)
        elif amounts(booked[key]) != amounts(fill):
            raise StoreFailed(
                f"trade {fill.trade_id} of {fill.instrument} is booked as {described(booked[key])} and was told "
                f"again as {described(fill)}; compare both with the venue's list of trades"
            )
    if fresh:
        connection.execute(_ADD_FILLS, [fill_values(account, fill) for fill in fresh])


def amounts(fill: Fill) -> tuple[object, ...]:
    """Return what must be equal when a trade is told twice."""
    return (
        fill.side,
        fill.price,
        fill.quantity,
        fill.quote_quantity,
        fill.commission,
        fill.commission_asset,
    )


def described(fill: Fill) -> str:
    """Return the amounts of a fill for people, e.g. `BUY 0.1 at 30000 for 3000, fee 0.0001 BTC`."""
    return (
        f"{fill.side} {plain(fill.quantity)} at {plain(fill.price)} for {plain(fill.quote_quantity)}, "
        f"fee {plain(fill.commission)} {fill.commission_asset}"
    )


def _booked(connection: Connection, account: str, instrument: Instrument, trade_ids: Sequence[int]) -> Iterator[Fill]:
    for some in _chunks(trade_ids):
        wanted = select(fills).where(
            fills.c.account == account,
            fills.c.instrument == instrument.id,
            fills.c.trade_id.in_(some),
        )
        yield from map(fill_of, connection.execute(wanted))


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _CHUNK):
        yield items[start : start + _CHUNK]
