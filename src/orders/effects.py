"""What is to be done, as values. Whoever hosts a worker carries them out in their order and stops at a failure."""

from dataclasses import dataclass, field

from domain.futures import FundingPayment
from domain.orders import FeeValue, Fill, Intent, VenueOrder
from ports.store import OrderRow


@dataclass(frozen=True, slots=True)
class StoreIntents:
    """Commit these before anything that follows leaves the house."""

    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Commit what became known."""

    orders: tuple[OrderRow, ...]
    fills: tuple[Fill, ...]


@dataclass(frozen=True, slots=True)
class Submit:
    intent: Intent


@dataclass(frozen=True, slots=True)
class Cancel:
    client_id: str


@dataclass(frozen=True, slots=True)
class LookUp:
    """Settle what became of an order; `sent_ms` is the wall time at which the request was made.

    `presumed` is what it is taken for: if its trades add up to just that, nothing else need be asked.
    """

    client_id: str
    sent_ms: int
    presumed: VenueOrder | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ReadOpen:
    """Read open orders, and trades from `since_trade_id` on; None: no trades.

    `known` names orders by the venue's number and our id, so that their trades need no further question.
    """

    since_trade_id: int | None
    known: tuple[tuple[int, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class ReadTrades:
    """Read trades alone, from `since_trade_id` on; for `known` see `ReadOpen`."""

    since_trade_id: int
    known: tuple[tuple[int, str], ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class HoldsAllOrders:
    """Commit that books in doubt are whole again: every trade was read and every order of ours found."""


@dataclass(frozen=True, slots=True)
class DistrustStream:
    """Give up a stream that is connected and does not tell what REST knows."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class AskFeePrice:
    """Ask what one unit of a fee asset was worth at market time `at_ms`; `trade_id` None: what it is worth now."""

    asset: str
    at_ms: int
    trade_id: int | None


@dataclass(frozen=True, slots=True)
class RecordFeeValue:
    """Commit what a fee was worth at its fill."""

    value: FeeValue


@dataclass(frozen=True, slots=True)
class ReadFunding:
    """Ask what funding brought, and what was settled, since that market time."""

    since_ms: int


@dataclass(frozen=True, slots=True)
class RecordFunding:
    """Commit what funding brought."""

    payments: tuple[FundingPayment, ...]


@dataclass(frozen=True, slots=True)
class Tell:
    """Say in the log what a person may want to know later, when it shows no more."""

    text: str


OrderEffect = (
    StoreIntents
    | Record
    | Submit
    | Cancel
    | LookUp
    | ReadOpen
    | ReadTrades
    | HoldsAllOrders
    | DistrustStream
    | AskFeePrice
    | RecordFeeValue
    | ReadFunding
    | RecordFunding
    | Tell
)
