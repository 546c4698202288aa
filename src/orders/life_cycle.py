"""One order's life: a table of legal moves and one way in.

Two facts, two fields: `status` is what the venue says about the resting order, `fills` is money that moved. A fill is
never refused and never counted twice, whatever the status; "partly filled" is computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from domain.errors import TradingError
from domain.money import ZERO, exact
from domain.orders import Fill, Intent, Status

ENDED = frozenset({Status.FILLED, Status.CANCELED, Status.EXPIRED, Status.REJECTED})

# REJECTED after SENT or UNKNOWN: the venue refused it, or a look-up proved that it never arrived.
# CREATED to OPEN and beyond: an event of the user stream overtook the note that we sent it, or a crash lost it.
NEXT: Mapping[Status, frozenset[Status]] = {
    Status.CREATED: frozenset({Status.SENT, Status.UNKNOWN, Status.OPEN}) | ENDED,
    Status.SENT: frozenset({Status.UNKNOWN, Status.OPEN}) | ENDED,
    Status.UNKNOWN: frozenset({Status.OPEN}) | ENDED,
    Status.OPEN: ENDED - {Status.REJECTED},
    Status.FILLED: frozenset(),
    Status.CANCELED: frozenset(),
    Status.EXPIRED: frozenset(),
    # A look-up may have answered too early: an order taken for absent that shows up is ours all the same.
    Status.REJECTED: frozenset({Status.OPEN}) | (ENDED - {Status.REJECTED}),
}

# A late or repeated report of an earlier state is no news and no error: answers, stream and look-ups overtake
# one another (protocol sections 6.4, 6.8 and 6.9).
_RANK: Mapping[Status, int] = {Status.CREATED: 0, Status.SENT: 1, Status.UNKNOWN: 2, Status.OPEN: 3}


class IllegalMove(TradingError):
    """A report contradicts what is known of the order; a person must look."""


@dataclass(frozen=True, slots=True)
class Moved:
    """The order reached a status. `executed` is the venue's cumulative executed quantity, where it told one."""

    to: Status
    venue_order_id: int | None = None
    executed: Decimal = ZERO
    at_ms: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """An intent and everything known of what became of it.

    `executed` is the most the venue has reported, `filled` the quantity of the fills we hold; both in base.
    """

    intent: Intent
    status: Status = Status.CREATED
    venue_order_id: int | None = None
    executed: Decimal = ZERO
    fills: Mapping[int, Fill] = field(default_factory=dict)
    filled: Decimal = ZERO
    cancel_sent: bool = False
    updated_ms: int = 0

    def apply(self, event: Moved | Fill) -> "Order":
        """Return the order after `event`; the same object if it brings no news.

        Raises:
            IllegalMove: if the venue reports another end than the one already known.
        """
        return self._filled(event) if isinstance(event, Fill) else self._moved(event)

    @exact
    def _filled(self, fill: Fill) -> "Order":
        if fill.trade_id in self.fills:
            return self
        return replace(
            self,
            fills={**self.fills, fill.trade_id: fill},
            filled=self.filled + fill.quantity,
            venue_order_id=self.venue_order_id or fill.venue_order_id,
            updated_ms=max(self.updated_ms, fill.time_ms),
        )

    def _moved(self, event: Moved) -> "Order":
        executed = max(self.executed, event.executed)
        status = self._next_status(event.to)
        venue_order_id = self.venue_order_id or event.venue_order_id
        if (status, executed, venue_order_id) == (self.status, self.executed, self.venue_order_id):
            return self
        return replace(
            self,
            status=status,
            executed=executed,
            venue_order_id=venue_order_id,
            updated_ms=max(self.updated_ms, event.at_ms),
        )

    def _next_status(self, to: Status) -> Status:
        if to in NEXT[self.status]:
            return to
        if to is self.status or to in _RANK:
            return self.status
        raise IllegalMove(f"order {self.intent.client_id} is {self.status} and was reported as {to}")

    @property
    @exact
    def remaining(self) -> Decimal:
        """Return what has not been filled, in base."""
        return self.intent.quantity - max(self.filled, self.executed)

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def lacks_fills(self) -> bool:
        """Tell whether the venue reported more executed than we hold fills for: its trades must be read."""
        return self.executed > self.filled or (self.status is Status.FILLED and self.filled < self.intent.quantity)

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing can follow: ended, and every fill held. Until then its slot stays reserved."""
        return self.has_ended and not self.lacks_fills
