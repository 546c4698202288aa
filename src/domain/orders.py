"""Orders as values: what is asked of the venue and what it reports back."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.instrument import Instrument
from domain.money import ZERO


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    LIMIT = "LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class PositionSide(StrEnum):
    """Which position of a contract an order changes: the one there is in one-way mode, or one of two in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class Role(StrEnum):
    """Why a slot exists. One letter, because it travels inside the client order id."""

    RUNG = "r"  # a resting rung of the ladder
    ENTRY = "e"  # the first purchase of base for the rungs above the price
    UNWIND = "u"  # the sale of what a grid that ends still holds


class Status(StrEnum):
    """What the venue says about an order. Money that moved is told by fills, not by this."""

    CREATED = "created"  # intent stored, nothing sent yet
    SENT = "sent"  # the request left; no answer yet
    UNKNOWN = "unknown"  # the outcome of the request is not known; settled by a look-up, never by a resend
    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"  # the venue refused it, or it is proven never to have arrived


@dataclass(frozen=True, slots=True)
class Slot:
    """The unit that holds at most one live order: a place where a strategy wants one.

    `price_ticks` and not a level's index, because an edit of the ladder moves indices.
    """

    grid: int
    role: Role
    side: Side
    price_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One order we have decided to send, stored before the request leaves.

    `price` is None for a market order; `reason` says for people why it is wanted. `created_ms` is wall time, because
    it decides when a request can no longer be accepted by the venue. `position_side` and `reduce_only` are for futures;
    hedge mode knows no `reduce_only`: there the sides say what opens and what closes.
    """

    client_id: str
    slot: Slot
    cycle: int
    attempt: int
    instrument: Instrument
    type: OrderType
    time_in_force: TimeInForce | None
    quantity: Decimal
    price: Decimal | None
    reason: str
    created_ms: int
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False

    @property
    def side(self) -> Side:
        return self.slot.side


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """Money that moved: one trade of ours, in the venue's own amounts.

    `trade_id` is unique per account and instrument only. `quote_quantity` is the venue's, never recomputed.
    `realized_profit` is what closing (part of) a futures position brought, in the margin asset, before commission; the
    venue's own number.
    """

    instrument: Instrument
    trade_id: int
    client_id: str
    venue_order_id: int
    side: Side
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str
    is_maker: bool
    time_ms: int
    realized_profit: Decimal = ZERO
    position_side: PositionSide = PositionSide.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeValue:
    """What one unit of a fee asset was worth at a fill, in the instrument's quote: our valuation, not the venue's.

    `at_ms` is the market time the price belongs to.
    """

    instrument: Instrument
    trade_id: int
    asset: str
    price: Decimal
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue last reported it."""

    instrument: Instrument
    client_id: str
    venue_order_id: int
    side: Side
    type: OrderType
    status: Status
    price: Decimal
    quantity: Decimal
    executed_quantity: Decimal
    updated_ms: int
