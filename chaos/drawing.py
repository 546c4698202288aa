"""A run's plan, drawn from its seed before anything starts.

Even seeds trade a contract, odd ones spot. A seed that is told its market draws that market's plan, and a
seed of spot the plan it has always had.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Final

from chaos.deaths import FUNDING, draw_death, first_choices, later_choices
from chaos.features import draw_lag_ms, draw_pauses, draw_quantities, draw_resting, with_edits, with_ends, with_trailing
from chaos.plan import CONTRACT_TICK, START_MS, START_PRICE, TICK, ContractPlan, Episode, Print, RunPlan, market_of
from chaos.points import OF_CONTRACTS, OF_SPOT, Fault
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, OnStop
from domain.instrument import Market

CHANGES_THE_OUTCOME: Final = frozenset(
    {
        Fault.CANCELLED_BY_OTHERS,
        Fault.FOREIGN_ORDER,
        Fault.FOREIGN_INSTANCE,
        Fault.BALANCE_CHANGED,
        Fault.HALTED,
        Fault.FILTERS_CHANGED,
        Fault.EXPIRED_IN_MATCH,
        Fault.PARTIAL_FILL,
        Fault.FEES_IN_BNB,
    }
)
"""With these a run does not end like an undisturbed one, however well it recovers."""
# Power loss is decided with the death it belongs to.
_WINDOWED: Final = {
    market: tuple(fault for fault in Fault if fault is not Fault.POWER_LOSS and fault not in unknown)
    for market, unknown in ((Market.SPOT, OF_CONTRACTS), (Market.FUTURES, OF_SPOT))
}
_WEIGHTS: Final = {
    Fault.REQUEST_LOST: 4,
    Fault.ANSWER_LOST: 5,
    Fault.UNKNOWN_APPLIED: 4,
    Fault.UNKNOWN_NOT_APPLIED: 4,
    Fault.SERVER_ERROR: 4,
    Fault.STREAM_DROPPED: 5,
    Fault.STREAM_DUPLICATED: 4,
    Fault.STREAM_REORDERED: 4,
    Fault.STREAM_DELAYED: 4,
    Fault.STREAM_MUTE: 3,
    Fault.EXPIRED_IN_MATCH: 6,
    Fault.CANCELLED_BY_OTHERS: 5,
    Fault.SLOW_DOWN: 3,
    Fault.BALANCE_CHANGED: 4,
    Fault.FOREIGN_INSTANCE: 4,
    Fault.DISK_FULL: 4,
    Fault.PARTIAL_FILL: 1,
    Fault.FEES_IN_BNB: 5,
    Fault.FUNDING_UNREAD: 6,
    Fault.FUNDING_LATE: 24,
    Fault.FUNDING_TWICE: 16,
}
"""How much more often a fault is drawn that finds less to strike; 2 for the others."""
_HARMLESS: Final = {
    market: tuple(fault for fault in faults if fault not in CHANGES_THE_OUTCOME) for market, faults in _WINDOWED.items()
}


def draw_plan(seed: int, market: Market | None = None) -> RunPlan:
    """Return the plan of a seed, on its own market or the one told."""
    plan = _draw_contract(seed) if (market or market_of(seed)) is Market.FUTURES else _draw_spot(seed)
    plan = with_trailing(replace(plan, quantities=draw_quantities(seed, plan)))
    if plan.lock_step:
        return plan
    pauses, post_only = draw_pauses(seed, len(plan.prints)), Random(f"post only {seed}").random() < 0.25
    plan = replace(plan, pauses=pauses, resting_levels=draw_resting(seed), post_only=post_only)
    return replace(with_ends(with_edits(plan)), price_lags_ms=draw_lag_ms(seed))


def _draw_spot(seed: int) -> RunPlan:
    random = Random(f"plan {seed}")
    lock_step = random.random() < 0.25
    steps = random.randint(28, 54)
    spacing = Decimal(random.choice(["0.3", "0.3", "0.5"]))
    return RunPlan(
        seed=seed,
        levels=random.choice([2, 3, 5, 8, 8, 10, 12]),
        spacing_percent=spacing,
        lock_step=lock_step,
        prints=tuple(_walk(random, steps, spacing)),
        episodes=tuple(_episodes(random, steps, Market.SPOT, lock_step=lock_step)),
    )


def _draw_contract(seed: int) -> RunPlan:
    random = Random(f"contract {seed}")
    lock_step = random.random() < 0.25
    steps = random.randint(28, 54)
    spacing = Decimal(random.choice(["0.3", "0.3", "0.5"]))
    levels = random.choice([3, 5, 8, 8, 10, 12])
    prints = tuple(_walk(random, steps, spacing, Market.FUTURES))
    episodes = list(_episodes(random, steps, Market.FUTURES, lock_step=lock_step))
    settled = random.choice([0, *range(len(episodes))])
    episodes[settled] = _with_funding(random, episodes[settled], lock_step=lock_step)
    return RunPlan(
        seed=seed,
        start_ms=START_MS - _lead_ms(random, prints, episodes[settled], lock_step=lock_step),
        contract=_contract(random),
        levels=levels,
        spacing_percent=spacing,
        lock_step=lock_step,
        prints=prints,
        episodes=tuple(episodes),
    )


def _contract(random: Random) -> ContractPlan:
    direction = random.choice(list(Direction))
    return ContractPlan(
        direction=direction,
        terms=ContractTerms(
            leverage=random.choice([1, 2, 3]),
            margin_type=random.choice(list(MarginType)),
            hedge_mode=random.random() < 0.5,
        ),
        start_empty=direction is not Direction.NEUTRAL and random.random() < 0.2,
        rate=Decimal(random.choice(["0.0001", "0.00034567", "0.0021", "-0.0001", "-0.00123", "-0.003", "0.0005", "0"])),
    )


def _with_funding(random: Random, episode: Episode, *, lock_step: bool) -> Episode:
    """Return an episode that begins when funding is settled, or is read: with more faults, and mostly deaths there.

    They come in the order in which one payment passes their boundaries, because it passes each of them once.
    """
    possible = (_HARMLESS if lock_step else _WINDOWED)[Market.FUTURES]
    faults = random.sample(possible, 5, counts=[_WEIGHTS.get(it, 2) for it in possible])
    deaths = list(episode.deaths)
    if random.random() < 0.95:
        chosen = [boundary for boundary, share in FUNDING.items() if random.random() < share]
        funding = [draw_death(random, boundary, may_lose=episode.stop is None) for boundary in chosen]
        funding = [replace(death, passes=1) for death in funding]
        deaths = [*funding, *deaths] if random.random() < 0.7 else [*deaths[:1], *funding, *deaths[1:]]
    return replace(episode, faults=tuple(dict.fromkeys([*episode.faults, *faults])), deaths=tuple(deaths))


def _lead_ms(random: Random, prints: Sequence[Print], episode: Episode, *, lock_step: bool) -> int:
    """Return how long before the settlement a run begins."""
    until_ms = sum(step.after_ms for step in prints[: episode.at_step])
    slower = 1.3 if lock_step else 1.0  # the market waits for the bot
    return max(5_000, int(until_ms * slower) + random.randint(-32_000, 5_000))


def _walk(random: Random, steps: int, spacing: Decimal, market: Market = Market.SPOT) -> Sequence[Print]:
    """Return a path through several rungs at once, back to its start at the end so that a first purchase can end."""
    price, path = START_PRICE, []
    is_spot = market is Market.SPOT
    tick, parts = (TICK, ["0.00013", "0.001", "0.3"]) if is_spot else (CONTRACT_TICK, ["0.001", "0.007", "0.3"])
    reach = int(spacing * 200)
    for _ in range(steps):
        move = Decimal(random.randint(-reach, reach)) / 10_000
        price = max(price * (1 + move), START_PRICE / 2).quantize(tick)
        if random.random() < 0.1:
            price = ((price + START_PRICE) / 2).quantize(tick)
        quantity = Decimal(random.choice(parts))
        after_ms = random.choice([50, 400, 2_000, 6_000, 15_000])
        rung = random.randrange(12) if random.random() < 0.2 else None
        path.append(Print(after_ms=after_ms, price=price, quantity=quantity, rung=rung))
    return path


def _episodes(random: Random, steps: int, market: Market, *, lock_step: bool) -> Sequence[Episode]:
    count = random.choice([2, 3, 3])
    starts = sorted(random.sample(range(2, steps - 4), count))
    if random.random() < 0.15:
        starts[0] = 0  # from the first order on
    kinds = [random.choice(["trade", "trade", "shut down", "trade"]) for _ in starts]
    if random.random() < 0.6:
        kinds[-1] = "stop"
    return [
        _episode(random, start, kind, market, lock_step=lock_step) for start, kind in zip(starts, kinds, strict=True)
    ]


def _episode(random: Random, at_step: int, kind: str, market: Market, *, lock_step: bool) -> Episode:
    possible = (_HARMLESS if lock_step else _WINDOWED)[market]
    drawn = random.sample(possible, random.choice([3, 4, 5, 5]), counts=[_WEIGHTS.get(it, 2) for it in possible])
    faults = dict.fromkeys(drawn)
    stop = (
        random.choice([OnStop.CANCEL, OnStop.UNWIND, OnStop.UNWIND, OnStop.UNWIND, OnStop.KEEP])
        if kind == "stop"
        else None
    )
    # A stop that is lost with the power comes later than the twin's, and orders that are kept would tell.
    may_lose = not (lock_step and stop is not None)
    if lock_step and stop is OnStop.KEEP:
        stop = OnStop.CANCEL
    deaths = [draw_death(random, random.choice(first_choices(kind, stop)), may_lose=may_lose)]
    while len(deaths) < 4 and random.random() < 0.7:
        deaths.append(draw_death(random, random.choice(later_choices(random, stop)), may_lose=may_lose))
    return Episode(
        at_step=at_step,
        faults=tuple(faults),
        faults_ms=random.choice([20_000, 40_000, 60_000]),
        deaths=tuple(deaths),
        shut_down=kind == "shut down",
        stop=stop,
        # In lock-step the market does not wait for a command that is still to come.
        command_after_ms=0 if lock_step else random.choice([0, 5_000, 10_000]),
    )
