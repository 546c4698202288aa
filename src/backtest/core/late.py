"""The replay where orders travel: what arrives at the venue between prints, what is refused, and what a print fills.

What the grid decides at time t arrives at t + LATENCY, before the first print of that time or later. Up to then prints
meet the old book. The venue stands where its last print was: an order whose price that print went through would take,
at the last print's price, as much as it asks for. Post-only is refused then, and the next attempt is a plain limit
order, as live. An order refused for another reason is tried again after 2, 4, 8 and 16 seconds, then given up.
"""

from backtest.core import layout as at
from backtest.core.fills import settle
from backtest.core.flight import (
    CANCEL,
    aim_all,
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
from backtest.core.layout import Column, Ints, Table, Wide
from backtest.core.prints import price_at, print_lots
from grid.core import cells


def play_late_candle(
    i: int,
    market: Ints,
    volume: Ints,
    times: Ints,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let the points of candle `i` print, and before each what arrives until then."""
    if i > 0:
        state[at.LAST] = market[at.ROW_WIDTH * (i - 1) + at.CLOSE]
    lots = print_lots(i, volume, rules)
    for point in range(rules[at.POINTS]):
        now = times[i] + time_after_open(point, rules)
        price = price_at(point, i, market, rules)
        if state[at.BEGAN] == 0:
            begin(price, now, rules, ladder, cell, flight, totals, state)
        else:
            deliver(now, rules, ladder, cell, flight, totals, state, fills)
            state[at.LAST] = price
            state[at.SINCE] = now + 1
            print_on_late_buys(price, lots, now, rules, ladder, cell, flight, state, fills)
            print_on_late_sells(price, lots, now, rules, ladder, cell, flight, state, fills)
        if rules[at.LATENCY] == 0:
            deliver(now, rules, ladder, cell, flight, totals, state, fills)


def time_after_open(point: int, rules: Ints) -> int:
    """Return when a candle's point prints, as `PricePath.named` has it."""
    if point == 3:
        return rules[at.INTERVAL] - 1
    return rules[at.INTERVAL] * point // 4


def begin(
    price: int, now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, totals: Column, state: Column
) -> None:
    """Start the grid: send the first purchase, or without one the rungs."""
    state[at.BEGAN] = now
    state[at.SINCE] = now + 1
    state[at.LAST] = price
    state[at.FIRST_PRICE] = price
    if totals[cells.ENTRY_LOTS] > 0:
        count_sent(now, rules, cell, flight, state)
        state[at.ENTRY_DUE] = now + rules[at.LATENCY]
    else:
        state[at.ACTIVE] = 1
        aim_all(now, rules, ladder, cell, flight, state)


def deliver(
    until: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let everything that is due by `until` happen: requests, which come before the timer of the same time, and it."""
    skip_vain_attempts(until, rules, state)
    while True:
        request_due = next_request_due(flight, state)
        if state[at.ENTRY_DUE] > 0:
            request_due = state[at.ENTRY_DUE]
        timer_due = state[at.TIMER_DUE] if state[at.TIMER_DUE] > 0 else at.NOTHING
        if min(request_due, timer_due) > until:
            return
        if timer_due < request_due:
            state[at.SINCE] = timer_due + 1
            fire_timer(timer_due, rules, ladder, cell, flight, state)
            continue
        state[at.SINCE] = request_due if rules[at.LATENCY] > 0 else request_due + 1
        if state[at.ENTRY_DUE] > 0:
            enter(request_due, rules, ladder, cell, flight, totals, state, fills)
            continue
        request = take_request(flight, state)
        k = request // 4
        side = request // 2 % 2
        if request % 2 == CANCEL:
            arrive_cancel(k, side, request_due, rules, ladder, cell, flight, state)
        else:
            arrive_order(k, side, request_due, rules, ladder, cell, flight, state, fills)


def skip_vain_attempts(until: int, rules: Ints, state: Column) -> None:
    """Pass over attempts at the first purchase that all arrive while the price stays above its limit."""
    if state[at.ACTIVE] == 1 or state[at.TIMER_DUE] == 0 or state[at.ENTRY_DUE] > 0 or rules[at.MAX_RATE] > 0:
        return
    left = until - rules[at.LATENCY] - state[at.TIMER_DUE]
    if state[at.LAST] > rules[at.ENTRY_PRICE] and left >= 0:
        every = max((rules[at.LATENCY] + at.TIMER_MS - 1) // at.TIMER_MS, 1) * at.TIMER_MS
        state[at.TIMER_DUE] += (left // every + 1) * every


def fire_timer(now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> None:
    """Try what waited for the timer."""
    state[at.TIMER_DUE] = 0
    end_cooling(cell, flight, state)
    if state[at.ACTIVE] == 1:
        aim_all(now, rules, ladder, cell, flight, state)
    elif is_rate_used_up(now, rules, cell, flight, state):
        state[at.COOLING] = 1
        keep_timer(state)
    else:
        count_sent(now, rules, cell, flight, state)
        state[at.ENTRY_DUE] = now + rules[at.LATENCY]


def enter(
    now: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Make the first purchase at the last print if it may cost that, and let the rungs go; else wait for the timer.

    What the account cannot pay now it never can.
    """
    state[at.ENTRY_DUE] = 0
    price = state[at.LAST]
    missing = totals[cells.ENTRY_LOTS]
    if state[at.FREE] < rules[at.ENTRY_PRICE] * missing * rules[at.NOTIONAL_UNIT]:
        return
    if price > rules[at.ENTRY_PRICE]:
        state[at.COOLING] = 1
        keep_timer(state)
        return
    change = settle(now, -1, True, price, missing, at.TAKER, rules, state, fills)
    state[at.FREE] -= price * missing * rules[at.NOTIONAL_UNIT]
    state[at.FIRST_FEE] += missing * rules[at.LOT_UNITS] - change
    cells.book_entry_fill(
        missing,
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
    aim_all(now, rules, ladder, cell, flight, state)


def arrive_cancel(
    k: int, side: int, now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column
) -> None:
    """Take an order off the book; a cancel that comes too late lets its slot wait for the timer."""
    slot = at.FLIGHT * k + at.SLOT * side
    if flight[slot + at.STAGE] == at.CANCELLING:
        end_order(k, side, rules, ladder, flight, state)
        find_best_of(side, flight, cell, state)
    else:
        state[at.LATE_CANCELS] += 1
        cool(slot, flight, state)
    react(k, now, rules, ladder, cell, flight, state)


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


def arrive_order(
    k: int,
    side: int,
    now: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let an order rest, take, or be refused."""
    slot = at.FLIGHT * k + at.SLOT * side
    price = ladder[at.PRICES][k + side]
    need = 0
    if side == cells.BUYING:
        need = flight[slot + at.LEFT] * price * rules[at.NOTIONAL_UNIT]
    is_full = rules[at.MAX_OPEN] > 0 and state[at.RESTING] >= rules[at.MAX_OPEN]
    is_through = state[at.LAST] > price if side == cells.SELLING else state[at.LAST] < price
    if is_full or need > state[at.FREE]:
        refuse(k, side, now, is_full, cell, flight, state)
    elif flight[slot + at.TAKES] == 0 and (is_through or meets_own(side, price, ladder, cell, state)):
        state[at.REFUSALS] += 1
        flight[slot + at.TAKING] = flight[slot + at.ORDER_CYCLE] + 1
        flight[slot + at.STAGE] = at.NO_ORDER
    else:
        state[at.FREE] -= need
        state[at.RESTING] += 1
        flight[slot + at.STAGE] = at.RESTS_NOW
        if not is_through:
            if side == cells.BUYING:
                state[at.BEST_BUY] = max(state[at.BEST_BUY], k)
            else:
                state[at.BEST_SELL] = min(state[at.BEST_SELL], k)
        if flight[slot + at.TAKES] == 1:
            react(k, now, rules, ladder, cell, flight, state)
            if is_through or meets_own(side, price, ladder, cell, state):
                prevent_own(side, now, rules, ladder, cell, flight, state)
            if is_through:
                lots = flight[slot + at.LEFT]
                fill_late(k, side, state[at.LAST], lots, at.TAKER, now, rules, ladder, cell, flight, state, fills)
                return
    react(k, now, rules, ladder, cell, flight, state)


def meets_own(side: int, price: int, ladder: Wide, cell: Table, state: Ints) -> bool:
    """Tell whether an order of the account rests on the other side just where the last print and this order stand."""
    if state[at.LAST] != price:
        return False
    if side == cells.BUYING:
        return state[at.BEST_SELL] < len(cell[at.SIDE]) and ladder[at.PRICES][state[at.BEST_SELL] + 1] == price
    return state[at.BEST_BUY] >= 0 and ladder[at.PRICES][state[at.BEST_BUY]] == price


def prevent_own(side: int, now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> None:
    """End an order of the account that rests where the last print was, for its own taker would meet it there."""
    other = 1 - side
    k = state[at.BEST_SELL] if side == cells.BUYING else state[at.BEST_BUY]
    if not 0 <= k < len(cell[at.SIDE]) or ladder[at.PRICES][k + other] != state[at.LAST]:
        return
    end_order(k, other, rules, ladder, flight, state)
    find_best_of(other, flight, cell, state)
    cool(at.FLIGHT * k + at.SLOT * other, flight, state)
    react(k, now, rules, ladder, cell, flight, state)


def refuse(k: int, side: int, now: int, is_full: bool, cell: Table, flight: Column, state: Column) -> None:
    """Refuse an order that cannot be paid, or is one too many: it is tried again later, then given up."""
    slot = at.FLIGHT * k + at.SLOT * side
    flight[slot + at.STAGE] = at.NO_ORDER
    if flight[slot + at.REFUSED] == 0 or flight[slot + at.REFUSED_CYCLE] != flight[slot + at.ORDER_CYCLE]:
        flight[slot + at.REFUSED] = 0
        if not is_full:
            state[at.UNPAID_EVER] += 1
    flight[slot + at.REFUSED] += 1
    flight[slot + at.REFUSED_CYCLE] = flight[slot + at.ORDER_CYCLE]
    flight[slot + at.AGAIN] = now + (1_000 << flight[slot + at.REFUSED])
    fault = at.BUY_FAULTED if side == cells.BUYING else at.SELL_FAULTED
    if flight[slot + at.REFUSED] >= at.MOST_REFUSALS and cell[at.BLOCKED][k] & fault == 0:
        cell[at.BLOCKED][k] |= fault
        state[at.FAULTED] += 1


def find_best_of(side: int, flight: Ints, cell: Table, state: Column) -> None:
    """Find the best order of a side that rests, from the best one known before."""
    count = len(cell[at.SIDE])
    if side == cells.BUYING:
        k = state[at.BEST_BUY]
        while k >= 0 and flight[at.FLIGHT * k + at.STAGE] < at.RESTS_NOW:
            k -= 1
        state[at.BEST_BUY] = k
    else:
        k = state[at.BEST_SELL]
        while k < count and flight[at.FLIGHT * k + at.SLOT + at.STAGE] < at.RESTS_NOW:
            k += 1
        state[at.BEST_SELL] = k


def fill_late(
    k: int,
    side: int,
    price: int,
    lots: int,
    rates: int,
    now: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    state: Column,
    fills: Column,
) -> None:
    """Fill `lots` of the order that rests in a slot, and let the grid react."""
    slot = at.FLIGHT * k + at.SLOT * side
    bought = side == cells.BUYING
    change = settle(now, k, bought, price, lots, rates, rules, state, fills)
    if bought:
        fee = lots * rules[at.LOT_UNITS] - change
        if rates == at.TAKER:
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
    react(k, now, rules, ladder, cell, flight, state)


def print_on_late_buys(
    price: int,
    lots: int,
    now: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    state: Column,
    fills: Column,
) -> None:
    """Fill the resting buys that a print reaches, highest first."""
    k = state[at.BEST_BUY]
    while k >= 0 and ladder[at.PRICES][k] >= price:
        slot = at.FLIGHT * k
        if flight[slot + at.STAGE] >= at.RESTS_NOW:
            part = flight[slot + at.LEFT]
            if ladder[at.PRICES][k] == price:
                part = min(part, lots)
            if part > 0:
                own = ladder[at.PRICES][k]
                fill_late(k, cells.BUYING, own, part, at.MAKER, now, rules, ladder, cell, flight, state, fills)
        k -= 1
    find_best_of(cells.BUYING, flight, cell, state)


def print_on_late_sells(
    price: int,
    lots: int,
    now: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    flight: Column,
    state: Column,
    fills: Column,
) -> None:
    """Fill the resting sells that a print reaches, lowest first."""
    k = state[at.BEST_SELL]
    while k < len(cell[at.SIDE]) and ladder[at.PRICES][k + 1] <= price:
        slot = at.FLIGHT * k + at.SLOT
        if flight[slot + at.STAGE] >= at.RESTS_NOW:
            part = flight[slot + at.LEFT]
            if ladder[at.PRICES][k + 1] == price:
                part = min(part, lots)
            if part > 0:
                own = ladder[at.PRICES][k + 1]
                fill_late(k, cells.SELLING, own, part, at.MAKER, now, rules, ladder, cell, flight, state, fills)
        k += 1
    find_best_of(cells.SELLING, flight, cell, state)
