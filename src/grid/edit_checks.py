"""What an edit is checked against besides what a start is: the profit so far, and the position as it was entered."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from domain.errors import FieldMistake
from domain.exits import ExitCondition
from domain.futures import MarginType
from domain.grids import GridPlan
from domain.money import plain
from domain.orders import Side
from grid.core.contract_sizing import Ends
from grid.core.exit_numbers import amount_of
from grid.core.kept_position import KeptPosition, Rung, traded
from grid.core.margin import Leg
from grid.core.planning_facts import PreflightFacts
from orders.wanted import WantedOrder


def size_field(plan: GridPlan) -> str:
    """Return the field that says how large a grid is."""
    return "capital" if plan.request.quantity is None else "quantity_per_level"


def exits_told(plan: GridPlan, before: GridPlan) -> Iterator[str]:
    """Yield what of a grid's own ends an edit changes: percent are of the capital in force."""
    for name, percent, _ in _percents(plan):
        amount, so_far = amount_of(plan, percent, None), amount_of(before, percent, None)
        if amount != so_far:
            told = f"{name} goes by the new capital: {plain(amount)} {plan.request.instrument.quote}"
            yield f"{told} of the whole grid's profit so far, {plain(so_far)} before the edit"


def exit_mistakes(plan: GridPlan, profit: Decimal) -> Iterator[FieldMistake]:
    """Yield what would end an edited grid at once, `profit` being what it has made in quote."""
    for name, percent, sign in _percents(plan):
        amount = amount_of(plan, percent, None)
        if profit * sign >= amount:
            told = f"{name} would be {plain(amount)} with a profit of {plain(profit)} so far, and end the grid at once"
            yield FieldMistake(size_field(plan), f"{told}; change it less, or stop the grid")


def _percents(plan: GridPlan) -> Iterator[tuple[ExitCondition, Decimal, int]]:
    """Yield the ends that are asked for in percent, and the sign of the profit that meets each."""
    terms = plan.request.exits
    if terms.take_profit_percent is not None:
        yield ExitCondition.TAKE_PROFIT_PERC, terms.take_profit_percent, 1
    if terms.stop_loss_percent is not None:
        yield ExitCondition.STOP_LOSS_PERC, terms.stop_loss_percent, -1


class KeptEnds:
    """Where the position of an edited grid would be liquidated, as it was entered.

    Of an isolated one alone: under cross margin not the entry price decides but all that stands behind it.
    """

    def __init__(
        self,
        plan: GridPlan,
        facts: PreflightFacts,
        held: Leg,
        trade: WantedOrder | None,
        orders: Sequence[WantedOrder],
    ) -> None:
        """Take in what is held before the edit's trade, and the orders that would rest after it."""
        self._plan, self._facts = plan, facts
        self._ends = Ends(None, None, inside=False)
        self._is_far = True
        if plan.terms is None or facts.contract is None or plan.terms.margin_type is not MarginType.ISOLATED:
            return
        position = KeptPosition(facts.contract, facts.price, plan.prices[0], plan.prices[-1])
        if trade is not None and trade.price is not None:
            held = traded(held, trade.quantity if trade.slot.side is Side.BUY else -trade.quantity, trade.price)
        self._ends = position.ends(held, _rungs(orders, Side.BUY), _rungs(orders, Side.SELL))
        self._is_far = position.keeps_distance(self._ends)

    def told_in(self, plan: GridPlan) -> GridPlan:
        """Return the plan with the nearer ends: these, or those of a position that is opened by the plan."""
        below, above = self._ends.below, self._ends.above
        if below is not None:
            below = max(below, plan.liquidation_below or below)
        if above is not None:
            above = above if plan.liquidation_above is None else min(above, plan.liquidation_above)
        return replace(
            plan,
            liquidation_below=plan.liquidation_below if below is None else below,
            liquidation_above=plan.liquidation_above if above is None else above,
        )

    def mistakes(self) -> Iterator[FieldMistake]:
        """Yield where it would end too near to the range, or before a stop is reached."""
        if not self._is_far:
            yield self._too_near()
        request, ends = self._plan.request, self._ends
        remedy = "take less capital, narrow the range, or start a new grid with another stop"
        if request.stop_below is not None and ends.below is not None and request.stop_below <= ends.below:
            yield FieldMistake("stop_below", f"what is held would be liquidated at {self._at(ends.below)}; {remedy}")
        if request.stop_above is not None and ends.above is not None and request.stop_above >= ends.above:
            yield FieldMistake("stop_above", f"what is held would be liquidated at {self._at(ends.above)}; {remedy}")

    def _too_near(self) -> FieldMistake:
        plan, contract, ends = self._plan, self._facts.contract, self._ends
        lowest, highest = plan.prices[0], plan.prices[-1]
        at = ends.above if ends.below is None else ends.below
        where = "inside" if ends.inside or at is None or lowest <= at <= highest else "too near to"
        price = "" if not at else f" at {self._at(at)} with all that it meets on its way"
        away = plain(contract.liquidation_buffer * 100) if contract else ""
        leverage = plan.terms.leverage if plan.terms else 1
        field = ("upper_price" if ends.below is None else "lower_price") if plan.request.lower else "spacing_perc"
        told = (
            f"isolated margin at leverage {leverage}: what is held, at the price it was entered at, would be liquidated"
        )
        remedy = f"{where} the range ({away} % beyond it is asked for); narrow the range, or stop the grid"
        return FieldMistake(field, f"{told}{price}, {remedy}")

    def _at(self, price: Decimal) -> str:
        rules = self._facts.rules
        return plain(rules.price(rules.nearest_ticks(price)))


def _rungs(orders: Sequence[WantedOrder], side: Side) -> list[Rung]:
    return [
        Rung(order.price, order.quantity) for order in orders if order.slot.side is side and order.price is not None
    ]
