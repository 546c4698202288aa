"""When a cancel that was refused, or could not be sent, is tried again. Pure: times are passed in."""

from collections.abc import Collection
from typing import Final

LONGEST_PAUSE_S: Final = 60.0


class CancelPauses:
    """Of orders by client id: each waits 2, 4, ... 60 s after its cancel came to nothing."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._again_s: dict[str, float] = {}

    def begin(self, client_id: str, now_s: float) -> None:
        """Note that a cancel came to nothing at `now_s`, monotonic."""
        count = self._failures[client_id] = self._failures.get(client_id, 0) + 1
        self._again_s[client_id] = now_s + min(2.0 ** min(count, 6), LONGEST_PAUSE_S)

    def hold(self, client_id: str, now_s: float) -> bool:
        """Tell whether it is too early to ask again."""
        return now_s < self._again_s.get(client_id, now_s)

    def forget_besides(self, open_ids: Collection[str]) -> None:
        """Forget the orders that are gone."""
        for client_id in [it for it in self._failures if it not in open_ids]:
            del self._failures[client_id], self._again_s[client_id]

    def end(self) -> None:
        """Try all at once: what stood in the way may be gone."""
        self._failures.clear()
        self._again_s.clear()
