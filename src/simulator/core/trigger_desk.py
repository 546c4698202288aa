"""Lets conditional orders work once a trade reaches their stop price."""

from simulator.core.desk import OrderDesk, matches_of
from simulator.core.listing import Listing
from simulator.core.live_order import LiveOrder
from simulator.core.matching import cost
from simulator.core.orders import NO_LIST, ExpiryReason, OrderStatus, Side
from simulator.core.settlement import Ledger


class TriggerDesk:
    """Watches what trades have reached; its callers refresh the listing and flush the events."""

    def __init__(self, ledger: Ledger, desk: OrderDesk) -> None:
        self._ledger = ledger
        self._desk = desk

    def run(self, listing: Listing, now_ms: int) -> None:
        """Let work what trades have reached, the nearest first, and what that triggers in turn.

        What executes as MARKET waits while the other side of the book is empty: the print that triggered it may
        have used the known book up, and no market is ever without an offer.
        """
        due = listing.waiting.due
        while due and (order := next((one for one in due.values() if _can_work(listing, one)), None)):
            self._let_work(listing, order, now_ms)

    def _let_work(self, listing: Listing, order: LiveOrder, now_ms: int) -> None:
        """Let one work; it expires where its account cannot pay what the book asks (our choice)."""
        listing.waiting.remove(order)
        if order.list_id != NO_LIST:
            self._ledger.go_alone(listing, order, now_ms)
        self._ledger.set_to_work(listing, order, now_ms)
        matches = matches_of(listing, order)
        account = self._ledger.accounts[order.account_id]
        if order.is_market and order.side is Side.BUY and account.free(listing.spec.quote) < cost(matches):
            self._ledger.finish(listing, order, OrderStatus.EXPIRED, now_ms, reason=ExpiryReason.REJECTED)
        else:
            self._desk.enter(listing, order, matches, now_ms)


def _can_work(listing: Listing, order: LiveOrder) -> bool:
    return not order.is_market or not listing.book.of(order.side.opposite).is_empty
