"""Stored grids that no worker can be built of: nothing trades them, and people are told of them and why."""

from typing import Final

from domain.grids import Books, GridSnapshot, GridStatus, Phase
from domain.instrument import Instrument
from domain.money import parse_amount
from orders.books import FifoBooks
from ports.store import GridRow, Store

FOLD_ERRORS: Final = (ValueError, ArithmeticError, LookupError)
"""What adding up a grid's stored orders, fills and moves may end with; a store that fails says so otherwise."""


class NotTakenUp:
    """The grids of one account that ran when its server last ended, and cannot be taken up by what is stored."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._shown: dict[int, GridSnapshot] = {}

    def add(self, row: GridRow, error: Exception) -> str:
        """Keep a grid, and return why it is not taken up."""
        shown = snapshot_of_unread(row, self._store, error)
        self._shown[row.grid_id] = shown
        return shown.phase_reason

    def shown(self, grid_id: int) -> GridSnapshot | None:
        """Return what is shown of a grid, None of one that was taken up."""
        return self._shown.get(grid_id)

    def why_not(self, instrument: Instrument) -> str:
        """Tell people why no grid may be started or commanded on an instrument, empty where nothing is in the way."""
        its = (shown for shown in self._shown.values() if shown.instrument == instrument)
        return next((f"grid {shown.grid_id}: {shown.phase_reason}" for shown in its), "")


def snapshot_of_unread(row: GridRow, store: Store, error: Exception) -> GridSnapshot:
    """Return a grid as it is shown that cannot be read back: its plan, its money by the fills alone, and the reason."""
    why = f"it could not be read back from the store ({error!r})"
    follows = "nothing trades it, and its orders and what it holds are left alone: see to them at the exchange"
    is_over = row.ended_ms is not None
    reason = row.phase_reason if is_over else f"{why}: {follows}; the next start of this server tries it again"
    return GridSnapshot(
        grid_id=row.grid_id,
        instrument=row.instrument,
        plan=row.plan,
        status=GridStatus.STOPPED if is_over else GridStatus.ERROR,
        phase=Phase.ENDED if is_over else Phase.FAULTED,
        phase_reason=reason,
        current_price=None,
        price_age_s=None,
        open_orders=(),
        books=_books(row, store),
        last_fill=None,
        faulted_slots=(),
        alarms=(f"{why}: what is shown of its orders and money is not whole" if is_over else reason,),
        resumed=True,
        started_ms=row.started_ms,
        started_wall_ms=row.started_wall_ms,
        updated_ms=row.started_ms,
        ended_ms=row.ended_ms,
    )


def _books(row: GridRow, store: Store) -> Books:
    """Return what the stored fills come to, at the price it was last marked at; zeros where they do not add up."""
    marked = store.equity(row.grid_id, 1)
    mark = parse_amount(marked[-1].mark_price) if marked else row.plan.start_price
    books = FifoBooks(row.instrument)
    try:
        for fill in store.fills(row.grid_id):
            books.add(fill)
        return books.marked(mark)
    except FOLD_ERRORS:
        return FifoBooks(row.instrument).marked(mark)
