"""From the engine's integers to amounts: books as the live grid keeps them, without a queue of lots.

Every purchase of a cell is at its own rung, and every purchase before the rungs came to rest at one price, so lots
that are matched first in, first out need no queue: it is enough to know how much of each is left. Profit follows from
the identity of the architecture page, since what was sold was bought:

    grid profit = quote received - quote paid + inventory at cost + fees taken in base, valued at their fill
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backtest.contract_market import netted_cost
from backtest.core import layout as at
from backtest.price_path import PricePath
from backtest.result import ContractOutcome, Drawdown, EquityCurve, Fills, GridEnd, RanBy, Result
from backtest.scales import BNB, Setting
from backtest.scenario import Scenario
from domain.errors import FieldMistake, InvalidRequest
from domain.grids import Books
from domain.money import ZERO, exact, from_units
from grid.core.exit_numbers import action_told, condition_told

_TOO_LARGE: Final = FieldMistake("capital", "single fills are too large to be written down; use less")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine left behind: its cells, state, fills and curve, int64 or Python's integers alike."""

    cell: list[list[int]]
    state: list[int]
    fills: npt.NDArray[Any]
    curve: npt.NDArray[Any]
    ran_by: RanBy


@exact
def result_of(scenario: Scenario, path: PricePath, setting: Setting, outcome: Outcome) -> Result:
    """Put amounts to the integers.

    Raises:
        InvalidRequest: naming `capital`, where a fill outgrows the columns of int64.
    """
    if outcome.state[at.OVERFULL]:
        raise ValueError("a cell held base of more prices than the engine has places for; please report this")
    candles, state, unit = path.candles, outcome.state, setting.scales.amount
    first, last = from_units(int(candles.open[0])), from_units(int(candles.close[-1]))
    netted = None
    if is_netted(state):
        netted = netted_cost(outcome.fills.tolist(), setting.scales.lot, setting.lanes)
    books = books_of(scenario, path, setting, outcome.cell, state, netted)
    instrument, fills = scenario.rules.instrument, _fills(outcome.fills)
    contract = contract_outcome(path, setting, state) if setting.rules[at.CONTRACT] else None
    curve = EquityCurve(
        time_ms=path.close_ms,
        change=outcome.curve,
        unit=unit,
        fills=fills,
        lot=setting.scales.lot,
        flat_from_ms=contract.liquidated_ms if contract else None,
    )
    held = [scenario.balances.get(asset, ZERO) for asset in (instrument.quote, instrument.base)]
    return Result(
        scenario=scenario,
        books=books,
        start_equity=held[0] + held[1] * first,
        drawdown=drawdown_of(state, path, unit),
        fills=fills,
        curve=curve if setting.rules[at.CURVE] else None,
        start_ms=candles.start_ms,
        end_ms=candles.end_ms,
        candles=len(candles),
        candles_in_range=state[at.IN_RANGE],
        first_price=first,
        last_price=last,
        unpaid_orders=state[at.UNPAID_EVER],
        faulted_slots=state[at.FAULTED],
        post_only_refusals=state[at.REFUSALS],
        late_cancels=state[at.LATE_CANCELS],
        rate_waits=state[at.RATE_WAITS],
        over_limit_orders=state[at.OVER_LIMIT_EVER],
        is_entered=state[at.ACTIVE] == 1 or (state[at.ACTIVE] == at.OVER and state[at.FIRST_PRICE] > 0),
        triggered_ms=_triggered_ms(path, state),
        end=_end_of(scenario, path, setting, state),
        ran_by=outcome.ran_by,
        contract=contract,
    )


@exact
def books_of(
    scenario: Scenario,
    path: PricePath,
    setting: Setting,
    cell: list[list[int]],
    state: list[int],
    netted: int | None = None,
) -> Books:
    """Return the grid's books at the last close, equal to `orders.books.FifoBooks` fed with the same fills.

    `netted` is what is held cost where cells closed one another's lots (`is_netted`), in ticks x 1e-8.
    """
    scales, plan, rules = setting.scales, scenario.plan, scenario.rules
    flows = flows_of(setting, cell, state, netted)
    fee_quote, fee_bnb = from_units(state[at.FEE_QUOTE]), from_units(state[at.FEE_BNB])
    bnb_price = from_units(last_bnb_price(path, setting) * scales.unit)
    bnb_then, bnb_now = state[at.FEE_BNB_WORTH] * scales.amount, fee_bnb * bnb_price
    mark = from_units(int(path.candles.close[-1]))
    base = from_units(flows.base)
    step = rules.tick * Decimal(1).scaleb(-8)  # of a price in ticks times base in 1e-8
    cost, fee_base_value = flows.cost * step, flows.fee_base_value * step
    cash = flows.quote * scales.amount
    funding = from_units(state[at.FUNDING])
    profit = cash + fee_quote + cost + fee_base_value - funding
    fees = fee_base_value + fee_quote + bnb_then
    equity = cash + base * mark - bnb_now
    by_asset = {rules.instrument.base: from_units(flows.fee_base), rules.instrument.quote: fee_quote, BNB: fee_bnb}
    hold = plan.entry_position * (mark - plan.start_price)
    wallet = from_units(state[at.CROSS] + state[at.SET_ASIDE]) - scenario.balances[rules.instrument.quote]
    books = Books(
        base_held=base,
        inventory_cost=cost,
        inventory_value=base * mark,
        grid_profit=profit,
        fees=fees,
        fees_by_asset={asset: amount for asset, amount in by_asset.items() if amount},
        fee_asset_revaluation=bnb_then - bnb_now,
        fee_prices={BNB: bnb_price} if fee_bnb else {},
        cash_flow=cash,
        equity_change=equity,
        residual=equity - (profit + (base * mark - cost) - fees + funding + (bnb_then - bnb_now)),
        mark_price=mark,
        buys=state[at.BUYS],
        sells=state[at.SELLS],
        trades=state[at.BUYS] + state[at.SELLS],
        cycles=state[at.CYCLES],
        dust=from_units(sum(held % scales.lot for held in cell[at.HELD])),
        funding=funding,
        realized_profit=wallet + fee_quote - funding if setting.rules[at.CONTRACT] else ZERO,
    )
    return replace(books, hold_change=hold, versus_hold=equity - hold)


@dataclass(frozen=True, slots=True)
class Flows:
    """Sums over the cells: base and its fees in 1e-8, quote in units, costs in ticks x 1e-8."""

    base: int
    quote: int
    cost: int
    fee_base: int
    fee_base_value: int


def is_netted(state: list[int]) -> bool:
    """Tell whether what is held cost does not follow from the cells alone."""
    is_told_by_fills = state[at.MIXED] == 1 or state[at.CLOSED] == 1 or state[at.MOVES] > 0
    return is_told_by_fills and state[at.LIQUIDATED_AT] == 0


def flows_of(setting: Setting, cell: list[list[int]], state: list[int], netted: int | None = None) -> Flows:
    if setting.rules[at.CONTRACT]:
        cost = contract_cost(setting, cell, state) if netted is None else netted
        base = state[at.BASE] - setting.state[at.BASE]
        return Flows(base, state[at.CASH] - setting.state[at.CASH], cost, fee_base=0, fee_base_value=0)
    prices, first_price = setting.prices(state[at.WINDOW]), state[at.FIRST_PRICE]
    held, first, fees = cell[at.HELD], cell[at.FIRST], cell[at.FEE_BASE]
    own = (price * (all_held - early) for price, all_held, early in zip(prices, held, first, strict=False))
    later_fees = sum(price * fee for price, fee in zip(prices, fees, strict=False))
    own_cost = state[at.OWN_COST] if setting.rules[at.DELAYED] else sum(own)
    cost = own_cost + (sum(first) + state[at.KEPT]) * first_price
    return Flows(
        base=sum(held) + state[at.KEPT] if netted is None else state[at.BASE] - setting.state[at.BASE],
        quote=state[at.CASH] + state[at.FEE_BNB_WORTH] - setting.state[at.CASH],
        cost=cost if netted is None else netted,
        fee_base=sum(fees) + state[at.FIRST_FEE] + state[at.TAKER_FEE],
        fee_base_value=later_fees + state[at.FIRST_FEE] * first_price + state[at.TAKER_FEE_VALUE],
    )


def _triggered_ms(path: PricePath, state: list[int]) -> int | None:
    moment = state[at.TRIGGERED_AT] - 1
    return None if moment < 0 else path.time_of(moment)


def _end_of(scenario: Scenario, path: PricePath, setting: Setting, state: list[int]) -> GridEnd | None:
    """Return how the grid ended by itself."""
    if not state[at.ENDED_BY]:
        return None
    price = scenario.rules.price(state[at.ENDED_PRICE])
    return GridEnd(
        condition=condition_told(state[at.ENDED_BY], scenario.plan, price),
        action=action_told(state[at.ENDED_BY], scenario.plan),
        at_ms=path.time_of(state[at.ENDED_AT]),
        price=price,
        profit=state[at.ENDED_PROFIT] * setting.scales.amount,
        rests=scenario.rules.quantity(state[at.CLOSE_LOTS]),
    )


@exact
def contract_outcome(path: PricePath, setting: Setting, state: list[int]) -> ContractOutcome:
    tick = Decimal(setting.scales.tick).scaleb(-8)
    falls_to, rises_to = state[at.FALLS_TO], state[at.RISES_TO]
    beyond = falls_to if falls_to > 0 else rises_to if rises_to < at.NOTHING else None
    moment = state[at.LIQUIDATED_AT] - 1
    return ContractOutcome(
        position=from_units(state[at.BASE]),
        liquidation_price=None if beyond is None else beyond * tick,
        liquidated_ms=None if moment < 0 else path.time_of(moment),
        liquidated_at=None if moment < 0 else state[at.LIQUIDATED_AT_PRICE] * tick,
        lost=from_units(state[at.LOST]),
        settlements=state[at.NEXT_FUNDING] // at.FUNDING_WIDTH,
        margin_short=state[at.MARGIN_SHORT],
    )


def contract_cost(setting: Setting, cell: list[list[int]], state: list[int]) -> int:
    """Return what a position cost, in ticks x 1e-8, below 0 for a short one."""
    prices, first_price, left = setting.numbers.prices, state[at.FIRST_PRICE], state[at.BASE]
    cost = 0
    rows = zip(cell[at.HELD], cell[at.FIRST], setting.numbers.borrowed, cell[at.LOTS], strict=True)
    for k, (held, first, owes, lots) in enumerate(rows):
        borrowed = lots * setting.scales.lot if owes else 0
        sign, price = (-1, prices[k + 1]) if borrowed else (1, prices[k])
        cost += sign * ((abs(held - borrowed) - first) * price + first * first_price)
        left -= held - borrowed
    return cost + left * first_price


def last_bnb_price(path: PricePath, setting: Setting) -> int:
    """Return what BNB costs in the last row, in units of money per 1e-8 BNB; 0 where nothing is paid in it."""
    return int(path.bnb[-1]) if setting.rules[at.BNB_MOVES] else setting.state[at.BNB_PRICE]


def drawdown_of(state: list[int], path: PricePath, unit: Decimal) -> Drawdown:
    falls = (state[at.WORST_PEAK_AT], state[at.WORST_TROUGH_AT])
    if falls[0] == at.NEVER:
        return Drawdown(peak=ZERO, trough=ZERO, peak_ms=None, trough_ms=None)
    peak_ms, trough_ms = (int(path.open_ms[0] if row == at.AT_START else path.close_ms[row]) for row in falls)
    return Drawdown(
        peak=state[at.WORST_PEAK] * unit,
        trough=state[at.WORST_TROUGH] * unit,
        peak_ms=peak_ms,
        trough_ms=trough_ms,
    )


def _fills(table: npt.NDArray[Any]) -> Fills:
    try:
        columns = [np.ascontiguousarray(column, dtype=np.int64) for column in table.T]
    except OverflowError:
        raise InvalidRequest([_TOO_LARGE]) from None
    time_ms, cell, side, price, lots, commission, asset = columns
    return Fills(
        time_ms=time_ms,
        cell=cell,
        side=side,
        price_ticks=price,
        lots=lots,
        commission=commission,
        commission_asset=asset,
    )
