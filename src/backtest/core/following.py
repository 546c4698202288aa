"""A replayed ladder follows the price, as `grid.trailing` has it: decided after a print's fills, done at once."""

from backtest.core import layout as at
from backtest.core.layout import Column, Ints, Table
from backtest.core.orders import cancel, find_best, place_wanted
from grid.core import cells, trail


def follow(price: int, rules: Ints, ladder: Table, cell: Table, state: Column) -> None:
    """Move the ladder to where a price at or beyond UP_AT or DOWN_AT asks for it."""
    count = len(cell[at.SIDE])
    master = rules[at.RULES : at.RULES + rules[at.FOLLOWS]]
    first = trail.reached(price, state[at.WINDOW], count, master, price >= state[at.UP_AT])
    while state[at.WINDOW] < first:
        leave(0, rules, ladder, cell, state)
        for row in cell:
            trail.lowest_to_top(row)
        stand_on(state[at.WINDOW] + 1, count - 1, rules, ladder, cell, state)
    while state[at.WINDOW] > first:
        leave(count - 1, rules, ladder, cell, state)
        for row in cell:
            trail.highest_to_bottom(row)
        stand_on(state[at.WINDOW] - 1, 0, rules, ladder, cell, state)
    state[at.MOVES] += 1
    for k in range(count):
        place_wanted(k, rules, ladder, cell, state)
    find_best(cell, state)
    watch_price(rules, cell, state)


def watch_price(rules: Ints, cell: Table, state: Column) -> None:
    """Find the prices that would move the ladder now."""
    master = rules[at.RULES : at.RULES + rules[at.FOLLOWS]]
    state[at.UP_AT] = trail.next_up(state[at.WINDOW], cell[at.SIDE], master, rules[at.FOLLOWS_UP] == 1)
    state[at.DOWN_AT] = trail.next_down(state[at.WINDOW], cell[at.SIDE], master, rules[at.FOLLOWS_DOWN] == 1)


def leave(k: int, rules: Ints, ladder: Table, cell: Table, state: Column) -> None:
    """Take what cell `k` has resting off the book, and close its account of fees at its old rung."""
    if cell[at.RESTS][k] > 0:
        cancel(k, cell[at.SIDE][k] == cells.BUYING, rules, ladder, cell, state)
    if cell[at.BLOCKED][k] & at.UNPAID_ORDER:
        state[at.UNPAID] -= 1
    cell[at.BLOCKED][k] = 0
    state[at.TAKER_FEE] += cell[at.FEE_BASE][k]
    state[at.TAKER_FEE_VALUE] += cell[at.FEE_BASE][k] * ladder[at.PRICES][k]
    cell[at.FEE_BASE][k] = 0


def stand_on(first: int, moved: int, rules: Ints, ladder: Table, cell: Table, state: Column) -> None:
    """Take over the rungs of a window by one rung higher or lower, where the cell `moved` begins a new cycle."""
    state[at.WINDOW] = first
    for k in range(len(ladder[at.PRICES])):
        ladder[at.PRICES][k] = rules[at.RULES + first + k]
    cell[at.CYCLE][moved] += 1
    cells.turn_if_done(
        moved,
        ladder[at.PRICES],
        cell[at.LOTS],
        rules[at.LOT_UNITS],
        rules[at.MIN_NOTIONAL],
        cell[at.SIDE],
        cell[at.FILLED],
        cell[at.HELD],
        cell[at.CYCLE],
    )


def count_closes(i: int, prices: Ints, market: Ints, state: Column) -> None:
    """Count the candles of a block up to candle `i` that closed within the ladder, before it moves away from there."""
    since = max(state[at.COUNTED], i - i % at.BLOCK)
    for row in range(since, i):
        if prices[0] <= market[at.ROW_WIDTH * row + at.CLOSE] <= prices[len(prices) - 1]:
            state[at.IN_RANGE] += 1
    state[at.COUNTED] = i
