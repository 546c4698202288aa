"""What is shown of a grid, and the rows of its equity that are stored."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from domain.events import Moment
from domain.grids import Books, GridSnapshot
from domain.money import ZERO, plain
from domain.orders import Fill
from grid.life import GridLife
from grid.order_views import differences, given_up, order_view
from grid.parts import GridParts
from grid.phases import PhaseJudge
from grid.trailing import Trailing
from grid.worker_events import SaveEquity
from orders.wanted import WantedOrder
from ports.store import EquityRow


class GridReport:
    """Of one grid.

    Its worker tells it the last fill, whether the grid was there before this process, and when the last event came.
    `last_mark` is the price the grid was last marked at; it stands in until a price arrives.
    """

    def __init__(
        self, parts: GridParts, life: GridLife, phases: PhaseJudge, trailing: Trailing, equity_every_ms: int
    ) -> None:
        self._parts, self._life, self._phases, self._trailing = parts, life, phases, trailing
        self._equity_every_ms = equity_every_ms
        self._equity_ms: int | None = None
        self._reckoned_for: Sequence[WantedOrder] | None = None
        self._needed = ZERO
        self.last_mark = parts.row.plan.start_price
        self.last_fill: Fill | None = None
        self.resumed = False
        self.updated_ms = parts.row.started_ms

    def equity(self, now: Moment) -> list[SaveEquity]:
        """Return a row to be stored, where one is due and there is a price."""
        last, grid_id = self._parts.market.last, self._parts.row.grid_id
        if last is None or not self._is_equity_due(now):
            return []
        self._equity_ms = now.market_ms
        books = self._books(last.price)
        row = EquityRow(
            grid_id=grid_id,
            time_ms=now.market_ms,
            equity_change=plain(books.equity_change),
            grid_profit=plain(books.grid_profit),
            mark_price=plain(last.price),
        )
        return [SaveEquity(row)]

    def _notices(self) -> list[str]:
        """Return what a person should know of the money, and of a contract that ends while its grid goes on."""
        money, end = self._parts.money, self._life.contract_end
        return [*filter(None, [money.alarm, money.notice, end.told if self._life.ended_ms is None else ""])]

    def _is_equity_due(self, now: Moment) -> bool:
        """Tell whether a row is due: a while after the last one, or at once after the clock stepped back."""
        if self._equity_ms is None:
            return True
        return not 0 <= now.market_ms - self._equity_ms < self._equity_every_ms

    def _books(self, mark: Decimal) -> Books:
        """Return the books; a grid that waits for its trigger price has bought nothing that could be held instead."""
        books = self._parts.money.shown(mark, cycles=self._parts.state.cycles, dust=self._parts.state.dust)
        if self._life.trigger.is_reached:
            return books
        return replace(books, hold_change=ZERO, versus_hold=books.equity_change)

    def _unlocked(self, aimed: Sequence[WantedOrder]) -> Decimal:
        """Return the quote that buys will need which do not rest yet; it changes with a decision alone."""
        if self._life.is_ending or self._life.ended_ms is not None:
            return ZERO
        if self._reckoned_for is not aimed:
            self._reckoned_for, self._needed = aimed, self._parts.state.unlocked
        return self._needed + self._trailing.unlocked

    def snapshot(self, now: Moment, aimed: Sequence[WantedOrder]) -> GridSnapshot:
        """Return everything shown of this grid; `aimed` is what it wanted when it last decided."""
        parts, life, phases = self._parts, self._life, self._phases
        row, desk, around, last = parts.row, parts.desk, parts.around, parts.market.last
        goes_on = life.on_stop is None and life.ended_ms is None
        return GridSnapshot(
            grid_id=row.grid_id,
            instrument=row.instrument,
            plan=parts.state.plan,
            is_edited_now=life.edits.is_under_way,
            status=phases.status,
            phase=phases.phase,
            phase_reason=phases.reason,
            current_price=last.price if last else None,
            price_age_s=now.monotonic_s - last.arrived_s if last else None,
            open_orders=tuple(order_view(order) for order in desk.ledger.unsettled()),
            books=self._books(last.price if last else self.last_mark),
            last_fill=self.last_fill,
            faulted_slots=given_up(parts),
            alarms=(*desk.alarms, *self._notices(), *around.notices),
            resumed=self.resumed,
            recovery=desk.recovery.report(differences(parts, aimed)),
            started_ms=row.started_ms,
            started_wall_ms=row.started_wall_ms,
            updated_ms=self.updated_ms,
            ended_ms=life.ended_ms,
            liquidation_price=around.contract.liquidation_price,
            foreign_orders=around.foreign_orders,
            stops=parts.protection.shown(),
            paused=life.paused,
            unlocked=self._unlocked(aimed),
            exit_below=parts.exits.below if goes_on else None,
            exit_above=parts.exits.above if goes_on else None,
            countdown_ms=around.countdown.runs_out_ms,
            rungs=tuple(map(parts.rules.price, parts.state.ladder.prices)),
            quantities=tuple(map(parts.rules.quantity, parts.state.ladder.lots)),
            trail=self._trailing.shown(),
        )
