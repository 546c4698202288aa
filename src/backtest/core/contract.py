"""What a contract has that spot has not: cells that borrow, margin instead of balances, funding, liquidation.

By the simulator's rules (`simulator.um.core`), in one-way mode. The grid's own decision is that of spot: an order that
brings a cell into position is its entry, be it a purchase or, where the cell borrows, a sale.

The mark price is that of the trades: a print fills, the grid reacts, then the price is looked at. Whether a position is
liquidated follows from integers alone: maintenance margin is rounded down to a unit of money, which never changes what
a whole number of units is compared with.
"""

from backtest.core import layout as at
from backtest.core.layout import Column, Ints, Table, Tape, Wide
from grid.core import cells

# Compiled, spot's form of this text knows no contract. Plainly it is asked every time.
MAYBE_CONTRACT = True


def is_contract(rules: Ints) -> bool:
    """Tell whether a contract is traded."""
    return MAYBE_CONTRACT and rules[at.CONTRACT] == 1


def borrows(k: int, rules: Ints) -> bool:
    """Tell whether cell `k` sells before it buys."""
    return MAYBE_CONTRACT and rules[at.CONTRACT] == 1 and k >= rules[at.BORROWS_FROM]


def in_position(k: int, rules: Ints, cell: Table) -> int:
    """Return what cell `k` holds, or owes, in 1e-8."""
    if borrows(k, rules):
        return cell[at.LOTS][k] * rules[at.LOT_UNITS] - cell[at.HELD][k]
    return cell[at.HELD][k]


def divide_up(numerator: int, denominator: int) -> int:
    """Return the quotient rounded up."""
    return -(-numerator // denominator)


def share_of(amount: int, part: int, whole: int) -> int:
    """Return amount x part / whole, rounded half up; parts are lots, whose squares fit."""
    return amount // whole * part + (2 * (amount % whole) * part + whole) // (2 * whole)


def share_up(amount: int, part: int, whole: int) -> int:
    """Return amount x part / whole, rounded up."""
    return amount // whole * part + divide_up(amount % whole * part, whole)


def value_of(price: int, lots: int, rules: Ints) -> int:
    """Return what lots are worth, in 1e-8."""
    return price * lots * rules[at.CAP_NUM] // rules[at.CAP_DEN]


def change_position(bought: bool, price: int, lots: int, fee: int, before: int, rules: Ints, state: Column) -> None:
    """Move margin with a fill, as `simulator.um.core.settlement` has it; `before` is the position in lots then.

    What crosses through zero closes first. The fee is paid by the isolated wallet where the fill only closes.
    """
    size = abs(before)
    closing = min(lots, size) if (before < 0) == bought else 0
    if closing > 0:
        paid = fee if closing == lots else 0
        released = share_of(state[at.COST], closing, size)
        realized = value_of(price, closing, rules) - released
        realized = -realized if bought else realized
        state[at.COST] -= released
        if rules[at.ISOLATED] == 1:
            balance = state[at.SET_ASIDE] + realized - paid
            stays = 0
            if closing < size:
                stays = min(share_up(state[at.SET_ASIDE], size - closing, size), balance)
            state[at.SET_ASIDE] = stays
            state[at.CROSS] += balance - stays
        else:
            state[at.CROSS] += realized - paid
        fee -= paid
    state[at.CROSS] -= fee
    if lots > closing:
        value = value_of(price, lots - closing, rules)
        state[at.COST] += value
        if rules[at.ISOLATED] == 1:
            margin = min(divide_up(value, rules[at.LEVERAGE]), max(state[at.CROSS], 0))
            state[at.SET_ASIDE] += margin
            state[at.CROSS] -= margin


def next_settlement(tape: Tape, state: Ints) -> int:
    """Return the moment of the next settlement of funding; above all moments without one."""
    place = state[at.NEXT_FUNDING]
    return tape.funding[place + at.SETTLED_AT] if place < len(tape.funding) else at.NOTHING


def settle_funding(moment: int, tape: Tape, rules: Ints, state: Column) -> None:
    """Let the position pay or get what was settled up to a moment, before its print; half up to 1e-8."""
    while next_settlement(tape, state) <= moment:
        place = state[at.NEXT_FUNDING]
        state[at.NEXT_FUNDING] += at.FUNDING_WIDTH
        lots = state[at.BASE] // rules[at.LOT_UNITS]
        size = abs(lots)
        low = size * tape.funding[place + at.PER_LOT_LOW]
        high = size * tape.funding[place + at.PER_LOT_HIGH] + low // at.EIGHT_DIGITS
        amount = size * tape.funding[place + at.PER_LOT] + (high + at.EIGHT_DIGITS // 2) // at.EIGHT_DIGITS
        if (lots > 0) == (tape.funding[place + at.LONGS_PAY] > 0):
            amount = -amount
        state[at.FUNDING] += amount
        state[at.CASH] += amount * rules[at.FEE_UNIT]
        if rules[at.ISOLATED] == 1:
            state[at.SET_ASIDE] += amount
        else:
            state[at.CROSS] += amount


def backing(rules: Ints, state: Ints) -> int:
    """Return what the position's margin balance is where its base is worth nothing, in units."""
    if rules[at.ISOLATED] == 0:
        return state[at.CASH]
    cost = state[at.COST] if state[at.BASE] > 0 else -state[at.COST]
    return (state[at.SET_ASIDE] - cost) * rules[at.FEE_UNIT]


def is_exhausted(price: int, held: int, brackets: Ints, rules: Ints, state: Ints) -> bool:
    """Tell whether the maintenance margin of the position reaches its margin balance at a mark price."""
    worth = state[at.BASE] * rules[at.BASE_UNIT] * price
    notional = abs(worth)
    place = 0
    while place + at.BRACKET_WIDTH < len(brackets) and notional > brackets[place + at.CAP]:
        place += at.BRACKET_WIDTH
    rate = brackets[place + at.RATE_PPM]
    maintenance = notional // at.PPM * rate + notional % at.PPM * rate // at.PPM
    return held + worth + brackets[place + at.DEDUCTION] <= maintenance


def look_ahead(brackets: Ints, rules: Ints, state: Column) -> None:
    """Find the prices at which the position is liquidated, by halving: it is at all beyond, and at none before."""
    state[at.FALLS_TO] = -1
    state[at.RISES_TO] = at.NOTHING
    if state[at.BASE] == 0:
        return
    held = backing(rules, state)
    sound = state[at.LAST]
    if is_exhausted(sound, held, brackets, rules, state):
        state[at.FALLS_TO if state[at.BASE] > 0 else at.RISES_TO] = sound
        return
    if state[at.BASE] > 0:
        fallen = 0
        if not is_exhausted(fallen, held, brackets, rules, state):
            return
    else:
        fallen = max(held // (-state[at.BASE] * rules[at.BASE_UNIT]), sound) + 1
    while abs(sound - fallen) > 1:
        middle = (sound + fallen) // 2
        if is_exhausted(middle, held, brackets, rules, state):
            fallen = middle
        else:
            sound = middle
    state[at.FALLS_TO if state[at.BASE] > 0 else at.RISES_TO] = fallen


def is_beyond(low: int, high: int, state: Ints) -> bool:
    """Tell whether prices between these liquidate the position."""
    return low <= state[at.FALLS_TO] or high >= state[at.RISES_TO]


def liquidate(price: int, moment: int, rules: Ints, cell: Table, state: Column) -> None:
    """End the position and the grid: the insurance fund takes it at the bankruptcy price, the fee takes what is left.

    So an isolated position costs what was set aside for it, under cross margin the whole wallet goes.
    """
    if rules[at.ISOLATED] == 1:
        state[at.LOST] = state[at.SET_ASIDE]
        state[at.CASH] = state[at.CROSS] * rules[at.FEE_UNIT]
    else:
        state[at.LOST] = state[at.CROSS]
        state[at.CASH] = 0
        state[at.CROSS] = 0
    state[at.SET_ASIDE] = 0
    state[at.COST] = 0
    state[at.BASE] = 0
    state[at.LIQUIDATED_AT] = moment + 1
    state[at.LIQUIDATED_AT_PRICE] = price
    state[at.CLOSE_LOTS] = 0
    state[at.WATCH_LOW] = -1
    state[at.WATCH_HIGH] = at.NOTHING
    state[at.FALLS_TO] = -1
    state[at.RISES_TO] = at.NOTHING
    for k in range(len(cell[at.SIDE])):
        cell[at.SIDE][k] = cells.UNUSED
        cell[at.RESTS][k] = 0
        cell[at.FIRST][k] = 0
        cell[at.HELD][k] = cell[at.LOTS][k] * rules[at.LOT_UNITS] if borrows(k, rules) else 0
    state[at.BEST_BUY] = -1
    state[at.BEST_SELL] = len(cell[at.SIDE])


def note_margin(price: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Note where what rests, and what is held, needs more initial margin than there is at a price.

    By the venue's rule max(|position + buys|, |position - sells|) / leverage. Orders that are refused for that are not
    replayed.
    """
    buys = 0
    sells = 0
    for k in range(len(cell[at.SIDE])):
        if cell[at.SIDE][k] == cells.BUYING:
            buys += cell[at.RESTS][k] * ladder[at.PRICES][k]
        else:
            sells += cell[at.RESTS][k] * ladder[at.PRICES][k + 1]
    worth = state[at.BASE] * rules[at.BASE_UNIT] * price
    most = max(abs(worth + buys * rules[at.NOTIONAL_UNIT]), abs(worth - sells * rules[at.NOTIONAL_UNIT]))
    there = state[at.CASH] + worth
    if rules[at.ISOLATED] == 1:
        most -= abs(worth)
        there = state[at.CROSS] * rules[at.FEE_UNIT]
    if divide_up(most, rules[at.LEVERAGE]) > there:
        state[at.MARGIN_SHORT] += 1
