"""Several grids on one account: their candles on a common time line, one free balance, one limit of exposure.

Every step of the time line is one interval. In it all grids' first points print, in the order of the grids, then all
second points, and so on: a point's time is the candle's start, a quarter, half, and its end. Of trades a step is a
moment; several of one grid in it make several steps. What one grid's sale
frees the next one may spend at the same point. After a grid's fills its own waiting orders are tried again, then those
of the others in their order.

Like `backtest.core.replay` this runs compiled over int64 arrays and plainly over arrays of Python's integers. Tables
of all grids lie one behind the other, `market_starts` and `cell_starts` count the candles and cells before each.
"""

from backtest.core import layout as at
from backtest.core.account import its_grid, lend, take_back, tape_of
from backtest.core.equity import end_fall, equity_at, start_watching, watch, write_curve
from backtest.core.late_together import is_under_way, play_late_step, stand_at_close
from backtest.core.layout import Column, Grid, Grids, Ints, Tape, Tapes
from backtest.core.orders import retry_unpaid
from backtest.core.prints import highest_buy, lowest_sell, play_point, print_lots
from backtest.core.views import Numbers

RETRY = -1
"""A turn without a print of its own."""

# As in core.replay: compiled, this text has two forms.
ALWAYS_LATE = False
MAYBE_LATE = True


def play_together(  # noqa: PLR0917 - numba's entry points take positions
    steps: Numbers,
    market_starts: Numbers,
    market: Numbers,
    volume: Numbers,
    bnb: Numbers,
    times: Numbers,
    cell_starts: Numbers,
    rules: Numbers,
    ladders: Numbers,
    cells: Numbers,
    totals: Numbers,
    state: Numbers,
    fills: Numbers,
    flight: Numbers,
    curve: Numbers,
    curve_risk: Numbers,
    wallet: Numbers,
) -> None:
    """Play on from step `wallet[WALLET_STEP]`; `wallet[WALLET_STATUS]` says where it stopped, as `replay` does.

    `steps` holds a row for each grid: its candle in each step, or -1. `curve` and `curve_risk` take each grid's gain
    and what it has at risk at its candles' closes.
    """
    tapes = at.Tapes(market_starts, market, volume, bnb, times)
    grids = at.Grids(cell_starts, rules, ladders, cells, totals, state, fills, flight)
    for j in range(len(state)):
        if market_starts[j] < market_starts[j + 1]:
            start_watching(tape_of(j, tapes).prices, rules[j], state[j])
    for step in range(wallet[at.WALLET_STEP], len(steps[0])):
        if is_busy(step, steps, tapes, grids):
            if not has_room(grids):
                wallet[at.WALLET_STEP] = step
                wallet[at.WALLET_STATUS] = at.FILLS_FULL
                return
            play_any_step(step, steps, tapes, grids, wallet)
            if is_too_large(grids):
                wallet[at.WALLET_STATUS] = at.TOO_LARGE
                return
        close_step(step, steps, tapes, grids, wallet, curve, curve_risk)
    for j in range(len(state)):
        end_fall(state[j])
    wallet[at.WALLET_STATUS] = at.DONE


def play_any_step(step: int, steps: Numbers, tapes: Tapes, grids: Grids, wallet: Numbers) -> None:
    """Let the points of a step print, whether orders travel or not."""
    if ALWAYS_LATE or (MAYBE_LATE and grids.rules[0][at.DELAYED] == 1):
        play_late_step(step, steps, tapes, grids, wallet)
    else:
        play_step(step, steps, tapes, grids, wallet)


def play_step(step: int, steps: Numbers, tapes: Tapes, grids: Grids, wallet: Numbers) -> None:
    """Let the points of a step print. A turn is a grid's point, or its waiting orders tried after another's fill."""
    count = len(grids.state)
    for point in range(grids.rules[0][at.POINTS]):
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
        if grids.rules[j][at.DELAYED] == 1:
            most *= at.LATE_ROOM
        if grids.state[j][at.FILL_AT] + most * at.FILL_WIDTH > len(grids.fills[j]):
            return False
    return True


def is_too_large(grids: Grids) -> bool:
    """Tell whether any grid's money outgrew what is safe."""
    for j in range(len(grids.state)):
        limit = grids.rules[j][at.CASH_LIMIT]
        state = grids.state[j]
        if max(state[at.CASH], state[at.FEE_QUOTE], state[at.TAKER_FEE_VALUE]) > limit:
            return True
    return False


def is_busy(step: int, steps: Numbers, tapes: Tapes, grids: Grids) -> bool:
    """Tell whether any grid's row reaches one of its orders, anything is under way, or a grid has not started."""
    for j in range(len(grids.state)):
        if grids.rules[j][at.DELAYED] == 1 and is_under_way(grids.state[j]):
            return True
        i = steps[j][step]
        if i >= 0 and is_reached(tapes.starts[j] + i, tapes.prices, its_grid(j, grids)):
            return True
    return False


def is_reached(row: int, market: Ints, grid: Grid) -> bool:
    """Tell whether a candle reaches an order of a grid, or the grid has not started."""
    prices = grid.ladder[at.PRICES]
    return (
        has_to_start(grid)
        or market[at.ROW_WIDTH * row + at.LOW] <= highest_buy(prices, grid.state)
        or market[at.ROW_WIDTH * row + at.HIGH] >= lowest_sell(prices, grid.state)
    )


def has_to_start(grid: Grid) -> bool:
    """Tell whether a grid waits for its first price, or at every one to be able to start."""
    if grid.rules[at.DELAYED] == 1:
        return grid.state[at.BEGAN] == 0
    return grid.state[at.ACTIVE] == 0


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


def close_step(
    step: int, steps: Numbers, tapes: Tapes, grids: Grids, wallet: Column, curve: Numbers, curve_risk: Numbers
) -> None:
    """Write down what every grid with a candle in this step stands at as it closes."""
    for j in range(len(grids.state)):
        i = steps[j][step]
        if i < 0:
            continue
        first = tapes.starts[j]
        until = tapes.starts[j + 1]
        tape = tape_of(j, tapes)
        grid = its_grid(j, grids)
        if grid.rules[at.DELAYED] == 1:
            stand_at_close(i, tape, grid, wallet)
        watch(equity_at(i, tape, grid.rules, grid.state), i, grid.state)
        prices = grid.ladder[at.PRICES]
        if prices[0] <= tape.prices[at.ROW_WIDTH * i + at.CLOSE] <= prices[len(prices) - 1]:
            grid.state[at.IN_RANGE] += 1
        write_curve(i, i + 1, tape, grid.rules, grid.state, curve[first:until])
        curve_risk[first + i] = grid.state[at.AT_RISK]
