"""Faults as the admin calls and the process use them: armed by words, planned, listed, cleared."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.faults.board import FaultBoard
from simulator.faults.course import Course
from simulator.faults.kinds import KINDS
from simulator.faults.reading import read_fault


@dataclass(frozen=True, slots=True)
class FaultControl:
    """One venue's faults.

    Args:
        operations: names that kinds about requests may be matched against.
        settle: called after what the plan did, so that what changed is stored and told.
        lift_bans: lifts the bans of all addresses.
    """

    board: FaultBoard
    course: Course
    operations: Collection[str]
    wall_ms: Callable[[], int]
    settle: Callable[[], None]
    lift_bans: Callable[[], None]

    def arm(self, body: Mapping[str, Any], account_id: str) -> dict[str, object]:
        """Arm a fault or let an act happen, on the caller's account unless it names another.

        Raises:
            FaultMistake: it cannot be had as written.
        """
        fault = read_fault(body, self.operations).begin(self.wall_ms())
        if "account" in KINDS[fault.kind].parameters and "account" not in fault.details:
            fault = replace(fault, details={**fault.details, "account": account_id})
        self.course.begin(fault)
        return fault.as_json()

    def tick(self) -> None:
        """Do what is due by the plan."""
        self.course.advance(self.wall_ms())
        self.settle()

    def listing(self) -> dict[str, object]:
        return self.course.listing(self.wall_ms())

    def clear(self, number: int | None) -> int:
        """Disarm one, or all: then the rest of the plan is dropped, bans and changes of symbols are taken back."""
        cleared = self.board.clear(number)
        if number is None:
            self.course.clear()
            self.lift_bans()
        return cleared
