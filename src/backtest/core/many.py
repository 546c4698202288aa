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
    times: Numbers,
    starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    cell: Numbers,
    flight: Numbers,
    totals: Numbers,
    state: Numbers,
    fills: Numbers,
    curve: Numbers,
    marks: Numbers,
    marked: Numbers,
    status: Numbers,
) -> None:
    """Replay the scenarios [first, until).

    `starts` counts the cells before each scenario; `ladders`, `cell` and `flight` hold the scenarios' tables one
    behind the other (`flight` of those alone whose orders travel, and of all or none), `rules`, `totals`, `state` and
    `marked` a row for each. `status` takes what `replay` returns.
    """
    for j in range(first, until):
        count = starts[j + 1] - starts[j]
        rungs = 2 * (starts[j] + j)
        cells = at.CELL * starts[j]
        most = rules[j][at.MAX_RATE]
        slots = rules[j][at.DELAYED] * (at.FLIGHT * starts[j] + most * j)
        status[j] = replay(
            market,
            blocks,
            volume,
            times,
            rules[j],
            ladders[rungs : rungs + 2 * (count + 1)].reshape(2, count + 1),
            cell[cells : cells + at.CELL * count].reshape(at.CELL, count),
            flight[slots : slots + rules[j][at.DELAYED] * (at.FLIGHT * count + most)],
            totals[j],
            state[j],
            fills,
            curve,
            marks,
            marked[j],
        )
