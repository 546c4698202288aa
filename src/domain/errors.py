"""Errors, each named by what the caller should do next.

TradingError
├── InvalidRequest      correct the named fields and ask again
├── NotFound            the thing named does not exist
├── Conflict            it exists in a state that forbids this; change the state first
├── Refused             the risk gate said no; the reason names the limit
├── Busy                there is no room for it now; make room as it says, or ask again later
└── VenueError          the venue is the cause
    ├── Unreachable     the request never left or got no connection; trying again is safe
    ├── OutcomeUnknown  it may have happened; look it up by client id, do not send it again
    ├── OrderRejected   the venue said no; nothing rests there
    ├── OrderUnknown    the venue knows no such order; reconcile
    ├── SlowDown        a limit of the venue; wait `retry_after_s`
    ├── ClockSkewed     measure the offset again, then try again
    └── KeyRefused      a person must correct key, secret, IP list or permissions
"""

from collections.abc import Sequence
from dataclasses import dataclass


class TradingError(Exception):
    """Something a caller can act upon; its text is written for a person."""


@dataclass(frozen=True, slots=True)
class FieldMistake:
    """One field of a request and what is wrong with it, with the remedy."""

    field: str
    message: str


class InvalidRequest(TradingError):
    """One or more fields cannot be accepted."""

    def __init__(self, mistakes: Sequence[FieldMistake]) -> None:
        super().__init__("; ".join(f"{mistake.field}: {mistake.message}" for mistake in mistakes))
        self.mistakes = tuple(mistakes)


class NotFound(TradingError):
    pass


class Conflict(TradingError):
    pass


class Refused(TradingError):
    pass


class Busy(TradingError):
    """There is no room for it now. `retry_after_s` is when asking again makes sense, None if a person must act."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class VenueError(TradingError):
    """The venue's answer or silence is the cause. `code` is its own number, 0 where it gave none."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Unreachable(VenueError):
    pass


class OutcomeUnknown(VenueError):
    pass


class OrderRejected(VenueError):
    """`would_take`: a post-only order that would have executed at once. `market_closed`: the symbol is halted.

    `off_band`: the price lies outside the band that moves with the market's own.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        would_take: bool = False,
        market_closed: bool = False,
        off_band: bool = False,
    ) -> None:
        super().__init__(message, code=code)
        self.would_take = would_take
        self.market_closed = market_closed
        self.off_band = off_band


class OrderUnknown(VenueError):
    pass


class SlowDown(VenueError):
    def __init__(self, message: str, *, code: int = 0, retry_after_s: float) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class ClockSkewed(VenueError):
    pass


class KeyRefused(VenueError):
    pass
