"""Conditional orders of futures: held by the venue apart from the book until a price is reached.

Untriggered they hold no margin, and neither a cancel of all orders nor a countdown touches them. When triggered, an
ordinary order under the same client id appears.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from domain.events import CancelRefused, OrderAbsent, OrderNotSent, OrderRefused, OutcomeUnknown, ReadFailed
from domain.instrument import Instrument, Market
from domain.orders import PositionSide, Side


class ConditionalKind(StrEnum):
    """What a trigger does. A stop buys at or above its trigger and sells at or below; a take-profit the other way."""

    STOP_MARKET = "stop_market"
    STOP_LIMIT = "stop_limit"
    TAKE_PROFIT_MARKET = "take_profit_market"
    TAKE_PROFIT_LIMIT = "take_profit_limit"


class WatchedPrice(StrEnum):
    """Which price a trigger goes by."""

    MARK = "mark"
    LAST = "last"


class ConditionalStatus(StrEnum):
    WAITING = "waiting"
    TRIGGERED = "triggered"  # its price was reached; the ordinary order appears or is there
    FINISHED = "finished"  # the ordinary order is final
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"  # triggered, and the venue refused the ordinary order


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalIntent:
    """A conditional order that we have decided to send, stored before the request leaves.

    `quantity` is None for one that closes the whole position, whatever it is by then; `price` belongs to limit kinds
    alone. `created_ms` is wall time, because it decides when a request can no longer be accepted by the venue.
    """

    client_id: str
    instrument: Instrument
    kind: ConditionalKind
    side: Side
    trigger_price: Decimal
    quantity: Decimal | None
    price: Decimal | None = None
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False
    watches: WatchedPrice = WatchedPrice.MARK
    reason: str
    created_ms: int

    def __post_init__(self) -> None:
        if self.instrument.market is not Market.FUTURES:
            raise ValueError(f"conditional orders of this kind are for futures, not for {self.instrument}")
        is_limit = self.kind in (ConditionalKind.STOP_LIMIT, ConditionalKind.TAKE_PROFIT_LIMIT)
        if is_limit != (self.price is not None):
            raise ValueError(f"a price belongs to limit kinds and to them alone, was {self.price} of a {self.kind}")
        if self.quantity is None and (is_limit or self.reduce_only):
            raise ValueError("one that closes the whole position is a market order and reduces by itself")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalOrder:
    """A conditional order as the venue last reported it.

    `quantity` is None where it closes the whole position. `venue_order_id` is that of the ordinary order it became.
    """

    instrument: Instrument
    client_id: str
    venue_id: int
    kind: ConditionalKind
    side: Side
    position_side: PositionSide
    status: ConditionalStatus
    trigger_price: Decimal
    price: Decimal | None
    quantity: Decimal | None
    venue_order_id: int | None
    updated_ms: int


@dataclass(frozen=True, slots=True)
class ConditionalReported:
    """The venue told us about a conditional order, by answer or by look-up."""

    order: ConditionalOrder


@dataclass(frozen=True, slots=True)
class ConditionalsRead:
    """All our conditional orders of the instrument that wait; `foreign` counts those that are not ours.

    `started_s` is our monotonic clock before the reading was asked for.
    """

    instrument: Instrument
    orders: tuple[ConditionalOrder, ...]
    started_s: float
    foreign: int = 0


ConditionalEvent = (
    ConditionalReported
    | ConditionalsRead
    | OrderRefused
    | OrderNotSent
    | OutcomeUnknown
    | OrderAbsent
    | CancelRefused
    | ReadFailed
)
"""Answers about conditional orders."""
