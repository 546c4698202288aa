"""How a grid begins: its first trade, then its rungs."""

from backtest.core import layout as at
from backtest.core.contract import borrows, in_position, is_contract
from backtest.core.ends import ends_now
from backtest.core.fills import settle
from backtest.core.layout import Column, Ints, Table, Wide
from backtest.core.orders import fill_rung, find_best, is_over_limit, place_wanted
from grid.core import cells


def activate(
    price: int, moment: int, rules: Ints, ladder: Wide, cell: Table, totals: Column, state: Column, fills: Column
) -> None:
    """Make the first purchase at `price` if that may be paid, then let the rungs rest.

    Rungs that the price has passed since the plan was made take at it. (Where it passed several, the live grid may wait
    with the second purchase at one of them until its next timer, because a cancel of the first came too late. That wait
    is not replayed.)
    """
    missing = totals[cells.ENTRY_LOTS] - totals[cells.ENTRY_FILLED]
    if missing > 0 and not enter(missing, price, moment, rules, ladder, cell, totals, state, fills):
        return
    state[at.FIRST_PRICE] = price
    state[at.ACTIVE] = 1
    if ends_now(price, moment, rules, ladder, cell, state, fills):
        return
    for k in range(len(cell[at.SIDE])):
        place_wanted(k, rules, ladder, cell, state)
    for k in range(len(cell[at.SIDE])):
        if cell[at.RESTS][k] > 0 and is_passed(k, price, rules, ladder, cell):
            buys = cell[at.SIDE][k] == cells.BUYING
            fill_rung(k, buys, price, cell[at.RESTS][k], at.TAKER, moment, rules, ladder, cell, state, fills)
    for k in range(len(cell[at.SIDE])):
        place_wanted(k, rules, ladder, cell, state)
    find_best(cell, state)


def enter(
    missing: int,
    price: int,
    moment: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    totals: Column,
    state: Column,
    fills: Column,
) -> bool:
    """Make the first trade at a price; tell whether it may be made, and is paid."""
    need = rules[at.ENTRY_PRICE] * missing * rules[at.NOTIONAL_UNIT]
    sells = is_contract(rules) and rules[at.ENTRY_SELLS] == 1
    if not may_enter(price, sells, rules) or is_over_limit(need, rules, ladder, cell, state):
        return False
    if state[at.FREE] < need and not is_contract(rules):
        return False
    change = settle(moment, -1, not sells, price, missing, at.TAKER, rules, state, fills)
    state[at.FREE] -= price * missing * rules[at.NOTIONAL_UNIT]
    state[at.FIRST_FEE] += missing * rules[at.LOT_UNITS] - abs(change)
    cells.book_entry_fill(
        missing,
        change,
        cell[at.LOTS],
        rules[at.LOT_UNITS],
        rules[at.GAP],
        rules[at.ENTRY_PRICE],
        rules[at.MIN_NOTIONAL],
        sells,
        rules[at.RESERVE],
        cell[at.HELD],
        totals,
    )
    state[at.KEPT] = max(totals[cells.ENTRY_BASE], 0)
    for k in range(len(cell[at.SIDE])):
        cell[at.FIRST][k] = in_position(k, rules, cell)
    return True


def may_enter(price: int, sells: bool, rules: Ints) -> bool:
    """Tell whether the first trade is within its limit: a purchase at most, a sale at least at it."""
    return price >= rules[at.ENTRY_PRICE] if sells else price <= rules[at.ENTRY_PRICE]


def is_passed(k: int, price: int, rules: Ints, ladder: Wide, cell: Table) -> bool:
    """Tell whether the order of cell `k` is an entry whose price the market has passed."""
    if cell[at.SIDE][k] == cells.BUYING:
        return ladder[at.PRICES][k] >= price and not borrows(k, rules)
    return borrows(k, rules) and ladder[at.PRICES][k + 1] <= price
