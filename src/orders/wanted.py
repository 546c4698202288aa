"""What a strategy wants of its orders, in the terms this package understands."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from domain.orders import PositionSide, Side, Slot


class SlotMeaning(Protocol):
    """What orders of a slot do to what is held, whatever their order's own words were."""

    def is_exit(self, slot: Slot) -> bool:
        """Tell whether its fills only reduce what is at risk."""

    def position_side(self, slot: Slot) -> PositionSide: ...


class SpotSlots:
    """Implements SlotMeaning where only what was bought is sold."""

    def is_exit(self, slot: Slot) -> bool:
        return slot.side is Side.SELL

    def position_side(self, _slot: Slot) -> PositionSide:
        return PositionSide.BOTH


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOrder:
    """One order that should exist now.

    Resting orders are sent post-only and, if already through the market, as plain limit orders: they then take at
    their own price or better, and what is left rests; where they must never take they wait behind the market
    (`orders.repricing`). `at_once` orders must not rest: with a price they are sent immediate-or-cancel, without one as
    market orders. `cycle` counts the uses of the slot.
    `is_exit` marks orders that only reduce what is at risk; the gate never refuses those. The venue itself is told by
    `reduce_only`, in hedge mode by `position_side`.
    """

    slot: Slot
    cycle: int
    quantity: Decimal
    price: Decimal | None
    at_once: bool
    is_exit: bool
    reason: str
    position_side: PositionSide = PositionSide.BOTH
    reduce_only: bool = False

    @property
    def only_reduces(self) -> bool:
        """Tell whether the venue knows that it only reduces a position; then it asks for no least value."""
        if self.position_side is PositionSide.BOTH:
            return self.reduce_only
        return (self.position_side is PositionSide.LONG) is (self.slot.side is Side.SELL)
