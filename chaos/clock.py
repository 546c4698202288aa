"""Virtual time: one heap of things to happen, and a clock that shows when the current one does."""

import heapq
from collections.abc import Callable
from itertools import count
from threading import Event

from domain.events import Moment


class EventHeap:
    """Runs actions in the order of their time, then of their scheduling. Nothing is random here."""

    def __init__(self, start_ms: int) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self.now_ms: float = start_ms
        self._start_ms = start_ms

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, delay_ms: float, action: Callable[[], None]) -> None:
        """Let `action` run `delay_ms` of virtual time from now."""
        heapq.heappush(self._heap, (self.now_ms + delay_ms, next(self._order), action))

    def next_ms(self) -> float | None:
        """Return when the next action is due; None if there is none."""
        return self._heap[0][0] if self._heap else None

    def run_next(self) -> None:
        """Run the next action."""
        at_ms, _, action = heapq.heappop(self._heap)
        self.now_ms = max(self.now_ms, at_ms)
        action()

    def advance_to(self, at_ms: int) -> None:
        """Move time forward to `at_ms`; it never goes back."""
        self.now_ms = max(self.now_ms, at_ms)

    def wall_ms(self) -> int:
        return int(self.now_ms)

    def market_ms(self) -> int:
        return int(self.now_ms)

    def monotonic_s(self) -> float:
        return (self.now_ms - self._start_ms) / 1000

    def wait(self, stopping: Event, seconds: float) -> bool:
        """Let time pass at once."""
        self.now_ms += seconds * 1000
        return stopping.is_set()

    def moment(self) -> Moment:
        """Return the three times a worker is told."""
        return Moment(self.wall_ms(), self.market_ms(), self.monotonic_s())
