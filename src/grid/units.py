"""The rules a grid is shown by without asking the venue, and the tick and lot its books count in.

Tick and lot stay what they were whatever the venue asks for later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from domain.grids import GridPlan
from domain.instrument import InstrumentRules
from domain.money import ZERO, exact
from domain.orders import Fill
from ports.store import GridRow, OrderRow

NOT_READ: Final = "NOT_READ"
"""The status of a symbol whose rules nobody has told us yet."""


def planned_rules(row: GridRow) -> InstrumentRules:
    """Return the rules the grid was planned by.

    Older books do not hold them. Such a grid counts in the steps its plan shows, and nothing is traded by it until the
    venue's own rules are read.
    """
    plan = row.plan
    if plan.rules is not None:
        return plan.rules
    return InstrumentRules(
        instrument=row.instrument,
        status=NOT_READ,
        tick=_power_of_ten([*plan.prices, plan.entry_limit_price]),
        lot=_power_of_ten(_quantities(plan)),
        min_quantity=ZERO,
        max_quantity=ZERO,
        min_notional=ZERO,
    )


@exact
def counted_in(
    rules: InstrumentRules, plans: Sequence[GridPlan], orders: Iterable[OrderRow], fills: Iterable[Fill]
) -> InstrumentRules:
    """Return the venue's rules with the grid's own tick and lot.

    What a grid holds and wants is folded from its fills, which are counted in these; steps that followed the venue's
    would make something else of what was done long ago. So they are those that the grid was planned by, the lot finer
    where a fill or a quantity of its plans asks for that, the least value no smaller than it was: what counted as done
    stays done. Plans of older books hold no rules: there the tick is taken from the oldest order, its price divided by
    its ticks, because slots and client ids hold prices in ticks.
    """
    by_plan = plans[0].rules
    quantities = [*(quantity for plan in plans for quantity in _quantities(plan)), *(fill.quantity for fill in fills)]
    if by_plan is None:
        tick = _tick_of_older_books(rules, plans, orders)
        return replace(rules, tick=tick, lot=_step(rules.lot, quantities))
    least = max(by_plan.min_notional, rules.min_notional)
    return replace(rules, tick=by_plan.tick, lot=_step(by_plan.lot, quantities), min_notional=least)


def _tick_of_older_books(rules: InstrumentRules, plans: Sequence[GridPlan], orders: Iterable[OrderRow]) -> Decimal:
    """Return the tick that the oldest order was placed by, else one of which all prices of the plans are multiples."""
    intents = (row.intent for row in orders)
    ticks = (intent.price / intent.slot.price_ticks for intent in intents if intent.price and intent.slot.price_ticks)
    prices = [price for plan in plans for price in (*plan.prices, plan.entry_limit_price)]
    return next(ticks, None) or _step(rules.tick, prices)


def _quantities(plan: GridPlan) -> list[Decimal]:
    most = plan.reinvesting.most if plan.reinvesting is not None else ()
    return [plan.quantity_per_rung, plan.entry_quantity, plan.reserve_quantity, *plan.cell_quantities, *most]


def _step(step: Decimal, values: Iterable[Decimal]) -> Decimal:
    """Return `step` if all values are whole numbers of it, else the largest power of ten of which they are."""
    known = list(values)
    if not any(value % step for value in known):
        return step
    return _power_of_ten(known)


def _power_of_ten(values: Iterable[Decimal]) -> Decimal:
    """Return the largest of which all values are whole numbers."""
    return Decimal(1).scaleb(min(int(value.normalize().as_tuple().exponent) for value in values))
