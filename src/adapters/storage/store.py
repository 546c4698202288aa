"""The books of one account in SQLite or PostgreSQL."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, func, insert, select, update

from adapters.storage.booking import book_fills, book_orders
from adapters.storage.conditionals import forget_conditionals, read_conditionals, record_conditionals
from adapters.storage.database import Database
from adapters.storage.grid_moves import add_grid_move, read_grid_moves
from adapters.storage.grid_rows import add_grid, change_grid, put_equity, read_equity, read_grids
from adapters.storage.life import Life, Sidecar
from adapters.storage.rows import fill_of, intent_values, order_of
from adapters.storage.switches import SqlSwitches
from adapters.storage.tables import fills, meta, orders
from adapters.storage.valuing import (
    add_baseline,
    add_fee_value,
    add_funding,
    add_trade_mark,
    read_baseline,
    read_fee_values,
    read_funding,
    read_last_funding_ms,
    read_trade_marks,
)
from domain.account import Account
from domain.futures import FundingPayment
from domain.grids import GridPlan, GridStatus, Move
from domain.instrument import Instrument, Market
from domain.orders import FeeValue, Fill, Intent, Status
from ports.control import PartState
from ports.store import Baseline, ConditionalRow, EquityRow, GridRow, OrderRow

LIVE = (Status.CREATED, Status.SENT, Status.UNKNOWN, Status.OPEN)
"""The states in which an order may still take money."""

# Every commit runs this one, so it goes past the statement compiler.
_NEXT_GENERATION = "UPDATE meta SET generation = generation + 1 RETURNING generation"
_ADD_ORDERS = insert(orders)
_GRIDS_FILLS = select(fills).join(
    orders, (orders.c.account == fills.c.account) & (orders.c.client_id == fills.c.client_id)
)


class SqlStore:
    """Implements `ports.store.Store`; may be used by many threads at once. Made by `open_store`."""

    def __init__(
        self,
        database: Database,
        account: Account,
        instance: str,
        life: Life,
        sidecar: Sidecar | None,
        doubted: Iterable[tuple[str, int]] = (),
    ) -> None:
        self._database = database
        self._account = account
        self._id = account.id
        self._instance = instance
        self._life = life
        self._sidecar = sidecar
        self._doubted = set(doubted)

    @property
    def account(self) -> Account:
        return self._account

    @property
    def instance(self) -> str:
        return self._instance

    @property
    def epoch(self) -> int:
        return self._life.epoch

    def may_lack_orders(self, grid_id: int) -> bool:
        """Tell whether orders of the grid may have left that these books do not know (see `life`)."""
        return (self._id, grid_id) in self._doubted

    def holds_all_orders(self, grid_id: int) -> None:
        """Note that every trade of the grid was read and every order of ours found."""
        self._doubted.discard((self._id, grid_id))
        if not self._doubted and self._sidecar:
            self._sidecar.note_whole()

    @property
    def failure(self) -> str:
        """Return why the last write did not happen; empty once one has succeeded again."""
        return self._database.failure

    def part(self) -> PartState:
        return PartState(name="database", alive=not self.failure, ready=not self.failure, reason=self.failure)

    def probe(self) -> None:
        """Commit next to nothing, to know whether the next commit would succeed.

        Raises:
            StoreFailed: if it would not.
        """
        with self._writing():
            pass

    def raise_epoch(self) -> int:
        """Begin a new life because a restore is known to have happened; return its number."""
        with self._database.writing() as connection:
            row = connection.execute(
                update(meta)
                .values(epoch=meta.c.epoch + 1, generation=meta.c.generation + 1)
                .returning(meta.c.epoch, meta.c.generation)
            ).one()
        self._life = Life(self._life.birth, row.epoch, row.generation)
        if self._sidecar:
            self._sidecar.write(self._life)
        return self._life.epoch

    def close(self) -> None:
        """Give connections and files back. The store is not to be used afterwards."""
        self._database.close()
        if self._sidecar:
            self._sidecar.close()

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

    def add_fee_value(self, value: FeeValue) -> None:
        with self._writing() as connection:
            add_fee_value(connection, self._id, value)

    def fee_values(self, grid_id: int) -> tuple[FeeValue, ...]:
        with self._database.reading() as connection:
            return read_fee_values(connection, self._id, grid_id)

    def add_funding(self, grid_id: int, payments: Sequence[FundingPayment]) -> None:
        """Store what funding brought to a grid, in one commit; payments stored already are skipped.

        Raises:
            StoreFailed: nothing was stored; also where this account has no such grid.
        """
        if not payments:
            return
        with self._writing() as connection:
            add_funding(connection, self._id, grid_id, payments)

    def funding(self, grid_id: int) -> tuple[FundingPayment, ...]:
        with self._database.reading() as connection:
            return read_funding(connection, self._id, grid_id)

    def last_funding_ms(self, instrument: Instrument) -> int | None:
        with self._database.reading() as connection:
            return read_last_funding_ms(connection, self._id, instrument)

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

    def baseline(self, market: Market = Market.SPOT) -> Baseline | None:
        with self._database.reading() as connection:
            return read_baseline(connection, self._id, market)

    def set_baseline(self, baseline: Baseline, market: Market = Market.SPOT) -> None:
        with self._writing() as connection:
            add_baseline(connection, self._id, baseline, market)

    def trade_marks(self) -> dict[Instrument, int]:
        with self._database.reading() as connection:
            return read_trade_marks(connection, self._id)

    def set_trade_mark(self, instrument: Instrument, trade_id: int) -> None:
        with self._writing() as connection:
            add_trade_mark(connection, self._id, instrument, trade_id)

    def last_trade_id(self, instrument: Instrument) -> int:
        wanted = select(func.max(fills.c.trade_id)).where(
            fills.c.account == self._id, fills.c.instrument == instrument.id
        )
        with self._database.reading() as connection:
            return connection.execute(wanted).scalar() or 0

    def add_equity(self, row: EquityRow) -> None:
        """Store a grid's money; a second row of the same grid and moment replaces the first."""
        with self._writing() as connection:
            put_equity(connection, self._id, row)

    def equity(self, grid_id: int, limit: int) -> tuple[EquityRow, ...]:
        """Return the grid's newest `limit` rows, oldest first."""
        with self._database.reading() as connection:
            return read_equity(connection, self._id, grid_id, limit)

    @property
    def switches(self) -> SqlSwitches:
        """Return the account's pairs on their way to another market."""
        return SqlSwitches(self._id, self.epoch, self._database.reading, self._writing)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a write transaction that counts the generation up, in the database and then beside it."""
        with self._database.writing() as connection:
            yield connection
            generation = connection.exec_driver_sql(_NEXT_GENERATION).scalar_one()
        if self._sidecar:
            self._sidecar.note(generation)
