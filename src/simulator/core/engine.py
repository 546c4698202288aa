"""What every operation of the exchange goes through: time, triggers, events; and the state behind it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from simulator.core.accounts import Account
from simulator.core.desk import OrderDesk
from simulator.core.events import ExchangeEvent
from simulator.core.histories import History
from simulator.core.list_desk import ListDesk
from simulator.core.listing import Listing
from simulator.core.queries import Queries
from simulator.core.settlement import Ledger
from simulator.core.trigger_desk import TriggerDesk

STATE_VERSION: Final = 1


class Engine(Queries):
    """The working parts, wired; `Exchange` offers operations on them."""

    def __init__(self, listener: Callable[[ExchangeEvent], None], rates: tuple[int, int]) -> None:
        listings: dict[str, Listing] = {}
        super().__init__(listings, Ledger(listings, listener))
        self._rates = rates
        self._listener = listener
        self._desk = OrderDesk(self._ledger)
        self._list_desk = ListDesk(self._ledger, self._desk)
        self._trigger_desk = TriggerDesk(self._ledger, self._desk)

    def dump(self) -> dict[str, Any]:
        """Return the whole state as JSON-able values; `Exchange.load` goes on as if nothing had happened."""
        return {
            "version": STATE_VERSION,
            "rates": list(self._rates),
            "now_ms": self._now_ms,
            "accounts": [account.dump() for account in self._ledger.accounts.values()],
            "histories": [
                {"account_id": account_id, "symbol": symbol, **history.dump()}
                for (account_id, symbol), history in self._ledger.histories.items()
            ],
            "listings": [listing.dump() for listing in self._listings.values()],
            "lists": self._ledger.lists.dump(),
        }

    def _restore(self, saved: Mapping[str, Any]) -> None:
        self._now_ms = saved["now_ms"]
        ledger = self._ledger
        for account in saved["accounts"]:
            ledger.accounts[account["account_id"]] = Account.load(account)
        for history in saved["histories"]:
            ledger.histories[history["account_id"], history["symbol"]] = History.load(history)
        for listing in saved["listings"]:
            symbol = listing["spec"]["symbol"]
            orders = {
                order_id: order
                for (_, of_symbol), history in ledger.histories.items()
                if of_symbol == symbol
                for order_id, order in history.open.items()
            }
            self._listings[symbol] = Listing.load(listing, orders)
        ledger.lists.restore(saved.get("lists", ()))

    @contextmanager
    def _operation(self, listing: Listing, now_ms: int) -> Iterator[int]:
        """Advance market time; afterwards let work what it triggered, renew the untouched range, tell the listener."""
        self._advance(now_ms)
        try:
            yield self._now_ms
            if listing.waiting.due:
                self._trigger_desk.run(listing, self._now_ms)
        finally:
            listing.refresh()
            self._ledger.outbox.flush(self._now_ms)
