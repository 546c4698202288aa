"""Orders, fills and their states, as callers and listeners see them: immutable snapshots."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"


STOP_LOSS_TYPES: Final = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT})
TAKE_PROFIT_TYPES: Final = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
CONDITIONAL_TYPES: Final = STOP_LOSS_TYPES | TAKE_PROFIT_TYPES
MARKET_TYPES: Final = frozenset({OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT})
"""Types that take whatever the book gives once they work."""


class TimeInForce(StrEnum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class StpMode(StrEnum):
    """Self-trade prevention; the taker's mode decides. TRANSFER acts as DECREMENT (protocol 2.6)."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"
    TRANSFER = "TRANSFER"


class OrderStatus(StrEnum):
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"


class ExpiryReason(StrEnum):
    REJECTED = "REJECTED"
    OCO_TRIGGER = "OCO_TRIGGER"
    UNFILLED_IOC = "UNFILLED_IOC_QUANTITY_EXPIRED"
    UNFILLED_FOK = "UNFILLED_FOK_ORDER_EXPIRED"
    INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"


class CancelRestriction(StrEnum):
    ONLY_NEW = "ONLY_NEW"
    ONLY_PARTIALLY_FILLED = "ONLY_PARTIALLY_FILLED"


NO_LIST: Final = -1
"""`list_id` of an order that belongs to no order list."""

OPEN_STATUSES: Final = frozenset({OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParams:
    """A request to place an order; amounts scaled by UNIT, parsed by the caller.

    `client_id` None lets the exchange make one, `stp_mode` None takes the symbol's default.
    """

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    quantity: int | None = None
    quote_quantity: int | None = None
    price: int | None = None
    stop_price: int | None = None
    client_id: str | None = None
    stp_mode: StpMode | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One match of one order: a row of myTrades.

    `price`, `quantity` and `commission` are scaled by UNIT, `quote` (price times quantity) by NOTIONAL_UNIT.
    """

    symbol: str
    trade_id: int
    order_id: int
    account_id: str
    side: Side
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    is_maker: bool
    time_ms: int
    list_id: int = NO_LIST


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as it was at one moment.

    Attributes:
        price: limit, scaled by UNIT; 0 for types that execute as MARKET.
        quantity, executed, prevented, quote_quantity: scaled by UNIT; `prevented` by self-trade prevention.
        executed_quote: sum of price times quantity over all fills, scaled by NOTIONAL_UNIT.
        time_ms, update_ms, working_ms: creation, last change, and when it began to work (None: it waits for
            its trigger, or ended before).
        prevented_match_id: of the last prevention, None without one.
        stop_price: last price that triggers a conditional order, scaled by UNIT; 0 for other types.
        list_id: the order list it belongs to, else NO_LIST.
        fills: fills of the call that returned this snapshot; empty in snapshots of queries and events.
        cancel_client_id: id of the cancel request in the answer to a cancel, else None.
    """

    symbol: str
    order_id: int
    account_id: str
    client_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    quote_quantity: int
    executed: int
    executed_quote: int
    prevented: int
    status: OrderStatus
    stp_mode: StpMode
    time_ms: int
    update_ms: int
    working_ms: int | None
    prevented_match_id: int | None
    expiry_reason: ExpiryReason | None
    stop_price: int = 0
    list_id: int = NO_LIST
    fills: tuple[Fill, ...] = ()
    cancel_client_id: str | None = None

    @property
    def remaining(self) -> int:
        """Quantity that may still trade while the order is open, scaled by UNIT."""
        return self.quantity - self.executed - self.prevented

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_working(self) -> bool:
        """Say whether it has been let into the book; a conditional order waits for its trigger before."""
        return self.working_ms is not None
