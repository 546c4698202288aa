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
from backtest.core.contract import is_beyond, is_contract, next_settlement
from backtest.core.ends import MOST_ORDERS
from backtest.core.equity import (
    closes_within,
    end_fall,
    next_mark,
    revaluation,
    start_watching,
    watch,
    watch_quiet,
    write_curve,
    write_marks,
)
from backtest.core.late import play_late_candle, stand_before
from backtest.core.layout import Grid, Ints, Kept, Tape
from backtest.core.prints import next_above, next_below, play_candle, play_contract_row
from backtest.core.views import with_block_rows, with_rows

# Compiled, this text has two forms: where orders travel, and where they do not. Plainly it is asked every time.
ALWAYS_LATE = False
MAYBE_LATE = True


def replay(market: Tape, tables: Grid, kept: Kept) -> int:
    """Play on from candle `state[NEXT]`; return DONE, or FILLS_FULL or TOO_LARGE where it stopped before a candle.

    `state[NEXT]` is a multiple of BLOCK whenever it stops, so that a caller can go on.
    """
    tape = with_block_rows(market)
    grid = with_rows(tables)
    state = grid.state
    start_watching(tape.prices, grid.rules, state)
    rows = len(tape.prices) // at.ROW_WIDTH
    for block in range(state[at.NEXT] // at.BLOCK, (rows + at.BLOCK - 1) // at.BLOCK):
        first = block * at.BLOCK
        until = min(first + at.BLOCK, rows)
        if not has_room(grid):
            state[at.NEXT] = first
            return at.FILLS_FULL
        if is_quiet(block, tape, grid):
            pass_block(block, first, until, tape, grid, kept)
        elif not play_block(first, until, tape, grid, kept):
            return at.TOO_LARGE
        counted = max(first, state[at.COUNTED])
        state[at.IN_RANGE] += closes_within(block, counted, until, tape, grid.ladder[at.PRICES])
    state[at.NEXT] = rows
    stand_before(rows, tape, grid)
    end_fall(state)
    return at.DONE


def has_room(grid: Grid) -> bool:
    """Tell whether all that one block may fill can be written down."""
    most = 4 * at.FILL_WIDTH * (len(grid.cell[at.SIDE]) + 2) * at.BLOCK
    if grid.rules[at.DELAYED] == 1:
        most *= at.LATE_ROOM
    most += at.FILL_WIDTH * MOST_ORDERS * grid.rules[at.EXITS]
    return grid.rules[at.RECORD] != 1 or grid.state[at.FILL_AT] + most <= len(grid.fills)


def is_quiet(block: int, tape: Tape, grid: Grid) -> bool:
    """Tell whether no candle of the block reaches a resting order, and nothing is under way."""
    if is_busy(grid.state):
        return False
    low = tape.blocks[at.BLOCK_LOW][block]
    high = tape.blocks[at.BLOCK_HIGH][block]
    prices = grid.ladder[at.PRICES]
    if is_contract(grid.rules) and is_awaited((block + 1) * at.BLOCK - 1, low, high, tape, grid.state):
        return False
    return low > next_below(prices, grid.state) and high < next_above(prices, grid.state)


def is_awaited(row: int, low: int, high: int, tape: Tape, state: Ints) -> bool:
    """Tell whether funding is settled by the end of a row, or a position liquidated between these prices."""
    return next_settlement(tape, state) < at.POINTS_PER_ROW * (row + 1) or is_beyond(low, high, state)


def is_busy(state: Ints) -> bool:
    """Tell whether something happens whatever the prices are."""
    if (ALWAYS_LATE or MAYBE_LATE) and state[at.ASIDE] > 0:
        return True
    is_to_begin = state[at.ACTIVE] == 0 and state[at.TRIGGER_WAITS] == 0
    return is_to_begin or state[at.HEAD] >= 0 or state[at.TIMER_DUE] > 0


def pass_block(block: int, first: int, until: int, tape: Tape, grid: Grid, kept: Kept) -> None:
    """Write down what the account was worth in a block in which nothing happened."""
    watch_quiet(block, first, until, tape, grid.rules, grid.state)
    if grid.rules[at.CURVE] == 1:
        write_curve(first, until, tape, grid.rules, grid.state, kept.curve)
    write_marks(until, tape, grid.rules, grid.state, kept)


def play_block(first: int, until: int, tape: Tape, grid: Grid, kept: Kept) -> bool:
    """Play the candles [first, until) one by one; return whether the money still fits."""
    prices, rules, state = grid.ladder[at.PRICES], grid.rules, grid.state
    buy = next_below(prices, state)
    sell = next_above(prices, state)
    mark = next_mark(state, kept.marks)
    moves = rules[at.BNB_MOVES] == 1
    written = first
    busy = is_busy(state)
    for i in range(first, until):
        row = at.ROW_WIDTH * i
        low = tape.prices[row + at.LOW]
        high = tape.prices[row + at.HIGH]
        awaited = is_contract(rules) and is_awaited(i, low, high, tape, state)
        if busy or awaited or low <= buy or high >= sell:
            if rules[at.CURVE] == 1:
                write_curve(written, i, tape, rules, state, kept.curve)
                written = i
            play_row(i, tape, grid)
            busy = is_busy(state)
            most = max(state[at.CASH], state[at.FEE_QUOTE], state[at.TAKER_FEE_VALUE])
            if most > rules[at.CASH_LIMIT]:
                return False
            buy = next_below(prices, state)
            sell = next_above(prices, state)
        equity = state[at.CASH] + state[at.BASE] * rules[at.BASE_UNIT] * tape.prices[row + at.CLOSE]
        if moves:
            equity += revaluation(tape.bnb[i], state)
        watch(equity, i, state)
        if i == mark:
            kept.marked[state[at.NEXT_MARK]] = equity
            state[at.NEXT_MARK] += 1
            mark = next_mark(state, kept.marks)
    if rules[at.CURVE] == 1:
        write_curve(written, until, tape, rules, state, kept.curve)
    return True


def play_row(i: int, tape: Tape, grid: Grid) -> None:
    """Play one candle, or one trade."""
    rules, state = grid.rules, grid.state
    if ALWAYS_LATE or (MAYBE_LATE and rules[at.DELAYED] == 1):
        play_late_candle(i, tape, grid)
        return
    if is_contract(rules):
        play_contract_row(i, tape, grid)
        return
    if rules[at.BNB_MOVES] == 1:
        state[at.BNB_PRICE] = tape.bnb[i]
    play_candle(i, tape.prices, tape.volume, rules, grid.ladder, grid.cell, grid.totals, state, grid.fills)
