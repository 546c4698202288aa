"""Every order of one strategy on one instrument and every trade of them, each counted once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from domain.account import Account
from domain.instrument import Instrument
from domain.orders import Fill, Intent, Slot, Status
from orders.life_cycle import Moved, Order
from ports.store import OrderRow


class Ledger:
    """Orders by client id and trades by trade id.

    Trade ids are unique per account and instrument only, so a ledger belongs to exactly one of each.
    """

    def __init__(self, account: Account, instrument: Instrument) -> None:
        self.account = account
        self.instrument = instrument
        self._orders: dict[str, Order] = {}
        self._unsettled: dict[str, None] = {}
        self._attempts: dict[tuple[Slot, int], int] = {}
        self._by_venue_id: dict[int, str] = {}
        self._trade_ids: set[int] = set()
        self.last_trade_id = 0
        self.first_trade_id: int | None = None

    def add(self, intent: Intent) -> Order:
        """Enter a new intent.

        Raises:
            ValueError: if its id was used before: ids are never used twice.
        """
        if intent.client_id in self._orders:
            raise ValueError(f"client order id {intent.client_id} was used before")
        key = (intent.slot, intent.cycle)
        self._attempts[key] = max(intent.attempt, self._attempts.get(key, -1))
        return self._keep(Order(intent))

    def restore(self, rows: Sequence[OrderRow], fills: Iterable[Fill]) -> None:
        """Enter what the store holds. A request without a stored outcome may have left: its fate is unknown."""
        for row in rows:
            order = self.add(row.intent)
            status = Status.UNKNOWN if row.status in (Status.CREATED, Status.SENT) else row.status
            executed = row.intent.quantity if status is Status.FILLED else order.executed
            self._keep(
                replace(
                    order,
                    status=status,
                    venue_order_id=row.venue_order_id,
                    executed=executed,
                    updated_ms=row.updated_ms,
                )
            )
        for fill in fills:
            self.book(fill)

    def __contains__(self, client_id: str) -> bool:
        return client_id in self._orders

    def __getitem__(self, client_id: str) -> Order:
        return self._orders[client_id]

    def unsettled(self) -> tuple[Order, ...]:
        """Return every order that may still live or still bring a fill, oldest first."""
        return tuple(self._orders[client_id] for client_id in self._unsettled)

    def next_attempt(self, slot: Slot, cycle: int) -> int:
        """Return the attempt number that makes the next id of this slot and cycle new."""
        return self._attempts.get((slot, cycle), -1) + 1

    def move(self, client_id: str, event: Moved) -> bool:
        """Apply a report; tell whether it was news.

        Raises:
            IllegalMove: if it contradicts what is known.
        """
        return self._replace(client_id, self._orders[client_id].apply(event))

    def mark_cancel(self, client_id: str, *, sent: bool) -> None:
        """Note that a cancel is under way, or that it came to nothing."""
        self._keep(replace(self._orders[client_id], cancel_sent=sent))

    def book(self, fill: Fill) -> bool:
        """Book a trade of an order of ours; tell whether it was new."""
        if fill.trade_id in self._trade_ids:
            return False
        self._trade_ids.add(fill.trade_id)
        self.last_trade_id = max(self.last_trade_id, fill.trade_id)
        self.first_trade_id = min(self.first_trade_id or fill.trade_id, fill.trade_id)
        self._replace(fill.client_id, self._orders[fill.client_id].apply(fill))
        return True

    def resolved(self, fill: Fill) -> Fill:
        """Return the fill with our client id: the venue's trade lists name orders by the venue's id alone."""
        if fill.client_id in self._orders or fill.venue_order_id not in self._by_venue_id:
            return fill
        return replace(fill, client_id=self._by_venue_id[fill.venue_order_id])

    def row(self, client_id: str) -> OrderRow:
        """Return the order as it is to be stored: one whose fills are not all held yet must be asked about again."""
        order = self._orders[client_id]
        return OrderRow(
            intent=order.intent,
            status=Status.UNKNOWN if order.has_ended and order.lacks_fills else order.status,
            venue_order_id=order.venue_order_id,
            updated_ms=order.updated_ms,
        )

    def _replace(self, client_id: str, order: Order) -> bool:
        if order is self._orders[client_id]:
            return False
        self._keep(order)
        return True

    def _keep(self, order: Order) -> Order:
        client_id = order.intent.client_id
        self._orders[client_id] = order
        if order.venue_order_id is not None:
            self._by_venue_id[order.venue_order_id] = client_id
        if order.is_settled:
            self._unsettled.pop(client_id, None)
        else:
            self._unsettled[client_id] = None
        return order
