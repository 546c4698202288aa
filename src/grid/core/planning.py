"""Preflight: a request either becomes a plan that can trade, or every mistake in it is named with its remedy."""

from dataclasses import replace
from decimal import Decimal, localcontext

from domain.errors import FieldMistake, InvalidRequest
from domain.grids import GridPlan, GridRequest
from grid.core.exit_checks import exit_mistakes, exit_warnings, trigger_mistakes
from grid.core.planning_base import Preflight
from grid.core.planning_contract import ContractPreflight
from grid.core.planning_facts import ENTRY_SLIPPAGE, MINIMUM_FACTOR, PreflightFacts
from grid.core.planning_spot import SpotPreflight

__all__ = ["ENTRY_SLIPPAGE", "MINIMUM_FACTOR", "PreflightFacts", "plan_grid"]


def plan_grid(request: GridRequest, facts: PreflightFacts) -> GridPlan:
    """Turn a request into a plan, for a contract where `facts.contract` tells of one.

    Raises:
        InvalidRequest: with every mistake found.
    """
    with localcontext() as context:
        context.prec = 60
        return _planned(request, facts)


def _planned(request: GridRequest, facts: PreflightFacts) -> GridPlan:
    """Return the plan, around the trigger price where there is one."""
    found = [*trigger_mistakes(request, facts.rules)]
    begins = facts if request.trigger_price is None or found else _at(facts, request.trigger_price)
    terms = None if facts.contract is None else facts.contract.terms
    found += exit_mistakes(request, facts.rules, begins.price, terms)
    mistakes = [FieldMistake(*mistake) for mistake in found]
    try:
        plan = _preflight(request, begins).plan()
    except InvalidRequest as refused:
        raise InvalidRequest([*mistakes, *refused.mistakes]) from None
    if mistakes:
        raise InvalidRequest(mistakes)
    waits_from = None if request.trigger_price is None else facts.price
    return replace(plan, waits_from=waits_from, warnings=(*plan.warnings, *exit_warnings(request)))


def _preflight(request: GridRequest, facts: PreflightFacts) -> Preflight:
    if facts.contract is not None:
        return ContractPreflight(request, facts, facts.contract)
    return SpotPreflight(request, facts)


def _at(facts: PreflightFacts, price: Decimal) -> PreflightFacts:
    """Return the facts as they will be at a price."""
    contract = None if facts.contract is None else replace(facts.contract, mark_price=price)
    return replace(facts, price=price, contract=contract)
