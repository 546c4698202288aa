"""Up to where the cells of a grid that reinvests may grow, so that what preflight checked at its start stays true."""

from collections.abc import Iterator, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from domain.errors import FieldMistake
from domain.futures import MarginType
from domain.grids import GridPlan, GridRequest, Profit, Reinvesting
from domain.instrument import FeeRates, InstrumentRules
from domain.money import ZERO
from grid.core import following

PPM: Final = 1_000_000
MOST_GROWTH: Final = 10
"""A cell comes to hold at most this many times what was planned."""


def profit_mistakes(request: GridRequest, margin_type: MarginType | None) -> Iterator[FieldMistake]:
    """Yield what reinvested profit does not go with."""
    if request.profit is not Profit.REINVEST:
        return
    if request.infinity:
        told = "an infinity grid keeps what is held worth the same; use release"
        yield FieldMistake("profit", told)
    if following.follows(request):
        yield FieldMistake("profit", "cells of a grid that follows the price hold alike; use release")
    if margin_type is MarginType.ISOLATED:
        told = "an isolated position's liquidation price would move with every cell that grows"
        yield FieldMistake("profit", f"{told}; use release, or margin_type: cross")


def reinvesting(plan: GridPlan, fees: FeeRates, max_order_notional: Decimal, most_times: Decimal) -> Reinvesting | None:
    """Return how a planned grid reinvests, None where what is gained stays in the account.

    Args:
        plan: of which cells hold what.
        fees: of the account.
        max_order_notional: the risk gate's limit, 0 for none.
        most_times: how many times of what is planned the venue and the settings let all cells hold together.
    """
    rules = plan.rules
    if plan.request.profit is not Profit.REINVEST or rules is None:
        return None
    limits = [limit for limit in (rules.max_notional, max_order_notional) if limit > 0]
    most = [
        _most(plan.prices[k : k + 2], quantity, rules, limits, most_times) for k, quantity in enumerate(plan.quantities)
    ]
    fee_ppm = int((fees.maker * PPM).to_integral_value(ROUND_CEILING))
    return Reinvesting(fee_ppm=fee_ppm, most=tuple(most))


def _most(
    rungs: Sequence[Decimal], planned: Decimal, rules: InstrumentRules, limits: Sequence[Decimal], times: Decimal
) -> Decimal:
    """Return what a cell may come to hold: a sale may offer a remainder too small to rest besides."""
    below, above = rungs
    bounds = [limit / above for limit in limits]
    if rules.max_quantity > 0:
        bounds.append(rules.max_quantity)
    remainder = rules.min_notional / below + 2 * rules.lot
    bound = min([bound - remainder for bound in bounds] + [planned * min(times, Decimal(MOST_GROWTH))])
    lots = max(int((max(bound, ZERO) / rules.lot).to_integral_value(ROUND_FLOOR)), rules.lots(planned))
    return rules.quantity(lots)
