"""Time that moves only when someone waits or the test says so."""

import asyncio
from threading import Event


class FakeClock:
    """Wall, monotonic and market time moving together; `waits` records every wait asked for, in seconds.

    Market time can be carried apart from the others by `set_market_ms`, as in a replay.
    """

    def __init__(self, wall_ms: int = 1_700_000_000_000, monotonic_s: float = 1_000.0) -> None:
        self._started_wall_ms = wall_ms
        self._started_s = monotonic_s
        self._elapsed_s = 0.0
        self._market_ms: int | None = None
        self.waits: list[float] = []

    def wall_ms(self) -> int:
        return self._started_wall_ms + round(self._elapsed_s * 1000)

    def monotonic_s(self) -> float:
        return self._started_s + self._elapsed_s

    def market_ms(self) -> int:
        return self.wall_ms() if self._market_ms is None else self._market_ms

    def set_market_ms(self, market_ms: int) -> None:
        self._market_ms = max(market_ms, self._market_ms or 0)

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"time does not go back, was asked for {seconds} s")
        self._elapsed_s += seconds

    def jump_wall(self, milliseconds: int) -> None:
        """Set the wall clock forward or back, as NTP or a person does; the monotonic clock stays."""
        self._started_wall_ms += milliseconds

    def wait(self, stopping: Event, seconds: float) -> bool:
        if stopping.is_set():
            return True
        self.waits.append(seconds)
        self.advance(max(seconds, 0.0))
        return stopping.is_set()

    async def sleep(self, seconds: float) -> None:
        """Stand in for asyncio.sleep: time moves on at once, other tasks get their turn."""
        self.waits.append(seconds)
        self.advance(max(seconds, 0.0))
        await asyncio.sleep(0)
