"""A plan in the units of `grid.core.cells`."""

from typing import NamedTuple

from domain.grids import Direction, GridPlan
from domain.instrument import InstrumentRules
from domain.money import exact, to_units
from domain.orders import Side


class LadderNumbers(NamedTuple):
    """Ticks, lots, 1e-8 of base, tick x lot."""

    prices: list[int]
    lots: list[int]
    gap: int
    lot_units: int
    min_notional: int
    entry_lots: int
    entry_price: int
    entry_sells: bool
    borrowed: list[int]
    reserve: int  # base that is bought first and that no rung sells
    master: list[int]  # every rung a grid that follows the price may use; empty of one that does not
    first: int  # where the lowest rung stands on it

    def fresh(self) -> "LadderNumbers":
        """Return them with lists that may be changed."""
        return self._replace(prices=[*self.prices], lots=[*self.lots], borrowed=[*self.borrowed])


@exact
def ladder_numbers(plan: GridPlan, rules: InstrumentRules) -> LadderNumbers:
    """Translate a plan into the integers the decision is made in."""
    minimum, rest = divmod(rules.min_notional, rules.tick * rules.lot)
    lots = [rules.lots(quantity) for quantity in plan.quantities]
    master = [rules.ticks(price) for price in plan.master]
    return LadderNumbers(
        prices=[rules.ticks(price) for price in plan.prices],
        lots=lots,
        gap=plan.gap,
        lot_units=to_units(rules.lot),
        min_notional=int(minimum) + (1 if rest else 0),
        entry_lots=rules.lots(plan.entry_quantity),
        entry_price=rules.ticks(plan.entry_limit_price),
        entry_sells=plan.entry_side is Side.SELL,
        borrowed=_borrowed(plan, lots, to_units(rules.lot)),
        reserve=to_units(plan.reserve_quantity),
        master=master,
        first=master.index(rules.ticks(plan.prices[0])) if master else 0,
    )


def _borrowed(plan: GridPlan, lots: list[int], lot_units: int) -> list[int]:
    """Return what each cell may sell short."""
    first = {Direction.LONG: len(lots), Direction.NEUTRAL: plan.gap, Direction.SHORT: 0}[plan.request.direction]
    return [count * lot_units if k >= first else 0 for k, count in enumerate(lots)]
