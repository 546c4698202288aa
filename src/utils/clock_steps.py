"""Whether this host's wall clock was set, or the host slept: wall and monotonic time then disagree."""

from typing import Final, Protocol

TOLERANCE_MS: Final = 500
"""Below this a clock is only being slewed, which time servers do all day."""


class _TwoClocks(Protocol):
    def wall_ms(self) -> int: ...

    def monotonic_s(self) -> float: ...


class ClockSteps:
    """Compares the two clocks with how they stood when last asked to `settle`.

    The monotonic clock of Linux stands still while the host is suspended, the wall clock is put right afterwards: a
    suspension shows as a step forward, like a clock that was set.
    """

    def __init__(self, clock: _TwoClocks) -> None:
        self._clock = clock
        self._settled_ms = self._difference_ms()

    @property
    def step_ms(self) -> int:
        """Return by how much wall time has run ahead of monotonic time since, 0 within the tolerance."""
        step_ms = self._difference_ms() - self._settled_ms
        return step_ms if abs(step_ms) > TOLERANCE_MS else 0

    def settle(self) -> None:
        """Take the clocks as they stand now."""
        self._settled_ms = self._difference_ms()

    def _difference_ms(self) -> int:
        return self._clock.wall_ms() - round(self._clock.monotonic_s() * 1000)
