"""Which orders the venue is being asked about, and what was known of each when the question left."""

from decimal import Decimal

from domain.money import ZERO
from domain.orders import Status, VenueOrder
from orders.effects import LookUp
from orders.ledger import Ledger
from orders.life_cycle import Order


class LookUps:
    """Asks about each order once at a time, and knows an answer that news of the order has overtaken."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._asked: dict[str, Order | None] = {}

    def __len__(self) -> int:
        return len(self._asked)

    def ask(self, client_id: str, sent_ms: int, presumed: VenueOrder | None = None) -> list[LookUp]:
        """Return the look-up of an order requested at `sent_ms` (wall time); nothing while one is under way."""
        if client_id in self._asked:
            return []
        known = client_id in self._ledger
        self._asked[client_id] = self._ledger[client_id] if known else None
        return [LookUp(client_id, sent_ms, presumed)]

    def ask_ended(self, order: Order) -> list[LookUp]:
        """Return the look-up of an order that no longer rests: most likely it was filled whole."""
        presumed = _as_told(order, Status.FILLED, order.intent.quantity)
        return self.ask(order.intent.client_id, order.intent.created_ms, presumed)

    def ask_doubtful(self, besides: str = "") -> list[LookUp]:
        """Return look-ups of all orders whose fate or fills are not known."""
        effects: list[LookUp] = []
        for order in self._ledger.unsettled():
            client_id, sent_ms = order.intent.client_id, order.intent.created_ms
            if client_id == besides:
                continue
            if order.status is Status.UNKNOWN:
                effects += self.ask(client_id, sent_ms)
            elif order.lacks_fills:
                executed = order.intent.quantity if order.status is Status.FILLED else order.executed
                effects += self.ask(client_id, sent_ms, _as_told(order, order.status, executed))
        return effects

    def reported(self, client_id: str) -> bool:
        """Note that the order was reported; tell whether it was being asked about."""
        was_asked = client_id in self._asked  # with None where the ledger lacked it
        self._asked.pop(client_id, None)
        return was_asked

    def proves_absent(self, client_id: str) -> bool:
        """Note that the venue knows no such order; tell whether this is true of the order as it is known now."""
        asked = self._asked.pop(client_id, None)
        return asked is not None and self._ledger[client_id] == asked

    def failed(self) -> None:
        """Note that a look-up could not be had; which one is not told, so all may be asked for again."""
        self._asked.clear()


def _as_told(order: Order, status: Status, executed: Decimal) -> VenueOrder | None:
    """Return the order as the venue would report it; None where the venue's own number is not known."""
    intent = order.intent
    if order.venue_order_id is None:
        return None
    return VenueOrder(
        instrument=intent.instrument,
        client_id=intent.client_id,
        venue_order_id=order.venue_order_id,
        side=intent.side,
        type=intent.type,
        status=status,
        price=intent.price or ZERO,
        quantity=intent.quantity,
        executed_quantity=executed,
        updated_ms=order.updated_ms,
    )
