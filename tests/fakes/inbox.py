"""An inbox that keeps everything and can be waited for."""

import time
from collections.abc import Callable
from threading import Condition
from typing import TypeVar

from domain.events import PriceSeen, StreamEvent

E = TypeVar("E")


class RecordingInbox:
    """Implements ports.market_data.Inbox; `until` waits for what the network has yet to bring."""

    def __init__(self) -> None:
        self._changed = Condition()
        self.prices: list[PriceSeen] = []
        self.orders: list[StreamEvent] = []

    def price(self, event: PriceSeen) -> None:
        with self._changed:
            self.prices.append(event)
            self._changed.notify_all()

    def order(self, event: StreamEvent) -> None:
        with self._changed:
            self.orders.append(event)
            self._changed.notify_all()

    def until(self, condition: Callable[["RecordingInbox"], bool], deadline_s: float = 60.0) -> None:
        """Wait until `condition` holds, or fail."""
        ends_s = time.monotonic() + deadline_s
        with self._changed:
            while not (held := condition(self)) and time.monotonic() < ends_s:
                self._changed.wait(0.02)  # the condition may look at more than this inbox
        assert held, f"not within {deadline_s} s; prices {self.prices[-3:]}, orders {self.orders[-5:]}"

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.orders if isinstance(event, kind)]
