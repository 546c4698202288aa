"""What a reading of the account proves: what ended unheard, what is still to be asked, and whether all is known."""

from collections.abc import Sequence

from domain.events import Moment, OpenOrdersRead
from domain.orders import Fill, Status
from orders.canary import Canary
from orders.effects import HoldsAllOrders, OrderEffect
from orders.intake import Change, Intake, News
from orders.ledger import Ledger
from orders.life_cycle import Moved, Order
from orders.look_ups import LookUps
from orders.readings import FEW, OLD_MS, Readings
from orders.recovery import Did, Recovery


class AccountReview:
    """Judges readings for one desk. Nothing is decided there before `is_done`."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        intake: Intake,
        readings: Readings,
        look_ups: LookUps,
        canary: Canary,
        recovery: Recovery,
    ) -> None:
        self.account_was_read = False
        self._ledger = ledger
        self._intake = intake
        self._readings = readings
        self._look_ups = look_ups
        self._canary = canary
        self._recovery = recovery
        self._resumed_s = float("inf")
        self._ended: dict[str, None] = {}  # no longer listed, and not told yet what became of them

    @property
    def is_done(self) -> bool:
        """Tell whether the account was read since the last gap and the fate of every order that is gone is known."""
        return self.account_was_read and not self._ended

    def stream_lost(self) -> None:
        self.account_was_read = False

    def stream_resumed(self, since_s: float) -> None:
        """Note that the stream tells everything again since `since_s`, monotonic."""
        self.account_was_read, self._resumed_s = False, since_s

    def told(self, client_id: str) -> None:
        """Note that it was told what became of an order."""
        self._ended.pop(client_id, None)

    def doubt(self) -> None:
        """Note that an order of ours turned up that the books lacked: the account has to be read anew."""
        self._readings.doubt()
        self.account_was_read = False

    def listed(self, event: OpenOrdersRead, now: Moment) -> News:
        """Take in a listing of the open orders, with trades or without."""
        change = self._intake.take_in(event.orders, event.fills, now)
        gone = self._gone(event)
        self._ended = dict.fromkeys(order.intent.client_id for order in gone)
        self._close_filled(now, change)
        self.told_by_rest(change, now)
        self._note_found(event, gone, change)
        news = self._intake.stored(change)
        self._readings.listed(now.monotonic_s)
        strays = self._trades_known(event.fills, now, news, event.foreign_fills) if event.has_trades else False
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

    def traded(self, fills: Sequence[Fill], now: Moment) -> News:
        """Take in a reading of trades alone."""
        change = self._intake.take_in((), fills, now)
        self._close_filled(now, change)
        self.told_by_rest(change, now)
        self._recovery.count(Did.BOOKED_LATE, len(change.fills))
        news = self._intake.stored(change)
        if self._trades_known(fills, now, news):
            self.doubt()
        news.effects += self._settle_changed(may_read=False)
        return news

    def told_by_rest(self, change: Change, now: Moment) -> None:
        """Note for the user stream's sake what was heard elsewhere."""
        self._canary.told_by_rest(map(self._ledger.__getitem__, change.touched), change.fills, now.monotonic_s)

    # --- helpers ---

    def _gone(self, event: OpenOrdersRead) -> list[Order]:
        """Return the orders that rested when last heard of and that the later reading does not list."""
        listed = {order.client_id for order in event.orders}
        return [
            order
            for order in self._ledger.unsettled()
            if order.status is Status.OPEN
            and order.intent.client_id not in listed
            and self._intake.heard_s(order) < event.started_s
        ]

    def _close_filled(self, now: Moment, change: Change) -> None:
        """End the orders that no longer rest and whose every trade is booked: there is nothing left to ask."""
        for order in [self._ledger[client_id] for client_id in self._ended]:
            if order.filled == order.intent.quantity:
                filled = Moved(Status.FILLED, at_ms=order.updated_ms)
                self._intake.move(order.intent.client_id, filled, now, change)
                del self._ended[order.intent.client_id]

    def _trades_known(self, fills: Sequence[Fill], now: Moment, news: News, foreign: Sequence[Fill] = ()) -> bool:
        """Take note that all trades were read; tell whether orders of ours that the ledger lacks are among theirs."""
        strays = [fill for fill in fills if self._intake.is_stray(fill)]
        for fill in strays:
            news.effects += self._look_ups.ask(fill.client_id, now.wall_ms)
        old = [fill for fill in foreign if fill.time_ms <= now.market_ms - OLD_MS]
        self._readings.traded(fills, strays, now.monotonic_s, old)
        return bool(strays)

    def _settle_changed(self, *, may_read: bool) -> list[OrderEffect]:
        """Return how to learn what became of orders that changed: each by its id, or all trades where many did."""
        ended = [self._ledger[client_id] for client_id in self._ended]
        lacking = sum(order.lacks_fills for order in self._ledger.unsettled())
        if may_read and len(ended) + lacking > FEW:
            return [*self._readings.ask_trades()]
        asked = [effect for order in ended for effect in self._look_ups.ask_ended(order)]
        return [*asked, *self._look_ups.ask_doubtful()]

    def _note_found(self, event: OpenOrdersRead, gone: Sequence[Order], change: Change) -> None:
        self._recovery.found(Did.FOUND_OPEN, sum(order.client_id in self._ledger for order in event.orders))
        self._recovery.found(Did.FOUND_FOREIGN, event.foreign)
        self._recovery.count(Did.FOUND_GONE, len(gone))
        self._recovery.count(Did.BOOKED_LATE, len(change.fills))
