"""Whether the user stream, connected as it may be, still tells what happens to our orders (protocol 6.1).

It says nothing while nothing happens, so its silence proves nothing by itself. Two things do: REST told something
first and the stream did not follow; and the price went through a resting order, if only for a moment, that is still
told to be open, which is worth an early look.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from domain.orders import Fill, Side, Status, VenueOrder
from orders.life_cycle import ENDED, Order
from orders.readings import CROSS_CHECK_S

OWED_S = 10.0
"""How long the stream may lag behind REST before it counts as deaf."""
CROSSED_S = 3.0
"""How long an order that the price went through may be open before it is looked into."""
QUICK_S = 5.0


class Canary:
    """Pure; `now_s` are monotonic seconds, `_ms` market time."""

    def __init__(self) -> None:
        self._owed: dict[str, float] = {}
        self._crossed: dict[str, float] = {}
        self._passed: dict[str, float] = {}
        self._resting: frozenset[str] = frozenset()
        self._quick_s = QUICK_S
        self._up_since_ms: int | None = None

    def lost(self) -> None:
        """Note that the stream is down: it owes nothing."""
        self._owed.clear()
        self._up_since_ms = None

    def resumed(self, market_ms: int) -> None:
        """Note that the stream is up: what happened before it does not owe."""
        self._owed.clear()
        self._up_since_ms = market_ms

    def told_by_rest(self, orders: Iterable[Order], fills: Iterable[Fill], now_s: float) -> None:
        """Note what REST told first; a stream that was up when it happened tells it soon.

        When it happened is the venue's time. Where the clocks differ a little a stream is given up once for nothing.
        """
        if self._up_since_ms is None:
            return
        from_ms = self._up_since_ms
        late = [fact for order in orders if order.updated_ms >= from_ms for fact in _ends(order)]
        late += [_trade(fill) for fill in fills if fill.time_ms >= from_ms]
        for fact in late:
            self._owed.setdefault(fact, now_s)

    def told_by_stream(self, order: VenueOrder, fills: Iterable[Fill]) -> None:
        """Note what came by itself."""
        for fact in [_end(order.client_id), *map(_trade, fills)] if order.status in ENDED else map(_trade, fills):
            self._owed.pop(fact, None)

    def complaint(self, now_s: float) -> str:
        """Return what the stream should have told by now and did not, once; empty if it owes nothing."""
        overdue = [fact for fact, since_s in self._owed.items() if now_s - since_s >= OWED_S]
        if not overdue:
            return ""
        self._owed.clear()
        return f"REST told of {', '.join(overdue[:3])}, the stream did not"

    def read(self) -> None:
        """Note that REST is read now; while orders stay crossed the next reading may wait longer."""
        self._quick_s = min(2 * self._quick_s, CROSS_CHECK_S)
        self._passed.clear()

    def reading_every_s(
        self, price: Decimal | None, span: tuple[Decimal, Decimal] | None, orders: Sequence[Order], now_s: float
    ) -> float:
        """Return how old the last reading may grow.

        Args:
            price: where the market stands; None where that is not known.
            span: the lowest and the highest price since the last call. It tells of orders that rested by then already,
                and until the next reading.
            orders: ours that are not settled.
            now_s: of this call.
        """
        resting = [order for order in orders if order.status is Status.OPEN]
        crossed = set() if price is None else crossed_by((price, price), resting)
        passed = set() if span is None else crossed_by(span, resting) & self._resting
        self._resting = frozenset(order.intent.client_id for order in resting)
        self._crossed = {client_id: self._crossed.get(client_id, now_s) for client_id in crossed}
        remembered = passed | (self._passed.keys() & self._resting)
        self._passed = {client_id: self._passed.get(client_id, now_s) for client_id in remembered}
        if not any(now_s - since_s >= CROSSED_S for since_s in (*self._crossed.values(), *self._passed.values())):
            self._quick_s = QUICK_S
            return CROSS_CHECK_S
        return self._quick_s


def _ends(order: Order) -> list[str]:
    return [_end(order.intent.client_id)] if order.status in ENDED else []


def _end(client_id: str) -> str:
    return f"the end of order {client_id}"


def _trade(fill: Fill) -> str:
    return f"trade {fill.trade_id}"


def crossed_by(span: tuple[Decimal, Decimal], resting: Iterable[Order]) -> set[str]:
    """Return the ids of orders that prices between the lowest and the highest of `span` went through."""
    low, high = span
    return {
        intent.client_id
        for intent in (order.intent for order in resting)
        if intent.price is not None and (low < intent.price if intent.side is Side.BUY else high > intent.price)
    }
