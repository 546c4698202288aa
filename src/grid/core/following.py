"""Preflight of a ladder that follows the price: how far it may go, and that every window on the way can trade.

All that a window needs is a greatest of numbers that grow evenly with its prices, so the windows at both ends of the
way decide for all between them.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from domain.grids import Direction, GridPlan, GridRequest, Spacing
from domain.instrument import InstrumentRules
from domain.money import ZERO, plain
from grid.core import ladder
from grid.core.stop_checks import Mistake, off_rules

MOST_RUNGS: Final = 1_000
_BOTH_WAYS: Final = (
    "following both ways it may end a position at a loss on one way and open it anew on the other: the losses of "
    "several swings add up, and no check bounds them"
)


def follows(request: GridRequest) -> bool:
    """Tell whether the ladder is to follow the price at all."""
    return request.trail_up_to is not None or request.trail_down_to is not None


def limit_mistakes(request: GridRequest, rules: InstrumentRules) -> Iterator[Mistake]:
    """Yield field and remedy of everything wrong with the limits that needs no ladder to be seen."""
    if not follows(request):
        return
    for field, limit in (("trail_up_to", request.trail_up_to), ("trail_down_to", request.trail_down_to)):
        if limit is not None:
            yield from off_rules(field, limit, rules)
    if request.start_empty:
        yield "start_empty", "a grid that follows the price begins with all its cells; leave it out"
    if request.infinity:
        yield "infinity", "an infinity grid has no upper end that could follow the price; leave it or the limits out"
    if request.quantity_growth_percent:
        yield "quantity_growth_perc", "a grid that follows the price holds alike in all cells; leave it out"
    if request.direction is Direction.NEUTRAL:
        field = "trail_up_to" if request.trail_up_to is not None else "trail_down_to"
        yield field, "a neutral grid does not follow the price yet; use direction: long or short, or leave it out"


def master_rungs(request: GridRequest, rules: InstrumentRules, rungs: Sequence[int], spacing_ppm: int) -> list[int]:
    """Return every rung, in ticks, that the grid may come to use: its own continued up to the limits.

    Raises:
        LadderError: if there are too many.
    """
    up_to, down_to = (
        None if limit is None else rules.nearest_ticks(limit) for limit in (request.trail_up_to, request.trail_down_to)
    )
    return ladder.lengthened(rungs, rung_of(request, rungs, spacing_ppm), down_to, up_to, MOST_RUNGS)


def rung_of(request: GridRequest, rungs: Sequence[int], spacing_ppm: int) -> ladder.Rung:
    """Return where the rungs of a ladder stand, also beyond its ends: the ratio goes on, or the step."""
    geometric, count = request.spacing is Spacing.GEOMETRIC, len(rungs)
    if request.lower is not None:
        between = ladder.geometric_rungs_between if geometric else ladder.arithmetic_rungs_between
        return between(rungs[0], rungs[-1], count)
    around = ladder.geometric_rungs_around if geometric else ladder.arithmetic_rungs_around
    return around(rungs[count // 2], spacing_ppm, count)


def reach_mistakes(
    request: GridRequest, rules: InstrumentRules, rungs: Sequence[int], master: Sequence[int], spacing_ppm: int
) -> Iterator[Mistake]:
    """Yield what is wrong with limits that let the ladder go not even one rung."""
    rung = rung_of(request, rungs, spacing_ppm)
    if request.trail_up_to is not None and master[-1] == rungs[-1]:
        least = plain(rules.price(rung(len(rungs))))
        yield "trail_up_to", f"must reach at least the next rung above the range; use {least} or more"
    if request.trail_down_to is not None and master[0] == rungs[0]:
        below = rung(-1)
        told = f"use {plain(rules.price(below))} or less" if below > 0 else "there is none above zero; leave it out"
        yield "trail_down_to", f"must reach at least the next rung below the range; {told}"


def end_windows(master: Sequence[Decimal], count: int) -> tuple[tuple[Decimal, ...], tuple[Decimal, ...]]:
    """Return the prices of the lowest and of the highest window of `count` rungs."""
    return tuple(master[:count]), tuple(master[-count:])


def spot_warnings(plan: GridPlan, starting: Decimal) -> tuple[str, ...]:
    """Return what a person should know of a spot grid that follows the price; it takes `starting` at its start."""
    if not plan.master:
        return ()
    quantity, cells = plan.quantity_per_rung, len(plan.prices) - 1
    low, high = end_windows(plan.master, len(plan.prices))
    told = []
    if plan.capital_needed > starting:
        told.append(
            f"following up to {plain(high[-1])}: {plain(plan.capital_needed)} is what the highest window takes, "
            f"{plain(high[0])} - {plain(high[-1])}, with all its {cells} purchases open; the start takes "
            f"{plain(starting)}"
        )
    if plan.request.trail_down_to is not None:
        paid = max(starting if plan.request.trail_up_to is None else ZERO, sum(high[:-1], ZERO) * quantity)
        lost = paid - cells * quantity * low[0]
        told.append(
            f"following down to {plain(low[0])}: what was bought higher is sold in lower windows, below its cost; at "
            f"the lowest rung up to {plain(lost)} would be lost"
        )
    return (*told, *both_ways(plan.request))


def contract_warnings(
    request: GridRequest, dearest: Sequence[Decimal], needed: Decimal, starting: Decimal
) -> tuple[str, ...]:
    """Return what a person should know of a contract's grid that follows the price; `dearest` needs most of it."""
    told = []
    if needed > starting:
        told.append(
            f"following the price takes {plain(needed)} in the window {plain(dearest[0])} - {plain(dearest[-1])}, the "
            f"start {plain(starting)}; liquidation prices are those of the worst window on the way"
        )
    loses = request.trail_down_to if request.direction is Direction.LONG else request.trail_up_to
    if loses is not None:
        held = (
            "bought higher is sold in lower"
            if request.direction is Direction.LONG
            else "sold lower is bought in higher"
        )
        told.append(f"following to {plain(loses)}: what was {held} windows, at a loss")
    return (*told, *both_ways(request))


def both_ways(request: GridRequest) -> tuple[str, ...]:
    """Return the warning of a ladder that follows the price both ways."""
    if request.trail_up_to is None or request.trail_down_to is None:
        return ()
    return (_BOTH_WAYS,)
