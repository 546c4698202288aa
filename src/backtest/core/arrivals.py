"""What arrives at the venue: orders, which rest, take or are refused, cancels, and between them the worker's timer.

The venue stands where its last print was: an order whose price that print went through would take, at the last print's
price, as much as it asks for. Post-only is refused then, and the next attempt is a plain limit order, or post-only
behind the price where rungs must not take, as live. An order refused for another reason is tried again after 2, 4, 8
and 16 seconds, then given up.
"""

from backtest.core import layout as at
from backtest.core.flight import (
    CANCEL,
    EVERY_CELL,
    NO_CELL,
    cool,
    end_cooling,
    next_request_due,
    send_first_purchase,
    take_request,
    wait_for_timer,
)
from backtest.core.layout import Column, Ints, Table, Wide
from backtest.core.resting import end_order, find_best_of, is_through, meets_own
from grid.core import cells


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
        return fire_timer(rules, cell, flight, totals, state)
    state[at.SINCE] = due + int(rules[at.LATENCY] == 0)
    request = take_request(flight, state)
    k = request // 4
    side = request // 2 % 2
    if request % 2 == CANCEL:
        arrive_cancel(k, side, rules, cell, flight, state)
    else:
        arrive_order(k, side, rules, ladder, cell, flight, state)
    return k


def fire_timer(rules: Ints, cell: Table, flight: Column, totals: Ints, state: Column) -> int:
    """Try what waited for the timer."""
    state[at.TIMER_DUE] = 0
    state[at.TIMED] = 0
    end_cooling(cell, flight, state)
    if state[at.ACTIVE] == 1:
        return EVERY_CELL
    send_first_purchase(rules, cell, flight, totals, state)
    return NO_CELL


def enter(rules: Ints, totals: Ints, state: Column) -> None:
    """Make the first purchase at the last print if it may cost that; else wait for the timer.

    What the account cannot pay is refused, and tried again later.
    """
    state[at.ENTRY_DUE] = 0
    missing = totals[cells.ENTRY_LOTS]
    if state[at.FREE] < rules[at.ENTRY_PRICE] * missing * rules[at.NOTIONAL_UNIT]:
        state[at.ENTRY_REFUSED] += 1
        state[at.ENTRY_AGAIN] = state[at.NOW] + (1_000 << state[at.ENTRY_REFUSED])
        if state[at.ENTRY_REFUSED] < at.MOST_REFUSALS:
            wait_for_timer(state)
        return
    if state[at.LAST] > rules[at.ENTRY_PRICE]:
        wait_for_timer(state)
        return
    state[at.FILL_CELL] = -1
    state[at.FILL_SIDE] = cells.BUYING
    state[at.FILL_PRICE] = state[at.LAST]
    state[at.FILL_LOTS] = missing
    state[at.FILL_RATES] = at.TAKER


def arrive_cancel(k: int, side: int, rules: Ints, cell: Table, flight: Column, state: Column) -> None:
    """Take an order off the book; a cancel that comes too late lets its slot wait for the timer."""
    slot = at.FLIGHT * k + at.SLOT * side
    if flight[slot + at.STAGE] == at.CANCELLING:
        end_order(k, side, rules, flight, state)
        find_best_of(side, flight, cell, state)
    else:
        state[at.LATE_CANCELS] += 1
        cool(slot, flight, state)


def arrive_order(k: int, side: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> None:
    """Let an order rest, and if it is a plain limit order maybe take, or refuse it."""
    slot = at.FLIGHT * k + at.SLOT * side
    price = flight[slot + at.PRICE]
    need = 0
    if side == cells.BUYING:
        need = flight[slot + at.LEFT] * price * rules[at.NOTIONAL_UNIT]
    is_full = rules[at.MAX_OPEN] > 0 and state[at.RESTING] >= rules[at.MAX_OPEN]
    if is_full or need > state[at.FREE]:
        refuse(k, side, is_full, cell, flight, state)
        return
    through = is_through(side, price, state)
    if flight[slot + at.TAKES] == 0 and (through or meets_own(side, price, rules, ladder, cell, flight, state)):
        state[at.REFUSALS] += 1
        note_taking(slot, rules, flight)
        flight[slot + at.STAGE] = at.NO_ORDER
        return
    state[at.FREE] -= need
    state[at.RESTING] += 1
    flight[slot + at.STAGE] = at.RESTS_NOW
    flight[slot + at.QUEUED] = state[at.ARRIVED]
    state[at.ARRIVED] += 1
    if flight[slot + at.TAKES] == 1:
        state[at.STEP] = at.ON_TAKER
        state[at.TAKER_CELL] = k
        state[at.TAKER_SIDE] = side
    if not through:
        if side == cells.BUYING:
            state[at.BEST_BUY] = max(state[at.BEST_BUY], k)
        else:
            state[at.BEST_SELL] = min(state[at.BEST_SELL], k)


def note_taking(slot: int, rules: Ints, flight: Column) -> None:
    """Note that an order would have taken: the next attempt may, or waits behind the market."""
    cycle = flight[slot + at.ORDER_CYCLE]
    if rules[at.POST_ONLY] == 0:
        flight[slot + at.TAKING] = cycle + 1
        return
    if flight[slot + at.BEHIND_CYCLE] != cycle:
        flight[slot + at.BEHIND] = 0
    flight[slot + at.BEHIND] += 1
    flight[slot + at.BEHIND_CYCLE] = cycle


def take_or_prevent(rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> int:
    """Let an order take that just arrived; what it would meet of the account's own is ended before."""
    k = state[at.TAKER_CELL]
    side = state[at.TAKER_SIDE]
    price = ladder[at.PRICES][k + side]
    if meets_own(side, price, rules, ladder, cell, flight, state):
        own = state[at.BEST_SELL] if side == cells.BUYING else state[at.BEST_BUY]
        end_order(own, 1 - side, rules, flight, state)
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
