"""The replay where orders travel: what arrives at the venue between prints, what is refused, and what a print fills.

What the grid decides at time t arrives at t + LATENCY, before the first print of that time or later. Up to then prints
meet the old book. The venue stands where its last print was: an order whose price that print went through would take,
at the last print's price, as much as it asks for. Post-only is refused then, and the next attempt is a plain limit
order, as live. An order refused for another reason is tried again after 2, 4, 8 and 16 seconds, then given up.

A candle is one loop: every turn of it one thing happens, at most one fill is settled, and the grid reacts. So each of
these texts stands in the machine code once, though all of them are copied into their callers.
"""

from backtest.core import layout as at
from backtest.core.fills import settle
from backtest.core.flight import (
    CANCEL,
    EVERY_CELL,
    NO_CELL,
    cool,
    count_sent,
    end_cooling,
    is_rate_used_up,
    keep_timer,
    next_request_due,
    react,
    take_request,
)
from backtest.core.holdings import hold, release
from backtest.core.layout import Column, Grid, Ints, Table, Tape, Wide
from backtest.core.prints import price_at, print_lots
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
            told = go_on(lots, rules, ladder, cell, flight, state)
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
                told = begin_print(price_at(point, i, tape.prices, rules), until, rules, cell, flight, totals, state)
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


def next_due(flight: Ints, state: Ints) -> int:
    """Return when the next request arrives or the next timer comes, ms; above all times without either."""
    if state[at.ENTRY_DUE] > 0:
        return state[at.ENTRY_DUE]
    request_due = next_request_due(flight, state)
    return min(request_due, state[at.TIMER_DUE]) if state[at.TIMER_DUE] > 0 else request_due


def skip_vain_attempts(until: int, rules: Ints, state: Column) -> None:
    """Pass over attempts at the first purchase that all arrive while the price stays above its limit."""
    if state[at.ACTIVE] == 1 or state[at.TIMER_DUE] == 0 or state[at.ENTRY_DUE] > 0 or rules[at.MAX_RATE] > 0:
        return
    left = until - rules[at.LATENCY] - state[at.TIMER_DUE]
    if state[at.LAST] > rules[at.ENTRY_PRICE] and left >= 0:
        every = max((rules[at.LATENCY] + at.TIMER_MS - 1) // at.TIMER_MS, 1) * at.TIMER_MS
        state[at.TIMER_DUE] += (left // every + 1) * every


# --- what happens: each returns the cell of which there is news ---


def go_on(lots: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> int:
    """Go on with the print, or with the order that arrived."""
    if state[at.STEP] == at.ON_TAKER:
        return take_or_prevent(rules, ladder, cell, flight, state)
    if state[at.STEP] == at.ON_BUYS:
        reach_buy(lots, ladder, cell, flight, state)
    else:
        reach_sell(lots, ladder, cell, flight, state)
    return NO_CELL


def begin_print(price: int, now: int, rules: Ints, cell: Table, flight: Column, totals: Ints, state: Column) -> int:
    """Let a print begin to fill; the first one of all starts the grid: with the first purchase, or with the rungs."""
    state[at.NOW] = now
    state[at.SINCE] = now + 1
    state[at.LAST] = price
    if state[at.BEGAN] > 0:
        state[at.STEP] = at.ON_BUYS
        state[at.CURSOR] = state[at.BEST_BUY]
        return NO_CELL
    state[at.BEGAN] = now
    state[at.FIRST_PRICE] = price
    if totals[cells.ENTRY_LOTS] > 0:
        count_sent(now, rules, cell, flight, state)
        state[at.ENTRY_DUE] = now + rules[at.LATENCY]
        return NO_CELL
    state[at.ACTIVE] = 1
    return EVERY_CELL


def happen(rules: Ints, ladder: Wide, cell: Table, flight: Column, totals: Ints, state: Column) -> int:
    """Let the next request arrive, or the timer come; of the same time the request is first."""
    due = next_due(flight, state)
    state[at.NOW] = due
    if state[at.ENTRY_DUE] > 0:
        state[at.SINCE] = due + int(rules[at.LATENCY] == 0)
        enter(rules, totals, state)
        return NO_CELL
    if due < next_request_due(flight, state):
        state[at.SINCE] = due + 1
        return fire_timer(rules, cell, flight, state)
    state[at.SINCE] = due + int(rules[at.LATENCY] == 0)
    request = take_request(flight, state)
    k = request // 4
    side = request // 2 % 2
    if request % 2 == CANCEL:
        arrive_cancel(k, side, rules, ladder, cell, flight, state)
    else:
        arrive_order(k, side, rules, ladder, cell, flight, state)
    return k


def fire_timer(rules: Ints, cell: Table, flight: Column, state: Column) -> int:
    """Try what waited for the timer."""
    state[at.TIMER_DUE] = 0
    end_cooling(cell, flight, state)
    if state[at.ACTIVE] == 1:
        return EVERY_CELL
    if is_rate_used_up(state[at.NOW], rules, cell, flight, state):
        state[at.COOLING] = 1
        keep_timer(state)
    else:
        count_sent(state[at.NOW], rules, cell, flight, state)
        state[at.ENTRY_DUE] = state[at.NOW] + rules[at.LATENCY]
    return NO_CELL


def enter(rules: Ints, totals: Ints, state: Column) -> None:
    """Make the first purchase at the last print if it may cost that; else wait for the timer.

    What the account cannot pay now it never can.
    """
    state[at.ENTRY_DUE] = 0
    missing = totals[cells.ENTRY_LOTS]
    if state[at.FREE] < rules[at.ENTRY_PRICE] * missing * rules[at.NOTIONAL_UNIT]:
        return
    if state[at.LAST] > rules[at.ENTRY_PRICE]:
        state[at.COOLING] = 1
        keep_timer(state)
        return
    state[at.FILL_CELL] = -1
    state[at.FILL_SIDE] = cells.BUYING
    state[at.FILL_PRICE] = state[at.LAST]
    state[at.FILL_LOTS] = missing
    state[at.FILL_RATES] = at.TAKER


def arrive_cancel(k: int, side: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> None:
    """Take an order off the book; a cancel that comes too late lets its slot wait for the timer."""
    slot = at.FLIGHT * k + at.SLOT * side
    if flight[slot + at.STAGE] == at.CANCELLING:
        end_order(k, side, rules, ladder, flight, state)
        find_best_of(side, flight, cell, state)
    else:
        state[at.LATE_CANCELS] += 1
        cool(slot, flight, state)


def arrive_order(k: int, side: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> None:
    """Let an order rest, and if it is a plain limit order maybe take, or refuse it."""
    slot = at.FLIGHT * k + at.SLOT * side
    price = ladder[at.PRICES][k + side]
    need = 0
    if side == cells.BUYING:
        need = flight[slot + at.LEFT] * price * rules[at.NOTIONAL_UNIT]
    is_full = rules[at.MAX_OPEN] > 0 and state[at.RESTING] >= rules[at.MAX_OPEN]
    if is_full or need > state[at.FREE]:
        refuse(k, side, is_full, cell, flight, state)
        return
    through = is_through(side, price, state)
    if flight[slot + at.TAKES] == 0 and (through or meets_own(side, price, ladder, cell, state)):
        state[at.REFUSALS] += 1
        flight[slot + at.TAKING] = flight[slot + at.ORDER_CYCLE] + 1
        flight[slot + at.STAGE] = at.NO_ORDER
        return
    state[at.FREE] -= need
    state[at.RESTING] += 1
    flight[slot + at.STAGE] = at.RESTS_NOW
    if flight[slot + at.TAKES] == 1:
        state[at.STEP] = at.ON_TAKER
        state[at.TAKER_CELL] = k
        state[at.TAKER_SIDE] = side
    if not through:
        if side == cells.BUYING:
            state[at.BEST_BUY] = max(state[at.BEST_BUY], k)
        else:
            state[at.BEST_SELL] = min(state[at.BEST_SELL], k)


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


def take_or_prevent(rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> int:
    """Let an order take that just arrived; what it would meet of the account's own is ended before."""
    k = state[at.TAKER_CELL]
    side = state[at.TAKER_SIDE]
    price = ladder[at.PRICES][k + side]
    if meets_own(side, price, ladder, cell, state):
        own = state[at.BEST_SELL] if side == cells.BUYING else state[at.BEST_BUY]
        end_order(own, 1 - side, rules, ladder, flight, state)
        find_best_of(1 - side, flight, cell, state)
        cool(at.FLIGHT * own + at.SLOT * (1 - side), flight, state)
        return own
    state[at.STEP] = at.IDLE
    if is_through(side, price, state):
        state[at.FILL_CELL] = k
        state[at.FILL_SIDE] = side
        state[at.FILL_PRICE] = state[at.LAST]
        state[at.FILL_LOTS] = flight[at.FLIGHT * k + at.SLOT * side + at.LEFT]
        state[at.FILL_RATES] = at.TAKER
    return NO_CELL


def refuse(k: int, side: int, is_full: bool, cell: Table, flight: Column, state: Column) -> None:
    """Refuse an order that cannot be paid, or is one too many: it is tried again later, then given up."""
    slot = at.FLIGHT * k + at.SLOT * side
    flight[slot + at.STAGE] = at.NO_ORDER
    if flight[slot + at.REFUSED] == 0 or flight[slot + at.REFUSED_CYCLE] != flight[slot + at.ORDER_CYCLE]:
        flight[slot + at.REFUSED] = 0
        if not is_full:
            state[at.UNPAID_EVER] += 1
    flight[slot + at.REFUSED] += 1
    flight[slot + at.REFUSED_CYCLE] = flight[slot + at.ORDER_CYCLE]
    flight[slot + at.AGAIN] = state[at.NOW] + (1_000 << flight[slot + at.REFUSED])
    fault = at.BUY_FAULTED if side == cells.BUYING else at.SELL_FAULTED
    if flight[slot + at.REFUSED] >= at.MOST_REFUSALS and cell[at.BLOCKED][k] & fault == 0:
        cell[at.BLOCKED][k] |= fault
        state[at.FAULTED] += 1


# --- orders at rest ---


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


# --- fills ---


def reach_buy(lots: int, ladder: Wide, cell: Table, flight: Ints, state: Column) -> None:
    """Let the print fill the next buy that it reaches, highest first; after the last one it goes on to the sells."""
    k = next_buy(state[at.CURSOR], flight)
    if k < 0 or ladder[at.PRICES][k] < state[at.LAST]:
        find_best_of(cells.BUYING, flight, cell, state)
        state[at.STEP] = at.ON_SELLS
        state[at.CURSOR] = state[at.BEST_SELL]
        return
    state[at.CURSOR] = k - 1
    reached(k, cells.BUYING, lots, ladder, flight, state)


def reach_sell(lots: int, ladder: Wide, cell: Table, flight: Ints, state: Column) -> None:
    """Let the print fill the next sale that it reaches, lowest first."""
    k = next_sell(state[at.CURSOR], flight, cell)
    if k == len(cell[at.SIDE]) or ladder[at.PRICES][k + 1] > state[at.LAST]:
        find_best_of(cells.SELLING, flight, cell, state)
        state[at.STEP] = at.IDLE
        return
    state[at.CURSOR] = k + 1
    reached(k, cells.SELLING, lots, ladder, flight, state)


def reached(k: int, side: int, lots: int, ladder: Wide, flight: Ints, state: Column) -> None:
    """Note the fill of an order that the print reaches: whole beyond its price, at it what the print leaves."""
    left = flight[at.FLIGHT * k + at.SLOT * side + at.LEFT]
    price = ladder[at.PRICES][k + side]
    state[at.FILL_CELL] = k
    state[at.FILL_SIDE] = side
    state[at.FILL_PRICE] = price
    state[at.FILL_LOTS] = min(left, lots) if price == state[at.LAST] else left
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
        book_entry(price, lots, change, rules, ladder, cell, totals, state)
        return EVERY_CELL
    book_rung(k, price, lots, change, rules, ladder, cell, flight, state)
    return k


def book_entry(
    price: int, lots: int, change: int, rules: Ints, ladder: Wide, cell: Table, totals: Column, state: Column
) -> None:
    """Book the first purchase, after which the rungs may go."""
    state[at.FREE] -= price * lots * rules[at.NOTIONAL_UNIT]
    state[at.FIRST_FEE] += lots * rules[at.LOT_UNITS] - change
    cells.book_entry_fill(
        lots,
        change,
        ladder[at.LOTS],
        rules[at.LOT_UNITS],
        rules[at.GAP],
        rules[at.ENTRY_PRICE],
        rules[at.MIN_NOTIONAL],
        cell[at.HELD],
        totals,
    )
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
        if state[at.FILL_RATES] == at.TAKER:
            state[at.TAKER_FEE] += fee
            state[at.TAKER_FEE_VALUE] += fee * price
            state[at.FREE] += (ladder[at.PRICES][k] - price) * lots * rules[at.NOTIONAL_UNIT]
        else:
            cell[at.FEE_BASE][k] += fee
        hold(k, price, change, flight, state)
    else:
        release(k, lots * rules[at.LOT_UNITS], cell[at.FIRST], flight, state)
    flight[slot + at.LEFT] -= lots
    if flight[slot + at.LEFT] == 0:
        end_order(k, side, rules, ladder, flight, state)
    turned = cells.book_rung_fill(
        k,
        bought,
        lots,
        change,
        ladder[at.PRICES],
        ladder[at.LOTS],
        rules[at.LOT_UNITS],
        rules[at.MIN_NOTIONAL],
        cell[at.SIDE],
        cell[at.FILLED],
        cell[at.HELD],
        cell[at.CYCLE],
    )
    if turned and not bought:
        state[at.CYCLES] += 1
