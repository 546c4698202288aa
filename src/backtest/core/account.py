"""One account for several grids: each takes its turn with the account's balances, orders sent and what is at risk."""

from backtest.core import layout as at
from backtest.core.flight import at_risk_late
from backtest.core.layout import Column, Grid, Grids, Ints, Tape, Tapes
from backtest.core.orders import at_risk
from backtest.core.views import grid_of, with_rows
from grid.core import cells


def tape_of(j: int, tapes: Tapes) -> Tape:
    """Return the rows of grid `j`, whose blocks nobody asks for."""
    first = tapes.starts[j]
    until = tapes.starts[j + 1]
    volume = tapes.volume[first:until]
    bnb = tapes.bnb[first:until]
    prices = tapes.prices[at.ROW_WIDTH * first : at.ROW_WIDTH * until]
    no_contract = tapes.volume[:0]
    return at.Tape(prices, (), volume, bnb, tapes.times[first:until], no_contract, no_contract)


def its_grid(j: int, grids: Grids) -> Grid:
    """Return grid `j`, the rows of its tables looked up.

    Its orders under way reach to the end of all, where the times lie at which the account's last ones were sent.
    """
    tables = (grids.rules, grids.ladders, grids.cells, grids.totals, grids.state)
    grid = grid_of(j, grids.starts, *tables, grids.fills[j], grids.flight[:0])
    flight = grids.flight[at.FLIGHT * grids.starts[j] * grids.rules[j][at.DELAYED] :]
    return with_rows(at.Grid(grid.rules, grid.ladder, grid.cell, grid.totals, grid.state, grid.fills, flight))


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


def lend_late(rules: Ints, state: Column, wallet: Ints) -> None:
    """Give a grid what it needs where orders travel: how many the account has sent, and what BNB costs, too."""
    lend(state, wallet)
    state[at.SENT] = wallet[at.WALLET_SENT]
    if rules[at.BNB_MOVES] == 1:
        state[at.BNB_PRICE] = wallet[at.WALLET_BNB_PRICE]


def take_back_late(grid: Grid, wallet: Column) -> bool:
    """Take back what `lend_late` gave; return whether the account has less at risk than before."""
    rules, state = grid.rules, grid.state
    before = wallet[at.WALLET_AT_RISK]
    wallet[at.WALLET_FREE] = state[at.FREE]
    wallet[at.WALLET_BNB] = state[at.BNB]
    wallet[at.WALLET_SENT] = state[at.SENT]
    wallet[at.WALLET_BNB_PRICE] = state[at.BNB_PRICE]
    state[at.AT_RISK] = at_risk_late(rules, grid.cell, grid.flight, state)
    if state[at.ENTRY_DUE] > 0:
        state[at.AT_RISK] += first_purchase(rules, grid.totals)
    wallet[at.WALLET_AT_RISK] = state[at.OTHERS_AT_RISK] + state[at.AT_RISK]
    return wallet[at.WALLET_AT_RISK] < before


def first_purchase(rules: Ints, totals: Ints) -> int:
    """Return what the first purchase may cost at most."""
    return rules[at.ENTRY_PRICE] * totals[cells.ENTRY_LOTS] * rules[at.NOTIONAL_UNIT]
