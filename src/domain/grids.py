"""A grid as people ask for it and as they are shown it."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from domain.exit_terms import ExitTerms
from domain.futures import MarginType
from domain.instrument import Instrument, InstrumentRules
from domain.money import ZERO
from domain.orders import Fill, Side, Status


class Spacing(StrEnum):
    GEOMETRIC = "geometric"
    ARITHMETIC = "arithmetic"


class Direction(StrEnum):
    """Which positions a grid takes. Spot grids are long: what is sold was bought before."""

    NEUTRAL = "neutral"  # long below the start price, short above it
    LONG = "long"
    SHORT = "short"


class OnStop(StrEnum):
    """What becomes of a grid's orders and inventory when it ends."""

    CANCEL = "cancel"
    KEEP = "keep"
    UNWIND = "unwind"


class PauseKeep(StrEnum):
    """What a grid that a person paused keeps on the book."""

    EXITS = "exits"  # what closes what is held: it can still be sold, or bought back, with profit
    NOTHING = "nothing"


class Profit(StrEnum):
    """What becomes of what a cell's cycles gain."""

    RELEASE = "release"  # it stays in the account
    REINVEST = "reinvest"  # the cell buys more with it


class MoveKind(StrEnum):
    """What changed a grid's own ladder between two fills."""

    TRAIL = "trail"  # it followed the price
    ASKED = "asked"  # a person said how it is to be; it stays as it is until orders that stand in the way are gone
    EDIT = "edit"  # a person's word was carried out


class AskedBy(StrEnum):
    """Whose grid it is. The autopilot ends its own alone."""

    PERSON = "person"
    AUTOPILOT = "autopilot"


class GridStatus(StrEnum):
    """The API's words."""

    RUNNING = "running"
    STOPPED = "stopped"
    ERROR = "error"


class Phase(StrEnum):
    """The finer state behind `GridStatus`."""

    STARTING = "starting"  # reading the account before the first decision
    WAITING = "waiting"  # for its trigger price; nothing is sent before
    ENTERING = "entering"  # buying the base for the rungs above the price
    TRADING = "trading"
    PAUSED = "paused"  # nothing new is sent until `phase_reason` is over
    STOPPING = "stopping"
    ENDED = "ended"
    FAULTED = "faulted"  # needs a person


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRequest:
    """What a person asks for.

    `levels` counts all price rungs. `spacing_percent` is percent between neighbours (geometric) or percent of the
    start price (arithmetic). With `lower` and `upper` the ladder lies between these bounds and spacing follows.
    `capital` is the whole grid's, in quote; `quantity` fixes the base per rung instead. From `direction` to the stops
    all is for futures: None takes what the configuration says, of a stop that there is none. The stops of futures are
    mark prices in quote at which the venue itself ends the position, and with it the grid; that of spot is watched by
    the grid, as `exits` are. `trail_up_to` and `trail_down_to` are the prices in quote to which the ladder follows the
    price; None: it does not. With `trigger_price` nothing is sent before the price has reached it.

    An `infinity` grid has a lower end alone: from `lower` up `levels` rungs stand `spacing_percent` apart, and what is
    held stays worth the same. With `quantity_growth_percent` each cell holds that much more than the one before it,
    counted from the gap outwards.
    """

    instrument: Instrument
    levels: int
    spacing_percent: Decimal | None = None
    spacing: Spacing = Spacing.GEOMETRIC
    lower: Decimal | None = None
    upper: Decimal | None = None
    capital: Decimal | None = None
    quantity: Decimal | None = None
    infinity: bool = False
    profit: Profit = Profit.RELEASE
    start_empty: bool = False
    quantity_growth_percent: Decimal | None = None
    direction: Direction = Direction.LONG
    leverage: int | None = None
    margin_type: MarginType | None = None
    stop_below: Decimal | None = None
    stop_above: Decimal | None = None
    trail_up_to: Decimal | None = None
    trail_down_to: Decimal | None = None
    resting_levels: int | None = None  # orders that rest on each side, the nearest ones; None: all
    post_only: bool = False  # a rung's order never takes
    asked_by: AskedBy = AskedBy.PERSON
    exits: ExitTerms = field(default_factory=ExitTerms)
    trigger_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """How a futures grid stands at the venue. `hedge_mode`: long and short positions are held apart."""

    leverage: int
    margin_type: MarginType
    hedge_mode: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinvesting:
    """How a grid reinvests. `fee_ppm` is the maker's commission that it reckons with, in millionths.

    On a contract `aside` is kept in quote for each base more: its funding, and what an order beyond the market takes.
    """

    fee_ppm: int
    most: tuple[Decimal, ...]  # base that each cell may come to hold, ascending
    aside: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPlan:
    """A request that passed preflight: what would rest, and what it takes. Prices in quote, quantities in base."""

    request: GridRequest
    start_price: Decimal
    prices: tuple[Decimal, ...]  # ascending
    gap: int  # index of the rung nearest the start price, which rests empty
    quantity_per_rung: Decimal  # where cells differ, that of the one nearest the gap
    entry_quantity: Decimal  # base traded first, fee included: see `entry_side`; 0 when started empty, or neutral
    entry_limit_price: Decimal  # the first trade pays at most, or takes at least, this
    capital_needed: Decimal
    profit_per_cycle: Decimal  # quote, after two maker fees, at the ladder's middle
    warnings: tuple[str, ...] = ()
    rules: InstrumentRules | None = None  # the venue's when it was planned; None in books older than this field
    terms: ContractTerms | None = None  # None on spot
    # Futures, with nothing but `capital_needed` behind the position under cross margin; None where no price ends it.
    liquidation_below: Decimal | None = None  # at the range's low end, everything there bought
    liquidation_above: Decimal | None = None  # at its high end, everything there sold
    margin_worst: Decimal = ZERO  # largest initial margin of position and open orders inside the range
    master: tuple[Decimal, ...] = ()  # every rung, ascending, that a grid which follows the price may use; `prices` too
    funding_reserve: Decimal = ZERO  # kept for funding over `horizon_days` on the largest position
    horizon_days: int = 0
    reinvesting: Reinvesting | None = None  # None: what is gained stays in the account
    reserve_quantity: Decimal = ZERO  # base that is bought first and that no rung sells
    cell_quantities: tuple[Decimal, ...] = ()  # of the cells, ascending; empty where all hold `quantity_per_rung`
    waits_from: Decimal | None = None  # the price at the request of a grid that waits for its trigger price

    @property
    def quantities(self) -> tuple[Decimal, ...]:
        """Return what each cell buys and sells, ascending."""
        return self.cell_quantities or (self.quantity_per_rung,) * (len(self.prices) - 1)

    @property
    def entry_side(self) -> Side:
        """Return how it begins: buying for the rungs above the gap, or selling for those below it."""
        return Side.SELL if self.request.direction is Direction.SHORT else Side.BUY

    @property
    def entry_position(self) -> Decimal:
        """Return the position that the first trade brings, below 0 for a short one."""
        return self.entry_quantity if self.entry_side is Side.BUY else -self.entry_quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of a grid's ladder, a fact like a fill: it is stored before anything that follows from it is sent.

    `number` counts from 1 in each grid. It comes after the trades up to the id `after_trade`, all that were booked
    when it was made (0: none), and before all others, whenever they are told. `data` is one line of JSON, see `kind`.
    """

    number: int
    kind: MoveKind
    after_trade: int
    data: str
    market_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """A grid's money, exact, in quote unless said otherwise, marked at `mark_price`.

    equity_change = grid_profit + (inventory_value - inventory_cost) - fees + funding + fee_asset_revaluation
                    + quote_rounding + residual

    A fee in an asset other than base and quote counts from the moment its price at the fill is known; until then its
    amount stands in `fees_unvalued` and in no other number but `fees_by_asset`. docs/books.md explains every field.
    """

    base_held: Decimal  # base asset; a short position and what it brought are below 0
    inventory_cost: Decimal
    inventory_value: Decimal
    grid_profit: Decimal  # closed lots (FIFO), before fees
    fees: Decimal  # valued at their fill
    fees_by_asset: dict[str, Decimal]
    fee_asset_revaluation: Decimal
    cash_flow: Decimal  # quote received minus quote paid, fees in quote and funding included
    equity_change: Decimal
    residual: Decimal
    mark_price: Decimal
    buys: int
    sells: int
    trades: int
    cycles: int
    fees_unvalued: dict[str, Decimal] = field(default_factory=dict)  # amounts, by asset
    fee_prices: dict[str, Decimal] = field(default_factory=dict)  # quote per unit, what valued fees are worth now
    quote_rounding: Decimal = ZERO  # what the venue rounded off price x quantity, below 1e-8 per fill
    dust: Decimal = ZERO  # base below one lot, left in the cells; part of base_held
    hold_change: Decimal = ZERO  # what the start's base, simply held, has gained since
    versus_hold: Decimal = ZERO  # equity_change - hold_change
    funding: Decimal = ZERO  # what funding brought, below 0 what it cost
    realized_profit: Decimal = ZERO  # closed futures positions by the venue's own count, before fees and funding


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order of a grid for people to see."""

    client_id: str
    venue_order_id: int | None
    side: Side
    type: str
    price: Decimal | None
    quantity: Decimal
    executed_quantity: Decimal
    status: Status
    created_ms: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopView:
    """A grid's stop at the venue for people to see; `status` is one word, `trouble` why it does not stand."""

    client_id: str
    side: Side
    trigger_price: Decimal
    status: str
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailView:
    """Where a ladder that follows the price stands, for people to see; prices in quote.

    `shifted` counts rungs from where it started, below 0 downwards. `goes_up_at` and `goes_down_at` are the prices that
    would move it now, None while none would. `reason` tells why it stands where it does.
    """

    low: Decimal
    high: Decimal
    shifted: int
    up_to: Decimal | None
    down_to: Decimal | None
    goes_up_at: Decimal | None
    goes_down_at: Decimal | None
    moves: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryReport:
    """What the newest recovery found and did, and what still differs.

    `cause` is start or reconnect; times in ms of wall time, None before. `counts` by name, see docs/recovery.md;
    `differs` names every wanted order that does not rest and every open one that is not wanted, now.
    """

    cause: str = "start"
    began_ms: int | None = None
    ended_ms: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSnapshot:
    """Everything shown of one grid, taken at one moment by its own thread.

    Times in ms of market time but `started_wall_ms` (wall time), from which uptime is told.
    """

    grid_id: int
    instrument: Instrument
    plan: GridPlan
    status: GridStatus
    phase: Phase
    phase_reason: str
    current_price: Decimal | None
    price_age_s: float | None
    open_orders: tuple[OrderView, ...]
    books: Books
    last_fill: Fill | None
    faulted_slots: tuple[str, ...]
    alarms: tuple[str, ...] = ()
    resumed: bool
    recovery: RecoveryReport = field(default_factory=RecoveryReport)
    started_ms: int
    started_wall_ms: int
    updated_ms: int
    ended_ms: int | None = None
    liquidation_price: Decimal | None = None  # the venue's, as last read; None on spot and while it names none
    foreign_orders: int | None = None  # orders of others on the instrument, as last read; None before that
    stops: tuple[StopView, ...] = ()
    is_edited_now: bool = False  # a person's edit is stored and not carried out yet
    paused: PauseKeep | None = None  # by a person's request, and what rests meanwhile; other pauses tell their reason
    exit_below: Decimal | None = None  # the price at or below which it would end by itself now; None: none does
    exit_above: Decimal | None = None  # the same above
    countdown_ms: int | None = None  # wall time at which the venue's countdown runs out unless renewed; None: not armed
    rungs: tuple[Decimal, ...] = ()  # as they are now, ascending; empty: as planned
    quantities: tuple[Decimal, ...] = ()  # what each cell buys and sells now, ascending; empty: as planned
    trail: TrailView | None = None  # None of a grid that does not follow the price
    unlocked: Decimal = ZERO  # quote that its buys will need which do not rest yet
