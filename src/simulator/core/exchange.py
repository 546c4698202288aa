"""The exchange as its users see it: symbols, accounts, orders and books behind one object."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from simulator.core.accounts import Account
from simulator.core.book import Level
from simulator.core.desk import admit
from simulator.core.engine import STATE_VERSION, Engine
from simulator.core.errors import ExchangeError, unknown_order_sent
from simulator.core.events import ExchangeEvent, MarketTrade, PublicTrade
from simulator.core.filters import check_client_id, check_shape
from simulator.core.list_desk import check_oco_shape
from simulator.core.listing import Listing
from simulator.core.matching import meet_print
from simulator.core.order_lists import OcoParams, OrderList
from simulator.core.orders import CancelRestriction, Order, OrderParams
from simulator.core.replacing import CancelReplaceOutcome, ReplaceMode, cancel_replace
from simulator.core.symbols import SymbolSpec


class Exchange(Engine):
    """A spot exchange: pure, synchronous, without a clock; `now_ms` is always market time.

    Units: prices and quantities are scaled by UNIT (10**8), balances of every asset by NOTIONAL_UNIT
    (10**16). Requests that Binance would refuse raise ExchangeError with its code and text.

    Args:
        symbols: what can be traded from the start.
        maker_ppm, taker_ppm: commission rates of new accounts, parts per million.
        listener: told every event, in order, after the operation that caused it is complete; it must not
            place or cancel orders itself.
    """

    def __init__(
        self,
        symbols: Sequence[SymbolSpec],
        *,
        maker_ppm: int = 1000,
        taker_ppm: int = 1000,
        listener: Callable[[ExchangeEvent], None],
    ) -> None:
        super().__init__(listener, (maker_ppm, taker_ppm))
        for spec in symbols:
            self.add_symbol(spec)

    @classmethod
    def load(cls, saved: Mapping[str, Any], *, listener: Callable[[ExchangeEvent], None]) -> Self:
        """Rebuild an exchange from `dump`; ValueError for a state of another version."""
        if saved.get("version") != STATE_VERSION:
            raise ValueError(f"state has version {saved.get('version')}, this exchange reads {STATE_VERSION}")
        maker_ppm, taker_ppm = saved["rates"]
        exchange = cls((), maker_ppm=maker_ppm, taker_ppm=taker_ppm, listener=listener)
        exchange._restore(saved)
        return exchange

    def add_symbol(self, spec: SymbolSpec) -> None:
        if spec.symbol in self._listings:
            raise ValueError(f"{spec.symbol} exists; change it with set_symbol")
        self._listings[spec.symbol] = Listing(spec)

    def set_symbol(self, spec: SymbolSpec) -> None:
        """Replace filters or status at run time; resting orders stay as they are."""
        self._listing(spec.symbol).set_spec(spec)

    def open_account(
        self,
        account_id: str,
        balances: Mapping[str, int],
        *,
        maker_ppm: int | None = None,
        taker_ppm: int | None = None,
        pays_in_bnb: bool = False,
    ) -> None:
        """Open an account; balances are scaled by NOTIONAL_UNIT, rates default to the exchange's."""
        if account_id in self._ledger.accounts:
            raise ValueError(f"account {account_id} exists")
        maker, taker = self._rates
        account = Account(
            account_id,
            maker if maker_ppm is None else maker_ppm,
            taker if taker_ppm is None else taker_ppm,
            pays_in_bnb,
        )
        for asset, amount in balances.items():
            account.credit(asset, amount)
        self._ledger.accounts[account_id] = account

    def set_commission(self, account_id: str, *, maker_ppm: int, taker_ppm: int, pays_in_bnb: bool) -> None:
        """Change an account's rates and whether it pays in BNB, from the next fill on."""
        account = self._account(account_id)
        account.maker_ppm, account.taker_ppm, account.pays_in_bnb = maker_ppm, taker_ppm, pays_in_bnb

    def deposit(self, account_id: str, asset: str, amount: int) -> None:
        """Credit `amount` (NOTIONAL_UNIT)."""
        self._move(account_id, asset, amount, sign=1)

    def withdraw(self, account_id: str, asset: str, amount: int) -> None:
        """Debit `amount` (NOTIONAL_UNIT) from the free balance; -2010 if there is less."""
        self._move(account_id, asset, amount, sign=-1)

    def print_trade(self, trade: MarketTrade) -> None:
        """Let the outside market trade: last price, external volume, then the resting orders it reaches.

        A resting order whose limit the print went through fills whole at its own price. At its limit the
        volume ahead of it trades first; what is left of the print fills it. Then conditional orders work that
        it triggers. Costs a few comparisons where it reaches nothing.
        """
        listing = self._listing(trade.symbol)
        book, price = listing.book, trade.price
        own, is_felt = 0, False
        self._now_ms = max(self._now_ms, trade.time_ms)
        if price <= book.touch_below or price >= book.touch_above:
            own, is_felt = self._print_into(listing, trade), True
        listing.window.add(trade.time_ms, price, trade.qty)
        listing.last_price = price
        if trade.qty > own:
            ids = listing.ids
            ids.trade += 1
            self._listener(
                PublicTrade(trade.symbol, ids.trade, price, trade.qty - own, trade.time_ms, trade.buyer_is_maker, False)
            )
        if is_felt:
            self._trigger(listing, price, trade.time_ms)

    def set_book(self, symbol: str, bids: Sequence[Level], asks: Sequence[Level], *, now_ms: int | None = None) -> None:
        """Replace the external depth: levels of (price, quantity), best first.

        Where the new best ask stands below a resting buy (or the best bid above a resting sell) the market
        traded through that order: it fills whole, at its own price. Raises ValueError on a crossed book.
        """
        listing = self._listing(symbol)
        listing.book.set_external(bids, asks)
        listing.refresh()
        overtaken = listing.book.overtaken()
        if overtaken or listing.waiting.due:
            with self._operation(listing, self._now_ms if now_ms is None else now_ms) as time_ms:
                for order in overtaken:
                    self._ledger.fill_resting(listing, order, order.remaining, time_ms)

    def place(self, account_id: str, params: OrderParams, now_ms: int) -> Order:
        """Place an order; the answer's `fills` are those of this call.

        An IOC, FOK or MARKET order that ends unfilled is a state (EXPIRED with its reason), not an error.
        """
        check_shape(params)
        listing = self._listing(params.symbol)
        self._account(account_id)
        with self._operation(listing, now_ms) as time_ms:
            return self._desk.place(listing, account_id, params, time_ms)

    def check(self, account_id: str, params: OrderParams, now_ms: int) -> None:
        """Check what order/test checks: parameters, symbol and static filters, neither counts nor funds."""
        check_shape(params)
        self._account(account_id)
        self._advance(now_ms)
        admit(self._listing(params.symbol), params, self._now_ms)

    def cancel(
        self,
        account_id: str,
        symbol: str,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
        restrictions: CancelRestriction | None = None,
        now_ms: int,
    ) -> Order:
        """Cancel an open order, and its order list; the answer carries the cancel's own id in `cancel_client_id`.

        Raises:
            ExchangeError: -2011 when it is not open or the restriction does not hold, -1102 without ids.
        """
        listing = self._listing(symbol)
        order = self._history(account_id, symbol).find_open(order_id, client_id)
        with self._operation(listing, now_ms) as time_ms:
            return self._desk.cancel(listing, order, time_ms, new_client_id=new_client_id, restrictions=restrictions)

    def cancel_all(self, account_id: str, symbol: str, now_ms: int) -> list[Order | OrderList]:
        """Cancel every open order and order list of the account on the symbol; -2011 when there is none."""
        listing = self._listing(symbol)
        orders = list(self._history(account_id, symbol).open.values())
        if not orders:
            raise unknown_order_sent()
        with self._operation(listing, now_ms) as time_ms:
            return self._desk.cancel_all(listing, orders, time_ms)

    def place_oco(self, account_id: str, params: OcoParams, now_ms: int) -> OrderList:
        """Place two orders of which one cancels the other: both, or neither where one is refused.

        As soon as one trades or is triggered the other expires. What they need is locked once.
        """
        check_oco_shape(params)
        listing = self._listing(params.symbol)
        self._account(account_id)
        with self._operation(listing, now_ms) as time_ms:
            return self._list_desk.place(listing, account_id, params, time_ms)

    def cancel_list(
        self,
        account_id: str,
        symbol: str,
        *,
        list_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
        now_ms: int,
    ) -> OrderList:
        """Cancel what is open of an order list; -2011 when nothing is, -1102 without ids."""
        check_client_id(new_client_id)
        listing = self._listing(symbol)
        self._account(account_id)
        found = self._ledger.lists.find_open(account_id, symbol, list_id, client_id)
        with self._operation(listing, now_ms) as time_ms:
            return self._desk.cancel_list(listing, found.list_id, time_ms, new_client_id=new_client_id)

    def cancel_replace(
        self,
        account_id: str,
        params: OrderParams,
        mode: ReplaceMode,
        *,
        order_id: int | None = None,
        client_id: str | None = None,
        new_client_id: str | None = None,
        restrictions: CancelRestriction | None = None,
        order_count_error: ExchangeError | None = None,
        now_ms: int,
    ) -> CancelReplaceOutcome:
        """Cancel one order, then place another.

        `order_id`, `client_id`, `new_client_id` and `restrictions` belong to the cancel; with
        `order_count_error` (mode CANCEL_ONLY of an exceeded order count) the new leg fails with it.

        Raises:
            CancelReplaceError: a leg failed; it holds both results.
            ExchangeError: the new order fails a static filter; nothing was attempted.
        """
        self.check(account_id, params, now_ms)

        def cancel() -> Order:
            return self.cancel(
                account_id,
                params.symbol,
                order_id=order_id,
                client_id=client_id,
                new_client_id=new_client_id,
                restrictions=restrictions,
                now_ms=now_ms,
            )

        def place() -> Order:
            if order_count_error is not None:
                raise order_count_error
            return self.place(account_id, params, now_ms)

        return cancel_replace(mode, cancel, place, count_exceeded=order_count_error is not None)

    def _move(self, account_id: str, asset: str, amount: int, *, sign: int) -> None:
        if amount <= 0:
            raise ValueError(f"amount of {asset} must be above 0, was {amount}")
        self._ledger.move(self._account(account_id), asset, sign * amount, self._now_ms)
        self._ledger.outbox.flush(self._now_ms)

    def _print_into(self, listing: Listing, trade: MarketTrade) -> int:
        """Apply a print to the sides it touches; return how much of it accounts' orders took."""
        with self._operation(listing, trade.time_ms) as now_ms:
            fills, own = meet_print(listing.book, trade.price, trade.qty, listing.spec.lot)
            for fill in fills:
                self._ledger.fill_resting(listing, fill.order, fill.quantity, now_ms)
        return own

    def _trigger(self, listing: Listing, price: int, now_ms: int) -> None:
        """Let work what a print triggers, once everyone knows of it."""
        listing.waiting.see(price)
        if listing.waiting.due:
            with self._operation(listing, now_ms):
                pass
