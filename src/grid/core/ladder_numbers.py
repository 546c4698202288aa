"""A plan in the units of `grid.core.cells`."""

from typing import NamedTuple

from domain.grids import GridPlan
from domain.instrument import InstrumentRules
from domain.money import exact, to_units


class LadderNumbers(NamedTuple):
    """Ticks, lots, 1e-8 of base, tick x lot."""

    prices: list[int]
    lots: list[int]
    gap: int
    lot_units: int
    min_notional: int
    entry_lots: int
    entry_price: int


@exact
def ladder_numbers(plan: GridPlan, rules: InstrumentRules) -> LadderNumbers:
    """Translate a plan into the integers the decision is made in."""
    minimum, rest = divmod(rules.min_notional, rules.tick * rules.lot)
    return LadderNumbers(
        prices=[rules.ticks(price) for price in plan.prices],
        lots=[rules.lots(plan.quantity_per_rung)] * (len(plan.prices) - 1),
        gap=plan.gap,
        lot_units=to_units(rules.lot),
        min_notional=int(minimum) + (1 if rest else 0),
        entry_lots=rules.lots(plan.entry_quantity),
        entry_price=rules.ticks(plan.entry_limit_price),
    )
