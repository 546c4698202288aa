"""What an edit is checked against besides what a start is: the profit so far."""

from collections.abc import Iterator
from decimal import Decimal

from domain.errors import FieldMistake
from domain.exits import ExitCondition
from domain.grids import GridPlan
from domain.money import plain
from grid.core.exit_numbers import amount_of


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
