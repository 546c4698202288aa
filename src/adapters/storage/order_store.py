"""An account's orders as stored: intents, what became of them, their trades, and conditional orders."""

from collections.abc import Sequence

from sqlalchemy import func, insert, select

from adapters.storage.booking import book_fills, book_orders
from adapters.storage.conditionals import forget_conditionals, read_conditionals, record_conditionals
from adapters.storage.rows import fill_of, intent_values, order_of
from adapters.storage.tables import fills, orders
from adapters.storage.transactions import Transactions
from domain.instrument import Instrument
from domain.orders import Fill, Intent, Status
from ports.store import ConditionalRow, OrderRow

LIVE = (Status.CREATED, Status.SENT, Status.UNKNOWN, Status.OPEN)
"""The states in which an order may still take money."""

_ADD_ORDERS = insert(orders)
_GRIDS_FILLS = select(fills).join(
    orders, (orders.c.account == fills.c.account) & (orders.c.client_id == fills.c.client_id)
)


class OrderStore(Transactions):
    """The part of `ports.store.Store` about orders and trades."""

    def add_intents(self, intents: Sequence[Intent]) -> None:
        """Store intents (status created) in one commit.

        Raises:
            StoreFailed: nothing was stored; also for a client id that exists and for a grid that does not.
        """
        if not intents:
            return
        with self._writing() as connection:
            connection.execute(_ADD_ORDERS, [intent_values(self._id, intent) for intent in intents])

    def record(self, orders: Sequence[OrderRow], fills: Sequence[Fill]) -> None:
        """Store what became known, in one commit.

        An order is found by its client id and gets the new status, venue id and time; its stored intent stays as it
        was. One that is not there yet is added (an order adopted from the venue). Fills are booked whatever the
        status of their order, and also where the order is not known; one that is booked already is skipped.

        Raises:
            StoreFailed: nothing was stored; also where a booked fill is told again with other amounts.
        """
        if not orders and not fills:
            return
        with self._writing() as connection:
            book_orders(connection, self._id, orders)
            book_fills(connection, self._id, fills)

    def orders(self, grid_id: int, *, live_only: bool = False) -> tuple[OrderRow, ...]:
        """Return the grid's orders in the order they were stored; live ones are created, sent, unknown or open."""
        wanted = select(orders).where(orders.c.account == self._id, orders.c.grid_id == grid_id)
        if live_only:
            wanted = wanted.where(orders.c.status.in_([status.value for status in LIVE]))
        with self._database.reading() as connection:
            return tuple(order_of(row) for row in connection.execute(wanted.order_by(orders.c.seq)))

    def fills(self, grid_id: int) -> tuple[Fill, ...]:
        wanted = _GRIDS_FILLS.where(orders.c.account == self._id, orders.c.grid_id == grid_id).order_by(fills.c.seq)
        with self._database.reading() as connection:
            return tuple(fill_of(row) for row in connection.execute(wanted))

    def newest_fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        """Return up to `limit` fills of all grids on the instrument, the highest trade id first."""
        wanted = (
            _GRIDS_FILLS.where(fills.c.account == self._id, fills.c.instrument == instrument.id)
            .order_by(fills.c.trade_id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return tuple(fill_of(row) for row in connection.execute(wanted))

    def last_trade_id(self, instrument: Instrument) -> int:
        wanted = select(func.max(fills.c.trade_id)).where(
            fills.c.account == self._id, fills.c.instrument == instrument.id
        )
        with self._database.reading() as connection:
            return connection.execute(wanted).scalar() or 0

    def record_conditionals(self, grid_id: int, rows: Sequence[ConditionalRow], *, forget: Sequence[str] = ()) -> None:
        """Store a grid's conditional orders as they are now known, and drop those in `forget`, in one commit.

        Raises:
            StoreFailed: nothing was stored; also where this account has no such grid.
        """
        with self._writing() as connection:
            record_conditionals(connection, self._id, grid_id, rows)
            forget_conditionals(connection, self._id, grid_id, forget)

    def conditionals(self, grid_id: int) -> tuple[ConditionalRow, ...]:
        with self._database.reading() as connection:
            return read_conditionals(connection, self._id, grid_id)
