"""How the connection to the venue fares, for whoever shows it. Safe to ask from any thread; nothing here blocks."""

from dataclasses import dataclass
from typing import Protocol

from domain.instrument import Instrument, Market


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAge:
    """One stream at one moment: of prices of one instrument, or of the account's orders (`instrument` None).

    Attributes:
        live: whether the venue confirmed the subscription on a connection that stands.
        age_s: seconds since something last arrived, None before the first.
        confirmed_age_s: seconds since REST or the stream last proved that nothing is missing, None before the first.
        expected_s: how long it usually is from one arrival to the next, None where nothing is known of it.
        silent_after_s: after how many seconds without a word, a witness's too, silence is looked into; None where
            silence says nothing.
        witness_age_s: seconds since the stream beside it, which speaks in its own time, was last heard on this
            connection; None before that and where there is none.
        witness_expected_s: how long it is from one word of the witness to the next; None unless it keeps that time.
    """

    kind: str
    instrument: Instrument | None
    live: bool
    age_s: float | None
    confirmed_age_s: float | None
    expected_s: float | None
    silent_after_s: float | None
    events: int
    reconnects: int
    reason: str = ""
    market: Market = Market.SPOT
    witness_age_s: float | None = None
    witness_expected_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """One limit in its current window of `interval_s` seconds."""

    interval_s: int
    used: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestBudget:
    """What one market has left: weight per IP, orders per account.

    `frozen_until_ms` and `placing_frozen_until_ms` are wall time; None while nothing is frozen.
    """

    market: Market
    weight: LimitUse
    orders: tuple[LimitUse, ...]
    waiting: int
    frozen_until_ms: int | None
    placing_frozen_until_ms: int | None


class Connectivity(Protocol):
    def stream_ages(self) -> tuple[StreamAge, ...]: ...

    def request_budgets(self) -> tuple[RequestBudget, ...]: ...

    def notices(self) -> tuple[str, ...]:
        """Return what our own exchange says of its market: why it is not the live one, a ban, gaps; else nothing."""
