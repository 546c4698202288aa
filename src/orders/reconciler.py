"""Wanted against what is open or in flight: send the difference, once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.orders import Side, Slot, Status
from orders.life_cycle import Order
from orders.wanted import WantedOrder


@dataclass(frozen=True, slots=True)
class Difference:
    """What is missing and what is too much."""

    place: tuple[WantedOrder, ...]
    cancel: tuple[Order, ...]


def reconcile(wanted: Sequence[WantedOrder], unsettled: Iterable[Order]) -> Difference:
    """Compare the wanted orders with every order that may still live or fill.

    A slot with an order whose fate is not known (in flight, unknown, fills missing, cancel under way) is reserved:
    nothing is sent for it. While a cancel of one side is under way nothing is placed on that side, because the
    placement may need the balance that the cancel sets free. Applied twice in a row, the second time sends nothing.
    """
    by_slot: dict[Slot, list[Order]] = defaultdict(list)
    for order in unsettled:
        by_slot[order.intent.slot].append(order)
    wanted_by_slot = {order.slot: order for order in wanted}
    surplus = [order for slot, held in by_slot.items() for order in _surplus(wanted_by_slot.get(slot), held)]
    blocked = {order.intent.side for order in surplus} | _sides_being_cancelled(by_slot)
    missing = [order for order in wanted if order.slot not in by_slot and order.slot.side not in blocked]
    return Difference(tuple(missing), tuple(surplus))


def _surplus(wanted: WantedOrder | None, held: Sequence[Order]) -> list[Order]:
    open_orders = [order for order in held if order.status is Status.OPEN]
    if len(open_orders) < len(held) or any(order.lacks_fills or order.cancel_sent for order in held):
        return []
    kept = next((order for order in open_orders if wanted and order.remaining == wanted.quantity), None)
    return [order for order in open_orders if order is not kept]


def _sides_being_cancelled(by_slot: dict[Slot, list[Order]]) -> set[Side]:
    return {
        order.intent.side for held in by_slot.values() for order in held if order.cancel_sent and not order.has_ended
    }
