"""What survives a crash. Every method commits before it returns, or raises `StoreFailed` and changed nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.account import Account
from domain.conditional import ConditionalIntent, ConditionalStatus
from domain.futures import FundingPayment
from domain.grids import GridPlan, GridStatus, Move
from domain.instrument import Instrument, Market
from domain.orders import FeeValue, Fill, Intent, Status


class StoreFailed(Exception):
    """The store could not commit: no intent stored means no order sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """One grid as stored. `grid_id` is unique in its account and small, because it travels in client ids."""

    grid_id: int
    instrument: Instrument
    plan: GridPlan
    status: GridStatus
    phase: str
    phase_reason: str
    on_stop: str | None
    started_ms: int
    started_wall_ms: int
    ended_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """One order as stored: the intent and what is known of it."""

    intent: Intent
    status: Status
    venue_order_id: int | None
    updated_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalRow:
    """One conditional order as stored. `status` is None until the venue says anything of it: it may have arrived."""

    intent: ConditionalIntent
    status: ConditionalStatus | None = None
    venue_order_id: int | None = None
    updated_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderHistory:
    """Everything stored of one order.

    Attributes:
        order: as it was last told; its intent was stored at `order.intent.created_ms`, wall time.
        moves: each status it was told to have, with market time in ms, in the order in which they were stored.
        fills: its trades, by id.
    """

    order: OrderRow
    moves: tuple[tuple[Status, int], ...]
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EquityRow:
    """A grid's marked money at one moment of market time, as decimal texts in quote."""

    grid_id: int
    time_ms: int
    equity_change: str
    grid_profit: str
    mark_price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the account held of one asset when its books began; `price` in the baseline's currency, None if unknown."""

    asset: str
    amount: Decimal
    price: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Where the account's books begin. `at_ms` is market time; prices are quote of `valued_in` per unit."""

    at_ms: int
    valued_in: str
    holdings: tuple[Holding, ...]


class AccountStore(Protocol):
    """Where one account's own books begin; each fact is stored once and never changed."""

    def baseline(self, market: Market = Market.SPOT) -> Baseline | None:
        """Return what was stored for the market's balances, None before."""

    def set_baseline(self, baseline: Baseline, market: Market = Market.SPOT) -> None:
        """Store where a market's balances begin to count; nothing happens where that is stored already."""

    def set_trade_mark(self, instrument: Instrument, trade_id: int) -> None:
        """Store from which trade id on an instrument counts; nothing happens where that is stored already."""


class Store(Protocol):
    """The books of ONE account; rows of other accounts are neither seen nor touched."""

    @property
    def account(self) -> Account: ...

    @property
    def instance(self) -> str:
        """Return four characters [0-9a-z] that tell this data folder's orders from another's; made once."""

    @property
    def epoch(self) -> int:
        """Return the number of this life of the database; a restored backup raises it."""

    def may_lack_orders(self, grid_id: int) -> bool:
        """Tell whether orders of the grid may have left that these books do not know: restored, or power was lost."""

    def holds_all_orders(self, grid_id: int) -> None:
        """Note that every trade of the grid was read and every order of ours found, so that nothing is missing."""

    def add_grid(self, instrument: Instrument, plan: GridPlan, started_ms: int, started_wall_ms: int) -> GridRow: ...

    def set_grid(
        self,
        grid_id: int,
        *,
        status: GridStatus,
        phase: str,
        phase_reason: str,
        on_stop: str | None = None,
        ended_ms: int | None = None,
    ) -> None: ...

    def grids(self) -> tuple[GridRow, ...]: ...

    def add_intents(self, intents: Sequence[Intent]) -> None:
        """Store intents (status created) in one commit; a client id that exists already is an error."""

    def record(self, orders: Sequence[OrderRow], fills: Sequence[Fill]) -> None:
        """Store what became known, in one commit. Fills already stored (account, instrument, trade id) are skipped."""

    def orders(self, grid_id: int, *, live_only: bool = False) -> tuple[OrderRow, ...]: ...

    def fills(self, grid_id: int) -> tuple[Fill, ...]:
        """Return the grid's fills in the order they were booked."""

    def newest_fills(self, instrument: Instrument, limit: int) -> tuple[Fill, ...]:
        """Return up to `limit` fills of all our grids on the instrument, the highest trade id first."""

    def add_fee_value(self, value: FeeValue) -> None:
        """Store what a fee was worth at its fill; a trade valued already keeps its value."""

    def fee_values(self, grid_id: int) -> tuple[FeeValue, ...]:
        """Return the stored values of the grid's fees, in the order they were stored."""

    def add_funding(self, grid_id: int, payments: Sequence[FundingPayment]) -> None:
        """Store what funding brought to a grid, in one commit. Payments stored already (by id) are skipped."""

    def funding(self, grid_id: int) -> tuple[FundingPayment, ...]:
        """Return the grid's payments, oldest first."""

    def last_funding_ms(self, instrument: Instrument) -> int | None:
        """Return the market time of the newest stored payment of the instrument, None if there is none."""

    def record_conditionals(self, grid_id: int, rows: Sequence[ConditionalRow], *, forget: Sequence[str] = ()) -> None:
        """Store a grid's conditional orders as they are now known, in one commit; intents stay as they were.

        Those whose client ids are in `forget` are dropped: nothing ever came of them.
        """

    def conditionals(self, grid_id: int) -> tuple[ConditionalRow, ...]:
        """Return the grid's conditional orders in the order they were stored."""

    def add_move(self, grid_id: int, move: Move) -> None:
        """Store a change of the grid's ladder; a number that is stored already is an error."""

    def moves(self, grid_id: int) -> tuple[Move, ...]:
        """Return the changes of the grid's ladder by number."""

    def trade_marks(self) -> dict[Instrument, int]:
        """Return per instrument the first trade id that counts: all before are older than our first order on it."""

    def last_trade_id(self, instrument: Instrument) -> int:
        """Return the highest booked trade id of the instrument, 0 if none."""

    def add_equity(self, row: EquityRow) -> None: ...

    def equity(self, grid_id: int, limit: int) -> tuple[EquityRow, ...]: ...


class AccountingStore(Store, AccountStore, Protocol):
    """Both: the grids' books and where the account's own begin."""
