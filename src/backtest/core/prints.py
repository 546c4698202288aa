"""What one print of the market fills, and the four prints of a candle."""

from backtest.core import layout as at
from backtest.core.contract import (
    borrows,
    in_position,
    is_beyond,
    is_contract,
    liquidate,
    look_ahead,
    note_margin,
    settle_funding,
)
from backtest.core.fills import settle
from backtest.core.layout import Column, Grid, Ints, Table, Tape, Wide
from backtest.core.orders import fill_rung, is_over_limit, place_wanted, rethink, rethink_all, retry_unpaid
from grid.core import cells


def print_on_buys(
    price: int, lots: int, moment: int, rules: Ints, ladder: Wide, cell: Table, state: Column, fills: Column
) -> None:
    """Fill the resting buys that a print reaches, highest first, then react."""
    highest = state[at.BEST_BUY]
    k = highest
    while k >= 0 and ladder[at.PRICES][k] >= price:
        if cell[at.SIDE][k] == cells.BUYING and cell[at.RESTS][k] > 0:
            part = cell[at.RESTS][k]
            if ladder[at.PRICES][k] == price:
                part = min(part, lots)
                if part == 0:
                    break
            fill_rung(k, True, ladder[at.PRICES][k], part, at.MAKER, moment, rules, ladder, cell, state, fills)
        k -= 1
    if rules[at.MAX_EXPOSURE] >= 0:
        rethink_all(rules, ladder, cell, state)
    else:
        for j in range(highest, max(k - 1, -1), -1):
            rethink(j, rules, ladder, cell, state)
    k = max(highest, state[at.BEST_BUY])
    while k >= 0 and not (cell[at.SIDE][k] == cells.BUYING and cell[at.RESTS][k] > 0):
        k -= 1
    state[at.BEST_BUY] = k


def print_on_sells(
    price: int, lots: int, moment: int, rules: Ints, ladder: Wide, cell: Table, state: Column, fills: Column
) -> None:
    """Fill the resting sells that a print reaches, lowest first, then react."""
    count = len(cell[at.SIDE])
    lowest = state[at.BEST_SELL]
    k = lowest
    while k < count and ladder[at.PRICES][k + 1] <= price:
        if cell[at.SIDE][k] == cells.SELLING and cell[at.RESTS][k] > 0:
            part = cell[at.RESTS][k]
            if ladder[at.PRICES][k + 1] == price:
                part = min(part, lots)
                if part == 0:
                    break
            fill_rung(k, False, ladder[at.PRICES][k + 1], part, at.MAKER, moment, rules, ladder, cell, state, fills)
        k += 1
    if rules[at.MAX_EXPOSURE] >= 0:
        rethink_all(rules, ladder, cell, state)
    else:
        for j in range(lowest, min(k + 1, count)):
            rethink(j, rules, ladder, cell, state)
    k = min(lowest, state[at.BEST_SELL])
    while k < count and not (cell[at.SIDE][k] == cells.SELLING and cell[at.RESTS][k] > 0):
        k += 1
    state[at.BEST_SELL] = k


def activate(
    price: int, moment: int, rules: Ints, ladder: Wide, cell: Table, totals: Column, state: Column, fills: Column
) -> None:
    """Make the first purchase at `price` if that may be paid, then let the rungs rest.

    Rungs that the price has passed since the plan was made take at it. (Where it passed several, the live grid may wait
    with the second purchase at one of them until its next timer, because a cancel of the first came too late. That wait
    is not replayed.)
    """
    missing = totals[cells.ENTRY_LOTS] - totals[cells.ENTRY_FILLED]
    if missing > 0:
        need = rules[at.ENTRY_PRICE] * missing * rules[at.NOTIONAL_UNIT]
        sells = is_contract(rules) and rules[at.ENTRY_SELLS] == 1
        if not may_enter(price, sells, rules) or is_over_limit(need, rules, ladder, cell, state):
            return
        if state[at.FREE] < need and not is_contract(rules):
            return
        change = settle(moment, -1, not sells, price, missing, at.TAKER, rules, state, fills)
        state[at.FREE] -= price * missing * rules[at.NOTIONAL_UNIT]
        state[at.FIRST_FEE] += missing * rules[at.LOT_UNITS] - abs(change)
        cells.book_entry_fill(
            missing,
            change,
            ladder[at.LOTS],
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
            cell[at.FIRST][k] = in_position(k, rules, ladder, cell)
    state[at.FIRST_PRICE] = price
    state[at.ACTIVE] = 1
    for k in range(len(cell[at.SIDE])):
        place_wanted(k, rules, ladder, cell, state)
    for k in range(len(cell[at.SIDE])):
        if cell[at.RESTS][k] > 0 and is_passed(k, price, rules, ladder, cell):
            buys = cell[at.SIDE][k] == cells.BUYING
            fill_rung(k, buys, price, cell[at.RESTS][k], at.TAKER, moment, rules, ladder, cell, state, fills)
    for k in range(len(cell[at.SIDE])):
        place_wanted(k, rules, ladder, cell, state)
    find_best(cell, state)


def may_enter(price: int, sells: bool, rules: Ints) -> bool:
    """Tell whether the first trade is within its limit: a purchase at most, a sale at least at it."""
    return price >= rules[at.ENTRY_PRICE] if sells else price <= rules[at.ENTRY_PRICE]


def is_passed(k: int, price: int, rules: Ints, ladder: Wide, cell: Table) -> bool:
    """Tell whether the order of cell `k` is an entry whose price the market has passed."""
    if cell[at.SIDE][k] == cells.BUYING:
        return ladder[at.PRICES][k] >= price and not borrows(k, rules)
    return borrows(k, rules) and ladder[at.PRICES][k + 1] <= price


def find_best(cell: Table, state: Column) -> None:
    """Find the highest resting buy and the lowest resting sell."""
    count = len(cell[at.SIDE])
    state[at.BEST_BUY] = -1
    state[at.BEST_SELL] = count
    for k in range(count):
        if cell[at.RESTS][k] > 0:
            if cell[at.SIDE][k] == cells.BUYING:
                state[at.BEST_BUY] = k
            else:
                state[at.BEST_SELL] = min(state[at.BEST_SELL], k)


def highest_buy(prices: Ints, state: Ints) -> int:
    """Return the price of the highest resting buy, below all prices without one."""
    return prices[state[at.BEST_BUY]] if state[at.BEST_BUY] >= 0 else -1


def lowest_sell(prices: Ints, state: Ints) -> int:
    """Return the price of the lowest resting sell, above all prices without one."""
    return prices[state[at.BEST_SELL] + 1] if state[at.BEST_SELL] + 1 < len(prices) else at.NOTHING


def price_at(point: int, i: int, market: Ints, rules: Ints) -> int:
    """Return the price of a point of candle `i`."""
    row = at.ROW_WIDTH * i
    if point == 0:
        return market[row + at.OPEN]
    if point == 3:
        return market[row + at.CLOSE]
    rises = market[row + at.CLOSE] >= market[row + at.OPEN]
    low_first = rises != (rules[at.LONG_WAY] == 1)
    return market[row + at.LOW] if (point == 1) == low_first else market[row + at.HIGH]


def play_candle(
    i: int,
    market: Ints,
    volume: Ints,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let the points of candle `i` print, one after the other."""
    lots = print_lots(i, volume, rules)
    for point in range(rules[at.POINTS]):
        play_point(point, i, lots, market, rules, ladder, cell, totals, state, fills)


def print_lots(i: int, volume: Ints, rules: Ints) -> int:
    """Return how many lots a print of candle `i` can fill at its price."""
    if rules[at.PRINT_LOTS] >= 0:
        return rules[at.PRINT_LOTS]
    return volume[i] // rules[at.LOT_UNITS] * rules[at.SHARE_NUM] // rules[at.SHARE_DEN]


def play_contract_row(i: int, tape: Tape, grid: Grid) -> None:
    """Let the points of row `i` print, before each what was settled until then, and liquidate after a fatal one."""
    rules, ladder, cell, totals, state, fills, _ = grid
    lots = print_lots(i, tape.volume, rules)
    for point in range(rules[at.POINTS]):
        moment = at.POINTS_PER_ROW * i + point
        price = price_at(point, i, tape.prices, rules)
        state[at.LAST] = price
        before = state[at.FILL_COUNT]
        settled = state[at.NEXT_FUNDING]
        settle_funding(moment, tape, rules, state)
        if state[at.LIQUIDATED_AT] == 0:
            play_point(point, i, lots, tape.prices, rules, ladder, cell, totals, state, fills)
        if state[at.FILL_COUNT] > before or state[at.NEXT_FUNDING] > settled:
            look_ahead(tape.brackets, rules, state)
            note_margin(price, rules, ladder, cell, state)
        if is_beyond(price, price, state):
            liquidate(price, moment, rules, ladder, cell, state)


def play_point(
    point: int,
    i: int,
    lots: int,
    market: Ints,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let one point of candle `i` print, and the grid react."""
    price = price_at(point, i, market, rules)
    moment = at.POINTS_PER_ROW * i + point
    if state[at.ACTIVE] == 0:
        if point == 0:
            activate(price, moment, rules, ladder, cell, totals, state, fills)
        return
    before = state[at.FILL_COUNT]
    if price <= highest_buy(ladder[at.PRICES], state):
        print_on_buys(price, lots, moment, rules, ladder, cell, state, fills)
    elif price >= lowest_sell(ladder[at.PRICES], state):
        print_on_sells(price, lots, moment, rules, ladder, cell, state, fills)
    if state[at.UNPAID] > 0 and state[at.FILL_COUNT] > before:
        retry_unpaid(rules, ladder, cell, state)
