"""Orders at rest where orders travel: which is best, what one meets, and how one ends."""

from backtest.core import layout as at
from backtest.core.layout import Column, Ints, Table, Wide
from grid.core import cells


def end_order(k: int, side: int, rules: Ints, flight: Column, state: Column) -> None:
    """Take an order that rests off the book, and free what it locked."""
    slot = at.FLIGHT * k + at.SLOT * side
    if flight[slot + at.STAGE] == at.CANCELLING:
        state[at.CANCELS + side] -= 1
    if side == cells.BUYING:
        state[at.FREE] += flight[slot + at.LEFT] * flight[slot + at.PRICE] * rules[at.NOTIONAL_UNIT]
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


def meets_own(side: int, price: int, rules: Ints, ladder: Wide, cell: Table, flight: Ints, state: Ints) -> bool:
    """Tell whether an order of the account rests on the other side at the last print, and an order reaches it there."""
    if rules[at.POST_ONLY] == 1:
        return meets_any(side, price, cell, flight, state)
    if side == cells.BUYING:
        k = state[at.BEST_SELL]
        return k < len(cell[at.SIDE]) and ladder[at.PRICES][k + 1] == state[at.LAST] <= price
    k = state[at.BEST_BUY]
    return k >= 0 and ladder[at.PRICES][k] == state[at.LAST] >= price


def meets_any(side: int, price: int, cell: Table, flight: Ints, state: Ints) -> bool:
    """Tell the same where orders may rest beside their rungs."""
    last = state[at.LAST]
    if last > price if side == cells.BUYING else last < price:
        return False
    for k in range(len(cell[at.SIDE])):
        other = at.FLIGHT * k + at.SLOT * (1 - side)
        if flight[other + at.STAGE] >= at.RESTS_NOW and flight[other + at.PRICE] == last:
            return True
    return False


def best_reached(side: int, cell: Table, flight: Ints, state: Ints) -> int:
    """Return the cell whose order a print fills next where orders may rest beside their rungs, -1 without.

    The best price comes first, then who came first; at the print's own price as long as the print has lots left.
    """
    best = -1
    last = state[at.LAST]
    for k in range(len(cell[at.SIDE])):
        slot = at.FLIGHT * k + at.SLOT * side
        if flight[slot + at.STAGE] < at.RESTS_NOW:
            continue
        price = flight[slot + at.PRICE]
        if (price < last if side == cells.BUYING else price > last) or (price == last and state[at.PRINT_LEFT] == 0):
            continue
        if best < 0 or is_before(side, slot, at.FLIGHT * best + at.SLOT * side, flight):
            best = k
    return best


def is_before(side: int, slot: int, other: int, flight: Ints) -> bool:
    """Tell whether the order of one slot has priority over that of another."""
    if flight[slot + at.PRICE] == flight[other + at.PRICE]:
        return flight[slot + at.QUEUED] < flight[other + at.QUEUED]
    return (flight[slot + at.PRICE] > flight[other + at.PRICE]) == (side == cells.BUYING)
