"""Orders under way: what the grid sends, when it may, and what it learns, as the live desk has it.

A *slot* is one side of a cell, a *request* the placement or the cancel of its order. Each takes the same time to the
venue, so requests arrive in the order in which they were sent: they form one list, linked through `flight`. What the
venue says comes back at once, for the time of both ways is one assumption.

After every piece of news the grid aims anew, as `orders.desk` does: it cancels what is not wanted any more, and places
what is wanted where the slot is free, no cancel of that side is under way, the slot does not wait for the timer
(a cancel that came too late, an order that self-trade prevention ended), and the gate's order rate is not used up.
"""

from backtest.core import layout as at
from backtest.core.layout import Column, Ints, Table, Wide
from backtest.core.orders import is_faulted
from grid.core import cells

PLACEMENT = 0
CANCEL = 1
NO_CELL = -1
EVERY_CELL = -2


def send(k: int, side: int, kind: int, now: int, rules: Ints, flight: Column, state: Column) -> None:
    """Let a request leave."""
    slot = at.FLIGHT * k + at.SLOT * side
    flight[slot + at.DUE + kind] = now + rules[at.LATENCY]
    flight[slot + at.FOLLOWING + kind] = -1
    request = 4 * k + 2 * side + kind
    if state[at.HEAD] < 0:
        state[at.HEAD] = request
    else:
        last = state[at.TAIL]
        flight[at.FLIGHT * (last // 4) + at.SLOT * (last // 2 % 2) + at.FOLLOWING + last % 2] = request
    state[at.TAIL] = request


def next_request_due(flight: Ints, state: Ints) -> int:
    """Return when the first request under way arrives, ms; above all times without one."""
    head = state[at.HEAD]
    if head < 0:
        return at.NOTHING
    return flight[at.FLIGHT * (head // 4) + at.SLOT * (head // 2 % 2) + at.DUE + head % 2]


def take_request(flight: Ints, state: Column) -> int:
    """Return the first request under way, which there must be, and take it off the list."""
    head = state[at.HEAD]
    state[at.HEAD] = flight[at.FLIGHT * (head // 4) + at.SLOT * (head // 2 % 2) + at.FOLLOWING + head % 2]
    return head


def react(k: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column) -> None:
    """Aim after news of cell `k`: on it and the one above, which may wait for it.

    Where an order waits for another cell's news or for time, where not all may rest, and for k = EVERY_CELL, on all.
    """
    first = k
    until = min(k + 2, len(cell[at.SIDE]))
    looks_at_all = rules[at.RESTING_LEVELS] > 0 or rules[at.POST_ONLY] == 1
    if state[at.WITHHELD] == 1 or k == EVERY_CELL or looks_at_all:
        state[at.WITHHELD] = 0
        state[at.TIMED] = 0
        first = 0
        until = len(cell[at.SIDE])
    aim(first, until, state[at.NOW], rules, ladder, cell, flight, state)


def aim(
    first: int, until: int, now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column
) -> None:
    """Cancel and place what the cells [first, until) want otherwise, cancels first."""
    for k in range(first, until):
        cells.want_rung(
            k,
            ladder[at.PRICES],
            cell[at.LOTS],
            rules[at.LOT_UNITS],
            cell[at.SIDE],
            cell[at.FILLED],
            cell[at.HELD],
            cell[at.WANT_PRICE],
            cell[at.WANT_LOTS],
        )
    if rules[at.RESTING_LEVELS] > 0:
        keep_nearest(rules, cell, flight, state)
    for k in range(first, until):
        for side in range(2):
            drop_surplus(k, side, now, rules, ladder, cell, flight, state)
    for k in range(first, until):
        side = cell[at.SIDE][k]
        slot = at.FLIGHT * k + at.SLOT * side
        if cell[at.WANT_LOTS][k] == 0:
            flight[slot + at.WAITS] = 0
        elif flight[slot + at.STAGE] == at.NO_ORDER:
            place_if_free(k, side, now, rules, ladder, cell, flight, state)
    if rules[at.POST_ONLY] == 1:
        look_aside(ladder, cell, flight, state)
    keep_timer(state)


def keep_nearest(rules: Ints, cell: Table, flight: Ints, state: Column) -> None:
    """Want the orders alone that may rest, and count how many may be sent before any of the others has left."""
    lowest = cells.lowest_buy(cell[at.SIDE], cell[at.WANT_LOTS], rules[at.RESTING_LEVELS])
    highest = cells.highest_sell(cell[at.SIDE], cell[at.WANT_LOTS], rules[at.RESTING_LEVELS])
    room = rules[at.MAX_OPEN]
    for k in range(len(cell[at.SIDE])):
        if (k < lowest and cell[at.SIDE][k] == cells.BUYING) or (k > highest and cell[at.SIDE][k] == cells.SELLING):
            cell[at.WANT_LOTS][k] = 0
        for side in range(2):
            room -= int(flight[at.FLIGHT * k + at.SLOT * side + at.STAGE] != at.NO_ORDER)
    state[at.ROOM] = room


def may_overlap(k: int, side: int, rules: Ints, cell: Table, flight: Ints, state: Ints) -> bool:
    """Tell whether an order may go while others of its side are to leave, as `orders.reconciler.Overlap` has it."""
    slot = at.FLIGHT * k + at.SLOT * side
    if rules[at.RESTING_LEVELS] == 0 or state[at.ROOM] <= 0:
        return False
    if flight[slot + at.REFUSED] > 0 and flight[slot + at.REFUSED_CYCLE] == cell[at.CYCLE][k]:
        return False
    nearer = range(k + 1, len(cell[at.SIDE])) if side == cells.BUYING else range(k)
    for j in nearer:
        other = at.FLIGHT * j + at.SLOT * side
        if flight[other + at.STAGE] == at.CANCELLING or flight[other + at.STUCK] == 1:
            return False
    return True


def drop_surplus(
    k: int, side: int, now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column
) -> None:
    """Send the cancel of an order that rests and is not just what is wanted, or may return to its rung."""
    slot = at.FLIGHT * k + at.SLOT * side
    stuck = 0
    if flight[slot + at.STAGE] == at.RESTS_NOW:
        wanted = cell[at.WANT_LOTS][k] if cell[at.SIDE][k] == side else 0
        may_return = is_beside(k, side, ladder, flight) and has_left(side, ladder[at.PRICES][k + side], state[at.LAST])
        if wanted == 0 or flight[slot + at.LEFT] != wanted or may_return:
            if flight[slot + at.COOLS] == 1:
                stuck = 1
            else:
                flight[slot + at.STAGE] = at.CANCELLING
                state[at.CANCELS + side] += 1
                send(k, side, CANCEL, now, rules, flight, state)
    state[at.STUCK_ORDERS + side] += stuck - flight[slot + at.STUCK]
    flight[slot + at.STUCK] = stuck


def place_if_free(
    k: int, side: int, now: int, rules: Ints, ladder: Wide, cell: Table, flight: Column, state: Column
) -> None:
    """Send what cell `k` wants, unless it has to wait or was given up."""
    slot = at.FLIGHT * k + at.SLOT * side
    leaving = state[at.CANCELS + side] + state[at.STUCK_ORDERS + side]
    if leaving > 0 and not may_overlap(k, side, rules, cell, flight, state):
        state[at.WITHHELD] = 1
        return
    state[at.ROOM] -= 1
    if flight[slot + at.WAITS] == at.FOR_PRICE:
        flight[slot + at.WAITS] = 0
    if flight[slot + at.COOLS] == 1:
        return
    if flight[slot + at.AGAIN] > now:
        state[at.WITHHELD] = 1
        state[at.TIMED] = 1
        return
    if is_faulted(k, side == cells.BUYING, rules, cell, state):
        return
    price = price_of(k, side, rules, ladder, cell, flight, state)
    if price == 0:
        flight[slot + at.WAITS] = at.FOR_PRICE
        return
    if side == cells.BUYING and is_refused_by_gate(k, price, now, rules, cell, flight, state):
        return
    flight[slot + at.PRICE] = price
    flight[slot + at.TRIED] = state[at.LAST]
    flight[slot + at.WAITS] = 0
    cycle = cell[at.CYCLE][k]
    flight[slot + at.STAGE] = at.UNDER_WAY
    flight[slot + at.LEFT] = cell[at.WANT_LOTS][k]
    flight[slot + at.ORDER_CYCLE] = cycle
    flight[slot + at.TAKES] = 0
    if flight[slot + at.TAKING] == cycle + 1:
        flight[slot + at.TAKES] = 1
    count_sent(now, rules, flight, state)
    send(k, side, PLACEMENT, now, rules, flight, state)


def price_of(k: int, side: int, rules: Ints, ladder: Wide, cell: Table, flight: Ints, state: Ints) -> int:
    """Return the price at which an order is to be sent, 0 where it waits for another, as `orders.repricing` has it."""
    slot = at.FLIGHT * k + at.SLOT * side
    rung = ladder[at.PRICES][k + side]
    count = flight[slot + at.BEHIND]
    if rules[at.POST_ONLY] == 0 or count == 0 or flight[slot + at.BEHIND_CYCLE] != cell[at.CYCLE][k]:
        return rung
    last = state[at.LAST]
    price = min(rung, last - 1) if side == cells.BUYING else max(rung, last + 1)
    if count >= at.MOST_AT_ONCE and flight[slot + at.TRIED] == last:
        return 0
    return price if cell[at.WANT_LOTS][k] * price >= rules[at.MIN_NOTIONAL] and price > 0 else 0


def is_beside(k: int, side: int, ladder: Wide, flight: Ints) -> bool:
    """Tell whether an order was sent elsewhere than at its rung."""
    return flight[at.FLIGHT * k + at.SLOT * side + at.PRICE] != ladder[at.PRICES][k + side]


def has_left(side: int, rung: int, last: int) -> bool:
    """Tell whether the price stands where a rung's order may rest again."""
    return last > rung if side == cells.BUYING else last < rung


def look_aside(ladder: Wide, cell: Table, flight: Ints, state: Column) -> None:
    """Count the orders whose fate depends on prices that fill nothing."""
    state[at.AIMED_AT] = state[at.LAST]
    count = 0
    for k in range(len(cell[at.SIDE])):
        for side in range(2):
            slot = at.FLIGHT * k + at.SLOT * side
            rests = flight[slot + at.STAGE] >= at.RESTS_NOW and is_beside(k, side, ladder, flight)
            count += int(rests or flight[slot + at.WAITS] == at.FOR_PRICE)
    state[at.ASIDE] = count


def is_heeded(price: int, ladder: Wide, cell: Table, flight: Ints, state: Ints) -> bool:
    """Tell whether a price lets an order return to its rung, or one be sent that waits for the price to move."""
    for k in range(len(cell[at.SIDE])):
        side = cell[at.SIDE][k]
        if side == cells.UNUSED:
            continue
        slot = at.FLIGHT * k + at.SLOT * side
        if flight[slot + at.WAITS] == at.FOR_PRICE and price != state[at.AIMED_AT]:
            return True
        rests = flight[slot + at.STAGE] == at.RESTS_NOW and is_beside(k, side, ladder, flight)
        if rests and cell[at.WANT_LOTS][k] > 0:
            rung = ladder[at.PRICES][k + side]
            if has_left(side, rung, price) and not has_left(side, rung, state[at.AIMED_AT]):
                return True
    return False


def is_refused_by_gate(k: int, price: int, now: int, rules: Ints, cell: Table, flight: Column, state: Column) -> bool:
    """Tell whether the gate lets the buy of cell `k` wait, and note for which of its limits."""
    waits = at.FLIGHT * k + at.WAITS
    need = cell[at.WANT_LOTS][k] * price * rules[at.NOTIONAL_UNIT]
    if is_over_limit_late(need, rules, cell, flight, state):
        state[at.WITHHELD] = 1
        if flight[waits] != at.FOR_LIMIT:
            flight[waits] = at.FOR_LIMIT
            state[at.OVER_LIMIT_EVER] += 1
        return True
    if is_rate_used_up(now, rules, flight, state):
        state[at.WITHHELD] = 1
        state[at.TIMED] = 1
        if flight[waits] != at.FOR_RATE:
            flight[waits] = at.FOR_RATE
            state[at.RATE_WAITS] += 1
        return True
    return False


def send_first_purchase(rules: Ints, cell: Table, flight: Column, totals: Ints, state: Column) -> None:
    """Send the first purchase, if limits and earlier refusals allow it now; else let it wait for the timer.

    Above the limit of exposure only another grid's news makes room for it.
    """
    now = state[at.NOW]
    need = rules[at.ENTRY_PRICE] * totals[cells.ENTRY_LOTS] * rules[at.NOTIONAL_UNIT]
    if now < state[at.ENTRY_AGAIN]:
        wait_for_timer(state)
    elif is_over_limit_late(need, rules, cell, flight, state):
        if state[at.WITHHELD] == 0:
            state[at.WITHHELD] = 1
            state[at.OVER_LIMIT_EVER] += 1
    elif is_rate_used_up(now, rules, flight, state):
        wait_for_timer(state)
    else:
        state[at.WITHHELD] = 0
        count_sent(now, rules, flight, state)
        state[at.ENTRY_DUE] = now + rules[at.LATENCY]


def wait_for_timer(state: Column) -> None:
    """Let the first purchase be tried again with the timer."""
    state[at.COOLING] = 1
    keep_timer(state)


def is_over_limit_late(need: int, rules: Ints, cell: Table, flight: Ints, state: Ints) -> bool:
    """Tell whether a buy would lift what the account has at risk above the limit, as `risk.gate.judge` has it."""
    limit = rules[at.MAX_EXPOSURE]
    return limit >= 0 and state[at.OTHERS_AT_RISK] + at_risk_late(rules, cell, flight, state) + need > limit


def at_risk_late(rules: Ints, cell: Table, flight: Ints, state: Ints) -> int:
    """Return what the grid has at risk: its buys, on their way or resting, and what it holds at what that cost."""
    orders = 0
    first = state[at.KEPT]
    for k in range(len(cell[at.SIDE])):
        if flight[at.FLIGHT * k + at.STAGE] != at.NO_ORDER:
            orders += flight[at.FLIGHT * k + at.LEFT] * flight[at.FLIGHT * k + at.PRICE]
        first += cell[at.FIRST][k]
    cost = state[at.OWN_COST] + first * state[at.FIRST_PRICE]
    return orders * rules[at.NOTIONAL_UNIT] + cost * rules[at.BASE_UNIT]


def is_rate_used_up(now: int, rules: Ints, flight: Ints, state: Ints) -> bool:
    """Tell whether the gate has no order left in its window, as `risk.gate.judge` has it."""
    most = rules[at.MAX_RATE]
    if most == 0 or state[at.SENT] < most:
        return False
    return now - flight[rules[at.SENT_AT] + state[at.SENT] % most] < at.RATE_MS


def count_sent(now: int, rules: Ints, flight: Column, state: Column) -> None:
    """Note when an order left."""
    if rules[at.MAX_RATE] > 0:
        flight[rules[at.SENT_AT] + state[at.SENT] % rules[at.MAX_RATE]] = now
    state[at.SENT] += 1


def keep_timer(state: Column) -> None:
    """Let the timer come where something waits for it: every TIMER_MS from the start."""
    if state[at.COOLING] == 0 and state[at.TIMED] == 0:
        state[at.TIMER_DUE] = 0
    elif state[at.TIMER_DUE] == 0:
        passed = max(state[at.SINCE] - state[at.BEGAN], 1)
        state[at.TIMER_DUE] = state[at.BEGAN] + (passed + at.TIMER_MS - 1) // at.TIMER_MS * at.TIMER_MS


def wake(since_ms: int, state: Column) -> None:
    """Let the timer come for what waits for room that another grid has made; it may be the next one from a time on."""
    if state[at.WITHHELD] == 1 and state[at.TIMER_DUE] == 0 and state[at.ENTRY_DUE] == 0:
        state[at.TIMED] = 1
        state[at.SINCE] = since_ms
        keep_timer(state)


def cool(slot: int, flight: Column, state: Column) -> None:
    """Let a slot wait for the timer."""
    state[at.COOLING] += 1 - flight[slot + at.COOLS]
    flight[slot + at.COOLS] = 1


def end_cooling(cell: Table, flight: Column, state: Column) -> None:
    """Let all slots go again."""
    for k in range(len(cell[at.SIDE])):
        flight[at.FLIGHT * k + at.COOLS] = 0
        flight[at.FLIGHT * k + at.SLOT + at.COOLS] = 0
    state[at.COOLING] = 0
