"""How many lots each cell of a ladder holds, by exact integers: the same on every machine."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

PPM = 1_000_000


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
        """Return the lots of every cell, ascending, where the nearest hold `nearest`."""
        if not self.growth_ppm:
            return [nearest] * self.cells
        grown, numerator, denominator = [nearest], nearest, 1
        while len(grown) < max(self.gap, self.cells - self.gap):
            numerator *= PPM + self.growth_ppm
            denominator *= PPM
            grown.append(numerator // denominator)
        return [grown[self._distance(k)] for k in range(self.cells)]

    def least(self, lots: Sequence[int]) -> int:
        """Return the fewest lots of the nearest cell with which every cell holds what `lots` names for it."""
        return max(self._least(self._distance(k), count) for k, count in enumerate(lots))

    def _least(self, distance: int, lots: int) -> int:
        denominator: int = PPM**distance
        numerator: int = (PPM + self.growth_ppm) ** distance
        return -(-lots * denominator // numerator)

    def _distance(self, k: int) -> int:
        return k - self.gap if k >= self.gap else self.gap - 1 - k


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
