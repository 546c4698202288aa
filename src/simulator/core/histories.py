"""Orders and fills of one account on one symbol, and how Binance looks them up."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from operator import attrgetter
from typing import Any, ClassVar, Final, Generic, Protocol, Self, TypeVar

from simulator.core.errors import (
    archived_order,
    client_id_mismatch,
    missing_both,
    no_such_order,
    unknown_order_sent,
)
from simulator.core.live_order import LiveOrder
from simulator.core.orders import CONDITIONAL_TYPES, Fill, OrderStatus, Side
from simulator.core.working_order import OrderT


class _Row(Protocol):
    @property
    def time_ms(self) -> int: ...


class _FillRow(_Row, Protocol):
    """What a fill of any market has, and what makes it a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def trade_id(self) -> int: ...
    @property
    def order_id(self) -> int: ...


_T = TypeVar("_T", bound=_Row)
FillT = TypeVar("FillT", bound=_FillRow)

ARCHIVE_AFTER_MS: Final = 90 * 86_400_000

UNFILLED_ENDS: Final = frozenset({OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.EXPIRED_IN_MATCH})


class Records(Generic[OrderT, FillT]):
    """Orders in the order of their ids, fills in the order of their trade ids."""

    def __init__(self) -> None:
        self.orders: dict[int, OrderT] = {}
        self.open: dict[int, OrderT] = {}
        self.fills: list[FillT] = []
        self._newest: dict[str, OrderT] = {}  # by client id

    def add(self, order: OrderT) -> None:
        self.orders[order.order_id] = order
        self._newest[order.client_id] = order
        if order.is_open:
            self.open[order.order_id] = order

    def close(self, order: OrderT) -> None:
        self.open.pop(order.order_id, None)

    def is_taken(self, client_id: str) -> bool:
        """Say whether an open order carries that client id."""
        newest = self._newest.get(client_id)
        return newest is not None and newest.is_open

    def look_up(self, order_id: int | None, client_id: str | None) -> OrderT | None:
        """Find by order id, else by client id (used again: the newest); -1102 without either."""
        if order_id is not None:
            return self.orders.get(order_id)
        if client_id is None:
            raise missing_both("origClientOrderId", "orderId")
        return self._newest.get(client_id)

    def select_orders(self, order_id: int | None, start_ms: int | None, end_ms: int | None, limit: int) -> list[OrderT]:
        """Return orders from `order_id` or from `start_ms` on, else the latest; oldest first."""
        chosen: Iterable[OrderT] = self.orders.values()
        if order_id is not None:
            chosen = (order for order in chosen if order.order_id >= order_id)
        return select(chosen, start_ms, end_ms, limit, from_start=order_id is not None or start_ms is not None)

    def select_fills(
        self,
        order_id: int | None,
        from_id: int | None,
        start_ms: int | None,
        end_ms: int | None,
        limit: int,
    ) -> list[FillT]:
        """Return fills from `from_id` or `start_ms` on, else the latest; oldest first."""
        first = 0 if from_id is None else bisect_left(self.fills, from_id, key=attrgetter("trade_id"))
        found = [fill for fill in self.fills[first:] if order_id in (None, fill.order_id)]
        return select(found, start_ms, end_ms, limit, from_start=from_id is not None or start_ms is not None)

    def dump(self) -> dict[str, Any]:
        return {
            "orders": [order.dump() for order in self.orders.values()],
            "fills": [asdict(fill) for fill in self.fills],
        }


class History(Records[LiveOrder, Fill]):
    """Orders and fills of one account on one spot symbol."""

    def open_buy_quantity(self) -> int:
        """Return what the open buys may still buy (UNIT); the legs of an order list count once."""
        buys = (order for order in self.open.values() if order.side is Side.BUY and not order.is_covered)
        return sum(order.remaining for order in buys)

    def open_conditional(self) -> int:
        """Count the open orders of conditional types, triggered or not."""
        return sum(order.type in CONDITIONAL_TYPES for order in self.open.values())

    def find(self, order_id: int | None, client_id: str | None, now_ms: int) -> LiveOrder:
        """Find an order for a query: -2013 unknown, -2039 ids disagree, -2026 archived.

        A client id that was used again means the newest order. With both ids the order id is looked up
        and the client id has to agree.
        """
        order = self.look_up(order_id, client_id)
        if order is None:
            raise no_such_order()
        if client_id is not None and order.client_id != client_id:
            raise client_id_mismatch()
        is_old = order.update_ms < now_ms - ARCHIVE_AFTER_MS
        if is_old and order.status in UNFILLED_ENDS and not order.executed:
            raise archived_order()
        return order

    def find_open(self, order_id: int | None, client_id: str | None) -> LiveOrder:
        """Find the target of a cancel; -2011 unless it is open and both ids, if given, agree."""
        order = self.look_up(order_id, client_id)
        if order is None or not order.is_open or client_id not in (None, order.client_id):
            raise unknown_order_sent()
        return order

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        history = cls()
        for order in saved["orders"]:
            history.add(LiveOrder.load(order))
        history.fills = [Fill(**{**fill, "side": Side(fill["side"])}) for fill in saved["fills"]]
        return history


def select(rows: Iterable[_T], start_ms: int | None, end_ms: int | None, limit: int, *, from_start: bool) -> list[_T]:
    """Return the rows of that time, the first `limit` of them or the last; oldest first."""
    found = [
        row
        for row in rows
        if (start_ms is None or row.time_ms >= start_ms) and (end_ms is None or row.time_ms <= end_ms)
    ]
    return found[:limit] if from_start else found[-limit:]
