"""Wanted against what is open or in flight: send the difference, once."""

from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass

from domain.orders import Role, Side, Slot, Status
from orders.life_cycle import Order
from orders.wanted import WantedOrder


@dataclass(frozen=True, slots=True)
class Difference:
    """What is missing and what is too much."""

    place: tuple[WantedOrder, ...]
    cancel: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """When a rung's order need not wait for the cancel of one that stands farther from the market.

    Each rung has its own balance, so it need not as long as no more than `most_open` orders may rest with it. It waits
    all the same in a slot that the venue `refused` lately: the balance may be elsewhere.
    """

    most_open: int
    refused: Callable[[WantedOrder], bool]


def reconcile(
    wanted: Sequence[WantedOrder],
    unsettled: Iterable[Order],
    overlap: Overlap | None = None,
    returning: Container[str] = (),
) -> Difference:
    """Compare the wanted orders with every order that may still live or fill.

    A slot with an order whose fate is not known (in flight, unknown, fills missing, cancel under way) is reserved:
    nothing is sent for it. While a cancel of one side is under way nothing is placed on that side, because the
    placement may need the balance that the cancel sets free, but for what `overlap` lets go. Orders whose ids are
    `returning` rest elsewhere than they are wanted. Applied twice in a row, the second time sends nothing.
    """
    by_slot: dict[Slot, list[Order]] = defaultdict(list)
    for order in unsettled:
        by_slot[order.intent.slot].append(order)
    wanted_by_slot = {order.slot: order for order in wanted}
    surplus = [order for slot, held in by_slot.items() for order in _surplus(wanted_by_slot.get(slot), held, returning)]
    leaving = [*surplus, *(order for held in by_slot.values() for order in held if _is_leaving(order))]
    blocked = {order.intent.side for order in leaving}
    room = overlap.most_open - sum(not order.has_ended for held in by_slot.values() for order in held) if overlap else 0
    missing = []
    for want in wanted:
        if want.slot in by_slot:
            continue
        waits = want.slot.side in blocked
        if waits and overlap and room > 0 and not overlap.refused(want):
            waits = not _is_nearer(want, leaving)
        if not waits:
            missing.append(want)
            room -= 1
    return Difference(tuple(missing), tuple(surplus))


def _is_leaving(order: Order) -> bool:
    return order.cancel_sent and not order.has_ended


def _is_nearer(want: WantedOrder, leaving: Sequence[Order]) -> bool:
    """Tell whether a rung's order stands nearer to the market than all of its side that are to leave."""
    slot, others = want.slot, [order.intent.slot for order in leaving if order.intent.side is want.slot.side]
    if slot.role is not Role.RUNG or any(other.role is not Role.RUNG for other in others):
        return False
    prices = [other.price_ticks for other in others]
    return slot.price_ticks > max(prices) if slot.side is Side.BUY else slot.price_ticks < min(prices)


def _surplus(wanted: WantedOrder | None, held: Sequence[Order], returning: Container[str]) -> list[Order]:
    open_orders = [order for order in held if order.status is Status.OPEN]
    if len(open_orders) < len(held) or any(order.lacks_fills or order.cancel_sent for order in held):
        return []
    right = [order for order in open_orders if order.intent.client_id not in returning]
    kept = next((order for order in right if wanted and order.remaining == wanted.quantity), None)
    return [order for order in open_orders if order is not kept]
