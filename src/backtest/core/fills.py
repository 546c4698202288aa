"""The money of one fill, by the venue's rules (contract: commission half up to 8 decimals, never below 1e-8)."""

from backtest.core import layout as at
from backtest.core.contract import change_position, is_contract
from backtest.core.layout import Column, Ints


def half_up(amount: int, numerator: int, denominator: int) -> int:
    """Return amount x numerator / denominator, rounded half up."""
    return (2 * amount * numerator + denominator) // (2 * denominator)


def commission(bought: bool, price: int, lots: int, rates: int, rules: Ints, state: Ints) -> tuple[int, int]:
    """Return the commission in 1e-8 and the asset it is taken in: of contracts always the quote."""
    if is_contract(rules):
        return half_up(price * lots, rules[rates + at.FEE_QUOTE_NUM], rules[rates + at.FEE_QUOTE_DEN]), at.IN_QUOTE
    if rules[at.PAYS_IN_BNB] == 1:
        in_bnb = 0
        if rules[rates + at.FEE_BASE_NUM] > 0:
            scale = rules[rates + at.FEE_BNB_DEN] * state[at.BNB_PRICE]
            in_bnb = max(half_up(price * lots, rules[rates + at.FEE_BNB_NUM], scale), 1)
        if state[at.BNB] >= in_bnb:
            return in_bnb, at.IN_BNB
    if bought:
        if rules[rates + at.FEE_BASE_NUM] == 0:
            return 0, at.IN_BASE
        fee = half_up(lots, rules[rates + at.FEE_BASE_NUM], rules[rates + at.FEE_BASE_DEN])
        return min(max(fee, 1), lots * rules[at.LOT_UNITS]), at.IN_BASE
    if rules[rates + at.FEE_BASE_NUM] == 0:
        return 0, at.IN_QUOTE
    fee = half_up(price * lots, rules[rates + at.FEE_QUOTE_NUM], rules[rates + at.FEE_QUOTE_DEN])
    return min(max(fee, 1), price * lots * rules[at.CAP_NUM] // rules[at.CAP_DEN]), at.IN_QUOTE


def settle(
    moment: int,
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
    amount = price * lots * rules[at.NOTIONAL_UNIT]
    change = lots * rules[at.LOT_UNITS]
    if is_contract(rules):
        change_position(bought, price, lots, fee, state[at.BASE] // rules[at.LOT_UNITS], rules, state)
    if bought:
        state[at.BUYS] += 1
        state[at.CASH] -= amount
    else:
        change = -change
        state[at.SELLS] += 1
        state[at.CASH] += amount
        state[at.FREE] += amount
    if asset == at.IN_BASE:
        change -= fee
    else:
        pay(fee, asset, rules, state)
    state[at.BASE] += change
    state[at.FILL_COUNT] += 1
    if rules[at.RECORD] == 1:
        write_down(moment, k, bought, price, lots, fee, asset, state, fills)
    return change


def pay(fee: int, asset: int, rules: Ints, state: Column) -> None:
    """Take a commission from the quote or from BNB."""
    if asset == at.IN_QUOTE:
        state[at.FEE_QUOTE] += fee
        state[at.CASH] -= fee * rules[at.FEE_UNIT]
        state[at.FREE] -= fee * rules[at.FEE_UNIT]
        return
    worth = fee * state[at.BNB_PRICE]
    state[at.FEE_BNB] += fee
    state[at.FEE_BNB_WORTH] += worth
    state[at.BNB] -= fee
    state[at.CASH] -= worth


def write_down(
    moment: int, k: int, bought: bool, price: int, lots: int, fee: int, asset: int, state: Column, fills: Column
) -> None:
    """Write one fill into the next row of `fills`."""
    row = state[at.FILL_AT]
    fills[row] = moment
    fills[row + 1] = k + state[at.WINDOW] if k >= 0 else k
    fills[row + 2] = 0 if bought else 1
    fills[row + 3] = price
    fills[row + 4] = lots
    fills[row + 5] = fee
    fills[row + 6] = asset
    state[at.FILL_AT] = row + at.FILL_WIDTH
