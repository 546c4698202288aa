"""Grids as the API shows them."""

from typing import Self

from pydantic import Field

from domain.grids import GridSnapshot, TrailView
from domain.money import plain
from routes.addressing import is_active, symbol_of
from routes.contract_views import ContractView
from routes.exit_views import ExitsView, trigger_of
from routes.formats import iso, iso_or_none, number, number_or_none, text_or_none, uptime
from routes.messages import say
from routes.money_views import BooksView, realized, unrealized
from routes.order_views import OpenOrderView
from routes.plan_views import spacing_percent
from routes.services import services
from routes.views import View


def grid_uptime(grid: GridSnapshot) -> str:
    """Return how long the grid has run, or ran: wall time while it runs, market time once it ended."""
    if is_active(grid):
        return uptime(services().wall_ms() - grid.started_wall_ms)
    return uptime(grid.updated_ms - grid.started_ms)


class TrailingView(View):
    """Where a ladder that follows the price stands; prices are exact decimal texts in quote."""

    low: str = Field(description="lowest rung now")
    high: str = Field(description="highest rung now")
    shifted: int = Field(description="rungs from where it started, below 0 downwards")
    up_to: str | None
    down_to: str | None
    goes_up_at: str | None = Field(description="price that would move it up now; null: none, or not all cells buy")
    goes_down_at: str | None = Field(description="price that would move it down now; null: none, or not all cells sell")
    moves: int = Field(description="how often it moved, by one rung or several")
    reason: str = Field(description="why it stands where it does")

    @classmethod
    def of(cls, trail: TrailView | None) -> Self | None:
        if trail is None:
            return None
        return cls(
            low=plain(trail.low),
            high=plain(trail.high),
            shifted=trail.shifted,
            up_to=text_or_none(trail.up_to),
            down_to=text_or_none(trail.down_to),
            goes_up_at=text_or_none(trail.goes_up_at),
            goes_down_at=text_or_none(trail.goes_down_at),
            moves=trail.moves,
            reason=trail.reason,
        )


class GridView(View):
    """`GridStatus` of the spec; the fields after `market_type` are added."""

    status: str = Field(description="running, stopped or error")
    symbol: str
    current_price: float | None = Field(description="null until a first price arrived")
    grid_levels: int
    active_orders: int
    total_trades: int
    realized_pnl: float = Field(description="closed cycles after all fees, in quote")
    unrealized_pnl: float = Field(description="held base and fee assets at market less their cost, in quote")
    uptime: str
    last_update: str
    spacing_percentage: float
    market_type: str
    phase: str
    phase_reason: str
    paused_by_request: str | None = Field(
        description="what a person's pause keeps on the book, exits or nothing; null: not paused by request"
    )
    editing: bool = Field(description="whether a person's edit is stored and not carried out yet")
    price_age_s: float | None
    faulted_slots: list[str]
    alarms: list[str] = Field(
        description="what a person must see to: while the books are in doubt nothing is bought; a countdown that is off"
    )
    grid_id: int
    asked_by: str = Field(description="person, or autopilot: it alone ends its own by itself")
    started_at: str
    total_cycles: int
    levels: list[float] = Field(description="prices of all rungs as they are now, lowest first")
    trail: TrailingView | None = Field(description="of a ladder that follows the price; null of another")
    reserve_quantity: str = Field(description="base of an infinity grid that no rung sells, exact; else 0")
    quantities: list[str] = Field(description="base that each cell buys and sells as it is now, lowest first")
    open_orders: list[OpenOrderView]
    resting_levels: int | None = Field(description="orders that rest on each side at most; null: all")
    waiting_quote: str = Field(description="quote that buys will need which do not rest yet, exact; 0 where all rest")
    post_only: bool = Field(description="whether orders of rungs never take")
    market_source: str
    books: BooksView
    contract: ContractView | None = Field(description="how a futures grid stands; null on spot")
    exits: ExitsView | None = Field(description="what this server watches to end the grid by itself; null: nothing")
    trigger_price: str | None = Field(description="price that it waits, or waited, for before its first order")

    @classmethod
    def of(cls, grid: GridSnapshot) -> Self:
        books = grid.books
        return cls(
            status=grid.status.value,
            symbol=symbol_of(grid.instrument),
            current_price=number_or_none(grid.current_price),
            grid_levels=len(grid.plan.prices),
            active_orders=len(grid.open_orders),
            total_trades=books.trades,
            realized_pnl=number(realized(books)),
            unrealized_pnl=number(unrealized(books)),
            uptime=grid_uptime(grid),
            last_update=iso(grid.updated_ms),
            spacing_percentage=number(spacing_percent(grid.plan)),
            market_type=grid.instrument.market.value,
            phase=grid.phase.value,
            phase_reason=grid.phase_reason,
            paused_by_request=grid.paused.value if grid.paused else None,
            editing=grid.is_edited_now,
            price_age_s=grid.price_age_s,
            faulted_slots=list(grid.faulted_slots),
            alarms=list(grid.alarms),
            grid_id=grid.grid_id,
            asked_by=grid.plan.request.asked_by.value,
            started_at=iso(grid.started_wall_ms),
            total_cycles=books.cycles,
            levels=[number(price) for price in grid.rungs or sorted(grid.plan.prices)],
            trail=TrailingView.of(grid.trail),
            reserve_quantity=plain(grid.plan.reserve_quantity),
            quantities=[plain(quantity) for quantity in grid.quantities or grid.plan.quantities],
            open_orders=[OpenOrderView.of(order) for order in grid.open_orders],
            resting_levels=grid.plan.request.resting_levels,
            waiting_quote=plain(grid.unlocked),
            post_only=grid.plan.request.post_only,
            market_source=services().snapshots.system().market_source,
            books=BooksView.of(books),
            contract=ContractView.of_grid(grid),
            exits=ExitsView.of(grid.plan, grid),
            trigger_price=trigger_of(grid.plan),
        )


class GridChangeView(GridView):
    """A grid after it was started, paused, resumed or stopped."""

    success: bool = Field(description="false while a grid has not ended, or a pause is not stored, as was asked for")
    message: str

    @classmethod
    def after(cls, grid: GridSnapshot, key: str, *, done: bool = True) -> Self:
        """Show `grid` with the sentence `key` of the catalogue."""
        reason = f" ({grid.phase_reason})" if grid.phase_reason else ""
        sentence = say(key, symbol=symbol_of(grid.instrument), reason=reason)
        return cls.model_validate({**GridView.of(grid).model_dump(), "success": done, "message": sentence})


class RecoveryView(View):
    """What the grid was after its newest recovery: after a start, or after a gap in the user stream."""

    symbol: str
    market_type: str
    recovered: bool
    message: str
    status: str
    phase: str
    phase_reason: str
    cause: str = Field(description="of the newest recovery: start, or reconnect of the user stream")
    recovery_began_at: str | None = Field(description="null until the user stream is up")
    recovery_finished_at: str | None = Field(description="null while it goes on")
    recovery: dict[str, int] = Field(description="what it found and did, by kind; docs/recovery.md explains each")
    differs: list[str] = Field(description="wanted orders that do not rest and resting ones not wanted, now")
    active_orders: int
    total_trades: int
    faulted_slots: list[str]
    grid_id: int
    started_at: str
    last_update: str

    @classmethod
    def of(cls, grid: GridSnapshot) -> Self:
        shown = GridView.of(grid)
        same = cls.model_fields.keys() & GridView.model_fields.keys()
        return cls(
            **{name: getattr(shown, name) for name in same},
            recovered=grid.resumed,
            message=say("grid_recovered" if grid.resumed else "grid_not_recovered"),
            cause=grid.recovery.cause,
            recovery_began_at=iso_or_none(grid.recovery.began_ms),
            recovery_finished_at=iso_or_none(grid.recovery.ended_ms),
            recovery=dict(grid.recovery.counts),
            differs=list(grid.recovery.differs),
        )
