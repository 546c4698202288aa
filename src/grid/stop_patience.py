"""What stands in the way of a grid's stops at the venue, and when they are tried again. Pure: times are passed in."""

from typing import Final

from domain.orders import PositionSide, Slot
from orders.positions import Legs

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 10.0
"""A stop that is refused again and again leaves a position unprotected for so long at most, once it would be taken."""


class StopPatience:
    """Of one grid; `sides` names the side of the position that each of its stops closes."""

    def __init__(self, sides: dict[Slot, PositionSide]) -> None:
        self._sides = sides
        self.troubles: dict[Slot, str] = {}
        self._for_position: set[Slot] = set()
        self._position: Legs = {}
        self._pause_s, self._again_s = FIRST_PAUSE_S, float("-inf")

    def is_over(self, now_s: float) -> bool:
        """Tell whether it is time to ask again."""
        return now_s >= self._again_s

    def wait(self, now_s: float) -> None:
        """Note that something came to nothing: ever longer pauses follow."""
        self._again_s = now_s + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def answered(self) -> None:
        """Note that the venue answers."""
        if not self.troubles:
            self._pause_s = FIRST_PAUSE_S

    def refused(self, slot: Slot, why: str, *, needs_position: bool) -> None:
        """Note why a stop does not stand; `needs_position`: the venue takes it only while something is held."""
        self.troubles[slot] = why
        if needs_position:
            self._for_position.add(slot)

    def stands(self, slot: Slot) -> None:
        """Note that a stop stands."""
        self.troubles.pop(slot, None)
        self._for_position.discard(slot)
        self._pause_s = FIRST_PAUSE_S

    def note(self, position: Legs) -> None:
        """Take in what is held; what only waited for a position is tried at once."""
        self._position = position
        due = [slot for slot in self._for_position if not self.waits_for_position(slot)]
        if due:
            self._pause_s, self._again_s = FIRST_PAUSE_S, float("-inf")
            self._for_position.difference_update(due)

    def waits_for_position(self, slot: Slot) -> bool:
        """Tell whether a stop would be taken only with a position, and there is none."""
        return slot in self._for_position and not self._position.get(self._sides[slot])
