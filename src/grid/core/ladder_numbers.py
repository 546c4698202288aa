"""A plan in the units of `grid.core.cells`."""

from typing import NamedTuple

from domain.grids import Direction, GridPlan
from domain.instrument import InstrumentRules
from domain.money import exact, to_units
from domain.orders import Side

PPM = 1_000_000


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

    sale_ppm: int  # what reinvested sales leave and purchases take, see `grid.core.reinvest`; 0: nothing is reinvested
    cost_ppm: int
    aside: int  # ticks
    carry: list[int]
    most: list[int]

    def fresh(self) -> "LadderNumbers":
        """Return them with lists that may be changed."""
        return self._replace(prices=[*self.prices], lots=[*self.lots], borrowed=[*self.borrowed], carry=[*self.carry])


@exact
def ladder_numbers(plan: GridPlan, rules: InstrumentRules) -> LadderNumbers:
    """Translate a plan into the integers the decision is made in."""
    minimum, rest = divmod(rules.min_notional, rules.tick * rules.lot)
    lots = [rules.lots(quantity) for quantity in plan.quantities]
    prices = [rules.ticks(price) for price in plan.prices]
    master = [rules.ticks(price) for price in plan.master]
    borrowed = _borrowed(plan, lots, to_units(rules.lot))
    sale_ppm, cost_ppm = _rates(plan)
    return LadderNumbers(
        prices=prices,
        lots=lots,
        gap=plan.gap,
        lot_units=to_units(rules.lot),
        min_notional=int(minimum) + (1 if rest else 0),
        entry_lots=rules.lots(plan.entry_quantity),
        entry_price=rules.ticks(plan.entry_limit_price),
        entry_sells=plan.entry_side is Side.SELL,
        borrowed=borrowed,
        reserve=to_units(plan.reserve_quantity),
        master=master,
        first=master.index(prices[0]) if master else 0,
        sale_ppm=sale_ppm,
        cost_ppm=cost_ppm,
        aside=int(plan.reinvesting.aside // rules.tick) + 1 if plan.reinvesting and plan.reinvesting.aside else 0,
        carry=_debts(plan, prices, lots, borrowed),
        most=[rules.lots(most) for most in plan.reinvesting.most] if plan.reinvesting else [0] * len(lots),
    )


def _rates(plan: GridPlan) -> tuple[int, int]:
    """Return what a sale leaves and a purchase takes, in millionths of a rung; 0 where nothing is reinvested."""
    if plan.reinvesting is None:
        return 0, 0
    fee = plan.reinvesting.fee_ppm
    if plan.terms is not None:
        return PPM - fee, PPM + fee
    return PPM - fee, -(-PPM * PPM // (PPM - fee))  # the fee of a purchase is taken from what it brings


def _debts(plan: GridPlan, prices: list[int], lots: list[int], borrowed: list[int]) -> list[int]:
    """Return what each cell has to gain before anything is reinvested: a negative number, or 0.

    On spot a cell holds up to a lot that it cannot sell. On a contract preflight counts what the first trade's
    positions gain, or lose, when they are first closed.
    """
    sale_ppm, cost_ppm = _rates(plan)
    if plan.terms is None:
        return [-price * cost_ppm for price in prices[:-1]]
    debts = []
    for k, count in enumerate(lots):
        begins_in_position = plan.entry_quantity > 0 and (k < plan.gap) == (borrowed[k] > 0)
        debts.append(-count * (prices[k + 1] * sale_ppm - prices[k] * cost_ppm) if begins_in_position else 0)
    return debts


def _borrowed(plan: GridPlan, lots: list[int], lot_units: int) -> list[int]:
    """Return what each cell may sell short."""
    first = {Direction.LONG: len(lots), Direction.NEUTRAL: plan.gap, Direction.SHORT: 0}[plan.request.direction]
    return [count * lot_units if k >= first else 0 for k, count in enumerate(lots)]
