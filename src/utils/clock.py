"""The process's clock: wall, monotonic and market time in one object (satisfies ports.clock.Clock)."""

import time
from threading import Event


class SystemClock:
    """Real time. Market time is wall time until a replay carries it by `set_market_ms`."""

    def __init__(self) -> None:
        self._market_ms: int | None = None

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

    def market_ms(self) -> int:
        carried = self._market_ms
        return self.wall_ms() if carried is None else carried

    def set_market_ms(self, market_ms: int) -> None:
        """Carry market time to the event that happened at `market_ms`; it never goes back.

        From the first call on market time moves by events alone, as a replay demands.
        """
        carried = self._market_ms
        if carried is None or market_ms > carried:
            self._market_ms = market_ms

    def wait(self, stopping: Event, seconds: float) -> bool:
        return stopping.wait(max(seconds, 0.0))
