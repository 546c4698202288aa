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

    Slots and client ids hold prices in ticks. A tick that changed at the venue would make other slots of them, so it is
    the one that the grid was planned by. Plans of older books do not hold it: there it is taken from the oldest order,
    its price divided by its ticks. A lot that changed is replaced by one in which every quantity of its plans and of
    the fills is whole.
    """
    by_plan = plans[0].rules
    tick = _tick_of_older_books(rules, plans, orders) if by_plan is None else by_plan.tick
    planned = [quantity for plan in plans for quantity in _quantities(plan)]
    quantities = [*planned, *(fill.quantity for fill in fills)]
    return replace(rules, tick=tick, lot=_step(rules.lot, quantities))


def _tick_of_older_books(rules: InstrumentRules, plans: Sequence[GridPlan], orders: Iterable[OrderRow]) -> Decimal:
    """Return the tick that the oldest order was placed by, else one of which all prices of the plans are multiples."""
    intents = (row.intent for row in orders)
    ticks = (intent.price / intent.slot.price_ticks for intent in intents if intent.price and intent.slot.price_ticks)
    prices = [price for plan in plans for price in (*plan.prices, plan.entry_limit_price)]
    return next(ticks, None) or _step(rules.tick, prices)


def _quantities(plan: GridPlan) -> list[Decimal]:
    return [plan.quantity_per_rung, plan.entry_quantity, plan.reserve_quantity, *plan.cell_quantities]


def _step(step: Decimal, values: Iterable[Decimal]) -> Decimal:
    """Return `step` if all values are whole numbers of it, else the largest power of ten of which they are."""
    known = list(values)
    if not any(value % step for value in known):
        return step
    return _power_of_ten(known)


def _power_of_ten(values: Iterable[Decimal]) -> Decimal:
    """Return the largest of which all values are whole numbers."""
    return Decimal(1).scaleb(min(int(value.normalize().as_tuple().exponent) for value in values))
