"""What a plan brings in the course of time, and what has to be taken back when it is over."""

import heapq
import logging
from collections.abc import Callable
from itertools import count
from typing import Final

from simulator.faults.board import Fault, FaultBoard
from simulator.faults.kinds import KINDS, FaultKind
from simulator.faults.plan import Plan, PlanEntry

_LOG: Final = logging.getLogger("simulator")

Undo = Callable[[], None]
Act = Callable[[Fault], Undo | None]
"""Carries out an act; returns what takes it back, if it can be. Raises ValueError or the exchange's own errors."""


class Course:
    """Arms, carries out and takes back; asked for what is due from time to time.

    `refusals` are the errors an act may meet: they are told in the log, and the plan goes on.
    """

    def __init__(self, board: FaultBoard, plan: Plan, act: Act, refusals: tuple[type[Exception], ...]) -> None:
        self._board, self._plan, self._act, self._refusals = board, plan, act, refusals
        self._due: list[tuple[int, int, PlanEntry]] = []
        self._undos: list[tuple[int, int, Undo]] = []
        self._order = count()
        self._began_ms = 0

    @property
    def armed(self) -> int:
        """Return how many faults are armed, or still to come by the plan."""
        planned = {entry.number for _, _, entry in self._due}
        return len(planned) + sum(fault.entry not in planned for fault in self._board.listing()) + len(self._undos)

    def open(self, now_ms: int) -> None:
        """Begin the plan: its times count from now, and entries without a time are armed at once."""
        self._began_ms = now_ms
        for entry in self._plan.entries:
            self._enter(entry)
        if self._plan.entries:
            _LOG.warning(
                "FAULTS ARE PLANNED: this exchange will misbehave on purpose, %d entries of %s, seed %d",
                len(self._plan.entries), self._plan.file, self._plan.seed,
            )  # fmt: skip
        self.advance(now_ms)

    def advance(self, now_ms: int) -> None:
        """Take back what is over and begin what is due."""
        while self._undos and self._undos[0][0] <= now_ms:
            heapq.heappop(self._undos)[2]()
        while self._due and self._due[0][0] <= now_ms:
            entry = heapq.heappop(self._due)[2]
            self._begin_planned(entry, now_ms)
            self._enter(entry)

    def begin(self, fault: Fault) -> Fault:
        """Arm a fault, or let an act happen.

        Raises:
            ValueError: an act that is not possible here, with the reason; or the exchange's own errors.
        """
        spec = KINDS[fault.kind]
        if not spec.is_act:
            if fault.kind is FaultKind.MAINTENANCE:
                self._act(fault)
            return self._board.arm(fault)
        undo = self._act(fault)
        self._board.number(fault)
        self._board.count(fault)
        if undo is not None and fault.until_ms is not None:
            heapq.heappush(self._undos, (fault.until_ms, next(self._order), undo))
        return fault

    def clear(self) -> None:
        """Drop the rest of the plan and take back at once what was to end later."""
        self._due.clear()
        undos, self._undos = sorted(self._undos, reverse=True), []
        for _, _, undo in undos:
            undo()

    def listing(self, now_ms: int) -> dict[str, object]:
        """Return what is armed, what the plan holds and how often each struck."""
        upcoming = {entry.number: due_ms for due_ms, _, entry in self._due}
        return {
            "seed": self._plan.seed,
            "armed": [fault.as_json() for fault in self._board.listing()],
            "plan": [
                {
                    "entry": entry.number,
                    "kind": entry.kind,
                    "begun": entry.begun,
                    "struck": self._board.struck[entry.number],
                    "next_in_s": max(0, upcoming[entry.number] - now_ms) / 1_000 if entry.number in upcoming else None,
                }
                for entry in self._plan.entries
            ],
            "struck": self._board.struck.total(),
        }

    def _enter(self, entry: PlanEntry) -> None:
        due_ms = entry.next_ms()
        if due_ms is not None:
            heapq.heappush(self._due, (self._began_ms + due_ms, next(self._order), entry))

    def _begin_planned(self, entry: PlanEntry, now_ms: int) -> None:
        try:
            fault = self.begin(entry.begin(now_ms))
        except self._refusals as refusal:
            _LOG.warning("fault %d of the plan (%s) could not happen: %s", entry.number, entry.kind, refusal)
            return
        _LOG.warning("fault %d of the plan begins: %s", entry.number, fault.as_json())
