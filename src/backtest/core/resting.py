"""Orders at rest where orders travel: which is best, what one meets, and how one ends."""

from backtest.core import layout as at
from backtest.core.layout import Column, Ints, Table, Wide
from grid.core import cells


def end_order(k: int, side: int, rules: Ints, ladder: Wide, flight: Column, state: Column) -> None:
    """Take an order that rests off the book, and free what it locked."""
    slot = at.FLIGHT * k + at.SLOT * side
    if flight[slot + at.STAGE] == at.CANCELLING:
        state[at.CANCELS + side] -= 1
    if side == cells.BUYING:
        state[at.FREE] += flight[slot + at.LEFT] * ladder[at.PRICES][k] * rules[at.NOTIONAL_UNIT]
    flight[slot + at.STAGE] = at.NO_ORDER
    flight[slot + at.LEFT] = 0
    state[at.RESTING] -= 1


def find_best_of(side: int, flight: Ints, cell: Table, state: Column) -> None:
    """Find the best order of a side that rests, from the best one known before."""
    if side == cells.BUYING:
        state[at.BEST_BUY] = next_buy(state[at.BEST_BUY], flight)
    else:
        state[at.BEST_SELL] = next_sell(state[at.BEST_SELL], flight, cell)


def next_buy(k: int, flight: Ints) -> int:
    """Return the highest cell from `k` down whose buy rests, -1 without."""
    while k >= 0 and flight[at.FLIGHT * k + at.STAGE] < at.RESTS_NOW:
        k -= 1
    return k


def next_sell(k: int, flight: Ints, cell: Table) -> int:
    """Return the lowest cell from `k` up whose sale rests, the number of cells without."""
    while k < len(cell[at.SIDE]) and flight[at.FLIGHT * k + at.SLOT + at.STAGE] < at.RESTS_NOW:
        k += 1
    return k


def is_through(side: int, price: int, state: Ints) -> bool:
    """Tell whether the last print went through a price."""
    return state[at.LAST] < price if side == cells.BUYING else state[at.LAST] > price


def meets_own(side: int, price: int, ladder: Wide, cell: Table, state: Ints) -> bool:
    """Tell whether an order of the account rests on the other side at the last print, and an order reaches it there."""
    if side == cells.BUYING:
        k = state[at.BEST_SELL]
        return k < len(cell[at.SIDE]) and ladder[at.PRICES][k + 1] == state[at.LAST] <= price
    k = state[at.BEST_BUY]
    return k >= 0 and ladder[at.PRICES][k] == state[at.LAST] >= price
