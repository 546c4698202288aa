"""The way of user events to their readers, on which faults strike."""

import asyncio
from collections.abc import Callable
from functools import partial

from simulator.faults.board import Fault, FaultBoard
from simulator.faults.kinds import FaultKind
from simulator.wire.delay_line import DelayLine

Deliver = Callable[[str, bytes], None]
"""Hands an account's event to whoever reads it now."""


class EventPath:
    """Sends accounts' events on, lost, twice, late or behind the next one where a fault says so.

    `forget` drops an account's readers without a word.
    """

    def __init__(
        self, faults: FaultBoard, wall_ms: Callable[[], int], deliver: Deliver, forget: Callable[[str], None]
    ) -> None:
        self._faults, self._wall_ms = faults, wall_ms
        self._deliver, self._forget = deliver, forget
        self._lines: dict[str, DelayLine] = {}

    def send(self, account_id: str, kind: str, encoded: bytes) -> None:
        """Send one event; `kind` is the name that faults are matched against."""
        if not self._faults.listing() and account_id not in self._lines:
            self._deliver(account_id, encoded)
            return
        if self._strike(FaultKind.DROP_USER_STREAM, kind):
            self._forget(account_id)
            return
        if self._strike(FaultKind.DROP_EVENT, kind):
            return
        repeats = 2 if self._strike(FaultKind.DUPLICATE_EVENT, kind) else 1
        if delay := self._strike(FaultKind.DELAY_EVENT, kind):
            later = asyncio.get_running_loop().call_later
            for _ in range(repeats):
                later(delay.drawn_delay_s(), self._deliver, account_id, encoded)
            return
        line = self._lines.setdefault(account_id, DelayLine(partial(self._deliver, account_id)))
        if held := self._strike(FaultKind.REORDER_EVENT, kind):
            line.hold(encoded, held.drawn_delay_s())
            return
        lag = self._strike(FaultKind.LAG_USER_STREAM, kind)
        for _ in range(repeats):
            line.send(encoded, lag.drawn_delay_s() if lag else 0.0)

    def _strike(self, fault: FaultKind, event: str) -> Fault | None:
        return self._faults.strike(fault, event, self._wall_ms())
