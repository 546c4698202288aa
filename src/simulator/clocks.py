"""Market time at a chosen speed, or carried by the feed alone."""

from collections.abc import Callable


class MarketClock:
    """Market time; it never goes back.

    Between two steps of the feed it runs at `speed` from an anchor, but never past the next step; in
    lock-step (`speed` None) it stands where the last step left it.
    """

    def __init__(self, wall_ms: Callable[[], int], start_ms: int, speed: float | None) -> None:
        self._wall_ms, self._speed = wall_ms, speed
        self._anchor_market_ms, self._anchor_wall_ms = start_ms, wall_ms()
        self._last_ms = start_ms
        self._next_ms: int | None = None

    def anchor(self, market_ms: int, wall_ms: int) -> None:
        """Let market time be `market_ms` when the wall clock reads `wall_ms`."""
        self._anchor_market_ms, self._anchor_wall_ms = market_ms, wall_ms

    def now_ms(self) -> int:
        if self._speed is not None:
            elapsed_ms = (self._wall_ms() - self._anchor_wall_ms) * self._speed
            now_ms = self._anchor_market_ms + int(elapsed_ms)
            if self._next_ms is not None:
                now_ms = min(now_ms, self._next_ms)
            self._last_ms = max(self._last_ms, now_ms)
        return self._last_ms

    def wait_s(self, time_ms: int) -> float:
        """Return the wall seconds until market time `time_ms`, and let the clock not run past it."""
        self._next_ms = time_ms
        if self._speed is None:
            return 0.0
        due_wall_ms = self._anchor_wall_ms + (time_ms - self._anchor_market_ms) / self._speed
        return max(0.0, (due_wall_ms - self._wall_ms()) / 1_000)

    def arrive(self, time_ms: int) -> None:
        """Carry market time to a step that is being played."""
        self._last_ms = max(self._last_ms, time_ms)
        self._next_ms = None

    def stop(self, time_ms: int) -> None:
        """Let market time end at `time_ms`: the feed has no more."""
        self._last_ms = max(self._last_ms, time_ms)
        self._next_ms, self._speed = None, None
