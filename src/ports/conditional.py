"""The way conditional orders reach the venue. Nothing here blocks: what happened comes back through `answer`."""

from collections.abc import Callable
from typing import Protocol

from domain.conditional import ConditionalEvent, ConditionalIntent
from domain.instrument import Instrument

ConditionalAnswer = Callable[[ConditionalEvent], None]


class ConditionalGateway(Protocol):
    """Like ports.gateway.OrderGateway: every call returns at once and is answered exactly once, from any thread."""

    def submit(self, intent: ConditionalIntent, answer: ConditionalAnswer) -> None:
        """Send one order. Answers: ConditionalReported, OrderRefused, OrderNotSent or OutcomeUnknown."""

    def cancel(self, instrument: Instrument, client_id: str, answer: ConditionalAnswer) -> None:
        """Cancel one order that waits.

        Answers: ConditionalReported (as it then is), CancelRefused (it triggered, ended or never was: look it up),
        OrderNotSent or OutcomeUnknown.
        """

    def look_up(self, instrument: Instrument, client_id: str, sent_ms: int, answer: ConditionalAnswer) -> None:
        """Settle what became of an order by client id.

        Answers: ConditionalReported, OrderAbsent (only once a request sent at `sent_ms`, wall time, can no longer be
        accepted) or ReadFailed.
        """

    def read_open(self, instrument: Instrument, answer: ConditionalAnswer) -> None:
        """Read which of ours wait. Answers: ConditionalsRead or ReadFailed."""
