"""The tick and lot a grid's books count in, which stay what they were whatever the venue asks for later."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from domain.grids import GridPlan
from domain.instrument import InstrumentRules
from domain.money import exact
from domain.orders import Fill
from ports.store import OrderRow


@exact
def counted_in(
    rules: InstrumentRules, plan: GridPlan, orders: Iterable[OrderRow], fills: Iterable[Fill]
) -> InstrumentRules:
    """Return the venue's rules with the grid's own tick and lot.

    Slots and client ids hold prices in ticks. A tick that changed at the venue would make other slots of them, so the
    tick is taken from an order that has one: its price divided by its ticks. A lot that changed is replaced by one in
    which every quantity of the plan and of the fills is whole.
    """
    intents = (row.intent for row in orders)
    ticks = (intent.price / intent.slot.price_ticks for intent in intents if intent.price and intent.slot.price_ticks)
    tick = next(ticks, None) or _step(rules.tick, [*plan.prices, plan.entry_limit_price])
    quantities = [plan.quantity_per_rung, plan.entry_quantity, *(fill.quantity for fill in fills)]
    return replace(rules, tick=tick, lot=_step(rules.lot, quantities))


def _step(step: Decimal, values: Iterable[Decimal]) -> Decimal:
    """Return `step` if all values are whole numbers of it, else the largest power of ten of which they are."""
    known = list(values)
    if not any(value % step for value in known):
        return step
    return Decimal(1).scaleb(min(int(value.normalize().as_tuple().exponent) for value in known))
