"""Orders at rest: what each cell wants, can pay and may send, and what a fill makes of it."""

from backtest.core import layout as at
from backtest.core.contract import borrows, in_position, is_contract
from backtest.core.fills import settle
from backtest.core.layout import Column, Ints, Table, Wide
from grid.core import cells, reinvest


def place(k: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Let rest what cell `k` wants and nothing else."""
    want = cell[at.WANT_LOTS][k]
    buys = cell[at.SIDE][k] == cells.BUYING
    if cell[at.RESTS][k] == want:
        return
    if cell[at.RESTS][k] > 0:
        cancel(k, buys, rules, ladder, cell, state)
    if want == 0 or is_faulted(k, buys, rules, cell, state):
        return
    need = want * cell[at.WANT_PRICE][k] * rules[at.NOTIONAL_UNIT]
    if buys != borrows(k, rules) and not is_paid(k, need, rules, ladder, cell, state):
        return
    if buys:
        state[at.BEST_BUY] = max(state[at.BEST_BUY], k)
    else:
        state[at.BEST_SELL] = min(state[at.BEST_SELL], k)
    cell[at.RESTS][k] = want


def is_faulted(k: int, buys: bool, rules: Ints, cell: Table, state: Column) -> bool:
    """Tell whether the venue's minimum keeps the slot from ever sending again, as `orders.placing` has it."""
    fault = at.BUY_FAULTED if buys else at.SELL_FAULTED
    want = cell[at.WANT_LOTS][k]
    is_known = cell[at.BLOCKED][k] & fault != 0
    if not is_known and (want * cell[at.WANT_PRICE][k] < rules[at.MIN_NOTIONAL] or want < rules[at.MIN_LOTS]):
        cell[at.BLOCKED][k] |= fault
        state[at.FAULTED] += 1
        is_known = True
    return is_known


def is_paid(k: int, need: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> bool:
    """Lock what an entry needs; where the limit or the free balance leaves less, note that it waits and for which.

    On a contract nothing is locked: what an order needs there is told by `contract.note_margin`.
    """
    waits = cell[at.BLOCKED][k] & at.UNPAID_ORDER != 0
    is_over = is_over_limit(need, rules, ladder, cell, state)
    if is_over or (state[at.FREE] < need and not is_contract(rules)):
        if not waits:
            cell[at.BLOCKED][k] |= at.UNPAID_ORDER
            state[at.UNPAID] += 1
            if is_over:
                state[at.OVER_LIMIT_EVER] += 1
            else:
                state[at.UNPAID_EVER] += 1
        return False
    if waits:
        cell[at.BLOCKED][k] -= at.UNPAID_ORDER
        state[at.UNPAID] -= 1
    state[at.FREE] -= need
    return True


def is_over_limit(need: int, rules: Ints, ladder: Wide, cell: Table, state: Ints) -> bool:
    """Tell whether a buy would lift what the account has at risk above the limit, as `risk.gate.judge` has it."""
    limit = rules[at.MAX_EXPOSURE]
    return limit >= 0 and state[at.OTHERS_AT_RISK] + at_risk(rules, ladder, cell, state) + need > limit


def at_risk(rules: Ints, ladder: Wide, cell: Table, state: Ints) -> int:
    """Return what the grid has at risk: its resting buys, and what it holds at what that cost."""
    if is_contract(rules):
        return contract_at_risk(rules, ladder, cell, state)
    orders = 0
    cost = state[at.KEPT] * state[at.FIRST_PRICE]
    for k in range(len(cell[at.SIDE])):
        price = ladder[at.PRICES][k]
        if cell[at.SIDE][k] == cells.BUYING:
            orders += cell[at.RESTS][k] * price
        first = cell[at.FIRST][k]
        cost += (cell[at.HELD][k] - first) * price + first * state[at.FIRST_PRICE]
    return orders * rules[at.NOTIONAL_UNIT] + cost * rules[at.BASE_UNIT]


def contract_at_risk(rules: Ints, ladder: Wide, cell: Table, state: Ints) -> int:
    """Return what a grid on a contract has at risk: its resting entries, and its position at what that cost."""
    orders = 0
    cost = 0
    for k in range(len(cell[at.SIDE])):
        owes = borrows(k, rules)
        price = ladder[at.PRICES][k + 1] if owes else ladder[at.PRICES][k]
        if (cell[at.SIDE][k] == cells.BUYING) != owes:
            orders += cell[at.RESTS][k] * price
        first = cell[at.FIRST][k]
        value = (in_position(k, rules, cell) - first) * price + first * state[at.FIRST_PRICE]
        cost += -value if owes else value
    return orders * rules[at.NOTIONAL_UNIT] + abs(cost) * rules[at.BASE_UNIT]


def cancel(k: int, buys: bool, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Take the order of cell `k` off the book."""
    if buys:
        state[at.FREE] += cell[at.RESTS][k] * ladder[at.PRICES][k] * rules[at.NOTIONAL_UNIT]
    cell[at.RESTS][k] = 0


def rethink(k: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Bring the order of cell `k`, and that of the cell above if it waits for it, to what they want."""
    place_wanted(k, rules, ladder, cell, state)
    if k + 1 < len(cell[at.SIDE]) and cell[at.SIDE][k + 1] == cells.BUYING:
        place_wanted(k + 1, rules, ladder, cell, state)


def rethink_all(rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Bring the orders of all cells to what they want, the lowest first: the order in which the gate is asked live."""
    for k in range(len(cell[at.SIDE])):
        place_wanted(k, rules, ladder, cell, state)


def place_wanted(k: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Bring the order of cell `k` to what it wants."""
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
    place(k, rules, ladder, cell, state)


def fill_rung(
    k: int,
    bought: bool,
    price: int,
    lots: int,
    rates: int,
    moment: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    state: Column,
    fills: Column,
) -> bool:
    """Fill `lots` of the order of cell `k`; return whether the cell turned round."""
    if is_contract(rules) and bought != borrows(k, rules) and state[at.BASE] != 0 and bought != (state[at.BASE] > 0):
        state[at.MIXED] = 1
    change = settle(moment, k, bought, price, lots, rates, rules, state, fills)
    if bought != borrows(k, rules):
        fee = lots * rules[at.LOT_UNITS] - abs(change)
        if rates == at.TAKER:
            cell[at.FIRST][k] += abs(change)
            state[at.FIRST_FEE] += fee
            state[at.FREE] += (ladder[at.PRICES][k] - price) * lots * rules[at.NOTIONAL_UNIT]
        else:
            cell[at.FEE_BASE][k] += fee
    else:
        match_first(k, lots * rules[at.LOT_UNITS], rules, cell)
    cell[at.RESTS][k] -= lots
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
    if turned:
        if cell[at.RESTS][k] > 0:
            cancel(k, bought, rules, ladder, cell, state)
        if bought == borrows(k, rules):
            state[at.CYCLES] += 1
    if rules[at.SALE_PPM] > 0 and bought == borrows(k, rules):
        reinvest_exit(k, lots, turned, rules, ladder, cell)
    return turned


def reinvest_exit(k: int, lots: int, turned: bool, rules: Ints, ladder: Wide, cell: Table) -> None:
    """Book what an exit of cell `k` gained, and let the cell hold more once its cycle is complete."""
    reinvest.gained(k, lots, rules[at.SALE_PPM], rules[at.COST_PPM], ladder[at.PRICES], cell[at.CARRY])
    if turned:
        reinvest.grow(
            k,
            borrows(k, rules),
            rules[at.COST_PPM],
            rules[at.GROWTH_ASIDE],
            ladder[at.PRICES],
            rules[at.LOT_UNITS],
            cell[at.MOST],
            cell[at.LOTS],
            cell[at.CARRY],
            cell[at.HELD],
        )


def match_first(k: int, sold: int, rules: Ints, cell: Table) -> None:
    """Count down what an exit of cell `k` takes of the base bought, or sold short, at FIRST_PRICE.

    First in, first out: a cell that began without position bought it before anything else of its own. One for which
    the first trade was made sells its own purchases first and then, as the books do with what a lane lacks, from the
    oldest lot of all, the first trade's.
    """
    first = cell[at.FIRST][k]
    if first > 0:
        if (k >= rules[at.GAP]) != borrows(k, rules):
            own = in_position(k, rules, cell) - first
            cell[at.FIRST][k] = first - max(sold - own, 0)
        else:
            cell[at.FIRST][k] = max(first - sold, 0)


def retry_unpaid(rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Try the orders again that the balance did not pay, or the limit did not allow."""
    for k in range(len(cell[at.SIDE])):
        if cell[at.BLOCKED][k] & at.UNPAID_ORDER:
            if cell[at.WANT_LOTS][k] == 0 or (cell[at.SIDE][k] == cells.BUYING) == borrows(k, rules):
                cell[at.BLOCKED][k] -= at.UNPAID_ORDER
                state[at.UNPAID] -= 1
            place(k, rules, ladder, cell, state)


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
