"""Whether the user stream, connected as it may be, still tells what happens to our orders (protocol 6.1).

It says nothing while nothing happens, so its silence proves nothing by itself. Two things do: REST told something
first and the stream did not follow; and the price went through a resting order that is still told to be open, which
is worth an early look.
"""

from collections.abc import Collection, Iterable

CROSS_CHECK_S = 60.0
"""How often REST is read while nothing is expected of the stream."""
OWED_S = 10.0
"""How long the stream may lag behind REST before it counts as deaf."""
CROSSED_S = 3.0
"""How long an order may be open on the wrong side of the price before it is looked into."""
QUICK_S = 5.0


class Canary:
    """Pure; times are monotonic seconds."""

    def __init__(self) -> None:
        self._owed: dict[str, float] = {}
        self._crossed: dict[str, float] = {}
        self._quick_s = QUICK_S

    def told_by_rest(self, facts: Iterable[str], now_s: float) -> None:
        """Note facts that REST told before the stream did; a stream that lives tells them soon."""
        for fact in facts:
            self._owed.setdefault(fact, now_s)

    def told_by_stream(self, facts: Iterable[str]) -> None:
        """Note facts that came by themselves."""
        for fact in facts:
            self._owed.pop(fact, None)

    def reset(self) -> None:
        """Begin anew with a stream that was interrupted: what it missed it does not owe."""
        self._owed.clear()

    def complaint(self, now_s: float) -> str:
        """Return what the stream should have told by now and did not, once; empty if it owes nothing."""
        overdue = [fact for fact, since_s in self._owed.items() if now_s - since_s >= OWED_S]
        if not overdue:
            return ""
        self.reset()
        return f"REST told of {', '.join(overdue[:3])}, the stream did not"

    def read(self) -> None:
        """Note that REST is read now; while orders stay crossed the next reading may wait longer."""
        self._quick_s = min(2 * self._quick_s, CROSS_CHECK_S)

    def wait_s(self, crossed: Collection[str], now_s: float) -> float:
        """Return how old the last reading may be, given the open orders the price has gone through."""
        self._crossed = {client_id: self._crossed.get(client_id, now_s) for client_id in crossed}
        if not any(now_s - since_s >= CROSSED_S for since_s in self._crossed.values()):
            self._quick_s = QUICK_S
            return CROSS_CHECK_S
        return self._quick_s
