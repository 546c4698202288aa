"""What one print of the market fills, and the four prints of a candle."""

from backtest.core import layout as at
from backtest.core.begin import activate
from backtest.core.contract import (
    is_beyond,
    liquidate,
    look_ahead,
    note_margin,
    settle_funding,
)
from backtest.core.ends import cell_at, end_if_met, ends_now, is_watched, look_away, look_out, print_on_close
from backtest.core.following import count_closes, follow, watch_price
from backtest.core.layout import Column, Grid, Ints, Table, Tape, Wide
from backtest.core.orders import fill_rung, rethink, rethink_all, retry_unpaid
from grid.core import cells


def print_on_buys(
    price: int, lots: int, moment: int, rules: Ints, ladder: Wide, cell: Table, state: Column, fills: Column
) -> None:
    """Fill the resting buys that a print reaches, highest first, then react."""
    highest = state[at.BEST_BUY]
    k = highest
    while k >= 0 and ladder[at.PRICES][k] >= price:
        if cell[at.SIDE][k] == cells.BUYING and cell[at.RESTS][k] > 0:
            part = cell[at.RESTS][k]
            if ladder[at.PRICES][k] == price:
                part = min(part, lots)
                if part == 0:
                    break
            fill_rung(k, True, ladder[at.PRICES][k], part, at.MAKER, moment, rules, ladder, cell, state, fills)
        k -= 1
    if rules[at.MAX_EXPOSURE] >= 0:
        rethink_all(rules, ladder, cell, state)
    else:
        for j in range(highest, max(k - 1, -1), -1):
            rethink(j, rules, ladder, cell, state)
    k = max(highest, state[at.BEST_BUY])
    while k >= 0 and not (cell[at.SIDE][k] == cells.BUYING and cell[at.RESTS][k] > 0):
        k -= 1
    state[at.BEST_BUY] = k


def print_on_sells(
    price: int, lots: int, moment: int, rules: Ints, ladder: Wide, cell: Table, state: Column, fills: Column
) -> None:
    """Fill the resting sells that a print reaches, lowest first, then react."""
    count = len(cell[at.SIDE])
    lowest = state[at.BEST_SELL]
    k = lowest
    while k < count and ladder[at.PRICES][k + 1] <= price:
        if cell[at.SIDE][k] == cells.SELLING and cell[at.RESTS][k] > 0:
            part = cell[at.RESTS][k]
            if ladder[at.PRICES][k + 1] == price:
                part = min(part, lots)
                if part == 0:
                    break
            fill_rung(k, False, ladder[at.PRICES][k + 1], part, at.MAKER, moment, rules, ladder, cell, state, fills)
        k += 1
    if rules[at.MAX_EXPOSURE] >= 0:
        rethink_all(rules, ladder, cell, state)
    else:
        for j in range(lowest, min(k + 1, count)):
            rethink(j, rules, ladder, cell, state)
    k = min(lowest, state[at.BEST_SELL])
    while k < count and not (cell[at.SIDE][k] == cells.SELLING and cell[at.RESTS][k] > 0):
        k += 1
    state[at.BEST_SELL] = k


def highest_buy(prices: Ints, state: Ints) -> int:
    """Return the price of the highest resting buy, below all prices without one."""
    return prices[state[at.BEST_BUY]] if state[at.BEST_BUY] >= 0 else -1


def lowest_sell(prices: Ints, state: Ints) -> int:
    """Return the price of the lowest resting sell, above all prices without one."""
    return prices[state[at.BEST_SELL] + 1] if state[at.BEST_SELL] + 1 < len(prices) else at.NOTHING


def next_below(prices: Ints, state: Ints) -> int:
    """Return the highest price at or below which something happens."""
    return max(highest_buy(prices, state), state[at.WATCH_LOW], state[at.DOWN_AT])


def next_above(prices: Ints, state: Ints) -> int:
    """Return the lowest price at or above which something happens."""
    return min(lowest_sell(prices, state), state[at.WATCH_HIGH], state[at.UP_AT])


def price_at(point: int, i: int, market: Ints, rules: Ints) -> int:
    """Return the price of a point of candle `i`."""
    row = at.ROW_WIDTH * i
    if point == 0:
        return market[row + at.OPEN]
    if point == 3:
        return market[row + at.CLOSE]
    rises = market[row + at.CLOSE] >= market[row + at.OPEN]
    low_first = rises != (rules[at.LONG_WAY] == 1)
    return market[row + at.LOW] if (point == 1) == low_first else market[row + at.HIGH]


def play_candle(
    i: int,
    market: Ints,
    volume: Ints,
    rules: Ints,
    ladder: Table,
    cell: Table,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let the points of candle `i` print, one after the other."""
    lots = print_lots(i, volume, rules)
    follows = rules[at.FOLLOWS] > 0
    for point in range(rules[at.POINTS]):
        play_point(point, i, lots, market, rules, ladder, cell, totals, state, fills)
        if follows:
            follow_point(point, i, market, rules, ladder, cell, state)


def follow_point(point: int, i: int, market: Ints, rules: Ints, ladder: Table, cell: Table, state: Column) -> bool:
    """Let the ladder follow the price of a point, then try again what could not be paid; return whether it moved."""
    if state[at.ACTIVE] != 1:
        return False
    price = price_at(point, i, market, rules)
    watch_price(rules, cell, state)
    if state[at.DOWN_AT] < price < state[at.UP_AT]:
        return False
    count_closes(i, ladder[at.PRICES], market, state)
    follow(price, rules, ladder, cell, state)
    if state[at.UNPAID] > 0:
        retry_unpaid(rules, ladder, cell, state)
    return True


def print_lots(i: int, volume: Ints, rules: Ints) -> int:
    """Return how many lots a print of candle `i` can fill at its price."""
    if rules[at.PRINT_LOTS] >= 0:
        return rules[at.PRINT_LOTS]
    return volume[i] // rules[at.LOT_UNITS] * rules[at.SHARE_NUM] // rules[at.SHARE_DEN]


def play_contract_row(i: int, tape: Tape, grid: Grid) -> None:
    """Let the points of row `i` print, before each what was settled until then, and liquidate after a fatal one."""
    rules, ladder, cell, totals, state, fills, _ = grid
    lots = print_lots(i, tape.volume, rules)
    follows = rules[at.FOLLOWS] > 0
    for point in range(rules[at.POINTS]):
        moment = at.POINTS_PER_ROW * i + point
        price = price_at(point, i, tape.prices, rules)
        state[at.LAST] = price
        before = state[at.FILL_COUNT]
        settled = state[at.NEXT_FUNDING]
        settle_funding(moment, tape, rules, state)
        if rules[at.EXITS] != 0 and state[at.NEXT_FUNDING] > settled and state[at.ACTIVE] == 1:
            look_out(rules, state)
        if state[at.LIQUIDATED_AT] == 0:
            play_point(point, i, lots, tape.prices, rules, ladder, cell, totals, state, fills)
        moved = False
        if follows and state[at.LIQUIDATED_AT] == 0:
            moved = follow_point(point, i, tape.prices, rules, ladder, cell, state)
        if moved or state[at.FILL_COUNT] > before or state[at.NEXT_FUNDING] > settled:
            look_ahead(tape.brackets, rules, state)
            note_margin(price, rules, ladder, cell, state)
        if is_beyond(price, price, state):
            liquidate(price, moment, rules, cell, state)


def play_point(
    point: int,
    i: int,
    lots: int,
    market: Ints,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let one point of candle `i` print, and the grid react."""
    price = price_at(point, i, market, rules)
    moment = at.POINTS_PER_ROW * i + point
    if state[at.ACTIVE] != 1:
        play_idle(point, price, lots, moment, rules, ladder, cell, totals, state, fills)
        return
    before = state[at.FILL_COUNT]
    stands = -1
    cycle = 0
    if rules[at.WANTED_GAIN] > 0:
        stands = cell_at(price, ladder[at.PRICES], cell)
        cycle = cell[at.CYCLE][max(stands, 0)]
    if price <= highest_buy(ladder[at.PRICES], state):
        print_on_buys(price, lots, moment, rules, ladder, cell, state, fills)
    elif price >= lowest_sell(ladder[at.PRICES], state):
        print_on_sells(price, lots, moment, rules, ladder, cell, state, fills)
    if rules[at.EXITS] != 0 and state[at.FILL_COUNT] > before:
        look_out(rules, state)
    if is_watched(price, state):
        is_sure = stands < 0 or cell[at.RESTS][stands] == 0 or cell[at.CYCLE][stands] != cycle
        if end_if_met(price, moment, is_sure, rules, ladder, cell, state, fills):
            return
    if state[at.UNPAID] > 0 and state[at.FILL_COUNT] > before:
        retry_unpaid(rules, ladder, cell, state)


def play_idle(
    point: int,
    price: int,
    lots: int,
    moment: int,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    totals: Column,
    state: Column,
    fills: Column,
) -> None:
    """Let a point print of a grid whose rungs do not rest: it begins, waits, or is over.

    The first trade is tried at the point that reaches the trigger, and at opens.
    """
    if state[at.ACTIVE] == at.OVER:
        print_on_close(price, lots, moment, rules, state, fills)
        return
    begins = point == 0
    if state[at.TRIGGER_WAITS] == 1:
        if not is_watched(price, state):
            return
        state[at.TRIGGER_WAITS] = 0
        state[at.TRIGGERED_AT] = moment + 1
        look_away(state)
        begins = True
    if ends_now(price, moment, rules, ladder, cell, state, fills) or not begins:
        return
    activate(price, moment, rules, ladder, cell, totals, state, fills)
    if state[at.ACTIVE] == 1:
        ends_now(price, moment, rules, ladder, cell, state, fills)
