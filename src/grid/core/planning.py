"""Preflight: a request either becomes a plan that can trade, or every mistake in it is named with its remedy."""

from decimal import localcontext

from domain.grids import GridPlan, GridRequest
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
        if facts.contract is not None:
            return ContractPreflight(request, facts, facts.contract).plan()
        return SpotPreflight(request, facts).plan()
