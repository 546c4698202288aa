"""Which orders the venue is being asked about, and what was known of each when the question left."""

from domain.orders import Status
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

    def ask(self, client_id: str, sent_ms: int) -> list[LookUp]:
        """Return the look-up of an order requested at `sent_ms` (wall time); nothing while one is under way."""
        if client_id in self._asked:
            return []
        known = client_id in self._ledger
        self._asked[client_id] = self._ledger[client_id] if known else None
        return [LookUp(client_id, sent_ms)]

    def ask_doubtful(self, besides: str = "") -> list[LookUp]:
        """Return look-ups of all orders whose fate or fills are not known."""
        doubtful = [
            order.intent
            for order in self._ledger.unsettled()
            if (order.status is Status.UNKNOWN or order.lacks_fills) and order.intent.client_id != besides
        ]
        return [effect for intent in doubtful for effect in self.ask(intent.client_id, intent.created_ms)]

    def reported(self, client_id: str) -> bool:
        """Note that the order was reported; tell whether it was being asked about."""
        return self._asked.pop(client_id, None) is not None

    def proves_absent(self, client_id: str) -> bool:
        """Note that the venue knows no such order; tell whether this is true of the order as it is known now."""
        asked = self._asked.pop(client_id, None)
        return asked is not None and self._ledger[client_id] == asked

    def failed(self) -> None:
        """Note that a look-up could not be had; which one is not told, so all may be asked for again."""
        self._asked.clear()
