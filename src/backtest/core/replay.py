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

from backtest.core import layout as at
from backtest.core.equity import (
    closes_within,
    end_fall,
    next_mark,
    watch,
    watch_quiet,
    write_curve,
    write_marks,
)
from backtest.core.late import play_late_candle
from backtest.core.layout import Column, Ints, Table, Wide
from backtest.core.prints import highest_buy, lowest_sell, play_candle

# Compiled, this text has two forms: where orders travel, and where they do not. Plainly it is asked every time.
ALWAYS_LATE = False
MAYBE_LATE = True


def replay(  # noqa: PLR0917 - numba's entry points take positions
    market: Ints,
    block_table: Wide,
    volume: Ints,
    times: Ints,
    rules: Ints,
    ladder_table: Wide,
    cell_table: Table,
    flight: Column,
    totals: Column,
    state: Column,
    fills: Column,
    curve: Column,
    marks: Ints,
    marked: Column,
) -> int:
    """Play on from candle `state[NEXT]`; return DONE, or FILLS_FULL or TOO_LARGE where it stopped before a candle.

    `times` are those of the rows' first points, ms. `flight` is empty where no order travels. `marks` are candles,
    ascending, whose equity is written to `marked`. `state[NEXT]` is a multiple of BLOCK whenever it stops, so that a
    caller can go on.
    """
    # Rows are looked up once: inside the loops that costs machine code more than the work itself.
    blocks = (block_table[0], block_table[1], block_table[2], block_table[3])
    ladder = (ladder_table[at.PRICES], ladder_table[at.LOTS])
    cell = (
        cell_table[at.SIDE],
        cell_table[at.FILLED],
        cell_table[at.HELD],
        cell_table[at.CYCLE],
        cell_table[at.WANT_PRICE],
        cell_table[at.WANT_LOTS],
        cell_table[at.RESTS],
        cell_table[at.BLOCKED],
        cell_table[at.FIRST],
        cell_table[at.FEE_BASE],
    )
    rows = len(market) // at.ROW_WIDTH
    room = 4 * at.FILL_WIDTH * (len(cell[at.SIDE]) + 2) * at.BLOCK
    if rules[at.DELAYED] == 1:
        room *= at.LATE_ROOM
    for block in range(state[at.NEXT] // at.BLOCK, (rows + at.BLOCK - 1) // at.BLOCK):
        first = block * at.BLOCK
        until = min(first + at.BLOCK, rows)
        if rules[at.RECORD] == 1 and state[at.FILL_AT] + room > len(fills):
            state[at.NEXT] = first
            return at.FILLS_FULL
        if is_quiet(block, blocks, ladder, state):
            watch_quiet(block, first, until, blocks, market, rules, state)
            if rules[at.CURVE] == 1:
                write_curve(first, until, rules, market, state, curve)
            write_marks(until, rules, market, state, marks, marked)
        elif not play_block(
            first,
            until,
            market,
            volume,
            times,
            rules,
            ladder,
            cell,
            flight,
            totals,
            state,
            fills,
            curve,
            marks,
            marked,
        ):
            return at.TOO_LARGE
        state[at.IN_RANGE] += closes_within(block, first, until, blocks, market, ladder[at.PRICES])
    state[at.NEXT] = rows
    state[at.LAST] = market[at.ROW_WIDTH * (rows - 1) + at.CLOSE]
    end_fall(state)
    state[at.LONGEST] = max(state[at.LONGEST], rows - 1 - state[at.PEAK_AT])
    return at.DONE


def is_quiet(block: int, blocks: Wide, ladder: Wide, state: Ints) -> bool:
    """Tell whether no candle of the block reaches a resting order, and nothing is under way."""
    if is_busy(state):
        return False
    low = blocks[at.BLOCK_LOW][block]
    high = blocks[at.BLOCK_HIGH][block]
    return low > highest_buy(ladder[at.PRICES], state) and high < lowest_sell(ladder[at.PRICES], state)


def is_busy(state: Ints) -> bool:
    """Tell whether something happens whatever the prices are."""
    return state[at.ACTIVE] == 0 or state[at.HEAD] >= 0 or state[at.TIMER_DUE] > 0


def play_block(  # noqa: PLR0917 - the loops of one piece of machine code
    first: int,
    until: int,
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
    curve: Column,
    marks: Ints,
    marked: Column,
) -> bool:
    """Play the candles [first, until) one by one; return whether the money still fits."""
    buy = highest_buy(ladder[at.PRICES], state)
    sell = lowest_sell(ladder[at.PRICES], state)
    mark = next_mark(state, marks)
    written = first
    busy = is_busy(state)
    for i in range(first, until):
        row = at.ROW_WIDTH * i
        if busy or market[row + at.LOW] <= buy or market[row + at.HIGH] >= sell:
            if rules[at.CURVE] == 1:
                write_curve(written, i, rules, market, state, curve)
                written = i
            if ALWAYS_LATE or (MAYBE_LATE and rules[at.DELAYED] == 1):
                play_late_candle(i, market, volume, times, rules, ladder, cell, flight, totals, state, fills)
            else:
                play_candle(i, market, volume, rules, ladder, cell, totals, state, fills)
            busy = is_busy(state)
            most = max(state[at.CASH], state[at.FEE_QUOTE], state[at.TAKER_FEE_VALUE])
            if most > rules[at.CASH_LIMIT]:
                return False
            buy = highest_buy(ladder[at.PRICES], state)
            sell = lowest_sell(ladder[at.PRICES], state)
        equity = state[at.CASH] + state[at.BASE] * rules[at.BASE_UNIT] * market[row + at.CLOSE]
        watch(equity, i, state)
        if i == mark:
            marked[state[at.NEXT_MARK]] = equity
            state[at.NEXT_MARK] += 1
            mark = next_mark(state, marks)
    if rules[at.CURVE] == 1:
        write_curve(written, until, rules, market, state, curve)
    return True
