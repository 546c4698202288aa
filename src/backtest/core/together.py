"""Several grids on one account: their candles on a common time line, one free balance, one limit of exposure.

Every step of the time line is one interval. In it all grids' first points print, in the order of the grids, then all
second points, and so on: a point's time is the candle's start, a quarter, half, and its end. What one grid's sale
frees the next one may spend at the same point. After a grid's fills its own waiting orders are tried again, then those
of the others in their order.

Like `backtest.core.replay` this runs compiled over int64 arrays and plainly over arrays of Python's integers. Tables
of all grids lie one behind the other, `market_starts` and `cell_starts` count the candles and cells before each.
"""

from backtest.core import layout as at
from backtest.core.equity import end_fall, equity_at, start_watching, watch, write_curve
from backtest.core.layout import Column, Grid, Grids, Ints, Tape, Tapes
from backtest.core.orders import at_risk, retry_unpaid
from backtest.core.prints import highest_buy, lowest_sell, play_point, print_lots
from backtest.core.views import Numbers, grid_of, with_rows

RETRY = -1
"""A turn without a print of its own."""


def play_together(  # noqa: PLR0917 - numba's entry points take positions
    steps: Numbers,
    market_starts: Numbers,
    market: Numbers,
    volume: Numbers,
    bnb: Numbers,
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
    tapes = at.Tapes(market_starts, market, volume, bnb)
    grids = at.Grids(cell_starts, rules, ladders, cells, totals, state, fills)
    for j in range(len(state)):
        start_watching(tape_of(j, tapes).prices, rules[j], state[j])
    for step in range(wallet[at.WALLET_STEP], len(steps[0])):
        if is_busy(step, steps, tapes, grids):
            if not has_room(grids):
                wallet[at.WALLET_STEP] = step
                wallet[at.WALLET_STATUS] = at.FILLS_FULL
                return
            play_step(step, steps, tapes, grids, wallet)
            if is_too_large(grids):
                wallet[at.WALLET_STATUS] = at.TOO_LARGE
                return
        close_step(step, steps, tapes, grids, curve, curve_risk)
    for j in range(len(state)):
        end_fall(state[j])
    wallet[at.WALLET_STATUS] = at.DONE


def tape_of(j: int, tapes: Tapes) -> Tape:
    """Return the candles of grid `j`, whose blocks nobody asks for."""
    first = tapes.starts[j]
    until = tapes.starts[j + 1]
    volume = tapes.volume[first:until]
    bnb = tapes.bnb[first:until]
    prices = tapes.prices[at.ROW_WIDTH * first : at.ROW_WIDTH * until]
    nothing = tapes.volume[:0]
    return at.Tape(prices, (), volume, bnb, nothing, nothing, nothing)


def its_grid(j: int, grids: Grids) -> Grid:
    """Return grid `j`, the rows of its tables looked up."""
    tables = (grids.rules, grids.ladders, grids.cells, grids.totals, grids.state)
    no_flight = grids.cells[:0]
    return with_rows(grid_of(j, grids.starts, *tables, grids.fills[j], no_flight))


def play_step(step: int, steps: Numbers, tapes: Tapes, grids: Grids, wallet: Numbers) -> None:
    """Let the points of a step print. A turn is a grid's point, or its waiting orders tried after another's fill."""
    count = len(grids.state)
    for point in range(at.POINTS_PER_ROW):
        for j in range(count):
            if steps[j][step] < 0:
                continue
            for turn in range(-1, count):  # its own first, then those of the others in order
                k = j if turn < 0 else turn
                if turn >= 0 and (turn == j or grids.state[turn][at.UNPAID] == 0):
                    continue
                i = max(steps[k][step], 0)
                now = point if turn < 0 else RETRY
                has_filled = play_turn(now, i, tape_of(k, tapes), its_grid(k, grids), wallet)
                if turn < 0 and not has_filled:
                    break


def has_room(grids: Grids) -> bool:
    """Tell whether every grid can write down all that one step may fill."""
    for j in range(len(grids.state)):
        most = at.POINTS_PER_ROW * (grids.starts[j + 1] - grids.starts[j] + 2)
        if grids.state[j][at.FILL_AT] + most * at.FILL_WIDTH > len(grids.fills[j]):
            return False
    return True


def is_too_large(grids: Grids) -> bool:
    """Tell whether any grid's money outgrew what is safe."""
    for j in range(len(grids.state)):
        limit = grids.rules[j][at.CASH_LIMIT]
        if grids.state[j][at.CASH] > limit or grids.state[j][at.FEE_QUOTE] > limit:
            return True
    return False


def is_busy(step: int, steps: Numbers, tapes: Tapes, grids: Grids) -> bool:
    """Tell whether any grid's candle reaches one of its orders, or a grid has not started."""
    for j in range(len(grids.state)):
        i = steps[j][step]
        if i >= 0 and is_reached(tapes.starts[j] + i, tapes.prices, its_grid(j, grids)):
            return True
    return False


def is_reached(row: int, market: Ints, grid: Grid) -> bool:
    """Tell whether a candle reaches an order of a grid, or the grid has not started."""
    prices = grid.ladder[at.PRICES]
    return (
        grid.state[at.ACTIVE] == 0
        or market[at.ROW_WIDTH * row + at.LOW] <= highest_buy(prices, grid.state)
        or market[at.ROW_WIDTH * row + at.HIGH] >= lowest_sell(prices, grid.state)
    )


def play_turn(point: int, i: int, tape: Tape, grid: Grid, wallet: Column) -> bool:
    """Let one point of a grid print, with the account's balance; return whether anything filled."""
    rules, state = grid.rules, grid.state
    lend(state, wallet)
    before = state[at.FILL_COUNT]
    if point == RETRY:
        retry_unpaid(rules, grid.ladder, grid.cell, state)
    else:
        if rules[at.BNB_MOVES] == 1:
            state[at.BNB_PRICE] = tape.bnb[i]
        lots = print_lots(i, tape.volume, rules)
        play_point(point, i, lots, tape.prices, rules, grid.ladder, grid.cell, grid.totals, state, grid.fills)
    if state[at.FILL_COUNT] > before or state[at.FREE] != wallet[at.WALLET_FREE]:
        take_back(grid, wallet)
    return state[at.FILL_COUNT] > before


def lend(state: Column, wallet: Ints) -> None:
    """Give a grid the account's free balances, and tell it what the others have at risk."""
    state[at.FREE] = wallet[at.WALLET_FREE]
    state[at.BNB] = wallet[at.WALLET_BNB]
    state[at.OTHERS_AT_RISK] = wallet[at.WALLET_AT_RISK] - state[at.AT_RISK]


def take_back(grid: Grid, wallet: Column) -> None:
    """Take the balances back, and look at what the grid has at risk now."""
    state = grid.state
    wallet[at.WALLET_FREE] = state[at.FREE]
    wallet[at.WALLET_BNB] = state[at.BNB]
    state[at.AT_RISK] = at_risk(grid.rules, grid.ladder, grid.cell, state)
    wallet[at.WALLET_AT_RISK] = state[at.OTHERS_AT_RISK] + state[at.AT_RISK]


def close_step(step: int, steps: Numbers, tapes: Tapes, grids: Grids, curve: Numbers, curve_risk: Numbers) -> None:
    """Write down what every grid with a candle in this step stands at as it closes."""
    for j in range(len(grids.state)):
        i = steps[j][step]
        if i < 0:
            continue
        first = tapes.starts[j]
        until = tapes.starts[j + 1]
        tape = tape_of(j, tapes)
        grid = its_grid(j, grids)
        watch(equity_at(i, tape, grid.rules, grid.state), i, grid.state)
        prices = grid.ladder[at.PRICES]
        if prices[0] <= tape.prices[at.ROW_WIDTH * i + at.CLOSE] <= prices[len(prices) - 1]:
            grid.state[at.IN_RANGE] += 1
        write_curve(i, i + 1, tape, grid.rules, grid.state, curve[first:until])
        curve_risk[first + i] = grid.state[at.AT_RISK]
