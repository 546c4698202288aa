"""Where an order goes that must never take and found its price taken: one tick behind the last price.

The slot stays the rung's. An order is sent at its rung first. Refused there, because it would have taken, it goes one
tick behind the last price, buys below it and sales above it, and rests there: it follows no price. Once the last price
is a tick or more beyond the rung on its right side, it is taken off and sent at its rung again.

How often an order was refused so is remembered for its cycle. After `MOST_AT_ONCE` refusals it is sent again only when
the price has moved since the attempt before.
"""

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import Final

from domain.instrument import InstrumentRules
from domain.money import exact, plain
from domain.orders import Role, Side, Slot, Status
from orders.life_cycle import Order
from orders.wanted import WantedOrder

MOST_AT_ONCE: Final = 5

Use = tuple[Slot, int]
"""A slot and its cycle."""


class Repricing:
    """Of one strategy's orders; prices in quote."""

    def __init__(self, rules: InstrumentRules) -> None:
        self._tick = rules.tick
        self._least_value = rules.min_notional
        self._refusals: dict[Use, int] = {}
        self._tried_at: dict[Use, Decimal] = {}
        self._waiting_at: Decimal | None = None
        self._return_above: Decimal | None = None
        self._return_below: Decimal | None = None

    def refused(self, slot: Slot, cycle: int) -> None:
        """Note that an order would have taken."""
        self._refusals[slot, cycle] = self._refusals.get((slot, cycle), 0) + 1

    def forget_besides(self, kept: Collection[Use]) -> None:
        """Forget the refusals of all uses but these."""
        self._refusals = {use: count for use, count in self._refusals.items() if use in kept}
        self._tried_at = {use: price for use, price in self._tried_at.items() if use in kept}

    def begin(self) -> None:
        """Begin to ask for the prices of what is sent now."""
        self._waiting_at = None

    @exact
    def price_of(self, want: WantedOrder, last: Decimal | None) -> Decimal | None:
        """Return the price at which a resting order is to be sent, None where it has to wait for another one."""
        use = want.slot, want.cycle
        count = self._refusals.get(use, 0)
        if want.at_once or want.price is None or not count:
            return want.price
        if last is None:
            return None
        behind = last - self._tick if want.slot.side is Side.BUY else last + self._tick
        price = min(want.price, behind) if want.slot.side is Side.BUY else max(want.price, behind)
        is_spent = count >= MOST_AT_ONCE and self._tried_at.get(use) == last
        if is_spent or price <= 0 or (want.quantity * price < self._least_value and not want.only_reduces):
            self._waiting_at = last
            return None
        return price

    def sent(self, want: WantedOrder, last: Decimal | None) -> None:
        """Note at which last price an order leaves."""
        if last is not None and (want.slot, want.cycle) in self._refusals:
            self._tried_at[want.slot, want.cycle] = last

    def returning(self, orders: Iterable[Order], wanted: Iterable[WantedOrder], last: Decimal | None) -> frozenset[str]:
        """Return the client ids of orders that rest behind their rung and could rest there; watch for the others'."""
        rungs = {want.slot: want.price for want in wanted if want.slot.role is Role.RUNG}
        found = []
        self._return_above = self._return_below = None
        for order in orders:
            rung, intent = rungs.get(order.intent.slot), order.intent
            if rung is None or intent.price == rung or order.status is not Status.OPEN or order.cancel_sent:
                continue
            if last is not None and (last > rung if intent.side is Side.BUY else last < rung):
                found.append(intent.client_id)
            elif intent.side is Side.BUY:
                self._return_above = rung if self._return_above is None else min(rung, self._return_above)
            else:
                self._return_below = rung if self._return_below is None else max(rung, self._return_below)
        return frozenset(found)

    def concerns(self, price: Decimal) -> bool:
        """Tell whether a price lets an order return to its rung, or one be sent that waits for the price to move."""
        if self._return_above is not None and price > self._return_above:
            return True
        if self._return_below is not None and price < self._return_below:
            return True
        return self._waiting_at is not None and price != self._waiting_at

    def told(self, want: WantedOrder, price: Decimal | None) -> str:
        """Return the reason of an order, with what keeps it from its rung."""
        if price == want.price or price is None:
            return want.reason
        return f"{want.reason}, at {plain(price)} until it can rest there"
