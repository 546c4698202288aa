"""Scenario after scenario on one market: the loop of a sweep, for the compiled form alone."""

from typing import Any

from backtest.core import layout as at
from backtest.core.replay import replay

Numbers = Any
"""int64 arrays; to `replay` they are what lists are to its plain form."""


def replay_many(  # noqa: PLR0917 - numba's entry points take positions
    first: int,
    until: int,
    market: Numbers,
    blocks: Numbers,
    volume: Numbers,
    starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    cell: Numbers,
    totals: Numbers,
    state: Numbers,
    fills: Numbers,
    curve: Numbers,
    marks: Numbers,
    marked: Numbers,
    status: Numbers,
) -> None:
    """Replay the scenarios [first, until).

    `starts` counts the cells before each scenario; `ladders` and `cell` hold the scenarios' tables one behind the
    other, `rules`, `totals`, `state` and `marked` a row for each. `status` takes what `replay` returns.
    """
    for j in range(first, until):
        count = starts[j + 1] - starts[j]
        rungs = 2 * (starts[j] + j)
        cells = at.CELL * starts[j]
        status[j] = replay(
            market,
            blocks,
            volume,
            rules[j],
            ladders[rungs : rungs + 2 * (count + 1)].reshape(2, count + 1),
            cell[cells : cells + at.CELL * count].reshape(at.CELL, count),
            totals[j],
            state[j],
            fills,
            curve,
            marks,
            marked[j],
        )
