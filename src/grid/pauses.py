"""A person's pause of a grid: asked for, stored, and held until it is taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.exits import ReachedExit
from domain.grids import OnStop, PauseKeep
from grid.waiting import unmarked
from orders.wanted import WantedOrder

_PAUSED: Final = "pause:"
_TAKEN_BACK: Final = ""
_RESTING: Final = {PauseKeep.EXITS: "exits rest", PauseKeep.NOTHING: "nothing rests"}


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """Take the entries off the book and place none; `keep` tells whether the exits rest."""

    keep: PauseKeep


@dataclass(frozen=True, slots=True)
class ResumeRequested:
    """Put back on the book what a pause took off."""


class RequestedPause:
    """What a person last said of pausing; `keep` is None while the grid may trade.

    It is stored in the column of the other standing word, how the grid is to end, which replaces it: a grid that ends
    is resumed no more.
    """

    def __init__(self, stored: str | None) -> None:
        """Take over what the store holds in `on_stop`."""
        word = unmarked(stored)
        is_paused = word is not None and word.startswith(_PAUSED)
        self.keep = PauseKeep(word.removeprefix(_PAUSED)) if is_paused and word else None
        self._was_told = is_paused

    def hear(self, event: PauseRequested | ResumeRequested) -> bool:
        """Take in a person's word; tell whether it changes anything."""
        keep = event.keep if isinstance(event, PauseRequested) else None
        changes, self.keep = keep is not self.keep, keep
        self._was_told = self._was_told or changes
        return changes

    @property
    def word(self) -> str | None:
        """Return what is to be stored in `on_stop` of a grid that does not end; None leaves what is there."""
        if self.keep is not None:
            return f"{_PAUSED}{self.keep}"
        return _TAKEN_BACK if self._was_told else None

    def allowed(self, wanted: Sequence[WantedOrder]) -> list[WantedOrder]:
        """Return those of the wanted orders that may rest."""
        if self.keep is None:
            return [*wanted]
        return [order for order in wanted if order.is_exit] if self.keep is PauseKeep.EXITS else []

    def reason(self, besides: str) -> str:
        """Return what is shown of a paused grid; `besides` is what would keep it from trading anyway."""
        told = told_of(self.keep)
        return f"{told}; besides: {besides}" if told and besides else told or besides


def told_of(keep: PauseKeep | None) -> str:
    """Return what is shown of a grid that nothing but a person's word keeps from trading."""
    return f"paused by request ({_RESTING[keep]})" if keep is not None else ""


def on_stop_of(stored: str | None) -> OnStop | None:
    """Return how the grid is to end by what the store holds in `on_stop`, None while it is not to end.

    Raises:
        ValueError: if the word is of a later version of this program.
    """
    word = unmarked(stored)
    if not word or word.startswith(_PAUSED):
        return None
    reached = ReachedExit.of(word)
    return OnStop(word) if reached is None else reached.on_stop
