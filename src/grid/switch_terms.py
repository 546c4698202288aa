"""What a grid takes along to the other market."""

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from domain.errors import NotFound
from domain.grids import Direction, GridRequest, GridSnapshot, GridStatus, Phase
from domain.instrument import Instrument
from ports.control import Snapshots

CENT: Final = Decimal("0.01")


def request_there(old: GridSnapshot, target: Instrument, direction: Direction) -> GridRequest:
    """Return the same ladder on the other market: stops go with it, a trigger that was reached does not."""
    asked = old.plan.request
    return replace(
        asked,
        instrument=target,
        capital=None if asked.quantity is not None else capital_of(old),
        direction=direction,
        leverage=None,
        margin_type=None,
        trigger_price=asked.trigger_price if old.phase is Phase.WAITING else None,
    )


def capital_of(grid: GridSnapshot) -> Decimal:
    """Return what a grid may use, in whole cents of its quote."""
    asked = grid.plan.request.capital
    return (grid.plan.capital_needed if asked is None else asked).quantize(CENT, ROUND_FLOOR)


def running_on(snapshots: Snapshots, instrument: Instrument) -> GridSnapshot | None:
    """Return the grid that runs on an instrument, None where none does."""
    try:
        grid = snapshots.grid(instrument)
    except NotFound:
        return None
    return None if grid.status is GridStatus.STOPPED else grid


def name_of(instrument: Instrument) -> str:
    return f"{instrument.base}{instrument.quote}"
