"""What is to be done, as values. Whoever hosts a worker carries them out in their order and stops at a failure."""

from dataclasses import dataclass

from domain.orders import FeeValue, Fill, Intent
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
    """Settle an unknown outcome; `sent_ms` is the wall time at which the request was made."""

    client_id: str
    sent_ms: int


@dataclass(frozen=True, slots=True)
class ReadOpen:
    """Read open orders and trades from `since_trade_id` on."""

    since_trade_id: int


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


OrderEffect = StoreIntents | Record | Submit | Cancel | LookUp | ReadOpen | AskFeePrice | RecordFeeValue
