"""What a strategy wants of its orders, in the terms this package understands."""

from dataclasses import dataclass
from decimal import Decimal

from domain.orders import Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedOrder:
    """One order that should exist now.

    Resting orders are sent post-only and, if already through the market, as plain limit orders: they then take at
    their own price or better, and what is left rests. `at_once` orders must not rest: with a price they are sent
    immediate-or-cancel, without one as market orders. `cycle` counts the uses of the slot.
    `is_exit` marks orders that only reduce what is at risk; the gate never refuses those.
    """

    slot: Slot
    cycle: int
    quantity: Decimal
    price: Decimal | None
    at_once: bool
    is_exit: bool
    reason: str
