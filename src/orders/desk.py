"""The desk: the one door through which a strategy's orders leave, and the one way back in.

It holds the ledger, lets `Placing` ask the gate, and answers every event with effects: `Intake` enters what is told of
orders, `AccountReview` judges readings of the account. It has no thread, clock or socket: the same object runs under
the live shell and under an event heap.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

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
from domain.orders import Fill, Intent, Slot, Status, VenueOrder
from orders.account_review import AccountReview
from orders.canary import Canary
from orders.cancel_pauses import CancelPauses
from orders.effects import Cancel, DistrustStream, OrderEffect, StoreIntents, Submit, Tell
from orders.fitting import fitted
from orders.intake import Intake, News
from orders.ledger import Ledger
from orders.life_cycle import Order
from orders.look_ups import LookUps
from orders.placing import Placing, Price
from orders.readings import Readings
from orders.reconciler import Difference, Overlap, reconcile
from orders.recovery import Did, Recovery
from orders.settlement import settlement_orders
from orders.wanted import WantedOrder
from ports.store import OrderRow
from risk.gate import RiskGate


class OrderDesk:
    """Orders of one strategy (`grid` in its slots) on one instrument.

    With `overlaps` orders near the market do not wait for the cancels of farther ones, see `reconciler.Overlap`.
    """

    def __init__(self, placing: Placing, ledger: Ledger, gate: RiskGate, *, overlaps: bool = False) -> None:
        self.placing = placing
        self._overlap = Overlap(placing.rules.max_open_orders, placing.was_refused) if overlaps else None
        self.ledger = ledger
        self._returning: frozenset[str] = frozenset()
        self.recovery = Recovery()
        self.user_stream_lost = "not subscribed yet"
        self._look_ups = LookUps(ledger)
        self._readings = Readings(ledger)
        self._canary = Canary()
        self._cancel_pauses = CancelPauses()
        self._intake = Intake(placing, ledger, gate, self.recovery)
        self._review = AccountReview(
            ledger=ledger,
            intake=self._intake,
            readings=self._readings,
            look_ups=self._look_ups,
            canary=self._canary,
            recovery=self.recovery,
        )

    @property
    def alarms(self) -> list[str]:
        """Return why the books are in doubt, oldest first."""
        return self._intake.alarms

    def alarm(self, text: str) -> None:
        """Note that the books are in doubt: a person must look."""
        self._intake.alarm(text)

    def withdraw(self, text: str) -> list[OrderEffect]:
        """Withdraw an alarm that was disproved, and say so."""
        self._intake.withdraw(text)
        return [Tell(f"an alarm was disproved and is withdrawn: {text}")]

    @property
    def synced(self) -> bool:
        """Tell whether decisions stand on facts.

        The account was read since its stream was last interrupted, and it is known what became of every order that no
        longer rests: a fill of one may be the reason why another is not wanted.
        """
        return self._review.is_done and not self.user_stream_lost

    @property
    def cannot_read(self) -> bool:
        """Tell whether the newest reading of the account failed."""
        return self._readings.has_failed

    @property
    def in_flight(self) -> bool:
        """Tell whether an answer, a look-up or a reading is still to come."""
        if self._readings.under_way or self._look_ups:
            return True
        return any(order.status is not Status.OPEN or order.cancel_sent for order in self.ledger.unsettled())

    # --- facts in ---

    def restore(
        self,
        rows: Sequence[OrderRow],
        fills: Sequence[Fill],
        *,
        known_until: int = 0,
        is_whole: bool = True,
        before: int = 0,
    ) -> None:
        """Take over what the store holds; the account itself is read before anything is sent.

        Trades up to the id `known_until` are booked already, be it by other strategies on the instrument. Where the
        books are not whole, orders may have left that they do not know, and all trades since are read. In a new
        life of the database this is not to be trusted: a trade of an order that went with the old life may be older
        than one booked since. All are read then, until an order placed in this life proves that the account was read.
        Those up to the id `before` are older than our first order on the instrument and count in no life.
        """
        self.ledger.restore(rows, fills)
        if not rows or any(self.placing.is_of_this_life(row.intent.client_id) for row in rows):
            until = max(known_until, self.ledger.last_trade_id, before)
        else:
            until = before
        self._readings.begin(complete_until=until, is_whole=is_whole)
        self._intake.reserve_all()
        self.recovery.found(Did.ORDERS_RESTORED, len(self.ledger.unsettled()))
        self.recovery.found(Did.FILLS_RESTORED, len(fills))

    def on(self, event: OrderEvent, now: Moment) -> News:
        """Take in one event."""
        match event:
            case OrderReported(order=order, fills=fills):
                return self._reported(order, fills, now)
            case OpenOrdersRead():
                return self._review.listed(event, now)
            case TradesRead(fills=fills):
                return self._review.traded(fills, now)
            case ReadFailed():
                self._readings.failed(now.monotonic_s)
                self._look_ups.failed()
            case StreamLost() | StreamResumed():
                return self._stream_changed(event, now) if event.kind == "user" else News()
            case OrderAbsent(client_id=client_id):
                if self._look_ups.proves_absent(client_id):
                    self._review.told(client_id)
                    return self._intake.move_one(client_id, Status.REJECTED, now)
            case _ if event.client_id in self.ledger:
                return self._answered(event, self.ledger[event.client_id], now)
        return News()

    def expect(self, orders: Mapping[str, Intent]) -> None:
        """Know the ordinary orders that conditional ones of ours become when triggered, by client id.

        Their quantity is what the venue tells when they appear.
        """
        self._intake.expected = dict(orders)

    def find(self, client_id: str, sent_ms: int, presumed: VenueOrder | None) -> list[OrderEffect]:
        """Return the look-up of an order that must have appeared; nothing while one is under way."""
        return [*self._look_ups.ask(client_id, sent_ms, presumed)]

    def close_settled(self, told: Sequence[Fill], now: Moment) -> News:
        """Enter what the venue itself closed because the contract ended, of the trades `told` of others."""
        news = News()
        for intent, order, fills in settlement_orders(told, self.placing, self.ledger, now):
            self._intake.expected = {**self._intake.expected, intent.client_id: intent}
            its = self._intake.stored(self._intake.take_in([order], fills, now))
            news.fills += its.fills
            news.effects += its.effects
        return news

    def update_gate(self) -> None:
        """Give back headroom that orders no longer need. Call it once the fills of `on` count as inventory."""
        self._intake.update_gate()

    def on_timer(
        self, now: Moment, price: Price | None = None, span: tuple[Decimal, Decimal] | None = None
    ) -> list[OrderEffect]:
        """Return what is due: retries, look-ups left open, and the cross-check of the user stream.

        The check comes early where the `price` stands, or the `span` of prices since the last timer went, beyond orders
        that the stream still tells to be open.
        """
        self.placing.cooling.clear()
        self._cancel_pauses.forget_besides({order.intent.client_id for order in self.ledger.unsettled()})
        live, now_s = not self.user_stream_lost, now.monotonic_s
        every_s = self._canary.reading_every_s(price.value if price else None, span, self.ledger.unsettled(), now_s)
        was_read = self._review.account_was_read
        effects: list[OrderEffect] = [*self._readings.due(now_s, live=live, was_read=was_read, every_s=every_s)]
        if effects:
            self._canary.read()
        complaint = self._canary.complaint(now_s)
        if complaint:
            effects.append(DistrustStream("user", complaint))
        if self._readings.has_ended_once:  # the first reading settles for nothing what a crash left in doubt
            effects += self._look_ups.ask_doubtful()
        return effects

    def read_whole(self) -> list[OrderEffect]:
        """Return a reading of the account with all trades, because something else than orders gave rise to doubt."""
        return [*self._readings.ask_whole()]

    # --- orders out ---

    def aim(self, wanted: Sequence[WantedOrder], now: Moment, price: Price | None) -> list[OrderEffect]:
        """Return what brings the account from what is open to what is wanted; nothing while facts are missing."""
        if not self.synced:
            return []
        wanted, self.placing.misfits = self._fitted(wanted)
        self._returning = self.placing.returning(wanted, price)
        difference = self._compared(wanted)
        cancels = [order.intent for order in difference.cancel if self._may_cancel(order.intent, now)]
        for intent in cancels:
            self.ledger.mark_cancel(intent.client_id, sent=True)
        intents = self.placing.intents(difference.place, now, price)
        self._note_sent(len(cancels), len(intents), now)
        self._intake.sent(intents, now)
        stored = [StoreIntents(tuple(intents))] if intents else []
        return [*[Cancel(intent.client_id) for intent in cancels], *stored, *[Submit(intent) for intent in intents]]

    def concerns(self, price: Decimal) -> bool:
        """Tell whether a price alone changes what is to be sent."""
        return self.placing.repricing is not None and self.placing.repricing.concerns(price)

    def difference(self, wanted: Sequence[WantedOrder]) -> Difference:
        """Return what is missing of what is wanted, and what is too much."""
        return self._compared(self._fitted(wanted)[0])

    def _fitted(self, wanted: Sequence[WantedOrder]) -> tuple[list[WantedOrder], dict[Slot, str]]:
        is_repriced = self.placing.repricing is not None
        return fitted(wanted, self.ledger.unsettled(), self.placing.rules, any_price=is_repriced)

    def _compared(self, wanted: Sequence[WantedOrder]) -> Difference:
        return reconcile(wanted, self.ledger.unsettled(), self._overlap, self._returning)

    def reserve_all(self) -> None:
        """Reserve at the gate what open orders may put at risk, after what they mean has changed."""
        self._intake.reserve_all()

    def _may_cancel(self, intent: Intent, now: Moment) -> bool:
        is_held = self._cancel_pauses.hold(intent.client_id, now.monotonic_s)
        return not is_held and intent.slot not in self.placing.cooling

    def _note_sent(self, cancels: int, placements: int, now: Moment) -> None:
        self.recovery.count(Did.CANCELLED, cancels)
        self.recovery.count(Did.PLACED, placements)
        if not self._look_ups and not self._readings.under_way:
            self.recovery.ended(now)

    # --- single events ---

    def _stream_changed(self, event: StreamLost | StreamResumed, now: Moment) -> News:
        if isinstance(event, StreamLost):
            self.user_stream_lost = event.reason
            self._review.stream_lost()
            self._canary.lost()
            return News()
        self.user_stream_lost = ""
        self._cancel_pauses.end()
        self._review.stream_resumed(now.monotonic_s if event.at_s is None else event.at_s)
        self._canary.resumed(now.market_ms)
        self.recovery.began(now)
        return News(effects=[*self._readings.ask()])

    def _reported(self, order: VenueOrder, fills: Sequence[Fill], now: Moment) -> News:
        """Take in a report; an order whose look-up it answers is asked about again by the timer at the earliest."""
        is_answer = self._look_ups.reported(order.client_id)
        self._review.told(order.client_id)
        change = self._intake.take_in([order], fills, now)
        if is_answer:
            self._review.told_by_rest(change, now)
            self.recovery.count(Did.BOOKED_LATE, len(change.fills))
        else:
            self._canary.told_by_stream(order, fills)
        news = self._intake.stored(change)
        if change.adopted:
            self._review.doubt()
            news.effects += self._readings.ask()
        news.effects += self._look_ups.ask_doubtful(besides=order.client_id if is_answer else "")
        return news

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
                return self._intake.move_one(event.client_id, Status.REJECTED, now)
            case OrderNotSent() if placing:
                self.placing.cooling.add(order.intent.slot)
                self.placing.pause.begin(event.message, now.monotonic_s)
                return self._intake.move_one(event.client_id, Status.REJECTED, now)
        self.placing.cooling.add(order.intent.slot)
        if isinstance(event, CancelRefused | OrderNotSent):
            self._cancel_pauses.begin(event.client_id, now.monotonic_s)
        self.ledger.mark_cancel(event.client_id, sent=False)
        news = self._intake.move_one(event.client_id, Status.UNKNOWN, now) if placing else News()
        if not isinstance(event, OrderNotSent) and not order.has_ended:
            news.effects += self._look_ups.ask(event.client_id, order.intent.created_ms)
        return news
