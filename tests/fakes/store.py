"""The books in memory. Passes the contract suite of ports.store.Store, so that other tests may build on it."""

from collections.abc import Sequence
from dataclasses import replace

from domain.account import Account, Mode
from domain.futures import FundingPayment
from domain.grids import GridPlan, GridStatus, Move
from domain.instrument import Instrument, Market
from domain.money import parse_amount
from domain.orders import FeeValue, Fill, Intent, Status
from ports.store import Baseline, ConditionalRow, EquityRow, GridRow, OrderRow, StoreFailed

LIVE = {Status.CREATED, Status.SENT, Status.UNKNOWN, Status.OPEN}
SHADOW_ACCOUNT = Account("binance", Mode.SHADOW, "0123456789ab")


class Rows:
    """What one account has stored."""

    def __init__(self) -> None:
        self.grids: dict[int, GridRow] = {}
        self.orders: dict[str, OrderRow] = {}
        self.fills: dict[tuple[Instrument, int], Fill] = {}
        self.equity: dict[tuple[int, int], EquityRow] = {}
        self.fee_values: dict[tuple[Instrument, int], FeeValue] = {}
        self.funding: dict[tuple[Instrument, int], tuple[int, FundingPayment]] = {}
        self.conditionals: dict[str, tuple[int, ConditionalRow]] = {}
        self.moves: dict[tuple[int, int], Move] = {}
        self.baselines: dict[Market, Baseline] = {}
        self.trade_marks: dict[Instrument, int] = {}


class MemoryDatabase:
    """Several accounts' rows, as one database holds them."""

    def __init__(self, instance: str = "t3st", epoch: int = 1) -> None:
        self.instance = instance
        self.epoch = epoch
        self.rows: dict[str, Rows] = {}


class InMemoryStore:
    """Set `failing` to a sentence and every write raises StoreFailed with it until it is None again."""

    def __init__(self, account: Account = SHADOW_ACCOUNT, database: MemoryDatabase | None = None) -> None:
        self._account = account
        self._database = database or MemoryDatabase()
        self._rows = self._database.rows.setdefault(account.id, Rows())
        self.failing: str | None = None
        self.commits = 0

    @property
    def account(self) -> Account:
        return self._account

    @property
    def instance(self) -> str:
        return self._database.instance

    @property
    def epoch(self) -> int:
        return self._database.epoch

    def close(self) -> None:
        """Nothing is held open."""

    def may_lack_orders(self, grid_id: int) -> bool:
        """A memory loses no commit."""
        return False

    def holds_all_orders(self, grid_id: int) -> None:
        """Nothing was in doubt."""

    def add_grid(self, instrument: Instrument, plan: GridPlan, started_ms: int, started_wall_ms: int) -> GridRow:
        self._before_commit()
        row = GridRow(
            grid_id=max(self._rows.grids, default=0) + 1,
            instrument=instrument,
            plan=plan,
            status=GridStatus.RUNNING,
            phase="starting",
            phase_reason="",
            on_stop=None,
            started_ms=started_ms,
            started_wall_ms=started_wall_ms,
            ended_ms=None,
        )
        self._rows.grids[row.grid_id] = row
        return row

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
        self._before_commit()
        row = self._known_grid(grid_id)
        self._rows.grids[grid_id] = replace(
            row,
            status=status,
            phase=phase,
            phase_reason=phase_reason,
            on_stop=row.on_stop if on_stop is None else on_stop,
            ended_ms=row.ended_ms if ended_ms is None else ended_ms,
        )

    def grids(self) -> tuple[GridRow, ...]:
        return tuple(self._rows.grids.values())

    def add_intents(self, intents: Sequence[Intent]) -> None:
        if not intents:
            return
        self._before_commit()
        added = dict(self._rows.orders)
        for intent in intents:
            if intent.client_id in added:
                raise StoreFailed(f"client id {intent.client_id} exists already")
            self._known_grid(intent.slot.grid)
            added[intent.client_id] = OrderRow(
                intent=intent, status=Status.CREATED, venue_order_id=None, updated_ms=intent.created_ms
            )
        self._rows.orders = added

    def record(self, orders: Sequence[OrderRow], fills: Sequence[Fill]) -> None:
        if not orders and not fills:
            return
        self._before_commit()
        known_orders, known_fills = dict(self._rows.orders), dict(self._rows.fills)
        for order in orders:
            known = known_orders.get(order.intent.client_id)
            self._known_grid(order.intent.slot.grid if known is None else known.intent.slot.grid)
            known_orders[order.intent.client_id] = replace(order, intent=known.intent) if known else order
        for fill in fills:
            booked = known_fills.setdefault((fill.instrument, fill.trade_id), fill)
            if _amounts(booked) != _amounts(fill):
                raise StoreFailed(f"trade {fill.trade_id} is booked as {booked} and was told again as {fill}")
        self._rows.orders, self._rows.fills = known_orders, known_fills

    def orders(self, grid_id: int, *, live_only: bool = False) -> tuple[OrderRow, ...]:
        return tuple(
            row
            for row in self._rows.orders.values()
            if row.intent.slot.grid == grid_id and (row.status in LIVE or not live_only)
        )

    def fills(self, grid_id: int) -> tuple[Fill, ...]:
        ours = {row.intent.client_id for row in self.orders(grid_id)}
        return tuple(fill for fill in self._rows.fills.values() if fill.client_id in ours)

    def newest_fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        known = [fill for fill in self._rows.fills.values() if fill.client_id in self._rows.orders]
        ours = [fill for fill in known if fill.instrument == instrument]
        return tuple(sorted(ours, key=lambda fill: -fill.trade_id)[:limit])

    def add_fee_value(self, value: FeeValue) -> None:
        self._before_commit()
        self._rows.fee_values.setdefault((value.instrument, value.trade_id), value)

    def fee_values(self, grid_id: int) -> tuple[FeeValue, ...]:
        ours = {(fill.instrument, fill.trade_id) for fill in self.fills(grid_id)}
        return tuple(value for key, value in self._rows.fee_values.items() if key in ours)

    def add_funding(self, grid_id: int, payments: Sequence[FundingPayment]) -> None:
        if not payments:
            return
        self._before_commit()
        fresh = {(one.instrument, one.id): (grid_id, one) for one in reversed(payments)}
        if fresh.keys() - self._rows.funding.keys():
            self._known_grid(grid_id)
        self._rows.funding = fresh | self._rows.funding

    def funding(self, grid_id: int) -> tuple[FundingPayment, ...]:
        ours = (payment for owner, payment in self._rows.funding.values() if owner == grid_id)
        return tuple(sorted(ours, key=lambda payment: (payment.at_ms, payment.id)))

    def last_funding_ms(self, instrument: Instrument) -> int | None:
        ours = (payment.at_ms for _, payment in self._rows.funding.values() if payment.instrument == instrument)
        return max(ours, default=None)

    def record_conditionals(self, grid_id: int, rows: Sequence[ConditionalRow], *, forget: Sequence[str] = ()) -> None:
        self._before_commit()
        self._known_grid(grid_id)
        known = dict(self._rows.conditionals)
        for row in rows:
            owner, before = known.get(row.intent.client_id, (grid_id, row))
            known[row.intent.client_id] = owner, replace(row, intent=before.intent)
        self._rows.conditionals = {client_id: row for client_id, row in known.items() if client_id not in forget}

    def conditionals(self, grid_id: int) -> tuple[ConditionalRow, ...]:
        return tuple(row for owner, row in self._rows.conditionals.values() if owner == grid_id)

    def add_move(self, grid_id: int, move: Move) -> None:
        self._before_commit()
        self._known_grid(grid_id)
        if (grid_id, move.number) in self._rows.moves:
            raise StoreFailed(f"move {move.number} of grid {grid_id} exists already")
        self._rows.moves[grid_id, move.number] = move

    def moves(self, grid_id: int) -> tuple[Move, ...]:
        return tuple(move for (owner, _), move in sorted(self._rows.moves.items()) if owner == grid_id)

    def baseline(self, market: Market = Market.SPOT) -> Baseline | None:
        return self._rows.baselines.get(market)

    def set_baseline(self, baseline: Baseline, market: Market = Market.SPOT) -> None:
        self._before_commit()
        self._rows.baselines.setdefault(market, baseline)

    def trade_marks(self) -> dict[Instrument, int]:
        return dict(self._rows.trade_marks)

    def set_trade_mark(self, instrument: Instrument, trade_id: int) -> None:
        self._before_commit()
        self._rows.trade_marks.setdefault(instrument, trade_id)

    def last_trade_id(self, instrument: Instrument) -> int:
        return max((trade for owner, trade in self._rows.fills if owner == instrument), default=0)

    def add_equity(self, row: EquityRow) -> None:
        self._before_commit()
        self._known_grid(row.grid_id)
        for amount in (row.equity_change, row.grid_profit, row.mark_price):
            try:
                parse_amount(amount)
            except ValueError as error:
                raise StoreFailed(str(error)) from error
        self._rows.equity[row.grid_id, row.time_ms] = row

    def equity(self, grid_id: int, limit: int) -> tuple[EquityRow, ...]:
        rows = [row for key, row in sorted(self._rows.equity.items()) if key[0] == grid_id]
        return tuple(rows[max(0, len(rows) - limit) :])

    def _known_grid(self, grid_id: int) -> GridRow:
        if grid_id not in self._rows.grids:
            raise StoreFailed(f"grid {grid_id} is not in the books of {self._account.id}")
        return self._rows.grids[grid_id]

    def _before_commit(self) -> None:
        if self.failing is not None:
            raise StoreFailed(self.failing)
        self.commits += 1


def _amounts(fill: Fill) -> tuple[object, ...]:
    return (
        fill.side,
        fill.price,
        fill.quantity,
        fill.quote_quantity,
        fill.commission,
        fill.commission_asset,
    )
