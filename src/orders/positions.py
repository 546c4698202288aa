"""What fills add up to on a contract, by side of position: now, and at earlier moments."""

from bisect import insort
from decimal import Decimal
from operator import itemgetter

from domain.money import ZERO, exact
from domain.orders import Fill, PositionSide, Side

Legs = dict[PositionSide, Decimal]
"""Signed quantities by side, below 0 for a short one; flat sides are left out."""


class HeldPositions:
    """Fed with each fill once, in any order."""

    def __init__(self) -> None:
        self._now: Legs = {}
        self._changes: list[tuple[int, PositionSide, Decimal]] = []  # by time

    @exact
    def add(self, fill: Fill) -> None:
        change = fill.quantity if fill.side is Side.BUY else -fill.quantity
        self._now[fill.position_side] = self._now.get(fill.position_side, ZERO) + change
        insort(self._changes, (fill.time_ms, fill.position_side, change), key=itemgetter(0))

    @property
    def were_ever(self) -> bool:
        """Tell whether anything was ever held."""
        return bool(self._now)

    def now(self) -> Legs:
        return {side: quantity for side, quantity in self._now.items() if quantity}

    @exact
    def within(self, from_ms: int, to_ms: int) -> Legs:
        """Return for each side held at any moment of that market time the quantity furthest from 0."""
        largest = dict.fromkeys(self._now, ZERO)
        for side, held in self._now.items():
            quantity = held
            for at_ms, changed, change in reversed(self._changes):
                if at_ms <= to_ms:
                    largest[side] = max(largest[side], quantity, key=abs)
                if at_ms < from_ms:
                    break
                if changed is side:
                    quantity -= change
            else:
                largest[side] = max(largest[side], quantity, key=abs)
        return {side: quantity for side, quantity in largest.items() if quantity}

    def forget_before(self, market_ms: int) -> None:
        """Drop what is not asked for any more: moments before that market time."""
        kept = next((i for i, change in enumerate(self._changes) if change[0] >= market_ms), len(self._changes))
        del self._changes[:kept]
