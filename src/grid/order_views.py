"""A grid's orders as they are shown: those at the venue, those given up, and those that are other than wanted."""

from collections.abc import Sequence

from domain.grids import OrderView
from domain.money import plain
from domain.orders import Slot
from grid.parts import GridParts
from orders.life_cycle import Order
from orders.wanted import WantedOrder


def order_view(order: Order) -> OrderView:
    intent = order.intent
    return OrderView(
        client_id=intent.client_id,
        venue_order_id=order.venue_order_id,
        side=intent.side,
        type=intent.type.lower(),
        price=intent.price,
        quantity=intent.quantity,
        executed_quantity=max(order.filled, order.executed),
        status=order.status,
        created_ms=intent.created_ms,
        reason=intent.reason,
    )


def given_up(parts: GridParts) -> tuple[str, ...]:
    """Return the orders that are not tried again, each with the reason."""
    return tuple(f"{_where(slot, parts)}: {reason}" for slot, reason in parts.desk.placing.faulted.items())


def differences(parts: GridParts, aimed: Sequence[WantedOrder]) -> tuple[str, ...]:
    """Return what the last decision wants and does not rest, and what rests beside it."""
    difference = parts.desk.difference(aimed)
    missing = [("wanted", order.slot) for order in difference.place]
    surplus = [("not wanted", order.intent.slot) for order in difference.cancel]
    return tuple(f"{why}: {_where(slot, parts)}" for why, slot in [*missing, *surplus])


def _where(slot: Slot, parts: GridParts) -> str:
    return f"{slot.side.lower()} at {plain(parts.rules.price(slot.price_ticks))}"
