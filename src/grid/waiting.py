"""A grid that waits for its trigger price before it sends anything."""

from decimal import Decimal
from typing import Final

from domain.grids import GridPlan
from domain.money import plain

_REACHED: Final = "triggered"
_AND: Final = ";"


class Trigger:
    """Of one grid. `is_reached` from the start where it waits for nothing.

    That it was reached is stored before the first order, in front of the grid's other standing words (`on_stop`), and
    stays there.
    """

    def __init__(self, plan: GridPlan, stored: str | None) -> None:
        self._price = plan.request.trigger_price
        self._from = plan.waits_from if plan.waits_from is not None else plan.start_price
        self.is_reached = self._price is None or was_reached(stored)

    def is_reached_at(self, price: Decimal) -> bool:
        """Tell whether a price lies at the trigger, or beyond it as seen from the price at the request."""
        if self._price is None:
            return True
        return price >= self._price if self._rises else price <= self._price

    @property
    def _rises(self) -> bool:
        return self._price is not None and self._from <= self._price

    def marked(self, word: str | None) -> str | None:
        """Return what is to be stored of a grid whose other standing word is `word`."""
        if self._price is None or not self.is_reached:
            return word
        return f"{_REACHED}{_AND}{word}" if word else _REACHED

    @property
    def told(self) -> str:
        """Return what the grid waits for."""
        if self._price is None or self.is_reached:
            return ""
        way = "rise" if self._rises else "fall"
        return f"waiting for the price to {way} to its trigger_price {plain(self._price)}; nothing is sent before"


def was_reached(stored: str | None) -> bool:
    """Tell whether what the store holds in `on_stop` says that the trigger was reached."""
    return stored is not None and (stored == _REACHED or stored.startswith(_REACHED + _AND))


def unmarked(stored: str | None) -> str | None:
    """Return the other standing word that the store holds in `on_stop`."""
    if stored is None or not was_reached(stored):
        return stored
    return stored.removeprefix(_REACHED).removeprefix(_AND)
