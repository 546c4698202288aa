"""What a grid's worker is told and asked for, and what it wants done."""

from dataclasses import dataclass

from domain.events import (
    ContractStands,
    CountdownStands,
    FeeEvent,
    FundingEvent,
    OrderEvent,
    PriceSeen,
    RulesChanged,
    TimerFired,
)
from domain.grids import GridStatus, Move, OnStop, Phase
from grid.edit_moves import EditAsked
from grid.pauses import PauseRequested, ResumeRequested
from grid.stops import StopEffect, StopTold
from orders.effects import OrderEffect
from ports.store import EquityRow


@dataclass(frozen=True, slots=True)
class StopRequested:
    """End the grid for good. `yields`: only where nobody said yet how it is to end."""

    on_stop: OnStop
    yields: bool = False


@dataclass(frozen=True, slots=True)
class EditRequested:
    """Lay the ladder anew."""

    asked: EditAsked


@dataclass(frozen=True, slots=True)
class ShutdownRequested:
    """The server stops: take the orders off the book; the grid itself goes on at the next start."""


@dataclass(frozen=True, slots=True)
class SavePhase:
    """Commit the grid's state of life. `on_stop` is a person's standing word, None leaves what is stored."""

    status: GridStatus
    phase: Phase
    reason: str
    on_stop: str | None
    ended_ms: int | None


@dataclass(frozen=True, slots=True)
class SaveMove:
    """Commit a change of the grid's ladder before anything that follows from it leaves the house."""

    move: Move


@dataclass(frozen=True, slots=True)
class SaveEquity:
    row: EquityRow


@dataclass(frozen=True, slots=True)
class Finished:
    """The worker has nothing left to do; its thread may end."""


Request = StopRequested | PauseRequested | ResumeRequested | ShutdownRequested
Word = Request | EditRequested
WorkerEvent = (
    OrderEvent
    | RulesChanged
    | FeeEvent
    | FundingEvent
    | PriceSeen
    | ContractStands
    | CountdownStands
    | StopTold
    | TimerFired
    | Word
)
Effect = OrderEffect | StopEffect | SavePhase | SaveMove | SaveEquity | Finished
