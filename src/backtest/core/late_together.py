"""Several grids on one account where orders travel: what happens next, of all grids, and whose turn it is.

Everything has its time. Of the same time requests arrive first, in the order of the grids, then timers come, in that
order too, then prices print. The account's free balance, the orders it sent and what it has at risk are those of the
moment: a grid whose order waits for room under the limit tries again with its timer once another grid has made some.
"""

from backtest.core import layout as at
from backtest.core.account import its_grid, lend_late, take_back_late, tape_of
from backtest.core.arrivals import happen
from backtest.core.flight import NO_CELL, next_request_due, react, wake
from backtest.core.late import begin_print, fill, go_on, time_after_open
from backtest.core.layout import Column, Grid, Grids, Ints, Tape, Tapes
from backtest.core.prints import price_at, print_lots
from backtest.core.views import Numbers

NOBODY = -1
NO_PRINT = -1


def play_late_step(step: int, steps: Numbers, tapes: Tapes, grids: Grids, wallet: Column) -> None:
    """Let the prices of a step print, and before each, and after the last, what is due by then happen."""
    count = len(grids.state)
    turns = count * grids.rules[0][at.POINTS]
    turn = 0
    until = 0
    while True:
        while turn < turns and steps[turn % count][step] < 0:
            turn += 1
        j = turn % count
        point = turn // count
        if turn < turns:
            until = tapes.times[tapes.starts[j] + steps[j][step]] + time_after_open(point, grids.rules[j])
        first = first_due(until, grids)
        if first != NOBODY:
            j = first
            point = NO_PRINT
        elif turn == turns:
            return
        else:
            turn += 1
        play_late_turn(j, point, until, max(steps[j][step], 0), tape_of(j, tapes), grids, wallet)


def first_due(until: int, grids: Grids) -> int:
    """Return the grid of the first request or timer due by then, NOBODY without one."""
    request_due = timer_due = until + 1
    of_request = of_timer = NOBODY
    for j in range(len(grids.state)):
        state = grids.state[j]
        due = state[at.ENTRY_DUE]
        if due == 0:
            due = next_request_due(grids.flight[at.FLIGHT * grids.starts[j] :], state)
            if 0 < state[at.TIMER_DUE] < timer_due:
                timer_due = state[at.TIMER_DUE]
                of_timer = j
        if due < request_due:
            request_due = due
            of_request = j
    return of_request if request_due <= timer_due else of_timer


def play_late_turn(j: int, point: int, now: int, i: int, tape: Tape, grids: Grids, wallet: Column) -> None:
    """Let a price of grid `j` print, or what is first due of it happen; then it reacts."""
    grid = its_grid(j, grids)
    rules, ladder, cell, totals, state, fills, flight = grid
    lend_late(rules, state, wallet)
    if point == NO_PRINT:
        is_timer = state[at.ENTRY_DUE] == 0 and state[at.TIMER_DUE] > 0
        is_timer = is_timer and state[at.TIMER_DUE] < next_request_due(flight, state)
        told = happen(rules, ladder, cell, flight, totals, state)
        note_timers(state[at.NOW], j if is_timer else NOBODY, wallet)
    else:
        if rules[at.BNB_MOVES] == 1:
            state[at.BNB_PRICE] = tape.bnb[i]
        price = price_at(point, i, tape.prices, rules)
        lots = print_lots(i, tape.volume, rules)
        told = begin_print(price, lots, now, rules, ladder, cell, flight, totals, state)
        note_timers(now, len(grids.state), wallet)
    while True:
        if state[at.FILL_LOTS] > 0:
            told = fill(rules, ladder, cell, flight, totals, state, fills)
        if told != NO_CELL:
            react(told, rules, ladder, cell, flight, state)
        if state[at.STEP] == at.IDLE:
            break
        told = go_on(rules, ladder, cell, flight, state)
    if take_back_late(grid, wallet):
        wake_others(j, grids, wallet)


def note_timers(now: int, last: int, wallet: Column) -> None:
    """Note the last grid whose timer of this moment came, or would have come if it had anything to do."""
    if wallet[at.WALLET_TIMERS_MS] < now:
        wallet[at.WALLET_TIMERS_MS] = now
        wallet[at.WALLET_TIMERS] = NOBODY
    wallet[at.WALLET_TIMERS] = max(wallet[at.WALLET_TIMERS], last)


def wake_others(j: int, grids: Grids, wallet: Ints) -> None:
    """Let the others' timers try what waits for room under the limit."""
    for k in range(len(grids.state)):
        if k != j:
            has_passed = int(k <= wallet[at.WALLET_TIMERS])
            wake(wallet[at.WALLET_TIMERS_MS] + has_passed, grids.state[k])


def is_under_way(state: Ints) -> bool:
    """Tell whether anything of a grid happens whatever the prices are."""
    return state[at.HEAD] >= 0 or state[at.ENTRY_DUE] > 0 or state[at.TIMER_DUE] > 0


def stand_at_close(i: int, tape: Tape, grid: Grid, wallet: Column) -> None:
    """Let the market stand where row `i` left it, be it that nobody looked at the row."""
    grid.state[at.LAST] = tape.prices[at.ROW_WIDTH * i + at.CLOSE]
    if grid.rules[at.BNB_MOVES] == 1:
        wallet[at.WALLET_BNB_PRICE] = tape.bnb[i]
