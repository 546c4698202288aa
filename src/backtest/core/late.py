"""The replay where orders travel: prints, what arrives between them, and what both fill.

What the grid decides at time t arrives at t + LATENCY, before the first print of that time or later. Up to then prints
meet the old book.

A candle is one loop: every turn of it one thing happens, at most one fill is settled, and the grid reacts. So each of
these texts stands in the machine code once, though all of them are copied into their callers.
"""

from backtest.core import layout as at
from backtest.core.arrivals import happen, next_due, skip_vain_attempts, take_or_prevent
from backtest.core.fills import settle
from backtest.core.flight import EVERY_CELL, NO_CELL, is_heeded, react, send_first_purchase
from backtest.core.holdings import hold, release
from backtest.core.layout import Column, Grid, Ints, Table, Tape, Wide
from backtest.core.orders import reinvest_exit
from backtest.core.prints import price_at, print_lots
from backtest.core.resting import best_reached, end_order, find_best_of, next_buy, next_sell
from grid.core import cells


def play_late_candle(i: int, tape: Tape, grid: Grid) -> None:
    """Let the points of candle `i` print, and before each what arrives until then."""
    rules, ladder, cell, totals, state, fills, flight = grid
    stand_before(i, tape, grid)
    lots = print_lots(i, tape.volume, rules)
    point = 0
    until = tape.times[i]
    while True:
        told = NO_CELL
        if state[at.STEP] != at.IDLE:
            told = go_on(rules, ladder, cell, flight, state)
        else:
            if point < rules[at.POINTS]:
                until = tape.times[i] + time_after_open(point, rules)
            skip_vain_attempts(until, rules, state)
            if state[at.BEGAN] > 0 and next_due(flight, state) <= until:
                told = happen(rules, ladder, cell, flight, totals, state)
            elif point == rules[at.POINTS]:
                return
            else:
                if rules[at.BNB_MOVES] == 1:
                    state[at.BNB_PRICE] = tape.bnb[i]
                told = begin_print(
                    price_at(point, i, tape.prices, rules), lots, until, rules, ladder, cell, flight, totals, state
                )
                point += 1
        if state[at.FILL_LOTS] > 0:
            told = fill(rules, ladder, cell, flight, totals, state, fills)
        if told != NO_CELL:
            react(told, rules, ladder, cell, flight, state)


def stand_before(i: int, tape: Tape, grid: Grid) -> None:
    """Let the market stand where row `i` finds it: at the last print before, and what BNB cost then."""
    if i > 0:
        grid.state[at.LAST] = tape.prices[at.ROW_WIDTH * (i - 1) + at.CLOSE]
        if grid.rules[at.BNB_MOVES] == 1:
            grid.state[at.BNB_PRICE] = tape.bnb[i - 1]


def time_after_open(point: int, rules: Ints) -> int:
    """Return when a candle's point prints, as `PricePath.named` has it."""
    if point == 3:
        return rules[at.INTERVAL] - 1
    return rules[at.INTERVAL] * point // 4


def go_on(rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> int:
    """Go on with the print, or with the order that arrived."""
    if state[at.STEP] == at.ON_TAKER:
        return take_or_prevent(rules, ladder, cell, flight, state)
    if state[at.STEP] == at.ON_BUYS:
        reach_buy(rules, cell, flight, state)
    else:
        reach_sell(rules, cell, flight, state)
    return NO_CELL


def begin_print(
    price: int, lots: int, now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, totals: Ints, state: Column
) -> int:
    """Let a print begin to fill; the first one of all starts the grid: with the first purchase, or with the rungs.

    Before it fills, the grid hears the price.
    """
    state[at.NOW] = now
    state[at.SINCE] = now + 1
    state[at.LAST] = price
    if state[at.BEGAN] > 0:
        state[at.STEP] = at.ON_BUYS
        state[at.CURSOR] = state[at.BEST_BUY]
        state[at.PRINT_LEFT] = lots
        if state[at.ASIDE] > 0 and is_heeded(price, ladder, cell, flight, state):
            return EVERY_CELL
        return NO_CELL
    state[at.BEGAN] = now
    state[at.FIRST_PRICE] = price
    if totals[cells.ENTRY_LOTS] > 0:
        send_first_purchase(rules, cell, flight, totals, state)
        return NO_CELL
    state[at.ACTIVE] = 1
    return EVERY_CELL


def reach_buy(rules: Ints, cell: Table, flight: Ints, state: Column) -> None:
    """Let the print fill the next buy that it reaches, highest first; after the last one it goes on to the sells."""
    if rules[at.POST_ONLY] == 1:
        k = best_reached(cells.BUYING, cell, flight, state)
    else:
        k = next_buy(state[at.CURSOR], flight)
    if k < 0 or flight[at.FLIGHT * k + at.PRICE] < state[at.LAST]:
        find_best_of(cells.BUYING, flight, cell, state)
        state[at.STEP] = at.ON_SELLS
        state[at.CURSOR] = state[at.BEST_SELL]
        return
    state[at.CURSOR] = k - 1
    reached(k, cells.BUYING, flight, state)


def reach_sell(rules: Ints, cell: Table, flight: Ints, state: Column) -> None:
    """Let the print fill the next sale that it reaches, lowest first."""
    if rules[at.POST_ONLY] == 1:
        k = best_reached(cells.SELLING, cell, flight, state)
        k = len(cell[at.SIDE]) if k < 0 else k
    else:
        k = next_sell(state[at.CURSOR], flight, cell)
    if k == len(cell[at.SIDE]) or flight[at.FLIGHT * k + at.SLOT + at.PRICE] > state[at.LAST]:
        find_best_of(cells.SELLING, flight, cell, state)
        state[at.STEP] = at.IDLE
        return
    state[at.CURSOR] = k + 1
    reached(k, cells.SELLING, flight, state)


def reached(k: int, side: int, flight: Ints, state: Column) -> None:
    """Note the fill of an order that the print reaches: whole beyond its price, at it what the print leaves."""
    left = flight[at.FLIGHT * k + at.SLOT * side + at.LEFT]
    price = flight[at.FLIGHT * k + at.SLOT * side + at.PRICE]
    if price == state[at.LAST]:
        left = min(left, state[at.PRINT_LEFT])
        state[at.PRINT_LEFT] -= left
    state[at.FILL_CELL] = k
    state[at.FILL_SIDE] = side
    state[at.FILL_PRICE] = price
    state[at.FILL_LOTS] = left
    state[at.FILL_RATES] = at.MAKER


def fill(rules: Ints, ladder: Wide, cell: Table, flight: Column, totals: Column, state: Column, fills: Column) -> int:
    """Settle the fill that was noted, and book it; return the cell of which that is news."""
    k = state[at.FILL_CELL]
    lots = state[at.FILL_LOTS]
    price = state[at.FILL_PRICE]
    bought = state[at.FILL_SIDE] == cells.BUYING
    change = settle(state[at.NOW], k, bought, price, lots, state[at.FILL_RATES], rules, state, fills)
    state[at.FILL_LOTS] = 0
    if k < 0:
        book_entry(price, lots, change, rules, cell, totals, state)
        return EVERY_CELL
    book_rung(k, price, lots, change, rules, ladder, cell, flight, state)
    return k


def book_entry(price: int, lots: int, change: int, rules: Ints, cell: Table, totals: Column, state: Column) -> None:
    """Book the first purchase, after which the rungs may go."""
    state[at.FREE] -= price * lots * rules[at.NOTIONAL_UNIT]
    state[at.FIRST_FEE] += lots * rules[at.LOT_UNITS] - change
    cells.book_entry_fill(
        lots,
        change,
        cell[at.LOTS],
        rules[at.LOT_UNITS],
        rules[at.GAP],
        rules[at.ENTRY_PRICE],
        rules[at.MIN_NOTIONAL],
        False,
        rules[at.RESERVE],
        cell[at.HELD],
        totals,
    )
    state[at.KEPT] = totals[cells.ENTRY_BASE]
    for k in range(len(cell[at.SIDE])):
        cell[at.FIRST][k] = cell[at.HELD][k]
    state[at.FIRST_PRICE] = price
    state[at.ACTIVE] = 1


def book_rung(
    k: int,
    price: int,
    lots: int,
    change: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    state: Column,
) -> None:
    """Book a fill of an order of cell `k`."""
    side = state[at.FILL_SIDE]
    bought = side == cells.BUYING
    slot = at.FLIGHT * k + at.SLOT * side
    if bought:
        fee = lots * rules[at.LOT_UNITS] - change
        if state[at.FILL_RATES] == at.TAKER or price != ladder[at.PRICES][k]:
            state[at.TAKER_FEE] += fee
            state[at.TAKER_FEE_VALUE] += fee * price
            state[at.FREE] += (flight[slot + at.PRICE] - price) * lots * rules[at.NOTIONAL_UNIT]
        else:
            cell[at.FEE_BASE][k] += fee
        hold(k, price, change, flight, state)
    else:
        release(k, lots * rules[at.LOT_UNITS], cell[at.FIRST], flight, state)
    flight[slot + at.LEFT] -= lots
    if flight[slot + at.LEFT] == 0:
        end_order(k, side, rules, flight, state)
    turned = cells.book_rung_fill(
        k,
        bought,
        lots,
        change,
        ladder[at.PRICES],
        cell[at.LOTS],
        rules[at.LOT_UNITS],
        rules[at.MIN_NOTIONAL],
        cell[at.SIDE],
        cell[at.FILLED],
        cell[at.HELD],
        cell[at.CYCLE],
    )
    if turned and not bought:
        state[at.CYCLES] += 1
    if rules[at.SALE_PPM] > 0 and not bought:
        reinvest_exit(k, lots, turned, rules, ladder, cell)
