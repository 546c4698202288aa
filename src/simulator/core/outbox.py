"""Events of the running operation, kept until the exchange is consistent again."""

from collections.abc import Callable
from typing import Generic, TypeVar

EventT = TypeVar("EventT")


class Outbox(Generic[EventT]):
    """Collects events in order and hands them to the listener when the operation is complete."""

    def __init__(self, listener: Callable[[EventT], None]) -> None:
        self.listener = listener
        self._events: list[EventT] = []

    def tell(self, event: EventT) -> None:
        self._events.append(event)

    def hand_over(self) -> None:
        events, self._events = self._events, []
        for event in events:
            self.listener(event)
