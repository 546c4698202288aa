"""How often a stream speaks, learned from its own arrivals, and when its silence is to be looked into."""

from dataclasses import dataclass
from typing import Final

_WEIGHT: Final = 0.2  # of the newest gap in the moving average


@dataclass(frozen=True, slots=True)
class SilenceBounds:
    """Between how many seconds of silence REST is asked, however often or seldom a stream speaks."""

    shortest_s: float = 5.0
    longest_s: float = 15.0


USUAL_BOUNDS: Final = SilenceBounds()


class Rhythm:
    """One stream's arrivals. Times are monotonic seconds."""

    def __init__(self, bounds: SilenceBounds) -> None:
        self._bounds = bounds
        self.heard_s: float | None = None
        self.confirmed_s: float | None = None
        self.expected_s: float | None = None
        self.events = 0
        self._broken = True
        self._asked_s = float("-inf")

    def heard(self, now_s: float) -> None:
        """Note an arrival; the gap before it is learned from, unless the stream was interrupted in it."""
        if self.heard_s is not None and not self._broken:
            gap_s = now_s - self.heard_s
            known_s = gap_s if self.expected_s is None else self.expected_s
            self.expected_s = known_s + _WEIGHT * (gap_s - known_s)
        self.heard_s = self.confirmed_s = now_s
        self.events += 1
        self._broken = False

    def confirmed(self, now_s: float) -> None:
        """Note that REST knows no more than the stream told."""
        self.confirmed_s = now_s

    def asked(self, now_s: float) -> None:
        """Note that REST is asked; before the shortest silence is over again it need not be."""
        self._asked_s = now_s

    def interrupted(self) -> None:
        """Note that the stream broke off: nothing is confirmed any more."""
        self.confirmed_s, self._asked_s = None, float("-inf")
        self._broken = True

    @property
    def silent_after_s(self) -> float:
        """Return twice the expected gap, within the bounds; the upper bound while nothing is known."""
        if self.expected_s is None:
            return self._bounds.longest_s
        return min(max(2 * self.expected_s, self._bounds.shortest_s), self._bounds.longest_s)

    def is_silent(self, now_s: float, silent_after_s: float | None = None) -> bool:
        """Tell whether REST is to be asked; what was never confirmed is silent from the start.

        Args:
            now_s: of this question.
            silent_after_s: instead of what was learned.
        """
        if now_s - self._asked_s < self._bounds.shortest_s:
            return False
        after_s = self.silent_after_s if silent_after_s is None else silent_after_s
        return self.confirmed_s is None or now_s - self.confirmed_s >= after_s
