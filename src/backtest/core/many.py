"""Scenario after scenario on one market: the loop of a sweep, for the compiled form alone."""

from backtest.core import layout as at
from backtest.core.replay import replay
from backtest.core.views import Numbers, grid_of


def replay_many(  # noqa: PLR0917 - numba's entry points take positions
    first: int,
    until: int,
    market: Numbers,
    blocks: Numbers,
    volume: Numbers,
    bnb: Numbers,
    times: Numbers,
    funding: Numbers,
    brackets: Numbers,
    starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    cells: Numbers,
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

    `starts` counts the cells before each scenario; `ladders`, `cells` and `flight` hold the scenarios' tables one
    behind the other (`flight` of those alone whose orders travel, and of all or none), `rules`, `totals`, `state` and
    `marked` a row for each. `status` takes what `replay` returns.
    """
    tape = at.Tape(market, blocks, volume, bnb, times, funding, brackets)
    for j in range(first, until):
        grid = grid_of(j, starts, rules, ladders, cells, totals, state, fills, flight)
        status[j] = replay(tape, grid, at.Kept(curve, marks, marked[j]))
