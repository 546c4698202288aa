"""Waiting while the venue says that a symbol does not trade."""

from dataclasses import dataclass

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 60.0


@dataclass(slots=True)
class MarketPause:
    """Asks again after pauses that double, and never gives up: a halt ends by itself.

    `reason` is what the venue said; empty while the market is taken for open.
    """

    reason: str = ""
    _until_s: float = float("-inf")
    _length_s: float = 0.0

    def begin(self, reason: str, now_s: float) -> None:
        """Note a refusal. Refusals of requests that left together count as one."""
        self.reason = reason
        if now_s >= self._until_s:
            self._length_s = min(max(FIRST_PAUSE_S, 2 * self._length_s), LONGEST_PAUSE_S)
            self._until_s = now_s + self._length_s

    def end(self) -> None:
        """Note that the venue takes orders again."""
        self.reason, self._until_s, self._length_s = "", float("-inf"), 0.0

    def holds(self, now_s: float) -> bool:
        """Tell whether it is too early to ask again."""
        return now_s < self._until_s
