"""The conditional orders of one symbol that wait for their trigger."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from typing import Any

from simulator.core.book import NO_ASK, NO_BID
from simulator.core.live_order import LiveOrder

_Key = tuple[int, int]


class WaitingOrders:
    """Sorted by how near the price is to their trigger; of equal ones the earlier order is the nearer.

    A trade at a price strictly between `touch_below` and `touch_above` triggers nothing. Orders whose trigger was
    reached are `due`, until they work: one that executes as MARKET waits there while the book is empty.
    """

    def __init__(self) -> None:
        self._rising: list[_Key] = []  # the nearest last
        self._falling: list[_Key] = []
        self._orders: dict[int, LiveOrder] = {}
        self.due: dict[int, LiveOrder] = {}
        self.touch_below = NO_BID
        self.touch_above = NO_ASK

    def add(self, order: LiveOrder) -> None:
        insort(self._keys_of(order), _key(order))
        self._orders[order.order_id] = order
        self._refresh()

    def remove(self, order: LiveOrder) -> None:
        """Forget an order that was cancelled, expired or let into the book."""
        if self.due.pop(order.order_id, None) is not None:
            return
        keys = self._keys_of(order)
        del keys[bisect_left(keys, _key(order))]
        del self._orders[order.order_id]
        self._refresh()

    def see(self, price: int) -> None:
        """Show them a trade's price (UNIT); those that it reaches become due."""
        while price <= self.touch_below:
            self._make_due(self._falling)
        while price >= self.touch_above:
            self._make_due(self._rising)

    def _make_due(self, keys: list[_Key]) -> None:
        order = self._orders.pop(-keys.pop()[1])
        self.due[order.order_id] = order
        self._refresh()

    def _refresh(self) -> None:
        self.touch_below = self._falling[-1][0] if self._falling else NO_BID
        self.touch_above = -self._rising[-1][0] if self._rising else NO_ASK

    def _keys_of(self, order: LiveOrder) -> list[_Key]:
        return self._rising if order.triggers_upwards else self._falling

    def dump(self) -> dict[str, Any]:
        return {"due": list(self.due)}

    def restore(self, saved: Mapping[str, Any], orders: Iterable[LiveOrder]) -> None:
        """Continue from `dump`; `orders` are the symbol's open orders."""
        due = dict.fromkeys(saved["due"])
        waiting = {order.order_id: order for order in orders if not order.is_working}
        for order_id in due:
            self.due[order_id] = waiting.pop(order_id)
        for order in waiting.values():
            self.add(order)


def _key(order: LiveOrder) -> _Key:
    return (-order.stop_price if order.triggers_upwards else order.stop_price), -order.order_id
