"""Where a process may die, and what else may go wrong: the rows and columns of the report."""

from collections.abc import Collection
from enum import StrEnum

from domain.instrument import Market


class Boundary(StrEnum):
    """A place between two steps of the program. Whatever comes after it never happened."""

    INTENT_BEFORE_COMMIT = "intent written, not committed"
    INTENT_AFTER_COMMIT = "intent committed, nothing sent"
    BETWEEN_SENDS = "between two sends"
    SENT_ARRIVES = "request on the wire, it arrives"
    SENT_LOST = "request on the wire, it is lost"
    APPLIED_UNANSWERED = "order accepted, answer not delivered"
    ANSWER_BEFORE_COMMIT = "answer delivered, not committed"
    ANSWER_AFTER_COMMIT = "answer committed"
    STREAM_BEFORE_COMMIT = "stream event delivered, not committed"
    STREAM_AFTER_COMMIT = "stream event committed"
    CANCEL_SENT = "cancel on the wire"
    CANCEL_APPLIED = "cancel done, answer not delivered"
    CANCEL_BEFORE_COMMIT = "cancel confirmed, not committed"
    CANCEL_AFTER_COMMIT = "cancel committed"
    OPENED = "recovery: database open, nothing read"
    RESTORED = "recovery: state restored, stream not up"
    LOOK_UP_ASKED = "recovery: look-up on the wire"
    LOOK_UP_BEFORE_COMMIT = "recovery: look-up answered, not committed"
    LOOK_UP_AFTER_COMMIT = "recovery: look-up committed"
    READING_ASKED = "recovery: account reading on the wire"
    READING_BEFORE_COMMIT = "recovery: reading delivered, not committed"
    READING_AFTER_COMMIT = "recovery: reading committed"
    PHASE_BEFORE_COMMIT = "phase written, not committed"
    PHASE_AFTER_COMMIT = "phase committed"
    STOP_BEFORE_COMMIT = "stop written, not committed"
    STOP_AFTER_COMMIT = "stop committed"
    STOP_CANCELLING = "stop: between two cancels"
    UNWIND_SENT = "stop: sale of the inventory on the wire"
    UNWIND_APPLIED = "stop: inventory sold, answer not delivered"
    END_BEFORE_COMMIT = "stop: end written, not committed"
    MOVE_BEFORE_COMMIT = "ladder: move written, not committed"
    MOVE_AFTER_COMMIT = "ladder: move committed, nothing placed"
    FUNDING_ASKED = "funding: reading on the wire"
    FUNDING_BEFORE_COMMIT = "funding: payment told, not committed"
    FUNDING_AFTER_COMMIT = "funding: payment committed"


class Fault(StrEnum):
    """What goes wrong beside the crash."""

    LATENCY = "latency and jitter up to 4 s"
    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    UNKNOWN_APPLIED = "-1006, applied"
    UNKNOWN_NOT_APPLIED = "-1007, not applied"
    SERVER_ERROR = "5xx, applied late or never"
    REFUSED_CONNECTION = "connection refused"
    SLOW_DOWN = "429"
    STREAM_MUTE = "stream mute"
    STREAM_DROPPED = "stream dropped with a gap"
    STREAM_DUPLICATED = "stream events twice"
    STREAM_REORDERED = "stream out of order"
    STREAM_DELAYED = "stream behind REST"
    REST_LAGS = "REST behind the stream"
    CANCELLED_BY_OTHERS = "our order cancelled by hand"
    FOREIGN_ORDER = "foreign order"
    FOREIGN_INSTANCE = "order of another instance"
    BALANCE_CHANGED = "balance changed from outside"
    HALTED = "symbol halted"
    FILTERS_CHANGED = "filters changed"
    EXPIRED_IN_MATCH = "expired in match"
    PARTIAL_FILL = "partial fills"
    DISK_FULL = "disk full"
    DATABASE_LOCKED = "database locked"
    FEES_IN_BNB = "fees in BNB"
    POWER_LOSS = "power loss, last commits gone"
    FUNDING_UNREAD = "funding: no answer"
    FUNDING_LATE = "funding: payment shown late"
    FUNDING_TWICE = "funding: payment told twice"


OF_CONTRACTS = frozenset(
    {
        Boundary.FUNDING_ASKED,
        Boundary.FUNDING_BEFORE_COMMIT,
        Boundary.FUNDING_AFTER_COMMIT,
        Fault.FUNDING_UNREAD,
        Fault.FUNDING_LATE,
        Fault.FUNDING_TWICE,
    }
)
"""What spot does not know."""
OF_SPOT = frozenset({Fault.FEES_IN_BNB})
"""What contracts do not know."""


def exists(point: Boundary | Fault, market: Market) -> bool:
    return point not in (OF_CONTRACTS if market is Market.SPOT else OF_SPOT)


def can_meet(boundary: Boundary, fault: Fault, markets: Collection[Market]) -> bool:
    """Tell whether one of the markets knows both."""
    return any(exists(boundary, market) and exists(fault, market) for market in markets)


class Crash(BaseException):
    """The process is dead from here on: nothing it still does counts, no statement reaches the database."""

    def __init__(self, boundary: Boundary | None) -> None:
        super().__init__(boundary or "dead already")
        self.boundary = boundary


class Tripwire:
    """Knows where the process is to die next, and whether it has."""

    def __init__(self) -> None:
        self.is_dead = False
        self.armed: Boundary | None = None
        self._passes = 0

    def arm(self, boundary: Boundary, passes: int) -> None:
        """Let the process die when it passes `boundary` for the `passes`-th time from now."""
        self.armed, self._passes = boundary, passes

    def disarm(self) -> None:
        self.armed = None

    def revive(self) -> None:
        self.is_dead = False

    def reach(self, *boundaries: Boundary) -> None:
        """Pass boundaries.

        Raises:
            Crash: if the process dies here, or is dead already.
        """
        if self.is_dead:
            raise Crash(None)
        for boundary in boundaries:
            if self.falls(boundary):
                raise Crash(boundary)

    def falls(self, boundary: Boundary) -> bool:
        """Pass a boundary that lies outside the process's own code; tell whether it is dead from here on."""
        if self.is_dead or boundary is not self.armed:
            return False
        self._passes -= 1
        if self._passes > 0:
            return False
        self.armed, self.is_dead = None, True
        return True
