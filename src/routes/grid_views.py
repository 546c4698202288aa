"""Grids as the API shows them."""

from decimal import Decimal
from typing import Self

from pydantic import Field

from domain.grids import Books, GridPlan, GridSnapshot, Spacing, StopView, TrailView
from domain.money import plain
from routes.addressing import is_active, symbol_of
from routes.exit_views import ExitsView, trigger_of
from routes.formats import iso, number, number_or_none, uptime
from routes.messages import say
from routes.order_views import OpenOrderView
from routes.services import services
from routes.views import View


class BooksView(View):
    """The grid's money, exact, as decimal texts in quote unless the name says otherwise.

    equity_change = grid_profit + (inventory_value - inventory_cost) - fees + funding + fee_asset_revaluation
                    + quote_rounding + residual
    """

    base_held: str = Field(description="in base; a short position and what it brought are below 0")
    inventory_cost: str
    inventory_value: str
    grid_profit: str = Field(description="closed cycles, before fees")
    fees: str = Field(description="valued at their fill")
    fees_by_asset: dict[str, str]
    fees_unvalued: dict[str, str] = Field(
        description="amounts whose price at the fill is not known yet; they count nowhere but in fees_by_asset"
    )
    funding: str = Field(description="what funding brought, below 0 what it cost; 0 on spot")
    realized_profit: str = Field(description="of closed futures positions, by the exchange's own count")
    fee_asset_revaluation: str
    fee_prices: dict[str, str] = Field(description="quote per unit, at which valued fees are revalued")
    quote_rounding: str = Field(description="what the venue rounded off price times quantity")
    cash_flow: str
    equity_change: str
    residual: str = Field(description="what the identity leaves over; 0 unless something is wrong")
    mark_price: str
    dust: str = Field(description="base below one lot, kept in the cells; part of base_held")
    hold_change: str = Field(description="what the base of the start would have gained by being held")
    versus_hold: str = Field(description="equity_change - hold_change; against cash it is equity_change")
    buys: int
    sells: int
    trades: int
    cycles: int

    @classmethod
    def of(cls, books: Books) -> Self:
        return cls.model_validate({name: _exactly(getattr(books, name)) for name in cls.model_fields})


def _exactly(value: Decimal | int | dict[str, Decimal]) -> object:
    if isinstance(value, dict):
        return {asset: plain(amount) for asset, amount in value.items()}
    return plain(value) if isinstance(value, Decimal) else value


def _text_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def realized(books: Books) -> Decimal:
    """Return what closed cycles earned after all fees, funding included, in quote."""
    return books.grid_profit - books.fees + books.funding


def unrealized(books: Books) -> Decimal:
    """Return what the held base and the fee assets gained since bought; with `realized` and residual: the equity."""
    return books.inventory_value - books.inventory_cost + books.fee_asset_revaluation


def spacing_percent(plan: GridPlan) -> Decimal:
    """Return the spacing asked for, else the one that follows from the bounds (percent, four decimals)."""
    request = plan.request
    if request.spacing_percent is not None:
        return request.spacing_percent
    if len(plan.prices) < 2:
        return Decimal(0)
    low, high, steps = min(plan.prices), max(plan.prices), len(plan.prices) - 1
    if request.spacing is Spacing.GEOMETRIC:
        step = (high / low) ** (Decimal(1) / steps) - 1
    else:
        step = (high - low) / steps / plan.start_price
    return (step * 100).quantize(Decimal("0.0001"))


def grid_uptime(grid: GridSnapshot) -> str:
    """Return how long the grid has run, or ran: wall time while it runs, market time once it ended."""
    if is_active(grid):
        return uptime(services().wall_ms() - grid.started_wall_ms)
    return uptime(grid.updated_ms - grid.started_ms)


class TermsView(View):
    """How a futures grid stands at the exchange."""

    direction: str = Field(description="neutral, long or short")
    leverage: int
    margin_type: str = Field(description="isolated or cross")
    hedge_mode: bool = Field(description="whether long and short positions are held apart, as the account has it")
    liquidation_below: str | None = Field(
        description="where the position would end under the range, by the plan; null: nowhere"
    )
    liquidation_above: str | None = Field(description="where it would end above the range, by the plan; null: nowhere")
    margin_worst: str = Field(description="quote, largest initial margin of position and orders inside the range")
    funding_reserve: str = Field(description="quote, kept for funding over horizon_days")
    horizon_days: int

    @classmethod
    def of(cls, plan: GridPlan) -> Self | None:
        terms = plan.terms
        if terms is None:
            return None
        return cls(
            direction=plan.request.direction.value,
            leverage=terms.leverage,
            margin_type=terms.margin_type.value,
            hedge_mode=terms.hedge_mode,
            liquidation_below=_text_or_none(plan.liquidation_below),
            liquidation_above=_text_or_none(plan.liquidation_above),
            margin_worst=plain(plan.margin_worst),
            funding_reserve=plain(plan.funding_reserve),
            horizon_days=plan.horizon_days,
        )


class GridStopView(View):
    """A stop that the exchange holds for a grid."""

    side: str
    price: str = Field(description="mark price, in quote, at which the position is closed at market")
    status: str = Field(description="placing, waiting, triggered, finished, canceled, expired or rejected")
    client_order_id: str
    trouble: str = Field(description="why it does not stand; empty if nothing is to be said")

    @classmethod
    def of(cls, stop: StopView) -> Self:
        return cls(
            side=stop.side.value,
            price=plain(stop.trigger_price),
            status=stop.status,
            client_order_id=stop.client_id,
            trouble=stop.trouble,
        )


class ContractView(TermsView):
    """What a futures grid holds, besides; amounts are exact decimal texts."""

    position: str = Field(description="in base, below 0 for a short one")
    funding: str
    realized_profit: str
    liquidation_price: str | None = Field(description="the exchange's, read twice a minute; null while it names none")
    stops: list[GridStopView] = Field(description="what the exchange itself holds to end the grid")
    countdown_until: str | None = Field(
        description="when the exchange cancels what rests here unless this server renews it; null: not armed"
    )

    @classmethod
    def of_grid(cls, grid: GridSnapshot) -> Self | None:
        terms, books = TermsView.of(grid.plan), grid.books
        if terms is None:
            return None
        return cls(
            **terms.model_dump(),
            position=plain(books.base_held),
            funding=plain(books.funding),
            realized_profit=plain(books.realized_profit),
            liquidation_price=_text_or_none(grid.liquidation_price) if books.base_held else None,
            stops=[GridStopView.of(stop) for stop in grid.stops],
            countdown_until=_iso_or_none(grid.countdown_ms),
        )


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
            up_to=_text_or_none(trail.up_to),
            down_to=_text_or_none(trail.down_to),
            goes_up_at=_text_or_none(trail.goes_up_at),
            goes_down_at=_text_or_none(trail.goes_down_at),
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


class CalculatedView(View):
    estimated_capital_needed: float
    grid_range: str
    levels_preview: list[float]
    start_price: float
    spacing_percentage: float
    quantity_per_level: str = Field(description="base, exact; where levels differ, next to the start price")
    quantities: list[str] = Field(description="base that each cell buys and sells, the lowest first, exact")
    reserve_quantity: str = Field(description="base of an infinity grid that no rung sells, exact; else 0")
    entry_quantity: str = Field(description="base bought first for the rungs above the price, exact")
    profit_per_cycle: str = Field(description="quote after two maker fees at the ladder's middle, exact")
    capital_needed: str = Field(description="quote, exact")

    @classmethod
    def of(cls, plan: GridPlan) -> Self:
        prices = sorted(plan.prices)
        return cls(
            estimated_capital_needed=number(plan.capital_needed),
            grid_range=f"{plain(prices[0])} - {plain(prices[-1])}",
            levels_preview=[number(price) for price in prices],
            start_price=number(plan.start_price),
            spacing_percentage=number(spacing_percent(plan)),
            quantity_per_level=plain(plan.quantity_per_rung),
            quantities=[plain(quantity) for quantity in plan.quantities],
            reserve_quantity=plain(plan.reserve_quantity),
            entry_quantity=plain(plan.entry_quantity),
            profit_per_cycle=plain(plan.profit_per_cycle),
            capital_needed=plain(plan.capital_needed),
        )


class CheckedView(View):
    valid: bool
    message: str
    calculated_params: CalculatedView
    symbol: str
    market_type: str
    contract: TermsView | None = Field(description="how a futures grid would stand; null on spot")
    exits: ExitsView | None = Field(description="what this server would watch to end the grid by itself; null: nothing")
    trigger_price: str | None = Field(description="price that it would wait for before its first order")
    warnings: list[str]

    @classmethod
    def of(cls, plan: GridPlan) -> Self:
        instrument = plan.request.instrument
        return cls(
            valid=True,
            message=say("config_valid"),
            calculated_params=CalculatedView.of(plan),
            symbol=symbol_of(instrument),
            market_type=instrument.market.value,
            contract=TermsView.of(plan),
            exits=ExitsView.of(plan),
            trigger_price=trigger_of(plan),
            warnings=list(plan.warnings),
        )


def _iso_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)


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
            recovery_began_at=_iso_or_none(grid.recovery.began_ms),
            recovery_finished_at=_iso_or_none(grid.recovery.ended_ms),
            recovery=dict(grid.recovery.counts),
            differs=list(grid.recovery.differs),
        )
