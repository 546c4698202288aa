"""What a grid of a run does besides: each part by a generator of its own, so that all else of a seed stays."""

from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any, Final

from chaos.deaths import MOVING, STOPPING, draw_death
from chaos.ends import draw_ends
from chaos.plan import CONTRACT_TICK, START_PRICE, TICK, EditWord, Episode, PauseWord, RunPlan
from chaos.points import Boundary
from domain.edits import GridChanges
from domain.futures import MarginType
from domain.grids import Direction, PauseKeep, Profit

_SHORT: Final = 5  # rungs


def with_ends(plan: RunPlan) -> RunPlan:
    """Return the plan with a grid that begins and ends by itself in a fifth of the runs; all else of a seed stays.

    Most of them die about the commit of the end, or at the sale that follows. Not in lock-step: at which of its prices
    a profit is sure depends on how long each fill takes to be told.
    """
    random, contract = Random(f"ends {plan.seed}"), plan.contract
    if random.random() < 0.73:
        return plan
    ends = draw_ends(
        random,
        Direction.LONG if contract is None else contract.direction,
        on_spot=contract is None,
        in_hedge_mode=contract is not None and contract.terms.hedge_mode,
        moves=bool(plan.quantities or plan.edits or plan.trail_up_to or plan.trail_down_to),
    )
    episodes = [_with_an_end(random, episode, may_lose=not plan.edits) for episode in plan.episodes]
    return replace(plan, ends=ends, episodes=tuple(episodes))


def _with_an_end(random: Random, episode: Episode, *, may_lose: bool) -> Episode:
    """Return an episode in which the process may die as the grid ends by itself, before or after it dies elsewhere."""
    if random.random() < 0.4:
        return episode
    chosen = random.choice([*STOPPING, Boundary.UNWIND_SENT, Boundary.UNWIND_APPLIED, Boundary.END_BEFORE_COMMIT])
    death = replace(draw_death(random, chosen, may_lose=may_lose), passes=1)
    deaths = [death, *episode.deaths] if random.random() < 0.5 else [*episode.deaths, death]
    return replace(episode, deaths=tuple(deaths))


def draw_resting(seed: int) -> int | None:
    """Return how many orders rest on each side in a quarter of the runs; in the others all do.

    Not in lock-step: where the price runs through more rungs than rest, which of them take first decides which cell
    waits for the sale of the one below it, and that depends on how long each is in doubt.
    """
    random = Random(f"resting {seed}")
    return random.choice([1, 2, 2, 3]) if random.random() < 0.25 else None


def draw_lag_ms(seed: int) -> int:
    """Return by how much the market's stream lags behind the account's in a fifth of the runs."""
    random = Random(f"prices lag {seed}")
    return random.choice([300, 900, 2_500]) if random.random() < 0.2 else 0


def draw_quantities(seed: int, plan: RunPlan) -> dict[str, Any]:
    """Return what makes cells differ in a fifth of the runs; all else of a seed is drawn without it."""
    levels = plan.levels
    random = Random(f"quantities {seed}")
    if random.random() < 0.8:
        return {}
    may_reinvest = plan.contract is None or plan.contract.terms.margin_type is MarginType.CROSS
    if may_reinvest and random.random() < 0.4:
        return {"profit": Profit.REINVEST}
    if plan.contract is None and levels > 2 and random.random() < 0.5:
        lower = START_PRICE * (1 - plan.spacing_percent * (levels // 2) / 100)
        return {"infinity": True, "lower": lower}
    return {"quantity_growth_percent": Decimal(random.choice(["3.1416", "12", "40" if levels < 10 else "9"]))}


def with_trailing(plan: RunPlan) -> RunPlan:
    """Return the plan with a ladder that follows the price in a fifth of the runs; all else of a seed stays.

    Short ladders, which the price leaves more often, are drawn more often. Most runs die where a move is committed.
    """
    random = Random(f"trailing {plan.seed}")
    share = 0.5 if plan.levels <= _SHORT else 0.15
    contract = plan.contract
    is_able = contract is None or not (contract.start_empty or contract.direction is Direction.NEUTRAL)
    if random.random() > share or plan.quantities or not is_able:
        return plan
    tick = TICK if contract is None else CONTRACT_TICK
    step = 1 + plan.spacing_percent / 100
    reach = plan.levels // 2 + 1 + random.randint(1, 8)
    up, down = START_PRICE * step**reach, START_PRICE / step**reach
    ways = random.choice(["up", "down", "both", "both"])
    return replace(
        plan,
        trail_up_to=None if ways == "down" else up.quantize(tick),
        trail_down_to=None if ways == "up" else down.quantize(tick),
        episodes=tuple(_with_moves(random, episode) for episode in plan.episodes),
    )


def _with_moves(random: Random, episode: Episode) -> Episode:
    """Return an episode in which the process may die as the ladder moves, before it dies elsewhere."""
    if random.random() < 0.3:
        return episode
    deaths = [draw_death(random, boundary, may_lose=episode.stop is None) for boundary in random.choice(MOVING)]
    return replace(episode, deaths=(*[replace(death, passes=1) for death in deaths], *episode.deaths))


def with_edits(plan: RunPlan) -> RunPlan:
    """Return the plan with edits of the grid in a sixth of the runs; all else of a seed stays.

    Most of them die where one is committed, too. No commit is lost with the power: of an edit that is, the orders rest
    on rungs that the books do not know, and a person has to see to it.
    """
    random = Random(f"edits {plan.seed}")
    contract = plan.contract
    is_apart = contract is not None and contract.terms.hedge_mode and contract.direction is Direction.NEUTRAL
    if random.random() < 0.78 or plan.trail_up_to or plan.trail_down_to or is_apart:
        return plan
    words = tuple(
        EditWord(at_step=at_step, after_ms=random.choice([0, 1, 3, 10, 200, 1_500]), changes=_changes(random, plan))
        for at_step in sorted(random.randrange(1, len(plan.prints)) for _ in range(random.choice([1, 2, 3, 4])))
    )
    episodes = [_with_moves(random, episode) for episode in plan.episodes]
    episodes = [
        replace(episode, deaths=tuple(replace(death, lost_commits=0) for death in episode.deaths))
        for episode in episodes
    ]
    return replace(plan, edits=words, episodes=tuple(episodes))


def _changes(random: Random, plan: RunPlan) -> GridChanges:
    """Return what one edit changes; often it leads back to the levels and the spacing of the start."""
    if random.random() < 0.3:
        return GridChanges(levels=plan.levels, spacing_percent=plan.spacing_percent)
    wide = START_PRICE * Decimal(random.choice(["0.006", "0.01", "0.02"]))
    return random.choice(
        [
            GridChanges(levels=plan.levels + random.choice([1, 2, 5])),
            GridChanges(levels=max(plan.levels - random.choice([1, 3]), 2)),
            GridChanges(spacing_percent=Decimal(random.choice(["0.25", "0.4", "0.6"]))),
            GridChanges(capital=Decimal(random.choice([2_000, 4_000, 7_000]))),
            GridChanges(lower=START_PRICE - wide, upper=START_PRICE + wide),
        ]
    )


def draw_pauses(seed: int, steps: int) -> tuple[PauseWord, ...]:
    """Return what a person says of pausing in a third of the runs; all else of a seed is drawn without it."""
    random = Random(f"pauses {seed}")
    if random.random() < 0.67:
        return ()
    at_steps = sorted(random.randrange(1, steps) for _ in range(random.choice([1, 2, 3, 4])))
    words = (PauseKeep.EXITS, PauseKeep.EXITS, PauseKeep.NOTHING, None, None)
    return tuple(
        PauseWord(at_step=at_step, after_ms=random.choice([0, 1, 3, 10, 200]), keep=random.choice(words))
        for at_step in at_steps
    )
