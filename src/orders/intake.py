"""What reports change: ledger and reservations at the gate, and with them what is to be counted and stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from domain.events import Moment
from domain.money import exact
from domain.orders import Fill, Intent, Status, VenueOrder
from orders.client_ids import ClientId
from orders.effects import OrderEffect, Record, StoreIntents
from orders.ledger import Ledger
from orders.life_cycle import IllegalMove, Moved, Order
from orders.placing import Placing
from orders.recovery import Did, Recovery
from risk.gate import RiskGate

ADOPTED: Final = "adopted: found at the venue, missing in the books"


@dataclass(slots=True)
class News:
    """What an event brought: fills not booked before, and what is to be done."""

    fills: list[Fill] = field(default_factory=list)
    effects: list[OrderEffect] = field(default_factory=list)


@dataclass(slots=True)
class Change:
    """Rows and fills that one event touched, to be stored in one commit."""

    touched: dict[str, None] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    adopted: list[Intent] = field(default_factory=list)
    appeared: list[Intent] = field(default_factory=list)  # expected, though not sent as ordinary orders


class Intake:
    """Takes in what is told of one strategy's orders, whoever tells it."""

    def __init__(self, placing: Placing, ledger: Ledger, gate: RiskGate, recovery: Recovery) -> None:
        self.alarms: list[str] = []
        self.expected: dict[str, Intent] = {}  # what conditional orders may become, by client id
        self._placing = placing
        self._ledger = ledger
        self._gate = gate
        self._recovery = recovery
        self._heard_s: dict[str, float] = {}
        self._gate_is_behind_on: dict[str, None] = {}

    def alarm(self, text: str) -> None:
        """Note that the books are in doubt: a person must look."""
        if text not in self.alarms:
            self.alarms.append(text)

    def withdraw(self, text: str) -> None:
        """Note that an alarm was disproved."""
        self.alarms = [alarm for alarm in self.alarms if alarm != text]

    # --- what was told ---

    def take_in(self, orders: Iterable[VenueOrder], fills: Iterable[Fill], now: Moment) -> Change:
        """Enter reports of orders and trades; an order of ours that the ledger lacks is adopted first."""
        change = Change()
        for order in orders:
            if order.client_id in self._ledger or self._appears(order, change) or self._adopt(order, now, change):
                moved = Moved(order.status, order.venue_order_id, order.executed_quantity, order.updated_ms)
                self.move(order.client_id, moved, now, change)
        for fill in fills:
            self._book(fill, now, change)
        return change

    def move_one(self, client_id: str, to: Status, now: Moment) -> News:
        """Enter that one order reached a status."""
        change = Change()
        self.move(client_id, Moved(to, at_ms=now.market_ms), now, change)
        return self.stored(change)

    def move(self, client_id: str, moved: Moved, now: Moment, change: Change) -> None:
        """Enter that an order moved; what contradicts what is known raises an alarm and gives its slot up."""
        was_unknown = self._ledger[client_id].status is Status.UNKNOWN
        try:
            news = self._ledger.move(client_id, moved)
        except IllegalMove as error:
            self.alarm(str(error))
            self._placing.faulted[self._ledger[client_id].intent.slot] = str(error)
            return
        order = self._ledger[client_id]
        if news:
            change.touched[client_id] = None
            self._heard_s[client_id] = now.monotonic_s
            self._recovery.count(Did.UNKNOWN_SETTLED, int(was_unknown and order.status is not Status.UNKNOWN))
            if order.status in (Status.OPEN, Status.FILLED):
                self._placing.pause.end()
            if order.status is Status.EXPIRED:  # nothing to trade with: better wait than chase
                self._placing.cooling.add(order.intent.slot)
        self._gate_is_behind_on[client_id] = None

    def sent(self, intents: Sequence[Intent], now: Moment) -> None:
        """Enter new orders, which leave now."""
        for intent in intents:
            self._ledger.add(intent)
            self._ledger.move(intent.client_id, Moved(Status.SENT, at_ms=now.market_ms))
            self._heard_s[intent.client_id] = now.monotonic_s

    def heard_s(self, order: Order) -> float:
        """Return when the newest news of an unsettled order came, in monotonic seconds."""
        return self._heard_s.get(order.intent.client_id, float("-inf"))

    def is_stray(self, fill: Fill) -> bool:
        """Tell whether a trade belongs to an order of ours that the books lack: the order has to be adopted first."""
        fill = self._ledger.resolved(fill)
        return fill.client_id not in self._ledger and self._placing.owns(ClientId.parse(fill.client_id))

    # --- what follows ---

    def stored(self, change: Change) -> News:
        """Return what changed as fills to count and effects that store it."""
        new = (*change.adopted, *change.appeared)
        effects: list[OrderEffect] = [StoreIntents(new)] if new else []
        if change.touched or change.fills:
            rows = tuple(self._ledger.row(client_id) for client_id in change.touched)
            effects.append(Record(rows, tuple(change.fills)))
        return News(change.fills, effects)

    def reserve_all(self) -> None:
        """Reserve at the gate what the orders of a restored ledger may still put at risk."""
        for order in self._ledger.unsettled():
            self._reserve(order)

    def update_gate(self) -> None:
        """Give back headroom that orders no longer need."""
        for client_id in self._gate_is_behind_on:
            self._reserve(self._ledger[client_id])
        self._gate_is_behind_on.clear()

    # --- helpers ---

    def _appears(self, order: VenueOrder, change: Change) -> bool:
        """Enter an order that was expected to appear: a conditional one of ours was triggered."""
        expected = self.expected.get(order.client_id)
        if expected is None:
            return False
        intent = replace(expected, quantity=order.quantity)
        self._ledger.add(intent)
        change.appeared.append(intent)
        return True

    def _adopt(self, order: VenueOrder, now: Moment, change: Change) -> bool:
        """Take in an order of ours that the ledger lacks: the database is older than the account."""
        ours = ClientId.parse(order.client_id)
        if ours is None:
            return False
        if ours.instance != self._placing.instance:
            self.alarm(
                f"order {order.client_id} belongs to another Gridhive on the same account; end one of the two, or "
                "cancel what it left, then restart this server"
            )
        if not self._placing.owns(ours):
            return False
        intent = Intent(
            client_id=order.client_id,
            slot=ours.slot,
            cycle=ours.cycle,
            attempt=ours.attempt,
            instrument=order.instrument,
            type=order.type,
            time_in_force=None,
            quantity=order.quantity,
            price=order.price,
            reason=ADOPTED,
            created_ms=now.wall_ms,
            position_side=self._placing.slots.position_side(ours.slot),
        )
        self._ledger.add(intent)
        change.adopted.append(intent)
        self._recovery.count(Did.ADOPTED)
        return True

    def _book(self, fill: Fill, now: Moment, change: Change) -> None:
        fill = self._ledger.resolved(fill)
        if fill.client_id not in self._ledger or not self._ledger.book(fill):
            return
        change.fills.append(fill)
        change.touched[fill.client_id] = None
        self._heard_s[fill.client_id] = now.monotonic_s
        self._gate_is_behind_on[fill.client_id] = None

    @exact
    def _reserve(self, order: Order) -> None:
        """Keep what an entry may still put at risk reserved: all of it that is not booked as inventory yet."""
        intent = order.intent
        if order.is_settled:
            self._gate.release(intent.client_id)
            self._heard_s.pop(intent.client_id, None)
        elif intent.price is not None and not self._placing.slots.is_exit(intent.slot):
            self._gate.hold(intent.client_id, (intent.quantity - order.filled) * intent.price)
