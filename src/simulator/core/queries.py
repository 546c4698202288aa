"""What can be asked of the exchange without changing it."""

from collections.abc import Mapping
from typing import Any

from simulator.core.accounts import Account
from simulator.core.book import Level
from simulator.core.errors import bad_symbol
from simulator.core.events import Balance
from simulator.core.histories import History
from simulator.core.listing import Listing
from simulator.core.order_lists import OrderList
from simulator.core.orders import Fill, Order
from simulator.core.settlement import Ledger
from simulator.core.symbols import SymbolSpec


class Queries:
    """The reading half of the exchange; every answer is a snapshot that stays as it is."""

    def __init__(self, listings: dict[str, Listing], ledger: Ledger) -> None:
        self._listings = listings
        self._ledger = ledger
        self._now_ms = 0

    @property
    def market_ms(self) -> int:
        """Latest market time the exchange was given, milliseconds."""
        return self._now_ms

    @property
    def symbols(self) -> tuple[SymbolSpec, ...]:
        return tuple(listing.spec for listing in self._listings.values())

    @property
    def account_ids(self) -> tuple[str, ...]:
        return tuple(self._ledger.accounts)

    def symbol(self, symbol: str) -> SymbolSpec:
        """Return the filters in force; -1121 for an unknown symbol."""
        return self._listing(symbol).spec

    def last_price(self, symbol: str) -> int:
        """Price of the last trade (UNIT); 0 before the first."""
        return self._listing(symbol).last_price

    def average_price(self, symbol: str) -> int:
        """Volume-weighted average of the last minutes' prints (UNIT), else the last price, else 0."""
        return self._listing(symbol).average_price(self._now_ms)

    def depth(self, symbol: str, limit: int) -> tuple[list[Level], list[Level]]:
        """Return bids and asks as (price, quantity), best first: external book plus resting orders."""
        return self._listing(symbol).book.depth(limit)

    def balances(self, account_id: str) -> Mapping[str, Balance]:
        """Balances of every asset the account ever held, scaled by NOTIONAL_UNIT."""
        return self._account(account_id).balances()

    def commission(self, account_id: str) -> tuple[int, int, bool]:
        """Return maker and taker rate (parts per million) and whether the account pays in BNB."""
        account = self._account(account_id)
        return account.maker_ppm, account.taker_ppm, account.pays_in_bnb

    def order(
        self, account_id: str, symbol: str, *, order_id: int | None = None, client_id: str | None = None
    ) -> Order:
        """Look up an order; a client id that was used again means the newest order.

        Raises:
            ExchangeError: -2013 unknown, -2039 the ids disagree, -2026 archived, -1102 without ids.
        """
        return self._history(account_id, symbol).find(order_id, client_id, self._now_ms).snapshot()

    def standing(self, account_id: str, symbol: str, order_id: int) -> Mapping[str, Any]:
        """Return what a saved order has besides its snapshot: its place in the queue, and who locks its needs."""
        order = self._history(account_id, symbol).orders[order_id]
        return {"rests": order.rests, "ahead": order.ahead, "is_covered": order.is_covered}

    def order_list(self, account_id: str, *, list_id: int | None = None, client_id: str | None = None) -> OrderList:
        """Look up an order list; -2013 unknown, -1102 without ids."""
        self._account(account_id)
        return self._ledger.lists.find(account_id, list_id, client_id).snapshot()

    def open_order_lists(self, account_id: str) -> list[OrderList]:
        """Return the account's open order lists, oldest first."""
        self._account(account_id)
        return [one.snapshot() for one in self._ledger.lists.open_of(account_id)]

    def all_order_lists(
        self,
        account_id: str,
        *,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[OrderList]:
        """Return order lists from `from_id` or `start_ms` on, else the latest `limit`; oldest first."""
        self._account(account_id)
        return [one.snapshot() for one in self._ledger.lists.select(account_id, from_id, start_ms, end_ms, limit)]

    def open_orders(self, account_id: str, symbol: str | None = None) -> list[Order]:
        """Return open orders of one symbol (by id) or of all of them (by symbol, then id)."""
        symbols = sorted(self._listings) if symbol is None else [symbol]
        return [order.snapshot() for name in symbols for order in self._history(account_id, name).open.values()]

    def all_orders(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Order]:
        """Return orders from `order_id` or `start_ms` on, else the latest `limit`; oldest first."""
        found = self._history(account_id, symbol).select_orders(order_id, start_ms, end_ms, limit)
        return [order.snapshot() for order in found]

    def trades(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[Fill]:
        """Return own fills from trade `from_id` or `start_ms` on, else the latest `limit`; oldest first."""
        return self._history(account_id, symbol).select_fills(order_id, from_id, start_ms, end_ms, limit)

    def _listing(self, symbol: str) -> Listing:
        listing = self._listings.get(symbol)
        if listing is None:
            raise bad_symbol()
        return listing

    def _account(self, account_id: str) -> Account:
        account = self._ledger.accounts.get(account_id)
        if account is None:
            raise ValueError(f"account {account_id} does not exist; open it with open_account")
        return account

    def _history(self, account_id: str, symbol: str) -> History:
        self._account(account_id)
        self._listing(symbol)
        return self._ledger.history(account_id, symbol)

    def _advance(self, now_ms: int) -> None:
        self._now_ms = max(self._now_ms, now_ms)
