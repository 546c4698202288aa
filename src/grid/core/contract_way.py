"""What a ladder on a contract needs that follows the price: in the window it starts in, and at both ends of its way.

A window away from the start begins with all that it holds opened at the worst price on the way there: a long grid that
came down may hold what it bought in its highest window, a short one that went up what it sold in its lowest. That
decides what position, margin and liquidation are reckoned with, whichever cell holds which part of it. Both grow evenly
with the window's prices, so the ends of the way decide for all windows between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from domain.grids import Direction, GridRequest
from domain.money import ZERO
from grid.core.contract_sizing import Ends, Standing
from grid.core.stances import Ladder, lost_by_entry


@dataclass(frozen=True, slots=True)
class EndsOnWay(Ends):
    """The worst ends of all windows, and those of `each`."""

    each: tuple[tuple[Standing, Ends], ...]


class OnWay(Standing):
    """Implements Standing by the window that needs most; `start` is the one the grid begins in."""

    def __init__(self, start: Standing, others: Sequence[Standing]) -> None:
        self.__dict__.update(start.__dict__)
        self._start = start
        self._others = tuple(others)
        self.exposure = max(window.exposure for window in self._windows)

    @property
    def _windows(self) -> tuple[Standing, ...]:
        return (self._start, *self._others)

    def at(self, leverage: int) -> "OnWay":
        return OnWay(self._start.at(leverage), [window.at(leverage) for window in self._others])

    @property
    def largest_position(self) -> Decimal:
        return max(window.largest_position for window in self._windows)

    @property
    def margin(self) -> Decimal:
        return max(window.margin for window in self._windows)

    @property
    def need(self) -> Decimal:
        return max(window.need for window in self._windows)

    @property
    def venue_exposure(self) -> Decimal:
        return max(window.venue_exposure for window in self._windows)

    def ends(self, quantity: Decimal, wallet: Decimal) -> EndsOnWay:
        each = tuple((window, window.ends(quantity, wallet)) for window in self._windows)
        below = [ends.below for _, ends in each if ends.below is not None]
        above = [ends.above for _, ends in each if ends.above is not None]
        return EndsOnWay(max(below, default=None), min(above, default=None), any(ends.inside for _, ends in each), each)

    def keeps_distance(self, ends: Ends) -> bool:
        return all(window.keeps_distance(its) for window, its in self.pairs(ends))

    def nearest(self, ends: Ends) -> tuple[Standing, Ends]:
        """Return the first window whose position ends too near to it, and where."""
        pairs = self.pairs(ends)
        return next((pair for pair in pairs if not pair[0].keeps_distance(pair[1])), pairs[0])

    def dearest(self, quantity: Decimal) -> Standing:
        """Return the window that takes the most capital."""
        return max(self._windows, key=lambda window: window.committed(quantity))

    def at_start(self, quantity: Decimal) -> Decimal:
        """Return the capital that the window takes in which the grid begins."""
        return self._start.committed(quantity)

    @staticmethod
    def pairs(ends: Ends) -> tuple[tuple[Standing, Ends], ...]:
        if not isinstance(ends, EndsOnWay):
            raise TypeError("these are not the ends of a way")
        return ends.each


def windows_away(start: Ladder, master: Sequence[Decimal], request: GridRequest) -> list[Ladder]:
    """Return the windows at the ends of the way, which begin with what was opened at the worst price on it."""
    count = len(start.prices)
    low, high = tuple(master[:count]), tuple(master[-count:])
    carried: tuple[Decimal, ...] = ()
    if request.direction is Direction.LONG and request.trail_down_to is not None:
        carried = _opened(start, high[:-1], wants_highest=True)
    if request.direction is Direction.SHORT and request.trail_up_to is not None:
        carried = _opened(start, low[1:], wants_highest=False)
    reached = [low] * (request.trail_down_to is not None) + [high] * (request.trail_up_to is not None)
    lost = ZERO if carried else lost_by_entry(start)
    return [replace(start, prices=prices, is_start=False, carried=carried, lost=lost) for prices in reached]


def _opened(start: Ladder, rungs: Sequence[Decimal], *, wants_highest: bool) -> tuple[Decimal, ...]:
    """Return the worst price at which each cell may have been opened: at its rung, or by the first trade."""
    pick = max if wants_highest else min
    return tuple(pick(rung, start.entry_price) if k in start.entry_cells else rung for k, rung in enumerate(rungs))
