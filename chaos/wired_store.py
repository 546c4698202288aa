"""The real store with a wire through it: the process may die on either side of a commit, and the disk may refuse."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, event

from adapters.storage.store import SqlStore
from chaos.line import Source
from chaos.points import Boundary, Fault, Tripwire
from chaos.weather import Weather
from domain.account import Account
from domain.futures import FundingPayment
from domain.grids import GridPlan, GridStatus, Move
from domain.instrument import Instrument
from domain.orders import FeeValue, Fill, Intent
from grid.pauses import on_stop_of
from ports.store import ConditionalRow, EquityRow, GridRow, OrderRow, StoreFailed

_AROUND_RECORD = {
    Source.ANSWER: (Boundary.ANSWER_BEFORE_COMMIT, Boundary.ANSWER_AFTER_COMMIT),
    Source.CANCEL: (Boundary.CANCEL_BEFORE_COMMIT, Boundary.CANCEL_AFTER_COMMIT),
    Source.STREAM: (Boundary.STREAM_BEFORE_COMMIT, Boundary.STREAM_AFTER_COMMIT),
    Source.LOOK_UP: (Boundary.LOOK_UP_BEFORE_COMMIT, Boundary.LOOK_UP_AFTER_COMMIT),
    Source.READING: (Boundary.READING_BEFORE_COMMIT, Boundary.READING_AFTER_COMMIT),
}
_before_commit: list[Callable[[], None]] = []


@event.listens_for(Engine, "commit")
def _committing(_connection: Connection) -> None:
    """Called with every statement of a transaction executed and its COMMIT not yet said."""
    if _before_commit:
        _before_commit[-1]()


class WiredStore:
    """Implements `ports.store.Store` by the real one.

    `source` says what the process is handling; `booked`, `paid`, `intents`, `moved` and `said`, a person's standing
    word, are told each commit that did happen.
    """

    def __init__(
        self,
        store: SqlStore,
        tripwire: Tripwire,
        weather: Weather,
        *,
        intents: Callable[[Sequence[Intent]], None],
        booked: Callable[[Sequence[OrderRow], Sequence[Fill]], None],
        paid: Callable[[Sequence[FundingPayment]], None],
        said: Callable[[str | None], None],
        moved: Callable[[Move], None],
    ) -> None:
        self.source = Source.TIMER
        self._store, self._tripwire, self._weather = store, tripwire, weather
        self._intents, self._booked, self._paid, self._said, self._moved = intents, booked, paid, said, moved

    @property
    def account(self) -> Account:
        return self._store.account

    @property
    def instance(self) -> str:
        return self._store.instance

    @property
    def epoch(self) -> int:
        return self._store.epoch

    def may_lack_orders(self, grid_id: int) -> bool:
        return self._store.may_lack_orders(grid_id)

    def holds_all_orders(self, grid_id: int) -> None:
        self._store.holds_all_orders(grid_id)

    def add_grid(self, instrument: Instrument, plan: GridPlan, started_ms: int, started_wall_ms: int) -> GridRow:
        return self._store.add_grid(instrument, plan, started_ms, started_wall_ms)

    def grids(self) -> tuple[GridRow, ...]:
        return self._store.grids()

    def orders(self, grid_id: int, *, live_only: bool = False) -> tuple[OrderRow, ...]:
        return self._store.orders(grid_id, live_only=live_only)

    def fills(self, grid_id: int) -> tuple[Fill, ...]:
        return self._store.fills(grid_id)

    def newest_fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        return self._store.newest_fills(instrument, limit)

    def add_fee_value(self, value: FeeValue) -> None:
        with self._writing(None):
            self._store.add_fee_value(value)

    def fee_values(self, grid_id: int) -> tuple[FeeValue, ...]:
        return self._store.fee_values(grid_id)

    def add_funding(self, grid_id: int, payments: Sequence[FundingPayment]) -> None:
        with self._writing(Boundary.FUNDING_BEFORE_COMMIT):
            self._store.add_funding(grid_id, payments)
        self._paid(payments)
        self._reach(Boundary.FUNDING_AFTER_COMMIT)

    def funding(self, grid_id: int) -> tuple[FundingPayment, ...]:
        return self._store.funding(grid_id)

    def last_funding_ms(self, instrument: Instrument) -> int | None:
        return self._store.last_funding_ms(instrument)

    def record_conditionals(self, grid_id: int, rows: Sequence[ConditionalRow], *, forget: Sequence[str] = ()) -> None:
        self._store.record_conditionals(grid_id, rows, forget=forget)

    def conditionals(self, grid_id: int) -> tuple[ConditionalRow, ...]:
        return self._store.conditionals(grid_id)

    def add_move(self, grid_id: int, move: Move) -> None:
        with self._writing(Boundary.MOVE_BEFORE_COMMIT):
            self._store.add_move(grid_id, move)
        self._moved(move)
        self._reach(Boundary.MOVE_AFTER_COMMIT)

    def moves(self, grid_id: int) -> tuple[Move, ...]:
        return self._store.moves(grid_id)

    def trade_marks(self) -> dict[Instrument, int]:
        return self._store.trade_marks()

    def last_trade_id(self, instrument: Instrument) -> int:
        return self._store.last_trade_id(instrument)

    def equity(self, grid_id: int, limit: int) -> tuple[EquityRow, ...]:
        return self._store.equity(grid_id, limit)

    def add_intents(self, intents: Sequence[Intent]) -> None:
        with self._writing(Boundary.INTENT_BEFORE_COMMIT):
            self._store.add_intents(intents)
        self._intents(intents)
        self._tripwire.reach(Boundary.INTENT_AFTER_COMMIT)

    def record(self, orders: Sequence[OrderRow], fills: Sequence[Fill]) -> None:
        before, after = _AROUND_RECORD.get(self.source, (None, None))
        with self._writing(before):
            self._store.record(orders, fills)
        self._booked(orders, fills)
        self._reach(after)

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
        before, after = Boundary.PHASE_BEFORE_COMMIT, Boundary.PHASE_AFTER_COMMIT
        if on_stop_of(on_stop) is not None:
            before, after = Boundary.STOP_BEFORE_COMMIT, Boundary.STOP_AFTER_COMMIT
        with self._writing(Boundary.END_BEFORE_COMMIT if ended_ms is not None else before):
            self._store.set_grid(
                grid_id,
                status=status,
                phase=phase,
                phase_reason=phase_reason,
                on_stop=on_stop,
                ended_ms=ended_ms,
            )
        self._said(on_stop)
        self._reach(after)

    def add_equity(self, row: EquityRow) -> None:
        with self._writing(None):
            self._store.add_equity(row)

    def _reach(self, boundary: Boundary | None) -> None:
        if boundary is not None:
            self._tripwire.reach(boundary)

    @contextmanager
    def _writing(self, boundary: Boundary | None) -> Iterator[None]:
        self._tripwire.reach()

        def before_commit() -> None:
            self._reach(boundary)
            if self._weather.strikes_now(Fault.DISK_FULL, 0.5):
                error = sqlite3.OperationalError("database or disk is full")
                error.sqlite_errorname = "SQLITE_FULL"
                raise error

        _before_commit.append(before_commit)
        try:
            yield
        except StoreFailed as error:
            if "database is locked" in str(error):
                self._weather.strike(Fault.DATABASE_LOCKED)
            raise
        finally:
            _before_commit.pop()
