"""Preflight as the server knows it: the planning itself is pure and shared with back-tests."""

from grid.core.planning import MINIMUM_FACTOR, PreflightFacts, plan_grid

__all__ = ["MINIMUM_FACTOR", "PreflightFacts", "plan_grid"]
