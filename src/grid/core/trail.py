"""Following the price: a window of rungs moves along one long ladder, its cells going round like a belt.

Like `grid.core.cells` this text runs plainly under the live worker and compiled under replay.

The *master ladder* holds every rung that the grid may ever use, the window those that it uses now. Up goes a window
all of whose cells want to buy: nothing stands above the price, so the lowest cell becomes the highest and buys one
rung below the top. Down goes one all of whose cells want to sell: the highest cell becomes the lowest and sells at its
upper rung what it holds. A cell takes along all that is its own, so base is conserved and nothing is traded at market.
It needs the price one whole rung beyond the window; afterwards the way back is shut until every cell has been filled.
"""

from collections.abc import MutableSequence, Sequence

from grid.core import cells

NEVER = 1 << 60
"""A price above all."""


def next_up(first: int, side: Sequence[int], master: Sequence[int], follows_up: bool) -> int:
    """Return the price in ticks from which on the window goes up, above all where it may not."""
    top = first + len(side)
    if not follows_up or top + 1 >= len(master) or not all_want(cells.BUYING, side):
        return NEVER
    return master[top + 1]


def next_down(first: int, side: Sequence[int], master: Sequence[int], follows_down: bool) -> int:
    """Return the price in ticks from which on the window goes down, below all where it may not."""
    if not follows_down or first == 0 or not all_want(cells.SELLING, side):
        return -1
    return master[first - 1]


def all_want(wish: int, side: Sequence[int]) -> bool:
    """Tell whether every cell wants the same."""
    for k in range(len(side)):  # noqa: SIM110 - numba knows no generators
        if side[k] != wish:
            return False
    return True


def reached(price: int, first: int, count: int, master: Sequence[int], goes_up: bool) -> int:
    """Return where the window's lowest rung comes to stand: one whole rung of it is left behind per rung reached."""
    while goes_up and first + count + 1 < len(master) and price >= master[first + count + 1]:
        first += 1
    while not goes_up and first > 0 and price <= master[first - 1]:
        first -= 1
    return first


def lowest_to_top(row: MutableSequence[int]) -> None:
    """Let the first number of a row go behind all others."""
    moved = row[0]
    for k in range(len(row) - 1):
        row[k] = row[k + 1]
    row[len(row) - 1] = moved


def highest_to_bottom(row: MutableSequence[int]) -> None:
    """Let the last number of a row go before all others."""
    moved = row[len(row) - 1]
    for k in range(len(row) - 1, 0, -1):
        row[k] = row[k - 1]
    row[0] = moved
