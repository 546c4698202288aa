"""When a planned grid ends by itself, in the units of `grid.core.exits`."""

from decimal import ROUND_HALF_UP, Decimal, Inexact, localcontext
from typing import NamedTuple

from domain.exit_terms import ExitAction
from domain.exits import ExitCondition
from domain.grids import Direction, GridPlan
from domain.instrument import Market
from domain.money import UNIT, to_units
from grid.core import exits

_ACTIONS = {ExitAction.KEEP: exits.KEEP, ExitAction.MARKET: exits.MARKET, ExitAction.LIMIT: exits.LIMIT}


class ExitNumbers(NamedTuple):
    """Prices in steps, money in units; where a condition is not asked for, a price that none reaches, and 0."""

    stop_below: int
    stop_above: int
    take_below: int
    take_above: int
    gain: int
    loss: int
    on_take: int
    on_stop: int

    @property
    def are_used(self) -> bool:
        prices = self[:4] != (exits.NOWHERE_BELOW, exits.NOWHERE_ABOVE) * 2
        return prices or self.gain > 0 or self.loss > 0


def exit_numbers(plan: GridPlan, *, step: int, unit: int, with_stops_at_venue: bool = False) -> ExitNumbers:
    """Translate what ends a plan by itself.

    Args:
        plan: of the grid.
        step: of prices, in 1e-8 quote.
        unit: of money, in 1e-16 quote; it divides 1e-8.
        with_stops_at_venue: whether stops of contracts count, which the venue watches and not the grid.
    """
    request, terms = plan.request, plan.request.exits
    watched = with_stops_at_venue or request.instrument.market is Market.SPOT
    below, above = (request.stop_below, request.stop_above) if watched else (None, None)
    falls = terms.take_profit_price is not None and request.direction is Direction.SHORT
    take_below, take_above = (terms.take_profit_price, None) if falls else (None, terms.take_profit_price)
    per_unit = 10**8 // unit
    return ExitNumbers(
        stop_below=_steps(below, step, exits.NOWHERE_BELOW),
        stop_above=_steps(above, step, exits.NOWHERE_ABOVE),
        take_below=_steps(take_below, step, exits.NOWHERE_BELOW),
        take_above=_steps(take_above, step, exits.NOWHERE_ABOVE),
        gain=to_units(amount_of(plan, terms.take_profit_percent, terms.take_profit_amount)) * per_unit,
        loss=to_units(amount_of(plan, terms.stop_loss_percent, terms.stop_loss_amount)) * per_unit,
        on_take=_ACTIONS[terms.on_take_profit or ExitAction.MARKET],
        on_stop=_ACTIONS[terms.on_stop_loss or ExitAction.MARKET],
    )


def amount_of(plan: GridPlan, percent: Decimal | None, amount: Decimal | None) -> Decimal:
    """Return an amount in quote, 0 where none is asked for; percent are of the capital asked for, else needed."""
    if percent is None:
        return amount or Decimal(0)
    capital = plan.request.capital if plan.request.capital is not None else plan.capital_needed
    with localcontext() as rounding:
        rounding.prec = 60
        rounding.traps[Inexact] = False
        return max((capital * percent / 100).quantize(UNIT, ROUND_HALF_UP), UNIT)


def condition_told(code: int, plan: GridPlan, price: Decimal) -> ExitCondition:
    """Return the field that asked for what was met at a price."""
    terms, below = plan.request.exits, plan.request.stop_below
    match code:
        case exits.STOP_PRICE:
            is_below = below is not None and price <= below
            return ExitCondition.STOP_BELOW if is_below else ExitCondition.STOP_ABOVE
        case exits.TAKE_PRICE:
            return ExitCondition.TAKE_PROFIT_PRICE
        case exits.LOSS if terms.stop_loss_percent is not None:
            return ExitCondition.STOP_LOSS_PERC
        case exits.LOSS:
            return ExitCondition.STOP_LOSS_AMOUNT
        case _ if terms.take_profit_percent is not None:
            return ExitCondition.TAKE_PROFIT_PERC
        case _:
            return ExitCondition.TAKE_PROFIT_AMOUNT


def action_told(code: int, plan: GridPlan) -> ExitAction:
    """Return what is to become of the inventory after what was met."""
    terms = plan.request.exits
    chosen = terms.on_take_profit if code in (exits.TAKE_PRICE, exits.GAIN) else terms.on_stop_loss
    return chosen or ExitAction.MARKET


def _steps(price: Decimal | None, step: int, nowhere: int) -> int:
    return nowhere if price is None else min(to_units(price) // step, exits.NOWHERE_ABOVE)
