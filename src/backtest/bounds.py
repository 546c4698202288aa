"""Whether int64 holds every number of a replay: known before it runs, from rules, capital and prices.

numba's integers wrap without a word. All numbers but two kinds are bounded by what the account and the ladder can
hold; money that is earned or paid again and again is watched while the replay runs, against `cash_limit`.
"""

from typing import Final

from backtest.core import layout as at
from backtest.core.fills import half_up
from backtest.price_path import PricePath
from backtest.scales import Setting

LARGEST: Final = 2**62
"""Half of what int64 holds, so that a sum of two still fits."""


def cash_limit(setting: Setting, path: PricePath) -> int:
    """Return the money in units up to which int64 is safe; 0 where it is not safe from the start."""
    rules, state = setting.rules, setting.state
    numbers = setting.numbers
    price = max(path.highest, *(numbers.master or numbers.prices)[-1:], numbers.entry_price)
    most = numbers.most if numbers.sale_ppm else numbers.lots  # cells that reinvest come to hold more
    all_lots = numbers.entry_lots + sum(most) + 2 * len(numbers.lots)
    base = state[at.BASE] + all_lots * numbers.lot_units
    worth = base * price * rules[at.BASE_UNIT]
    notional = all_lots * price
    amount = notional * max(rules[at.NOTIONAL_UNIT], rules[at.CAP_NUM])
    bnb_price = max(path.highest_bnb, state[at.BNB_PRICE])
    bnb = state[at.BNB] * bnb_price
    rounds = at.LATE_ROOM if rules[at.DELAYED] else 1  # orders that travel may take between two prints too
    fees = [at.MAKER, at.TAKER] if rules[at.DELAYED] else [at.MAKER]
    fee_in_base = max(half_up(all_lots, rules[rates], rules[rates + 1]) + 1 for rates in fees)
    fees_in_base = path.points * len(path.table) * rounds * fee_in_base
    volume = path.most_volume // numbers.lot_units * rules[at.SHARE_NUM]
    size = 2 * all_lots * max(all_lots, at.EIGHT_DIGITS) if rules[at.CONTRACT] else 0
    ends = 2 * max(rules[at.WANTED_GAIN], rules[at.WORST_LOSS])
    static = [
        ends,
        size,
        worth,
        amount,
        bnb,
        volume,
        fees_in_base,
        4 * (max(most) + 2) * (price + numbers.aside) * numbers.cost_ppm,
        *_commission_terms(rules, all_lots, notional, bnb_price),
    ]
    if max(static) > LARGEST:
        return 0
    limit = LARGEST - worth - bnb - 4 * rounds * amount  # one candle may fill every cell at each of its four points
    return limit if limit > state[at.CASH] else 0


def rules_in_int64(setting: Setting) -> list[int]:
    """Return the rules for the compiled form, in which no amount is above LARGEST: a limit there limits nothing."""
    rules = list(setting.rules)
    rules[at.MAX_EXPOSURE] = min(rules[at.MAX_EXPOSURE], LARGEST)
    return rules


def _commission_terms(rules: list[int], lots: int, notional: int, bnb_price: int) -> list[int]:
    amounts = ((lots, 1), (notional, 1), (notional, bnb_price))
    return [
        2 * amount * rules[rates + 2 * index] + rules[rates + 2 * index + 1] * scale
        for rates in (at.MAKER, at.TAKER)
        for index, (amount, scale) in enumerate(amounts)
    ]
