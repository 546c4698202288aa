"""How a whole grid begins and ends by itself: its trigger price, its take profit and its stop loss (`grid.core.exits`).

After the fills of a print its price is looked at. What ends the grid takes all orders off, and what it holds is kept,
closed at once at the print's price, or by one order there that later prints fill.
"""

from backtest.core import layout as at
from backtest.core.contract import is_contract
from backtest.core.fills import settle
from backtest.core.layout import Column, Ints, Table, Wide
from grid.core import cells, exits

MOST_ORDERS = 64
"""At market, where the venue bounds the quantity of one."""


def look_out(rules: Ints, state: Column) -> None:
    """Find the prices at which the grid ends by itself, from what it holds."""
    cash = state[at.CASH] - rules[at.START_CASH]
    worth = (state[at.BASE] - rules[at.START_BASE]) * rules[at.BASE_UNIT]
    gain = exits.gain_band(cash, worth, rules[at.WANTED_GAIN])
    loss = exits.loss_band(cash, worth, rules[at.WORST_LOSS])
    state[at.WATCH_LOW] = max(rules[at.STOPS_BELOW], rules[at.TAKES_BELOW], gain[0], loss[0])
    state[at.WATCH_HIGH] = min(rules[at.STOPS_ABOVE], rules[at.TAKES_ABOVE], gain[1], loss[1])


def look_away(state: Column) -> None:
    """Watch no price any more."""
    state[at.WATCH_LOW] = exits.NOWHERE_BELOW
    state[at.WATCH_HIGH] = exits.NOWHERE_ABOVE


def is_watched(price: int, state: Ints) -> bool:
    """Tell whether a price is one that is watched for."""
    return exits.is_within(price, state[at.WATCH_LOW], state[at.WATCH_HIGH])


def profit_at(price: int, rules: Ints, state: Ints) -> int:
    """Return what the grid has made at a price, units."""
    worth = (state[at.BASE] - rules[at.START_BASE]) * rules[at.BASE_UNIT]
    return state[at.CASH] - rules[at.START_CASH] + worth * price


def cell_at(price: int, prices: Ints, cell: Table) -> int:
    """Return the cell whose order rests at just that price, -1 without one: no two rest at one price."""
    low = 0
    high = len(prices) - 1
    while low < high:
        middle = (low + high) // 2
        if prices[middle] < price:
            low = middle + 1
        else:
            high = middle
    if prices[low] != price:
        return -1
    if low < len(prices) - 1 and cell[at.SIDE][low] == cells.BUYING and cell[at.RESTS][low] > 0:
        return low
    if low > 0 and cell[at.SIDE][low - 1] == cells.SELLING and cell[at.RESTS][low - 1] > 0:
        return low - 1
    return -1


def met_at(price: int, is_sure: bool, rules: Ints, state: Ints) -> int:
    """Return what is met at a price that is watched, 0 for nothing; a profit has to be sure."""
    if exits.is_within(price, rules[at.STOPS_BELOW], rules[at.STOPS_ABOVE]):
        return exits.STOP_PRICE
    if exits.is_within(price, rules[at.TAKES_BELOW], rules[at.TAKES_ABOVE]):
        return exits.TAKE_PRICE
    profit = profit_at(price, rules, state)
    if rules[at.WORST_LOSS] > 0 and profit <= -rules[at.WORST_LOSS]:
        return exits.LOSS
    if is_sure and rules[at.WANTED_GAIN] > 0 and profit >= rules[at.WANTED_GAIN]:
        return exits.GAIN
    return 0


def ends_now(price: int, moment: int, rules: Ints, ladder: Wide, cell: Table, state: Column, fills: Column) -> bool:
    """End a grid of which no order rests yet if a condition is met at a price; tell whether it has ended."""
    if rules[at.EXITS] == 0:
        return False
    look_out(rules, state)
    return is_watched(price, state) and end_if_met(price, moment, True, rules, ladder, cell, state, fills)


def end_if_met(
    price: int,
    moment: int,
    is_sure: bool,
    rules: Ints,
    ladder: Wide,
    cell: Table,
    state: Column,
    fills: Column,
) -> bool:
    """End the grid if a condition is met at a price; tell whether it has ended."""
    met = met_at(price, is_sure, rules, state)
    if met == 0:
        return False
    state[at.ENDED_BY] = met
    state[at.ENDED_AT] = moment
    state[at.ENDED_PRICE] = price
    state[at.ENDED_PROFIT] = profit_at(price, rules, state)
    state[at.ACTIVE] = at.OVER
    take_all_off(cell, state)
    look_away(state)
    follows = rules[at.ON_TAKE] if met in (exits.TAKE_PRICE, exits.GAIN) else rules[at.ON_STOP]
    if follows == exits.MARKET:
        close_at_market(price, moment, rules, ladder, state, fills)
    elif follows == exits.LIMIT:
        rest_all(price, rules, state)
    return True


def take_all_off(cell: Table, state: Column) -> None:
    """Let no order rest, and want none any more."""
    for k in range(len(cell[at.SIDE])):
        cell[at.SIDE][k] = cells.UNUSED
        cell[at.RESTS][k] = 0
        cell[at.WANT_LOTS][k] = 0
        cell[at.BLOCKED][k] = 0
    state[at.UNPAID] = 0
    state[at.BEST_BUY] = -1
    state[at.BEST_SELL] = len(cell[at.SIDE])


def held_lots(rules: Ints, state: Ints) -> int:
    """Return the whole lots that the grid holds, or owes."""
    return abs(state[at.BASE] - rules[at.START_BASE]) // rules[at.LOT_UNITS]


def least_value(rules: Ints) -> int:
    """Return what an order that closes has to be worth; one that only reduces a position nothing."""
    return 0 if is_contract(rules) else rules[at.MIN_NOTIONAL]


def close_at_market(price: int, moment: int, rules: Ints, ladder: Wide, state: Column, fills: Column) -> None:
    """Sell, or buy back, all that the venue takes at a price."""
    lots = held_lots(rules, state)
    bought = state[at.BASE] < rules[at.START_BASE]
    least = least_value(rules)
    for _ in range(MOST_ORDERS):
        part = lots if rules[at.MARKET_MOST] == 0 else min(lots, rules[at.MARKET_MOST])
        if not exits.is_worth_closing(lots, ladder[at.PRICES][0], least, 1):
            return
        if not exits.is_worth_closing(part, price, least, rules[at.MIN_LOTS]):
            return
        settle(moment, -1, bought, price, part, at.TAKER, rules, state, fills)
        state[at.CLOSED] = 1
        lots -= part


def rest_all(price: int, rules: Ints, state: Column) -> None:
    """Let one order for all that is held rest at a price."""
    lots = held_lots(rules, state)
    if not exits.is_worth_closing(lots, price, least_value(rules), rules[at.MIN_LOTS]):
        return
    state[at.CLOSE_LOTS] = lots
    if state[at.BASE] > rules[at.START_BASE]:
        state[at.WATCH_HIGH] = price
    else:
        state[at.WATCH_LOW] = price


def print_on_close(price: int, lots: int, moment: int, rules: Ints, state: Column, fills: Column) -> None:
    """Fill the order that closes all, if a print reaches it."""
    if state[at.CLOSE_LOTS] == 0 or not is_watched(price, state):
        return
    limit = state[at.ENDED_PRICE]
    part = min(state[at.CLOSE_LOTS], lots) if price == limit else state[at.CLOSE_LOTS]
    if part == 0:
        return
    settle(moment, -1, state[at.BASE] < rules[at.START_BASE], limit, part, at.MAKER, rules, state, fills)
    state[at.CLOSED] = 1
    state[at.CLOSE_LOTS] -= part
    if not exits.is_worth_closing(state[at.CLOSE_LOTS], limit, least_value(rules), 1):
        state[at.CLOSE_LOTS] = 0
        look_away(state)
