"""The venue's clock as we believe it: ours plus a measured offset, never a guessed one."""

from typing import Final

from ports.clock import Clock
from utils.clock_steps import ClockSteps

MAX_ROUND_TRIP_MS: Final = 2_000
"""A slower answer says too little about the moment it was made."""


class ServerTime:
    """Offset of one market's clock against this host's, from the quickest of the latest answers."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ms = 0
        self._measured_s: float | None = None
        self._steps = ClockSteps(clock)

    def now_ms(self) -> int:
        return self._clock.wall_ms() + self._offset_ms

    @property
    def offset_ms(self) -> int:
        """Return server time minus ours, in ms; 0 until measured."""
        return self._offset_ms

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether our wall clock was set, or the host slept, since the last measurement was tried."""
        return self._steps.step_ms != 0

    def age_s(self) -> float | None:
        """Return seconds since the last measurement, None before the first."""
        return None if self._measured_s is None else self._clock.monotonic_s() - self._measured_s

    def learn(self, server_ms: int, sent_ms: int, arrived_ms: int) -> bool:
        """Take one answer of the time endpoint; return whether it was quick enough to count.

        Args:
            server_ms: `serverTime` of the answer.
            sent_ms: our wall clock before the request.
            arrived_ms: our wall clock after it.
        """
        self._steps.settle()
        if not 0 <= arrived_ms - sent_ms <= MAX_ROUND_TRIP_MS:
            return False
        self._offset_ms = server_ms - (sent_ms + arrived_ms) // 2
        self._measured_s = self._clock.monotonic_s()
        return True
