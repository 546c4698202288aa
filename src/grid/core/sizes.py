"""How many lots each cell of a ladder holds, by exact integers: the same on every machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

PPM = 1_000_000


class Sizes(Protocol):
    """How a ladder's cells share one size, a whole number."""

    def lots(self, size: int) -> list[int]:
        """Return the lots of every cell, ascending."""

    def reserve(self, size: int) -> int:
        """Return the lots that are held beside the cells and that no rung sells."""

    def least(self, lots: Sequence[int]) -> int:
        """Return a size with which every cell holds what `lots` names for it; where possible the smallest."""


@dataclass(frozen=True, slots=True)
class GrowingSizes:
    """Cells that hold the more, the farther they lie from the gap.

    The cell at distance d from the gap (0 for the nearest one on either side) holds q x (1 + growth)^d, rounded down to
    whole lots, of the q lots of the nearest. `growth_ppm` is in millionths; at 0 all hold the same.
    """

    cells: int
    gap: int
    growth_ppm: int

    def lots(self, nearest: int) -> list[int]:
        """Return the lots of every cell where the nearest hold `nearest`."""
        if not self.growth_ppm:
            return [nearest] * self.cells
        grown, numerator, denominator = [nearest], nearest, 1
        while len(grown) < max(self.gap, self.cells - self.gap):
            numerator *= PPM + self.growth_ppm
            denominator *= PPM
            grown.append(numerator // denominator)
        return [grown[self._distance(k)] for k in range(self.cells)]

    def reserve(self, nearest: int) -> int:  # noqa: ARG002 - the protocol's name
        return 0

    def least(self, lots: Sequence[int]) -> int:
        """Return the fewest lots of the nearest cell with which every cell holds what `lots` names for it."""
        return max(self._least(self._distance(k), count) for k, count in enumerate(lots))

    def _least(self, distance: int, lots: int) -> int:
        if not self.growth_ppm:
            return lots
        denominator: int = PPM**distance
        numerator: int = (PPM + self.growth_ppm) ** distance
        return -(-lots * denominator // numerator)

    def _distance(self, k: int) -> int:
        return k - self.gap if k >= self.gap else self.gap - 1 - k


@dataclass(frozen=True, slots=True)
class ConstantWorth:
    """Cells that keep what is held worth the same at every rung: of a rise they sell what it gained, no more.

    At rung p the worth w, in tick x lot, is w // p lots. A cell holds what lies between those of its two rungs, so that
    roundings do not add up: at every rung less than one lot lacks. What is held at the highest rung is a reserve.
    """

    rungs: tuple[int, ...]  # ticks, ascending

    def lots(self, worth: int) -> list[int]:
        held = [worth // price for price in self.rungs]
        return [more - less for more, less in pairwise(held)]

    def reserve(self, worth: int) -> int:
        return worth // self.rungs[-1]

    def least(self, lots: Sequence[int]) -> int:
        """Return a worth with which every cell holds at least as much; less may do, by one lot's roundings."""
        steps = zip(lots, pairwise(self.rungs), strict=True)
        return max(-(-(count + 1) * below * above // (above - below)) for count, (below, above) in steps)


def largest(fits: Callable[[int], bool], guess: int) -> int:
    """Return the largest number from 0 on that fits, 0 where none does.

    `fits` holds up to some number and not above it; few questions are asked where `guess` is near.
    """
    low, step = max(guess, 0), 1
    high = None
    while low > 0 and not fits(low):
        low, high, step = max(low - step, 0), low, 2 * step
    if high is None:
        step = 1
        while fits(low + step):
            low, step = low + step, 2 * step
        high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
