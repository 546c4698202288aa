"""One grid of the tables in which many lie one behind the other, and rows that are looked up once.

Inside the loops, looking a row of a table up costs machine code more than the work itself.
"""

from typing import Any

from backtest.core import layout as at
from backtest.core.layout import Grid, Tape

Numbers = Any
"""Arrays of int64, or of Python's integers; slices of them are views."""


def grid_of(
    j: int,
    starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    cells: Numbers,
    totals: Numbers,
    state: Numbers,
    fills: Numbers,
    flight: Numbers,
) -> Grid:
    """Return grid `j` of the tables; `starts` counts the cells before each, `fills` are its own.

    Where orders travel, they do so in all grids, and under limits of the same rate.
    """
    count = starts[j + 1] - starts[j]
    rungs = starts[j] + j
    first = at.CELL * starts[j]
    most = rules[j][at.MAX_RATE]
    late = rules[j][at.DELAYED]
    slots = late * (at.FLIGHT * starts[j] + most * j)
    return at.Grid(
        rules[j],
        ladders[rungs : rungs + count + 1].reshape(1, count + 1),
        cells[first : first + at.CELL * count].reshape(at.CELL, count),
        totals[j],
        state[j],
        fills,
        flight[slots : slots + late * (at.FLIGHT * count + most)],
    )


def with_rows(grid: Grid) -> Grid:
    """Return the grid with the rows of its tables looked up."""
    cell = grid.cell
    rows = (
        cell[at.SIDE],
        cell[at.FILLED],
        cell[at.HELD],
        cell[at.CYCLE],
        cell[at.WANT_PRICE],
        cell[at.WANT_LOTS],
        cell[at.RESTS],
        cell[at.BLOCKED],
        cell[at.FIRST],
        cell[at.FEE_BASE],
        cell[at.LOTS],
        cell[at.CARRY],
        cell[at.MOST],
    )
    ladder = (grid.ladder[at.PRICES],)
    return at.Grid(grid.rules, ladder, rows, grid.totals, grid.state, grid.fills, grid.flight)


def with_block_rows(tape: Tape) -> Tape:
    """Return the tape with the rows of its blocks looked up."""
    rows = tape.blocks
    blocks = (rows[0], rows[1], rows[2], rows[3], rows[4], rows[5])
    return at.Tape(tape.prices, blocks, tape.volume, tape.bnb, tape.times, tape.funding, tape.brackets)
