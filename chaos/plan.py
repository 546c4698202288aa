"""What happens in one run, as values: market, deaths, faults, commands. `chaos.drawing` draws them from a seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from chaos.ends import EndsPlan
from chaos.points import Boundary, Fault
from domain.edits import GridChanges
from domain.grids import ContractTerms, Direction, OnStop, PauseKeep
from domain.instrument import Market

START_MS: Final = 1_722_729_600_000  # a full hour: contracts are settled then
START_PRICE: Final = Decimal(60_000)
TICK: Final = Decimal("0.01")
CONTRACT_TICK: Final = Decimal("0.1")


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
    price_lags_ms: int = 0  # how much later than its fills a price is told
    trail_up_to: Decimal | None = None
    trail_down_to: Decimal | None = None
    quantities: Mapping[str, Any] = field(default_factory=dict)  # of the request, what sizes its cells
    ends: EndsPlan | None = None  # None: the grid begins at once and ends by no condition of its own


def market_of(seed: int) -> Market:
    """Return which market a seed plays unless it is told."""
    return Market.FUTURES if seed % 2 == 0 else Market.SPOT
