"""Which configurations a sweep tries: a numbered row for each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Self

from backtest.data.series import refuse
from backtest.sweep.axes import Axis

MOST_ROWS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Space:
    """Every combination of the axes' values, or those of them that were drawn. The first axis changes slowest."""

    axes: tuple[Axis, ...]
    drawn: tuple[int, ...] | None = None

    @classmethod
    def grid(cls, axes: Sequence[Axis]) -> Self:
        """Return all combinations.

        Raises:
            InvalidRequest: naming `vary`, for more than MOST_ROWS.
        """
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_ROWS:
            refuse(
                "vary",
                f"these are {count:,} combinations, at most {MOST_ROWS:,} are tried; "
                "vary less, or draw some of them: --random 10000",
            )
        return cls(tuple(axes))

    @classmethod
    def random(cls, axes: Sequence[Axis], count: int, seed: int) -> Self:
        """Return `count` different combinations, drawn evenly; all where there are no more.

        Raises:
            InvalidRequest: naming `random`.
        """
        if not 1 <= count <= MOST_ROWS:
            refuse("random", f"must be a whole number from 1 to {MOST_ROWS:,}, was {count:,}")
        all_of_them = math.prod(len(axis) for axis in axes)
        if count >= all_of_them:
            return cls(tuple(axes))
        random = Random(seed)  # noqa: S311 - no secret: the same seed draws the same
        if 2 * count > all_of_them:
            return cls(tuple(axes), tuple(random.sample(range(all_of_them), count)))
        drawn: dict[int, None] = {}
        while len(drawn) < count:
            drawn[random.randrange(all_of_them)] = None
        return cls(tuple(axes), tuple(drawn))

    def __len__(self) -> int:
        return math.prod(len(axis) for axis in self.axes) if self.drawn is None else len(self.drawn)

    def values(self, row: int) -> dict[str, str]:
        """Return the varied keys of a row."""
        rest = row if self.drawn is None else self.drawn[row]
        found = {}
        for axis in reversed(self.axes):
            rest, index = divmod(rest, len(axis))
            found[axis.key] = axis.value(index)
        return {axis.key: found[axis.key] for axis in self.axes}
