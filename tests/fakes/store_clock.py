"""A clock that stands still, for tests whose subject only stamps rows."""

from threading import Event


class StillClock:
    def wall_ms(self) -> int:
        return 1_700_000_000_000

    def monotonic_s(self) -> float:
        return 0.0

    def market_ms(self) -> int:
        return 1_700_000_000_000

    def wait(self, stopping: Event, seconds: float) -> bool:
        return stopping.is_set()
