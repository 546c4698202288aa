"""Two times, one object."""

from threading import Event
from typing import Protocol


class Clock(Protocol):
    """Wall time governs protocol and process; market time governs what is decided. Live they are the same."""

    def wall_ms(self) -> int:
        """Return milliseconds since the epoch by this host's clock."""

    def monotonic_s(self) -> float:
        """Return seconds that never go back; ages and time-outs are taken from it."""

    def market_ms(self) -> int:
        """Return milliseconds since the epoch in market time: now, or the replay's last event."""

    def wait(self, stopping: Event, seconds: float) -> bool:
        """Wait up to `seconds` of wall time; return True at once when `stopping` is set."""
