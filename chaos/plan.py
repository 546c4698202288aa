"""What happens in one run, drawn from its seed before anything starts: market, deaths, faults, commands.

Even seeds trade a contract, odd ones spot. A seed that is told its market draws that market's plan, and a
seed of spot the plan it has always had.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any, Final

from chaos.ends import EndsPlan, draw_ends
from chaos.points import OF_CONTRACTS, OF_SPOT, Boundary, Fault
from domain.edits import GridChanges
from domain.futures import MarginType
from domain.grids import ContractTerms, Direction, OnStop, PauseKeep, Profit
from domain.instrument import Market

START_MS: Final = 1_722_729_600_000  # a full hour: contracts are settled then
START_PRICE: Final = Decimal(60_000)
TICK: Final = Decimal("0.01")
CONTRACT_TICK: Final = Decimal("0.1")

_RECOVERY: Final = (
    Boundary.OPENED,
    Boundary.RESTORED,
    Boundary.RESTORED,
    Boundary.LOOK_UP_ASKED,
    Boundary.LOOK_UP_BEFORE_COMMIT,
    Boundary.LOOK_UP_AFTER_COMMIT,
    Boundary.READING_ASKED,
    Boundary.READING_BEFORE_COMMIT,
    Boundary.READING_BEFORE_COMMIT,
    Boundary.READING_AFTER_COMMIT,
    Boundary.READING_AFTER_COMMIT,
)  # some twice, because not every life comes that far, and not every reading brings something to commit
_CANCELLING: Final = (
    Boundary.CANCEL_SENT,
    Boundary.CANCEL_APPLIED,
    Boundary.CANCEL_BEFORE_COMMIT,
    Boundary.CANCEL_AFTER_COMMIT,
)
_STOPPING: Final = (Boundary.STOP_BEFORE_COMMIT, Boundary.STOP_AFTER_COMMIT, Boundary.STOP_CANCELLING)
_UNWINDING: Final = (
    Boundary.STOP_CANCELLING,
    Boundary.UNWIND_SENT,
    Boundary.UNWIND_SENT,
    Boundary.UNWIND_APPLIED,
    Boundary.UNWIND_APPLIED,
)
_STOPS: Final = (*_STOPPING, *_UNWINDING, Boundary.END_BEFORE_COMMIT)
_FUNDING: Final = {
    Boundary.FUNDING_ASKED: 0.6,
    Boundary.FUNDING_BEFORE_COMMIT: 0.9,
    Boundary.FUNDING_AFTER_COMMIT: 0.95,
}
_OF_MOVES: Final = (Boundary.MOVE_BEFORE_COMMIT, Boundary.MOVE_AFTER_COMMIT)
_MOVING: Final = (_OF_MOVES[:1], _OF_MOVES[1:], _OF_MOVES[1:], _OF_MOVES)
_SHORT: Final = 5  # rungs
_TRADING: Final = tuple(
    boundary for boundary in Boundary if boundary not in (*_RECOVERY, *_CANCELLING, *_STOPS, *_FUNDING, *_OF_MOVES)
)

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
    Fault.EXPIRED_IN_MATCH: 4,
    Fault.CANCELLED_BY_OTHERS: 3,
    Fault.SLOW_DOWN: 3,
    Fault.BALANCE_CHANGED: 3,
    Fault.FOREIGN_INSTANCE: 4,
    Fault.DISK_FULL: 4,
    Fault.PARTIAL_FILL: 1,
    Fault.FUNDING_UNREAD: 6,
    Fault.FUNDING_LATE: 24,
    Fault.FUNDING_TWICE: 16,
}
"""How much more often a fault is drawn that finds less to strike; 2 for the others."""
_HARMLESS: Final = {
    market: tuple(fault for fault in faults if fault not in CHANGES_THE_OUTCOME) for market, faults in _WINDOWED.items()
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """The process dies at the `passes`-th passing of `boundary` and stays dead for `down_ms`."""

    boundary: Boundary
    passes: int
    down_ms: int
    lost_commits: int = 0
    lagging_notes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """From the market's step `at_step` on: these faults for a while, a command, and deaths one after the other.

    The command comes `command_after_ms` later, so that the faults find orders to strike.
    """

    at_step: int
    faults: tuple[Fault, ...]
    faults_ms: int
    deaths: tuple[Death, ...]
    shut_down: bool = False
    stop: OnStop | None = None
    command_after_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseWord:
    """A person pauses the grid `after_ms` into the market's step `at_step`, or resumes it where `keep` is None."""

    at_step: int
    after_ms: int
    keep: PauseKeep | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditWord:
    """A person edits the grid `after_ms` into the market's step `at_step`."""

    at_step: int
    after_ms: int
    changes: GridChanges


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One step of the market: a trade outside, and the book around its price; with `rung` exactly at one of ours."""

    after_ms: int
    price: Decimal
    quantity: Decimal
    rung: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractPlan:
    """What a run on a contract has that one on spot has not. `rate` is of the funding that is settled at `START_MS`."""

    direction: Direction
    terms: ContractTerms
    start_empty: bool
    rate: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """All that is decided before a run.

    `lock_step`: the market stands still while the bot has anything to do, so that an undisturbed twin must end alike.
    `contract` is None on spot. A run on a contract begins some minutes before funding is settled.
    """

    seed: int
    start_ms: int = START_MS
    contract: ContractPlan | None = None
    levels: int
    spacing_percent: Decimal
    lock_step: bool
    prints: tuple[Print, ...]
    episodes: tuple[Episode, ...] = field(default=())
    pauses: tuple[PauseWord, ...] = field(default=())
    edits: tuple[EditWord, ...] = field(default=())
    resting_levels: int | None = None
    post_only: bool = False
    trail_up_to: Decimal | None = None
    trail_down_to: Decimal | None = None
    quantities: Mapping[str, Any] = field(default_factory=dict)  # of the request, what sizes its cells
    ends: EndsPlan | None = None  # None: the grid begins at once and ends by no condition of its own


def market_of(seed: int) -> Market:
    """Return which market a seed plays unless it is told."""
    return Market.FUTURES if seed % 2 == 0 else Market.SPOT


def draw_plan(seed: int, market: Market | None = None) -> RunPlan:
    """Return the plan of a seed, on its own market or the one told."""
    plan = _draw_contract(seed) if (market or market_of(seed)) is Market.FUTURES else _draw_spot(seed)
    plan = _with_trailing(replace(plan, quantities=_quantities(seed, plan)))
    if plan.lock_step:
        return plan
    pauses, post_only = _pauses(seed, len(plan.prints)), Random(f"post only {seed}").random() < 0.25
    return _with_ends(_with_edits(replace(plan, pauses=pauses, resting_levels=_resting(seed), post_only=post_only)))


def _with_ends(plan: RunPlan) -> RunPlan:
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
    chosen = random.choice([*_STOPPING, Boundary.UNWIND_SENT, Boundary.UNWIND_APPLIED, Boundary.END_BEFORE_COMMIT])
    death = replace(_death(random, chosen, may_lose=may_lose), passes=1)
    deaths = [death, *episode.deaths] if random.random() < 0.5 else [*episode.deaths, death]
    return replace(episode, deaths=tuple(deaths))


def _resting(seed: int) -> int | None:
    """Return how many orders rest on each side in a quarter of the runs; in the others all do.

    Not in lock-step: where the price runs through more rungs than rest, which of them take first decides which cell
    waits for the sale of the one below it, and that depends on how long each is in doubt.
    """
    random = Random(f"resting {seed}")
    return random.choice([1, 2, 2, 3]) if random.random() < 0.25 else None


def _quantities(seed: int, plan: RunPlan) -> dict[str, Any]:
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


def _with_trailing(plan: RunPlan) -> RunPlan:
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
    deaths = [_death(random, boundary, may_lose=episode.stop is None) for boundary in random.choice(_MOVING)]
    return replace(episode, deaths=(*[replace(death, passes=1) for death in deaths], *episode.deaths))


def _with_edits(plan: RunPlan) -> RunPlan:
    """Return the plan with edits of the grid in a sixth of the runs; all else of a seed stays.

    Most of them die where one is committed, too. No commit is lost with the power: of an edit that is, the orders rest
    on rungs that the books do not know, and a person has to see to it.
    """
    random = Random(f"edits {plan.seed}")
    terms = plan.contract.terms if plan.contract else None
    is_apart = terms is not None and terms.hedge_mode and plan.contract.direction is Direction.NEUTRAL
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


def _pauses(seed: int, steps: int) -> tuple[PauseWord, ...]:
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
    faults = random.sample(possible, 4, counts=[_WEIGHTS.get(it, 2) for it in possible])
    deaths = list(episode.deaths)
    if random.random() < 0.85:
        chosen = [boundary for boundary, share in _FUNDING.items() if random.random() < share]
        funding = [_death(random, boundary, may_lose=episode.stop is None) for boundary in chosen]
        funding = [replace(death, passes=1) for death in funding]
        deaths = [*funding, *deaths] if random.random() < 0.5 else [*deaths[:1], *funding, *deaths[1:]]
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
    deaths = [_death(random, random.choice(_first_choices(kind, stop)), may_lose=may_lose)]
    while len(deaths) < 4 and random.random() < 0.7:
        deaths.append(_death(random, random.choice(_later_choices(random, stop)), may_lose=may_lose))
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


def _first_choices(kind: str, stop: OnStop | None) -> Sequence[Boundary]:
    if kind == "shut down":
        return (*_CANCELLING, Boundary.CANCEL_BEFORE_COMMIT, Boundary.CANCEL_AFTER_COMMIT)
    if stop is OnStop.UNWIND:
        return (*_CANCELLING, *_STOPS, *_UNWINDING)
    if stop is not None:
        return (*_STOPPING, Boundary.END_BEFORE_COMMIT)
    return _TRADING


def _later_choices(random: Random, stop: OnStop | None) -> Sequence[Boundary]:
    if stop is None or random.random() < 0.5:
        return _RECOVERY
    return _UNWINDING if stop is OnStop.UNWIND else (*_STOPPING, Boundary.END_BEFORE_COMMIT)


def _death(random: Random, boundary: Boundary, *, may_lose: bool) -> Death:
    power_loss = may_lose and random.random() < 0.3
    return Death(
        boundary=boundary,
        passes=1 if boundary in _STOPS else random.choice([1, 1, 1, 2, 3]),
        # A machine without power is back after longer than a request may be on its way; a process is back at once.
        down_ms=random.choice([15_000, 40_000] if power_loss else [50, 1_000, 6_000, 30_000]),
        lost_commits=random.choice([1, 2, 3, 5, 8, 13]) if power_loss else 0,
        lagging_notes=0 if power_loss else random.choice([0, 0, 1]),
    )
