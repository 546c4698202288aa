"""What a recovery found and did, counted while it goes on: after a start, and after each gap in the user stream."""

from collections import Counter
from enum import StrEnum

from domain.events import Moment
from domain.grids import RecoveryReport


class Did(StrEnum):
    """What is counted; docs/recovery.md explains each."""

    ORDERS_RESTORED = "orders_restored"
    FILLS_RESTORED = "fills_restored"
    FOUND_OPEN = "orders_open"
    FOUND_GONE = "orders_gone"
    FOUND_FOREIGN = "foreign_ignored"
    ADOPTED = "orders_adopted"
    UNKNOWN_SETTLED = "unknown_settled"
    BOOKED_LATE = "fills_booked_late"
    KEPT = "orders_kept"
    CANCELLED = "orders_cancelled"
    PLACED = "orders_placed"


class Recovery:
    """The newest recovery of one desk."""

    def __init__(self) -> None:
        self._cause = "start"
        self._began_ms: int | None = None
        self._ended_ms: int | None = None
        self._counts: Counter[Did] = Counter()

    def began(self, now: Moment) -> None:
        """Note that the stream is up again; one that has ended gives way to a new recovery."""
        if self._ended_ms is not None:
            self._cause, self._began_ms, self._ended_ms = "reconnect", None, None
            self._counts.clear()
        if self._began_ms is None:
            self._began_ms = now.wall_ms

    def ended(self, now: Moment) -> None:
        if self._ended_ms is None:
            self._ended_ms = now.wall_ms
            self._counts[Did.KEPT] = max(self._counts[Did.FOUND_OPEN] - self._counts[Did.CANCELLED], 0)

    def count(self, what: Did, number: int = 1) -> None:
        """Count `number` more, as long as the recovery goes on."""
        if self._ended_ms is None:
            self._counts[what] += number

    def found(self, what: Did, number: int) -> None:
        """Note what the newest reading showed; an earlier one of the same recovery is overwritten."""
        if self._ended_ms is None:
            self._counts[what] = number

    def report(self, differs: tuple[str, ...]) -> RecoveryReport:
        counts = {what.value: self._counts[what] for what in Did}
        return RecoveryReport(
            cause=self._cause, began_ms=self._began_ms, ended_ms=self._ended_ms, counts=counts, differs=differs
        )
