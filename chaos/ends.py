"""How the grid of a run begins and ends by itself, drawn apart from all else of its seed."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

from domain.exit_terms import ExitAction, ExitTerms
from domain.exits import ReachedExit
from domain.grids import Direction
from grid.waiting import unmarked

START: Final = Decimal(60_000)
BELOW_ALL: Final = Decimal(58_000)
"""Below the lowest rung of every ladder on spot, and within reach of its market."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsPlan:
    """What of a request says how its grid begins and ends by itself."""

    exits: ExitTerms
    stop_below: Decimal | None = None
    trigger_price: Decimal | None = None

    @property
    def fields(self) -> dict[str, Any]:
        told = {"exits": self.exits, "stop_below": self.stop_below, "trigger_price": self.trigger_price}
        return {name: value for name, value in told.items() if value is not None}


def draw_ends(random: Random, direction: Direction, *, on_spot: bool, in_hedge_mode: bool, moves: bool) -> EndsPlan:
    """Return conditions that the market of a run often meets; `moves` of a ladder whose place is fixed by other words.

    A neutral grid earns on either side, and in hedge mode its two sides cannot rest at one price.
    """
    is_neutral = direction is Direction.NEUTRAL
    actions = [None, *ExitAction]
    if is_neutral and in_hedge_mode:
        actions.remove(ExitAction.LIMIT)
    away = Decimal(random.choice(["0.004", "0.008", "0.015"]))
    price = (START * (1 - away if direction is Direction.SHORT else 1 + away)).quantize(Decimal(1))
    has_price, has_gain, has_loss = (random.random() < 0.5 for _ in range(3))
    has_stop = on_spot and random.random() < 0.3
    has_take = (has_price and not is_neutral) or has_gain
    terms = ExitTerms(
        take_profit_price=price if has_price and not is_neutral else None,
        take_profit_amount=Decimal(random.choice(["1", "4", "15"])) if has_gain else None,
        stop_loss_amount=Decimal(random.choice(["4", "15", "60"])) if has_loss else None,
        on_take_profit=random.choice(actions) if has_take else None,
        on_stop_loss=random.choice(actions) if has_loss or has_stop else None,
    )
    begins = START * (1 + Decimal(random.choice(["-0.012", "-0.004", "0.004", "0.012"])))
    waits = random.random() < 0.35 and not moves and not has_price and not has_stop
    return EndsPlan(
        exits=terms,
        stop_below=BELOW_ALL if has_stop else None,
        trigger_price=begins.quantize(Decimal(1)) if waits else None,
    )


def reached(word: str) -> ReachedExit | None:
    """Return how the grid ended by itself, by the standing word that is stored."""
    return ReachedExit.of(unmarked(word))
