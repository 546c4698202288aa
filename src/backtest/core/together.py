"""Several grids on one account: their candles on a common time line, one free balance, one limit of exposure.

Every step of the time line is one interval. In it all grids' first points print, in the order of the grids, then all
second points, and so on: a point's time is the candle's start, a quarter, half, and its end. What one grid's sale
frees the next one may spend at the same point. After a grid's fills its own waiting orders are tried again, then those
of the others in their order.

Like `backtest.core.replay` this runs compiled over int64 arrays and plainly over arrays of Python's integers. Tables
of all grids lie one behind the other, `market_starts` and `cell_starts` count the candles and cells before each.
"""

from typing import Any

from backtest.core import layout as at
from backtest.core.equity import end_fall, watch, write_curve
from backtest.core.layout import Column, Ints, Table, Wide
from backtest.core.orders import at_risk, retry_unpaid
from backtest.core.prints import highest_buy, lowest_sell, play_point, print_lots

Numbers = Any
"""Arrays of int64, or of Python's integers; slices of them are views."""
RETRY = -1
"""A turn without a print of its own."""


def play_together(  # noqa: PLR0917 - numba's entry points take positions
    steps: Numbers,
    market_starts: Numbers,
    market: Numbers,
    volume: Numbers,
    cell_starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    cells: Numbers,
    totals: Numbers,
    state: Numbers,
    fills: Numbers,
    curve: Numbers,
    curve_risk: Numbers,
    wallet: Numbers,
) -> None:
    """Play on from step `wallet[WALLET_STEP]`; `wallet[WALLET_STATUS]` says where it stopped, as `replay` does.

    `steps` holds a row for each grid: its candle in each step, or -1. `curve` and `curve_risk` take each grid's gain
    and what it has at risk at its candles' closes.
    """
    count = len(cell_starts) - 1
    for step in range(wallet[at.WALLET_STEP], len(steps[0])):
        if is_busy(step, steps, market_starts, market, cell_starts, ladders, state):
            if not has_room(cell_starts, state, fills):
                wallet[at.WALLET_STEP] = step
                wallet[at.WALLET_STATUS] = at.FILLS_FULL
                return
            play_step(
                step,
                steps,
                market_starts,
                market,
                volume,
                cell_starts,
                rules,
                ladders,
                cells,
                totals,
                state,
                fills,
                wallet,
            )
            if is_too_large(rules, state):
                wallet[at.WALLET_STATUS] = at.TOO_LARGE
                return
        close_step(step, steps, market_starts, market, cell_starts, rules, ladders, state, curve, curve_risk)
    for j in range(count):
        last = market_starts[j + 1] - market_starts[j] - 1
        end_fall(state[j])
        state[j][at.LONGEST] = max(state[j][at.LONGEST], last - state[j][at.PEAK_AT])
    wallet[at.WALLET_STATUS] = at.DONE


def play_step(  # noqa: PLR0917 - the loops of one piece of machine code
    step: int,
    steps: Numbers,
    market_starts: Numbers,
    market: Numbers,
    volume: Numbers,
    cell_starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    cells: Numbers,
    totals: Numbers,
    state: Numbers,
    fills: Numbers,
    wallet: Numbers,
) -> None:
    """Let the points of a step print. A turn is a grid's point, or its waiting orders tried after another's fill."""
    count = len(cell_starts) - 1
    for point in range(at.POINTS_PER_ROW):
        for j in range(count):
            if steps[j][step] < 0:
                continue
            for turn in range(-1, count):  # its own first, then those of the others in order
                k = j if turn < 0 else turn
                if turn >= 0 and (turn == j or state[turn][at.UNPAID] == 0):
                    continue
                size = cell_starts[k + 1] - cell_starts[k]
                rungs = 2 * (cell_starts[k] + k)
                first = at.CELL * cell_starts[k]
                i = max(steps[k][step], 0)
                has_filled = play_turn(
                    point if turn < 0 else RETRY,
                    i,
                    print_lots(market_starts[k] + i, volume, rules[k]),
                    market[at.ROW_WIDTH * market_starts[k] : at.ROW_WIDTH * market_starts[k + 1]],
                    rules[k],
                    ladders[rungs : rungs + 2 * (size + 1)].reshape(2, size + 1),
                    cells[first : first + at.CELL * size].reshape(at.CELL, size),
                    totals[k],
                    state[k],
                    fills[k],
                    wallet,
                )
                if turn < 0 and not has_filled:
                    break


def has_room(cell_starts: Numbers, state: Numbers, fills: Numbers) -> bool:
    """Tell whether every grid can write down all that one step may fill."""
    for j in range(len(cell_starts) - 1):
        most = at.POINTS_PER_ROW * (cell_starts[j + 1] - cell_starts[j] + 2)
        if state[j][at.FILL_AT] + most * at.FILL_WIDTH > len(fills[j]):
            return False
    return True


def is_too_large(rules: Numbers, state: Numbers) -> bool:
    """Tell whether any grid's money outgrew what is safe."""
    for j in range(len(state)):
        limit = rules[j][at.CASH_LIMIT]
        if state[j][at.CASH] > limit or state[j][at.FEE_QUOTE] > limit:
            return True
    return False


def is_busy(
    step: int,
    steps: Numbers,
    market_starts: Numbers,
    market: Numbers,
    cell_starts: Numbers,
    ladders: Numbers,
    state: Numbers,
) -> bool:
    """Tell whether any grid's candle reaches one of its orders, or a grid has not started."""
    for j in range(len(cell_starts) - 1):
        i = steps[j][step]
        if i >= 0:
            first = 2 * (cell_starts[j] + j)
            rungs = cell_starts[j + 1] - cell_starts[j] + 1
            if is_reached(market_starts[j] + i, market, ladders[first : first + rungs], state[j]):
                return True
    return False


def is_reached(row: int, market: Ints, prices: Ints, state: Ints) -> bool:
    """Tell whether a candle reaches an order of a grid, or the grid has not started."""
    return (
        state[at.ACTIVE] == 0
        or market[at.ROW_WIDTH * row + at.LOW] <= highest_buy(prices, state)
        or market[at.ROW_WIDTH * row + at.HIGH] >= lowest_sell(prices, state)
    )


def play_turn(
    point: int,
    i: int,
    lots: int,
    market: Ints,
    rules: Ints,
    ladder_table: Wide,
    cell_table: Table,
    totals: Column,
    state: Column,
    fills: Column,
    wallet: Column,
) -> bool:
    """Let one point of a grid print, with the account's balance; return whether anything filled."""
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
    lend(state, wallet)
    before = state[at.FILL_COUNT]
    if point != RETRY:
        play_point(point, i, lots, market, rules, ladder, cell, totals, state, fills)
    else:
        retry_unpaid(rules, ladder, cell, state)
    if state[at.FILL_COUNT] > before or state[at.FREE] != wallet[at.WALLET_FREE]:
        take_back(state, rules, ladder, cell, wallet)
    return state[at.FILL_COUNT] > before


def lend(state: Column, wallet: Ints) -> None:
    """Give a grid the account's free balances, and tell it what the others have at risk."""
    state[at.FREE] = wallet[at.WALLET_FREE]
    state[at.BNB] = wallet[at.WALLET_BNB]
    state[at.OTHERS_AT_RISK] = wallet[at.WALLET_AT_RISK] - state[at.AT_RISK]


def take_back(state: Column, rules: Ints, ladder: Wide, cell: Table, wallet: Column) -> None:
    """Take the balances back, and look at what the grid has at risk now."""
    wallet[at.WALLET_FREE] = state[at.FREE]
    wallet[at.WALLET_BNB] = state[at.BNB]
    state[at.AT_RISK] = at_risk(rules, ladder, cell, state)
    wallet[at.WALLET_AT_RISK] = state[at.OTHERS_AT_RISK] + state[at.AT_RISK]


def close_candle(
    i: int,
    market: Ints,
    rules: Ints,
    prices: Ints,
    state: Column,
    curve: Column,
    curve_risk: Column,
) -> None:
    """Write down what a grid stands at as its candle `i` closes."""
    close = market[at.ROW_WIDTH * i + at.CLOSE]
    watch(state[at.CASH] + state[at.BASE] * rules[at.BASE_UNIT] * close, i, state)
    if prices[0] <= close <= prices[len(prices) - 1]:
        state[at.IN_RANGE] += 1
    write_curve(i, i + 1, rules, market, state, curve)
    curve_risk[i] = state[at.AT_RISK]


def close_step(
    step: int,
    steps: Numbers,
    market_starts: Numbers,
    market: Numbers,
    cell_starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    state: Numbers,
    curve: Numbers,
    curve_risk: Numbers,
) -> None:
    """Let the candles of a step close."""
    for j in range(len(cell_starts) - 1):
        i = steps[j][step]
        if i >= 0:
            first = 2 * (cell_starts[j] + j)
            close_candle(
                i,
                market[at.ROW_WIDTH * market_starts[j] : at.ROW_WIDTH * market_starts[j + 1]],
                rules[j],
                ladders[first : first + cell_starts[j + 1] - cell_starts[j] + 1],
                state[j],
                curve[market_starts[j] : market_starts[j + 1]],
                curve_risk[market_starts[j] : market_starts[j + 1]],
            )
