"""The replay: candles in, fills and equity out, by the live grid's own decisions.

Like `grid.core.cells`, whose functions it calls, this text is written in the integer subset that CPython and numba
share. `backtest.compiled` compiles it over int64 arrays; over lists of Python's integers it runs plain, where int64
could overflow (`backtest.bounds`).

A candle becomes up to four *points*, each of them one print of the market, big enough for the fill assumption. A
print fills the orders it reaches, best price first, as the simulator's matching core does: orders whose limit it goes
through whole, the one at its price up to its quantity. Then the grid reacts before the next point. Outside orders do
not stand in its way: no queue but the fill assumption, no book but an offer at the print's price for the first
purchase, so that a rung which that price has passed already (post-only would be refused) takes at it.

Money is counted in `unit`s (Scales): 1e-8 of the quote times the greatest common divisor of the prices' steps, so
that every amount of a replay is whole. Base is counted in 1e-8, notionals in tick x lot.

What is skipped cannot matter: a block of candles whose lows and highs reach no resting order has no fill. Its equity
lies between those at its lowest and its highest close, so it is looked at only where it could reach a new peak.
"""

from collections.abc import MutableSequence, Sequence

from grid.core import cells

NOTHING = 1 << 60
"""A price above all, and a quantity that fills every order."""

# Places in `rules`, what a replay is told.
LOT_UNITS = 0  # 1e-8 of base per lot
MIN_NOTIONAL = 1  # tick x lot
MIN_LOTS = 2
GAP = 3
ENTRY_PRICE = 4  # ticks; the first purchase pays at most this
POINTS = 5  # prints per candle: 4, or 1 where a row is one trade
LONG_WAY = 6  # 1: visit the extremes in the order that makes the longer way
PRINT_LOTS = 7  # what a print can fill at its price, in lots; below 0: ask the volume column
INTERVAL_MS = 8
NOTIONAL_UNIT = 9  # units per tick x lot
BASE_UNIT = 10  # units per 1e-8 base and tick
FEE_UNIT = 11  # units per 1e-8 quote
CAP_NUM = 12  # 1e-8 quote per tick x lot, as a fraction: no commission is above what was received
CAP_DEN = 13
MAKER = 14  # six places of fractions, see FEE_*
TAKER = 20
PAYS_IN_BNB = 26
BNB_UNIT = 27  # units per 1e-8 BNB
CASH_LIMIT = 28  # units; beyond it int64 could overflow
RECORD = 29  # 1: write fills
CURVE = 30  # 1: write the equity curve
RULES = 31

# Places behind MAKER and TAKER: commission in 1e-8 as fractions of lots (in base) and of tick x lot (quote, BNB).
FEE_BASE_NUM = 0  # 0: no commission
FEE_BASE_DEN = 1
FEE_QUOTE_NUM = 2
FEE_QUOTE_DEN = 3
FEE_BNB_NUM = 4
FEE_BNB_DEN = 5

# Places in `state`, the numbers of the whole replay.
NEXT = 0  # candle to go on with
ACTIVE = 1  # 1: the rungs rest
FREE = 2  # quote that no order has locked, units
CASH = 3  # quote less what fees in BNB were worth, units
BASE = 4  # base of the whole account, 1e-8
BNB = 5  # 1e-8
BEST_BUY = 6  # cell of the highest resting buy, -1 without
BEST_SELL = 7  # cell of the lowest resting sell, number of cells without
UNPAID = 8  # orders wanted that the free balance does not pay
FILL_COUNT = 9
FILL_AT = 10  # next free place in `fills`
BUYS = 11
SELLS = 12
CYCLES = 13
FEE_QUOTE = 14  # 1e-8
FEE_BNB = 15  # 1e-8
FIRST_PRICE = 16  # ticks; what was bought before or as the rungs came to rest
FIRST_FEE = 17  # 1e-8 base, of those purchases
PEAK = 18  # units
PEAK_AT = 19
TROUGH = 20  # lowest equity since the peak
TROUGH_AT = 21
WORST_PEAK = 22  # of the deepest relative fall so far that a newer peak, or the end, has ended
WORST_PEAK_AT = 23
WORST_TROUGH = 24
WORST_TROUGH_AT = 25
LONGEST = 26  # candles from a peak to the next higher one
IN_RANGE = 27  # candles that closed within the ladder
UNPAID_EVER = 28
FAULTED = 29  # slots whose order is below the venue's minimum
STATE = 30

DONE = 0
FILLS_FULL = 1
TOO_LARGE = 2

# Rows of `cell`, the numbers of each cell.
SIDE = 0
FILLED = 1
HELD = 2  # base, 1e-8
CYCLE = 3
WANT_PRICE = 4
WANT_LOTS = 5
RESTS = 6  # lots of its order that rests
BLOCKED = 7  # why what it wants does not rest: UNPAID_ORDER, or BUY_FAULTED and SELL_FAULTED together
FIRST = 8  # base of it bought at FIRST_PRICE, 1e-8
FEE_BASE = 9  # paid in base for purchases at its rung, 1e-8
CELL = 10

UNPAID_ORDER = 1
BUY_FAULTED = 2
SELL_FAULTED = 4

# Rows of `ladder`.
PRICES = 0
LOTS = 1

# Rows of `market` and of `blocks`.
OPEN = 0
HIGH = 1
LOW = 2
CLOSE = 3
BLOCK_HIGH = 0
BLOCK_LOW = 1
BLOCK_TOP = 2  # highest close
BLOCK_BOTTOM = 3  # lowest close
BLOCK = 32  # candles

# Width of a fill in `fills`: time, cell, side, price, lots, commission, its asset.
FILL_WIDTH = 7
IN_BASE = 0
IN_QUOTE = 1
IN_BNB = 2

Ints = Sequence[int]
Column = MutableSequence[int]
Table = Sequence[MutableSequence[int]]
Wide = Sequence[Sequence[int]]


def half_up(amount: int, numerator: int, denominator: int) -> int:
    """Return amount x numerator / denominator, rounded half up."""
    return (2 * amount * numerator + denominator) // (2 * denominator)


def is_deeper(peak: int, trough: int, worst_peak: int, worst_trough: int) -> bool:
    """Tell whether (peak - trough) / peak > (worst_peak - worst_trough) / worst_peak, without overflow."""
    high, low = wide_product(peak - trough, worst_peak)
    worst_high, worst_low = wide_product(worst_peak - worst_trough, peak)
    return high > worst_high or (high == worst_high and low > worst_low)


def wide_product(a: int, b: int) -> tuple[int, int]:
    """Return the product of two numbers of at most 62 bits in two limbs of 62 bits."""
    half = (1 << 31) - 1
    a_high = a >> 31
    a_low = a & half
    b_high = b >> 31
    b_low = b & half
    low = a_low * b_low
    middle = a_high * b_low + (low >> 31)
    other = a_low * b_high + (middle & half)
    return a_high * b_high + (middle >> 31) + (other >> 31), ((other & half) << 31) | (low & half)


def commission(bought: bool, price: int, lots: int, rates: int, rules: Ints, state: Ints) -> tuple[int, int]:
    """Return the commission in 1e-8 and the asset it is taken in."""
    if rules[PAYS_IN_BNB] == 1:
        in_bnb = 0
        if rules[rates + FEE_BASE_NUM] > 0:
            in_bnb = max(half_up(price * lots, rules[rates + FEE_BNB_NUM], rules[rates + FEE_BNB_DEN]), 1)
        if state[BNB] >= in_bnb:
            return in_bnb, IN_BNB
    if bought:
        if rules[rates + FEE_BASE_NUM] == 0:
            return 0, IN_BASE
        fee = half_up(lots, rules[rates + FEE_BASE_NUM], rules[rates + FEE_BASE_DEN])
        return min(max(fee, 1), lots * rules[LOT_UNITS]), IN_BASE
    if rules[rates + FEE_BASE_NUM] == 0:
        return 0, IN_QUOTE
    fee = half_up(price * lots, rules[rates + FEE_QUOTE_NUM], rules[rates + FEE_QUOTE_DEN])
    return min(max(fee, 1), price * lots * rules[CAP_NUM] // rules[CAP_DEN]), IN_QUOTE


def settle(
    time_ms: int,
    k: int,
    bought: bool,
    price: int,
    lots: int,
    rates: int,
    rules: Ints,
    state: Column,
    fills: Column,
) -> int:
    """Move the money of one fill and write it down; return the signed change of base."""
    fee, asset = commission(bought, price, lots, rates, rules, state)
    amount = price * lots * rules[NOTIONAL_UNIT]
    change = lots * rules[LOT_UNITS]
    side = 0
    if bought:
        state[BUYS] += 1
        state[CASH] -= amount
    else:
        side = 1
        change = -change
        state[SELLS] += 1
        state[CASH] += amount
        state[FREE] += amount
    if asset == IN_BASE:
        change -= fee
    elif asset == IN_QUOTE:
        state[FEE_QUOTE] += fee
        state[CASH] -= fee * rules[FEE_UNIT]
        state[FREE] -= fee * rules[FEE_UNIT]
    else:
        state[FEE_BNB] += fee
        state[BNB] -= fee
        state[CASH] -= fee * rules[BNB_UNIT]
    state[BASE] += change
    state[FILL_COUNT] += 1
    if rules[RECORD] == 1:
        at = state[FILL_AT]
        fills[at] = time_ms
        fills[at + 1] = k
        fills[at + 2] = side
        fills[at + 3] = price
        fills[at + 4] = lots
        fills[at + 5] = fee
        fills[at + 6] = asset
        state[FILL_AT] = at + FILL_WIDTH
    return change


def place(k: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Let rest what cell `k` wants and nothing else."""
    want = cell[WANT_LOTS][k]
    buys = cell[SIDE][k] == cells.BUYING
    if cell[RESTS][k] == want:
        return
    if cell[RESTS][k] > 0:
        cancel(k, buys, rules, ladder, cell, state)
    if want == 0:
        return
    price = cell[WANT_PRICE][k]
    if want * price < rules[MIN_NOTIONAL] or want < rules[MIN_LOTS]:
        fault = BUY_FAULTED if buys else SELL_FAULTED
        if cell[BLOCKED][k] & fault == 0:
            cell[BLOCKED][k] |= fault
            state[FAULTED] += 1
    if cell[BLOCKED][k] & (BUY_FAULTED if buys else SELL_FAULTED):
        return
    if buys:
        need = want * price * rules[NOTIONAL_UNIT]
        if state[FREE] < need:
            if cell[BLOCKED][k] & UNPAID_ORDER == 0:
                cell[BLOCKED][k] |= UNPAID_ORDER
                state[UNPAID] += 1
                state[UNPAID_EVER] += 1
            return
        state[FREE] -= need
        state[BEST_BUY] = max(state[BEST_BUY], k)
    else:
        state[BEST_SELL] = min(state[BEST_SELL], k)
    if cell[BLOCKED][k] & UNPAID_ORDER:
        cell[BLOCKED][k] -= UNPAID_ORDER
        state[UNPAID] -= 1
    cell[RESTS][k] = want


def cancel(k: int, buys: bool, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Take the order of cell `k` off the book."""
    if buys:
        state[FREE] += cell[RESTS][k] * ladder[PRICES][k] * rules[NOTIONAL_UNIT]
    cell[RESTS][k] = 0


def rethink(k: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Bring the order of cell `k`, and that of the cell above if it waits for it, to what they want."""
    place_wanted(k, rules, ladder, cell, state)
    if k + 1 < len(cell[SIDE]) and cell[SIDE][k + 1] == cells.BUYING:
        place_wanted(k + 1, rules, ladder, cell, state)


def place_wanted(k: int, rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Bring the order of cell `k` to what it wants."""
    cells.want_rung(
        k,
        ladder[PRICES],
        ladder[LOTS],
        rules[LOT_UNITS],
        cell[SIDE],
        cell[FILLED],
        cell[HELD],
        cell[WANT_PRICE],
        cell[WANT_LOTS],
    )
    place(k, rules, ladder, cell, state)


def fill_rung(
    k: int,
    bought: bool,
    price: int,
    lots: int,
    rates: int,
    time_ms: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    state: Column,
    fills: Column,
) -> bool:
    """Fill `lots` of the order of cell `k`; return whether the cell turned round."""
    change = settle(time_ms, k, bought, price, lots, rates, rules, state, fills)
    if bought:
        fee = lots * rules[LOT_UNITS] - change
        if rates == TAKER:
            cell[FIRST][k] += change
            state[FIRST_FEE] += fee
            state[FREE] += (ladder[PRICES][k] - price) * lots * rules[NOTIONAL_UNIT]
        else:
            cell[FEE_BASE][k] += fee
    else:
        match_first(k, lots * rules[LOT_UNITS], rules, cell)
    cell[RESTS][k] -= lots
    turned = cells.book_rung_fill(
        k,
        bought,
        lots,
        change,
        ladder[PRICES],
        ladder[LOTS],
        rules[LOT_UNITS],
        rules[MIN_NOTIONAL],
        cell[SIDE],
        cell[FILLED],
        cell[HELD],
        cell[CYCLE],
    )
    if turned:
        if cell[RESTS][k] > 0:
            cancel(k, bought, rules, ladder, cell, state)
        if not bought:
            state[CYCLES] += 1
    return turned


def match_first(k: int, sold: int, rules: Ints, cell: Table) -> None:
    """Count down what a sale of cell `k` takes of the base bought at FIRST_PRICE.

    First in, first out: a cell below the gap bought it before anything else of its own. A cell above it sells its own
    purchases first and then, as the books do with what a lane lacks, from the oldest lot of all, the first purchase.
    """
    first = cell[FIRST][k]
    if first > 0:
        if k >= rules[GAP]:
            own = cell[HELD][k] - first
            cell[FIRST][k] = first - max(sold - own, 0)
        else:
            cell[FIRST][k] = max(first - sold, 0)


def retry_unpaid(rules: Ints, ladder: Wide, cell: Table, state: Column) -> None:
    """Try the orders again that the balance did not pay."""
    for k in range(len(cell[SIDE])):
        if cell[BLOCKED][k] & UNPAID_ORDER:
            if cell[WANT_LOTS][k] == 0 or cell[SIDE][k] != cells.BUYING:
                cell[BLOCKED][k] -= UNPAID_ORDER
                state[UNPAID] -= 1
            place(k, rules, ladder, cell, state)


def print_on_buys(
    price: int, lots: int, time_ms: int, rules: Ints, ladder: Wide, cell: Table, state: Column, fills: Column
) -> None:
    """Fill the resting buys that a print reaches, highest first, then react."""
    highest = state[BEST_BUY]
    k = highest
    while k >= 0 and ladder[PRICES][k] >= price:
        if cell[SIDE][k] == cells.BUYING and cell[RESTS][k] > 0:
            part = cell[RESTS][k]
            if ladder[PRICES][k] == price:
                part = min(part, lots)
                if part == 0:
                    break
            fill_rung(k, True, ladder[PRICES][k], part, MAKER, time_ms, rules, ladder, cell, state, fills)
        k -= 1
    for j in range(highest, max(k - 1, -1), -1):
        rethink(j, rules, ladder, cell, state)
    k = max(highest, state[BEST_BUY])
    while k >= 0 and not (cell[SIDE][k] == cells.BUYING and cell[RESTS][k] > 0):
        k -= 1
    state[BEST_BUY] = k


def print_on_sells(
    price: int, lots: int, time_ms: int, rules: Ints, ladder: Wide, cell: Table, state: Column, fills: Column
) -> None:
    """Fill the resting sells that a print reaches, lowest first, then react."""
    count = len(cell[SIDE])
    lowest = state[BEST_SELL]
    k = lowest
    while k < count and ladder[PRICES][k + 1] <= price:
        if cell[SIDE][k] == cells.SELLING and cell[RESTS][k] > 0:
            part = cell[RESTS][k]
            if ladder[PRICES][k + 1] == price:
                part = min(part, lots)
                if part == 0:
                    break
            fill_rung(k, False, ladder[PRICES][k + 1], part, MAKER, time_ms, rules, ladder, cell, state, fills)
        k += 1
    for j in range(lowest, min(k + 1, count)):
        rethink(j, rules, ladder, cell, state)
    k = min(lowest, state[BEST_SELL])
    while k < count and not (cell[SIDE][k] == cells.SELLING and cell[RESTS][k] > 0):
        k += 1
    state[BEST_SELL] = k


def activate(
    price: int, time_ms: int, rules: Ints, ladder: Wide, cell: Table, totals: Column, state: Column, fills: Column
) -> None:
    """Make the first purchase at `price` if that may be paid, then let the rungs rest."""
    missing = totals[cells.ENTRY_LOTS] - totals[cells.ENTRY_FILLED]
    if missing > 0:
        if price > rules[ENTRY_PRICE] or state[FREE] < rules[ENTRY_PRICE] * missing * rules[NOTIONAL_UNIT]:
            return
        change = settle(time_ms, -1, True, price, missing, TAKER, rules, state, fills)
        state[FREE] -= price * missing * rules[NOTIONAL_UNIT]
        state[FIRST_FEE] += missing * rules[LOT_UNITS] - change
        cells.book_entry_fill(
            missing,
            change,
            ladder[LOTS],
            rules[LOT_UNITS],
            rules[GAP],
            rules[ENTRY_PRICE],
            rules[MIN_NOTIONAL],
            cell[HELD],
            totals,
        )
        for k in range(len(cell[SIDE])):
            cell[FIRST][k] = cell[HELD][k]
    state[FIRST_PRICE] = price
    state[ACTIVE] = 1
    for k in range(len(cell[SIDE])):
        place_wanted(k, rules, ladder, cell, state)
    for k in range(len(cell[SIDE])):
        if cell[SIDE][k] == cells.BUYING and cell[RESTS][k] > 0 and ladder[PRICES][k] >= price:
            fill_rung(k, True, price, cell[RESTS][k], TAKER, time_ms, rules, ladder, cell, state, fills)
    for k in range(len(cell[SIDE])):
        place_wanted(k, rules, ladder, cell, state)
    find_best(cell, state)


def find_best(cell: Table, state: Column) -> None:
    """Find the highest resting buy and the lowest resting sell."""
    count = len(cell[SIDE])
    state[BEST_BUY] = -1
    state[BEST_SELL] = count
    for k in range(count):
        if cell[RESTS][k] > 0:
            if cell[SIDE][k] == cells.BUYING:
                state[BEST_BUY] = k
            else:
                state[BEST_SELL] = min(state[BEST_SELL], k)


def play_candle(
    i: int,
    market: Wide,
    volume: Ints,
    open_ms: Ints,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let the points of candle `i` print, one after the other."""
    count = len(cell[SIDE])
    lots = rules[PRINT_LOTS]
    if lots < 0:
        lots = volume[i]
    rises = market[CLOSE][i] >= market[OPEN][i]
    low_first = rises != (rules[LONG_WAY] == 1)
    for point in range(rules[POINTS]):
        time_ms = open_ms[i]
        if point == 0:
            price = market[OPEN][i]
        elif point == 3:
            price = market[CLOSE][i]
            time_ms += rules[INTERVAL_MS] - 1
        elif (point == 1) == low_first:
            price = market[LOW][i]
            time_ms += rules[INTERVAL_MS] * point // 4
        else:
            price = market[HIGH][i]
            time_ms += rules[INTERVAL_MS] * point // 4
        if state[ACTIVE] == 0:
            if point == 0:
                activate(price, time_ms, rules, ladder, cell, totals, state, fills)
            continue
        before = state[FILL_COUNT]
        if state[BEST_BUY] >= 0 and price <= ladder[PRICES][state[BEST_BUY]]:
            print_on_buys(price, lots, time_ms, rules, ladder, cell, state, fills)
        elif state[BEST_SELL] < count and price >= ladder[PRICES][state[BEST_SELL] + 1]:
            print_on_sells(price, lots, time_ms, rules, ladder, cell, state, fills)
        if state[UNPAID] > 0 and state[FILL_COUNT] > before:
            retry_unpaid(rules, ladder, cell, state)


def end_fall(state: Column) -> None:
    """Keep the fall that a new peak, or the end, has ended if it is the deepest so far."""
    peak = state[PEAK]
    trough = state[TROUGH]
    worst_peak = state[WORST_PEAK]
    worst_trough = state[WORST_TROUGH]
    # Peaks only rise, so a deeper relative fall is a larger one too: the cheap question first.
    if peak - trough > worst_peak - worst_trough and is_deeper(peak, trough, worst_peak, worst_trough):
        state[WORST_PEAK] = peak
        state[WORST_PEAK_AT] = state[PEAK_AT]
        state[WORST_TROUGH] = trough
        state[WORST_TROUGH_AT] = state[TROUGH_AT]


def watch(equity: int, i: int, state: Column) -> None:
    """Follow the equity's peak and its lowest value since."""
    if equity > state[PEAK]:
        end_fall(state)
        state[LONGEST] = max(state[LONGEST], i - state[PEAK_AT])
        state[PEAK] = equity
        state[PEAK_AT] = i
        state[TROUGH] = equity
        state[TROUGH_AT] = i
    elif equity < state[TROUGH]:
        state[TROUGH] = equity
        state[TROUGH_AT] = i


def lowest_close(first: int, until: int, close: Ints) -> int:
    """Return the first candle of the lowest close."""
    at = first
    for i in range(first, until):
        if close[i] < close[at]:
            at = i
    return at


def count_in_range(first: int, until: int, bottom: int, top: int, close: Ints) -> int:
    count = 0
    for i in range(first, until):
        if bottom <= close[i] <= top:
            count += 1
    return count


def write_curve(
    first: int, until: int, rules: Ints, close: Ints, state: Ints, curve_equity: Column, curve_base: Column
) -> None:
    """Write the equity of candles in which nothing happened."""
    cash = state[CASH]
    base = state[BASE]
    worth = base * rules[BASE_UNIT]
    for i in range(first, until):
        curve_equity[i] = cash + worth * close[i]
        curve_base[i] = base


def replay(
    market_table: Wide,
    block_table: Wide,
    volume: Ints,
    open_ms: Ints,
    rules: Ints,
    ladder_table: Wide,
    cell_table: Table,
    totals: Column,
    state: Column,
    fills: Column,
    curve_equity: Column,
    curve_base: Column,
) -> int:
    """Play on from candle `state[NEXT]`; return DONE, or FILLS_FULL or TOO_LARGE where it stopped before a candle.

    `state[NEXT]` is a multiple of BLOCK whenever it stops, so that a caller can go on.
    """
    # Rows are looked up once: inside the loops that costs machine code more than the work itself.
    market = (market_table[0], market_table[1], market_table[2], market_table[3])
    blocks = (block_table[0], block_table[1], block_table[2], block_table[3])
    ladder = (ladder_table[0], ladder_table[1])
    cell = (
        cell_table[0],
        cell_table[1],
        cell_table[2],
        cell_table[3],
        cell_table[4],
        cell_table[5],
        cell_table[6],
        cell_table[7],
        cell_table[8],
        cell_table[9],
    )
    low = market[LOW]
    high = market[HIGH]
    close = market[CLOSE]
    count = len(cell[SIDE])
    rows = len(close)
    bottom = ladder[PRICES][0]
    top = ladder[PRICES][count]
    room = 4 * FILL_WIDTH * (count + 2) * BLOCK
    block = state[NEXT] // BLOCK
    first = block * BLOCK
    while first < rows:
        until = min(first + BLOCK, rows)
        if rules[RECORD] == 1 and state[FILL_AT] + room > len(fills):
            state[NEXT] = first
            return FILLS_FULL
        buy = ladder[PRICES][state[BEST_BUY]] if state[BEST_BUY] >= 0 else -1
        sell = ladder[PRICES][state[BEST_SELL] + 1] if state[BEST_SELL] < count else NOTHING
        if state[ACTIVE] == 1 and blocks[BLOCK_LOW][block] > buy and blocks[BLOCK_HIGH][block] < sell:
            cash = state[CASH]
            worth = state[BASE] * rules[BASE_UNIT]
            if cash + worth * blocks[BLOCK_TOP][block] > state[PEAK]:
                for i in range(first, until):
                    watch(cash + worth * close[i], i, state)
            elif cash + worth * blocks[BLOCK_BOTTOM][block] < state[TROUGH]:
                state[TROUGH] = cash + worth * blocks[BLOCK_BOTTOM][block]
                state[TROUGH_AT] = lowest_close(first, until, close)
            if rules[CURVE] == 1:
                write_curve(first, until, rules, close, state, curve_equity, curve_base)
        else:
            for i in range(first, until):
                if state[ACTIVE] == 0 or low[i] <= buy or high[i] >= sell:
                    play_candle(i, market, volume, open_ms, rules, ladder, cell, totals, state, fills)
                    if state[CASH] > rules[CASH_LIMIT] or state[FEE_QUOTE] > rules[CASH_LIMIT]:
                        return TOO_LARGE
                    buy = ladder[PRICES][state[BEST_BUY]] if state[BEST_BUY] >= 0 else -1
                    sell = ladder[PRICES][state[BEST_SELL] + 1] if state[BEST_SELL] < count else NOTHING
                equity = state[CASH] + state[BASE] * rules[BASE_UNIT] * close[i]
                watch(equity, i, state)
                if rules[CURVE] == 1:
                    curve_equity[i] = equity
                    curve_base[i] = state[BASE]
        if bottom <= blocks[BLOCK_BOTTOM][block] and blocks[BLOCK_TOP][block] <= top:
            state[IN_RANGE] += until - first
        elif blocks[BLOCK_BOTTOM][block] <= top and blocks[BLOCK_TOP][block] >= bottom:
            state[IN_RANGE] += count_in_range(first, until, bottom, top, close)
        block += 1
        first = until
    state[NEXT] = rows
    end_fall(state)
    state[LONGEST] = max(state[LONGEST], rows - 1 - state[PEAK_AT])
    return DONE
