"""The desk: the one door through which a strategy's orders leave, and the one way back in.

It holds the ledger, lets `Placing` ask the gate, and answers every event with effects. It has no thread, clock or
socket: the same object runs under the live shell and under an event heap.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.events import (
    CancelRefused,
    Moment,
    OpenOrdersRead,
    OrderAbsent,
    OrderEvent,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
    ReadFailed,
    StreamLost,
    StreamResumed,
    TradesRead,
)
from domain.money import exact
from domain.orders import Fill, Intent, Side, Status, VenueOrder
from orders.canary import Canary, crossed_by
from orders.client_ids import ClientId
from orders.effects import Cancel, DistrustStream, HoldsAllOrders, OrderEffect, Record, StoreIntents, Submit
from orders.ledger import Ledger
from orders.life_cycle import IllegalMove, Moved, Order
from orders.look_ups import LookUps
from orders.placing import Placing, Price
from orders.readings import FEW, Readings
from orders.reconciler import reconcile
from orders.recovery import Did, Recovery
from orders.wanted import WantedOrder
from ports.store import OrderRow
from risk.gate import RiskGate


@dataclass(slots=True)
class News:
    """What an event brought: fills not booked before, and what is to be done."""

    fills: list[Fill] = field(default_factory=list)
    effects: list[OrderEffect] = field(default_factory=list)


@dataclass(slots=True)
class _Change:
    """Rows and fills that one event touched, to be stored in one commit."""

    touched: dict[str, None] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    adopted: list[Intent] = field(default_factory=list)


class OrderDesk:
    """Orders of one strategy (`grid` in its slots) on one instrument."""

    def __init__(self, placing: Placing, ledger: Ledger, gate: RiskGate) -> None:
        self.placing = placing
        self.ledger = ledger
        self._gate = gate
        self._look_ups = LookUps(ledger)
        self._readings = Readings(ledger)
        self.recovery = Recovery()
        self._canary = Canary()
        self._touched_s: dict[str, float] = {}
        self._gate_is_behind_on: dict[str, None] = {}
        self._resumed_s = float("inf")
        self._ended: dict[str, None] = {}  # no longer listed, and not told yet what became of them
        self.account_was_read = False
        self.user_stream_lost = "not subscribed yet"
        self.alarms: list[str] = []

    # --- facts in ---

    def restore(
        self, rows: Sequence[OrderRow], fills: Sequence[Fill], *, known_until: int = 0, is_whole: bool = True
    ) -> None:
        """Take over what the store holds; the account itself is read before anything is sent.

        Trades up to the id `known_until` are booked already, be it by other strategies on the instrument. Where the
        books are not whole, orders may have left that they do not know, and all trades since are read. In a new
        life of the database this is not to be trusted: a trade of an order that went with the old life may be older
        than one booked since. All are read then, until an order placed in this life proves that the account was read.
        """
        self.ledger.restore(rows, fills)
        if not rows or any(self.placing.is_of_this_life(row.intent.client_id) for row in rows):
            until = max(known_until, self.ledger.last_trade_id)
        else:
            until = 0
        self._readings.begin(complete_until=until, is_whole=is_whole)
        for order in self.ledger.unsettled():
            self._reserve(order)
        self.recovery.found(Did.ORDERS_RESTORED, len(self.ledger.unsettled()))
        self.recovery.found(Did.FILLS_RESTORED, len(fills))

    def on(self, event: OrderEvent, now: Moment) -> News:
        """Take in one event."""
        match event:
            case OrderReported(order=order, fills=fills):
                asked = self._look_ups.reported(order.client_id)
                return self._report([order], fills, now, answers=order.client_id if asked else "")
            case OpenOrdersRead():
                return self._account_read(event, now)
            case TradesRead(fills=fills):
                return self._trades_read(fills, now)
            case ReadFailed():
                self._readings.failed()
                self._look_ups.failed()
            case StreamLost(kind="user", reason=reason):
                self.user_stream_lost, self.account_was_read = reason, False
                self._canary.lost()
            case StreamResumed(kind="user"):
                self.user_stream_lost, self.account_was_read = "", False
                self._resumed_s = now.monotonic_s
                self._canary.resumed(now.market_ms)
                self.recovery.began(now)
                return News(effects=[*self._readings.ask()])
            case OrderAbsent(client_id=client_id) if self._look_ups.proves_absent(client_id):
                self._ended.pop(client_id, None)
                return self._move_one(client_id, Status.REJECTED, now)
            case StreamLost() | StreamResumed() | OrderAbsent():
                pass
            case _ if event.client_id in self.ledger:
                return self._answered(event, self.ledger[event.client_id], now)
        return News()

    def update_gate(self) -> None:
        """Give back headroom that orders no longer need. Call it once the fills of `on` count as inventory."""
        for client_id in self._gate_is_behind_on:
            self._reserve(self.ledger[client_id])
        self._gate_is_behind_on.clear()

    def on_timer(self, now: Moment, price: Price | None = None) -> list[OrderEffect]:
        """Return what is due: retries, look-ups left open, and the cross-check of the user stream.

        The check comes early while the `price` stands beyond orders that the stream still tells to be open.
        """
        self.placing.cooling.clear()
        live, now_s = not self.user_stream_lost, now.monotonic_s
        crossed = [] if price is None else crossed_by(price.value, self.ledger.unsettled())
        every_s = self._canary.reading_every_s(crossed, now_s)
        effects: list[OrderEffect] = [
            *self._readings.due(now_s, live=live, was_read=self.account_was_read, every_s=every_s)
        ]
        if effects:
            self._canary.read()
        complaint = self._canary.complaint(now_s)
        if complaint:
            effects.append(DistrustStream("user", complaint))
        if self._readings.has_ended_once:  # the first reading settles for nothing what a crash left in doubt
            effects += self._look_ups.ask_doubtful()
        return effects

    # --- orders out ---

    def aim(self, wanted: Sequence[WantedOrder], now: Moment, price: Price | None) -> list[OrderEffect]:
        """Return what brings the account from what is open to what is wanted; nothing while facts are missing."""
        if not self.synced:
            return []
        difference = reconcile(wanted, self.ledger.unsettled())
        cancels = [order.intent for order in difference.cancel if order.intent.slot not in self.placing.cooling]
        for intent in cancels:
            self.ledger.mark_cancel(intent.client_id, sent=True)
        intents = self.placing.intents(difference.place, now, price)
        self._note_sent(len(cancels), len(intents), now)
        for intent in intents:
            self.ledger.add(intent)
            self.ledger.move(intent.client_id, Moved(Status.SENT, at_ms=now.market_ms))
            self._touched_s[intent.client_id] = now.monotonic_s
        stored = [StoreIntents(tuple(intents))] if intents else []
        return [*[Cancel(intent.client_id) for intent in cancels], *stored, *[Submit(intent) for intent in intents]]

    @property
    def synced(self) -> bool:
        """Tell whether decisions stand on facts.

        The account was read since its stream was last interrupted, and it is known what became of every order that no
        longer rests: a fill of one may be the reason why another is not wanted.
        """
        return self.account_was_read and not self.user_stream_lost and not self._ended

    @property
    def in_flight(self) -> bool:
        """Tell whether an answer, a look-up or a reading is still to come."""
        if self._readings.under_way or self._look_ups:
            return True
        return any(order.status is not Status.OPEN or order.cancel_sent for order in self.ledger.unsettled())

    # --- single events ---

    def _report(self, orders: Sequence[VenueOrder], fills: Sequence[Fill], now: Moment, *, answers: str = "") -> News:
        """Take in reports; the order whose look-up this `answers` is asked about again by the timer at the earliest."""
        for order in orders:
            self._ended.pop(order.client_id, None)
        change = self._take_in(orders, fills, now)
        if answers:
            self._told_by_rest(change, now)
            self.recovery.count(Did.BOOKED_LATE, len(change.fills))
        for order in orders if not answers else ():
            self._canary.told_by_stream(order, fills)
        news = self._stored(change)
        if change.adopted:
            self._readings.doubt()
            self.account_was_read = False
            news.effects += self._readings.ask()
        news.effects += self._look_ups.ask_doubtful(besides=answers)
        return news

    def _take_in(self, orders: Sequence[VenueOrder], fills: Sequence[Fill], now: Moment) -> _Change:
        change = _Change()
        for order in orders:
            if order.client_id in self.ledger or self._adopt(order, now, change):
                moved = Moved(order.status, order.venue_order_id, order.executed_quantity, order.updated_ms)
                self._move(order.client_id, moved, now, change)
        for fill in fills:
            self._book(fill, now, change)
        return change

    def _account_read(self, event: OpenOrdersRead, now: Moment) -> News:
        change = self._take_in(event.orders, event.fills, now)
        gone = self._gone(event)
        self._ended = dict.fromkeys(order.intent.client_id for order in gone)
        self._close_filled(now, change)
        self._told_by_rest(change, now)
        self._note_found(event, gone, change)
        news = self._stored(change)
        self._readings.listed(now.monotonic_s)
        strays = self._trades_known(event.fills, now, news) if event.has_trades else False
        if strays or (change.adopted and not event.has_trades):
            self._readings.doubt()
        behind = event.started_s < self._resumed_s  # the stream was not subscribed yet: something may lie between
        if behind or not (event.has_trades or self._readings.is_whole):
            news.effects += self._readings.ask()
            return news
        if not strays and self._readings.shows_all(event.started_s, now.monotonic_s):
            self.account_was_read = True
            if event.has_trades and self._readings.trust():
                news.effects.append(HoldsAllOrders())
        news.effects += self._settle_changed(may_read=not event.has_trades)
        return news

    def _trades_read(self, fills: Sequence[Fill], now: Moment) -> News:
        change = self._take_in((), fills, now)
        self._close_filled(now, change)
        self._told_by_rest(change, now)
        self.recovery.count(Did.BOOKED_LATE, len(change.fills))
        news = self._stored(change)
        if self._trades_known(fills, now, news):
            self._readings.doubt()
            self.account_was_read = False
        news.effects += self._settle_changed(may_read=False)
        return news

    def _told_by_rest(self, change: _Change, now: Moment) -> None:
        self._canary.told_by_rest(map(self.ledger.__getitem__, change.touched), change.fills, now.monotonic_s)

    def _trades_known(self, fills: Sequence[Fill], now: Moment, news: News) -> bool:
        """Take note that all trades were read; tell whether orders of ours that the ledger lacks are among theirs."""
        strays = [fill for fill in fills if self._is_stray(fill)]
        for fill in strays:
            news.effects += self._look_ups.ask(fill.client_id, now.wall_ms)
        self._readings.traded(fills, strays, now.monotonic_s)
        return bool(strays)

    def _close_filled(self, now: Moment, change: _Change) -> None:
        """End the orders that no longer rest and whose every trade is booked: there is nothing left to ask."""
        for order in [self.ledger[client_id] for client_id in self._ended]:
            if order.filled == order.intent.quantity:
                self._move(order.intent.client_id, Moved(Status.FILLED, at_ms=order.updated_ms), now, change)
                del self._ended[order.intent.client_id]

    def _gone(self, event: OpenOrdersRead) -> list[Order]:
        """Return the orders that rested when last heard of and that the later reading does not list."""
        listed = {order.client_id for order in event.orders}
        return [
            order
            for order in self.ledger.unsettled()
            if order.status is Status.OPEN
            and order.intent.client_id not in listed
            and self._touched_s.get(order.intent.client_id, float("-inf")) < event.started_s
        ]

    def _settle_changed(self, *, may_read: bool) -> list[OrderEffect]:
        """Return how to learn what became of orders that changed: each by its id, or all trades where many did."""
        ended = [self.ledger[client_id] for client_id in self._ended]
        lacking = sum(order.lacks_fills for order in self.ledger.unsettled())
        if may_read and len(ended) + lacking > FEW:
            return [*self._readings.ask_trades()]
        asked = [effect for order in ended for effect in self._look_ups.ask_ended(order)]
        return [*asked, *self._look_ups.ask_doubtful()]

    def _note_sent(self, cancels: int, placements: int, now: Moment) -> None:
        self.recovery.count(Did.CANCELLED, cancels)
        self.recovery.count(Did.PLACED, placements)
        if not self._look_ups and not self._readings.under_way:
            self.recovery.ended(now)

    def _note_found(self, event: OpenOrdersRead, gone: Sequence[Order], change: _Change) -> None:
        self.recovery.found(Did.FOUND_OPEN, sum(order.client_id in self.ledger for order in event.orders))
        self.recovery.found(Did.FOUND_FOREIGN, event.foreign)
        self.recovery.count(Did.FOUND_GONE, len(gone))
        self.recovery.count(Did.BOOKED_LATE, len(change.fills))

    def _is_stray(self, fill: Fill) -> bool:
        """Tell whether a trade belongs to an order of ours that the books lack: the order has to be adopted first."""
        fill = self.ledger.resolved(fill)
        return fill.client_id not in self.ledger and self.placing.owns(ClientId.parse(fill.client_id))

    def _answered(
        self,
        event: OrderRefused | OrderNotSent | OutcomeUnknown | CancelRefused,
        order: Order,
        now: Moment,
    ) -> News:
        placing = order.status in (Status.CREATED, Status.SENT)
        match event:
            case OrderRefused():
                self.placing.refused(order, event, now)
                return self._move_one(event.client_id, Status.REJECTED, now)
            case OrderNotSent() if placing:
                self.placing.cooling.add(order.intent.slot)
                self.placing.pause.begin(event.message, now.monotonic_s)
                return self._move_one(event.client_id, Status.REJECTED, now)
        self.placing.cooling.add(order.intent.slot)
        self.ledger.mark_cancel(event.client_id, sent=False)
        news = self._move_one(event.client_id, Status.UNKNOWN, now) if placing else News()
        if not isinstance(event, OrderNotSent) and not order.has_ended:
            news.effects += self._look_ups.ask(event.client_id, order.intent.created_ms)
        return news

    # --- helpers ---

    def _adopt(self, order: VenueOrder, now: Moment, change: _Change) -> bool:
        """Take in an order of ours that the ledger lacks: the database is older than the account."""
        ours = ClientId.parse(order.client_id)
        if ours is None:
            return False
        if ours.instance != self.placing.instance:
            self.alarm(f"order {order.client_id} belongs to another Gridhive on the same account")
        if not self.placing.owns(ours):
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
            reason="adopted: found at the venue, missing in the books",
            created_ms=now.wall_ms,
        )
        self.ledger.add(intent)
        change.adopted.append(intent)
        self.recovery.count(Did.ADOPTED)
        return True

    def alarm(self, text: str) -> None:
        """Note that the books are in doubt: a person must look."""
        if text not in self.alarms:
            self.alarms.append(text)

    def _move_one(self, client_id: str, to: Status, now: Moment) -> News:
        change = _Change()
        self._move(client_id, Moved(to, at_ms=now.market_ms), now, change)
        return self._stored(change)

    def _move(self, client_id: str, moved: Moved, now: Moment, change: _Change) -> None:
        was_unknown = self.ledger[client_id].status is Status.UNKNOWN
        try:
            news = self.ledger.move(client_id, moved)
        except IllegalMove as error:
            self.alarm(str(error))
            self.placing.faulted[self.ledger[client_id].intent.slot] = str(error)
            return
        order = self.ledger[client_id]
        if news:
            change.touched[client_id] = None
            self._touched_s[client_id] = now.monotonic_s
            self.recovery.count(Did.UNKNOWN_SETTLED, int(was_unknown and order.status is not Status.UNKNOWN))
            if order.status in (Status.OPEN, Status.FILLED):
                self.placing.pause.end()
            if order.status is Status.EXPIRED:  # nothing to trade with: better wait than chase
                self.placing.cooling.add(order.intent.slot)
        self._gate_is_behind_on[client_id] = None

    def _book(self, fill: Fill, now: Moment, change: _Change) -> None:
        fill = self.ledger.resolved(fill)
        if fill.client_id not in self.ledger or not self.ledger.book(fill):
            return
        change.fills.append(fill)
        change.touched[fill.client_id] = None
        self._touched_s[fill.client_id] = now.monotonic_s
        self._gate_is_behind_on[fill.client_id] = None

    @exact
    def _reserve(self, order: Order) -> None:
        """Keep what an entry may still put at risk reserved: all of it that is not booked as inventory yet."""
        intent = order.intent
        if order.is_settled:
            self._gate.release(intent.client_id)
            self._touched_s.pop(intent.client_id, None)
        elif intent.side is Side.BUY and intent.price is not None:
            self._gate.hold(intent.client_id, (intent.quantity - order.filled) * intent.price)

    def _stored(self, change: _Change) -> News:
        effects: list[OrderEffect] = [StoreIntents(tuple(change.adopted))] if change.adopted else []
        if change.touched or change.fills:
            rows = tuple(self.ledger.row(client_id) for client_id in change.touched)
            effects.append(Record(rows, tuple(change.fills)))
        return News(change.fills, effects)
