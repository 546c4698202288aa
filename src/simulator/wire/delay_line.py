"""Frames on their way to a reader: late but in order, or behind the next one."""

import asyncio
from collections import deque
from collections.abc import Callable


class DelayLine:
    """A line that frames leave in the order in which they entered it, whatever the delay of each."""

    def __init__(self, deliver: Callable[[bytes], None]) -> None:
        self._deliver = deliver
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._held: deque[bytes] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def send(self, frame: bytes, delay_s: float = 0.0) -> None:
        """Send a frame after `delay_s` and behind what is on its way; what was held follows it."""
        self._enter(frame, delay_s)
        while self._held:
            self._enter(self._held.popleft(), 0.0)

    def hold(self, frame: bytes, longest_s: float) -> None:
        """Keep a frame until the next one has left, or until `longest_s` have passed."""
        self._held.append(frame)
        asyncio.get_running_loop().call_later(longest_s, self._let_go, frame)

    def _let_go(self, frame: bytes) -> None:
        if any(held is frame for held in self._held):
            while self._held:
                self._enter(self._held.popleft(), 0.0)

    def _enter(self, frame: bytes, delay_s: float) -> None:
        if delay_s <= 0 and not self._waiting:
            self._deliver(frame)
            return
        loop = asyncio.get_running_loop()
        due_s = loop.time() + delay_s
        if self._waiting:
            due_s = max(due_s, self._waiting[-1][0])
        self._waiting.append((due_s, frame))
        if self._timer is None:
            self._timer = loop.call_at(self._waiting[0][0], self._release)

    def _release(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        while self._waiting and self._waiting[0][0] <= loop.time():
            self._deliver(self._waiting.popleft()[1])
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self._release)
