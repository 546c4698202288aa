"""Carries money and states from one match to the next, and tells the listener afterwards."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from simulator.core.accounts import Account
from simulator.core.clearing import Clearing
from simulator.core.commissions import DISCOUNT_ASSET, commission_in_bnb, commission_on
from simulator.core.events import (
    BalanceMoved,
    BalancesChanged,
    ExchangeEvent,
    ExecutionType,
    ListChanged,
    OrderChanged,
    Prevention,
    PublicTrade,
)
from simulator.core.histories import History
from simulator.core.listing import Listing
from simulator.core.live_order import LiveOrder
from simulator.core.order_lists import ListBook, ListStatus, LiveList
from simulator.core.orders import NO_LIST, ExpiryReason, Fill, OrderStatus, Side
from simulator.core.outbox import Outbox
from simulator.core.symbols import UNIT


class _Bought(NamedTuple):
    """What a fill brings: `amount` of `asset` and its worth `quote`, both scaled by NOTIONAL_UNIT."""

    asset: str
    amount: int
    price: int
    quote: int


class BalanceOutbox(Outbox[ExchangeEvent]):
    """Events of spot; balances of all touched accounts follow the orders' events."""

    def __init__(self, listener: Callable[[ExchangeEvent], None]) -> None:
        super().__init__(listener)
        self._touched: dict[str, tuple[Account, dict[str, None]]] = {}

    def touch(self, account: Account, *assets: str) -> None:
        _, touched = self._touched.setdefault(account.account_id, (account, {}))
        touched.update(dict.fromkeys(assets))

    def flush(self, now_ms: int) -> None:
        """Hand everything to the listener; called once the exchange is consistent again."""
        for account, assets in self._touched.values():
            balances = {asset: account.balance(asset) for asset in assets}
            self.tell(BalancesChanged(account.account_id, balances, now_ms))
        self._touched = {}
        self.hand_over()


class Ledger(Clearing[Listing, LiveOrder, Fill]):
    """Accounts and their histories, and the only place where either changes because of an order."""

    def __init__(self, listings: Mapping[str, Listing], listener: Callable[[ExchangeEvent], None]) -> None:
        self.accounts: dict[str, Account] = {}
        self.histories: dict[tuple[str, str], History] = {}
        self.lists = ListBook()
        self.outbox = BalanceOutbox(listener)
        self._listings = listings

    def history(self, account_id: str, symbol: str) -> History:
        return self.histories.setdefault((account_id, symbol), History())

    def publish(self, trade: PublicTrade) -> None:
        self._listings[trade.symbol].waiting.see(trade.price)
        self.outbox.tell(trade)

    def move(self, account: Account, asset: str, delta: int, now_ms: int) -> None:
        """Record a deposit (`delta` above 0) or a withdrawal."""
        if delta >= 0:
            account.credit(asset, delta)
        else:
            account.debit(asset, -delta)
        self.outbox.tell(BalanceMoved(account.account_id, asset, delta, now_ms))
        self.outbox.touch(account, asset)

    def open(self, listing: Listing, order: LiveOrder) -> None:
        """Lock what the order needs, enter it into the history and report it NEW."""
        account, asset = self._payer(listing, order)
        account.lock(asset, order.lock_for(order.quantity))
        self.outbox.touch(account, asset)
        self.history(order.account_id, order.symbol).add(order)
        self._report(listing, order, ExecutionType.NEW, order.time_ms)

    def open_list(self, one: LiveList) -> None:
        """Enter a list whose orders are open, and report it."""
        self.lists.add(one)
        self.outbox.tell(ListChanged(one.account_id, one.snapshot(), one.time_ms))

    def legs(self, one: LiveList) -> list[LiveOrder]:
        """Return the orders of a list."""
        orders = self.history(one.account_id, one.symbol).orders
        return [orders[order_id] for order_id, _ in one.legs]

    def go_alone(self, listing: Listing, order: LiveOrder, now_ms: int) -> None:
        """Expire the other leg of its list, for the order is about to trade or to work; it locks its own needs."""
        for leg in self.legs(self.lists.get(order.list_id)):
            if leg is not order and leg.is_open:
                self.finish(listing, leg, OrderStatus.EXPIRED, now_ms, reason=ExpiryReason.OCO_TRIGGER)
        if order.is_covered:
            order.is_covered = False
            account, asset = self._payer(listing, order)
            account.lock(asset, order.lock_for(order.remaining))

    def set_to_work(self, listing: Listing, order: LiveOrder, now_ms: int) -> None:
        """Let a triggered order work: one that executes as MARKET holds nothing any more."""
        account, asset = self._payer(listing, order)
        held = order.lock_for(order.remaining)
        order.working_ms = order.update_ms = now_ms
        account.unlock(asset, held - order.lock_for(order.remaining))
        self.outbox.touch(account, asset)
        self._report(listing, order, ExecutionType.NEW, now_ms)

    def fill(
        self, listing: Listing, order: LiveOrder, price: int, quantity: int, *, is_maker: bool, now_ms: int
    ) -> Fill:
        """Settle one fill under the symbol's current trade id, and report it."""
        if order.list_id != NO_LIST:
            self.go_alone(listing, order, now_ms)
        account, paid = self._payer(listing, order)
        spec, quote = listing.spec, price * quantity
        buys = order.side is Side.BUY
        received, amount = (spec.base, quantity * UNIT) if buys else (spec.quote, quote)
        account.spend(paid, locked=order.lock_for(quantity), spent=quote if buys else quantity * UNIT)
        account.credit(received, amount)
        order.ahead = 0
        rate_ppm = account.maker_ppm if is_maker else account.taker_ppm
        bought = _Bought(received, amount, price, quote)
        commission, asset = self._charge(listing, account, rate_ppm, bought)
        order.execute(quantity, quote, now_ms)
        fill = Fill(
            symbol=order.symbol,
            trade_id=listing.ids.trade,
            order_id=order.order_id,
            account_id=order.account_id,
            side=order.side,
            price=price,
            quantity=quantity,
            quote=quote,
            commission=commission,
            commission_asset=asset,
            is_maker=is_maker,
            time_ms=now_ms,
            list_id=order.list_id,
        )
        history = self.history(order.account_id, order.symbol)
        history.fills.append(fill)
        self._drop_if_done(listing, order)
        self.outbox.touch(account, spec.base, spec.quote, asset)
        self._report(listing, order, ExecutionType.TRADE, now_ms, fill=fill)
        if order.list_id != NO_LIST:
            self._close_list(order, now_ms)
        return fill

    def prevent(self, listing: Listing, order: LiveOrder, prevention: Prevention, now_ms: int) -> None:
        """Take the prevented quantity out of an order that would have traded with its own account."""
        if order.list_id != NO_LIST:
            self.go_alone(listing, order, now_ms)
        self._release(listing, order, prevention.quantity)
        order.prevent(prevention.quantity, prevention.match_id, now_ms)
        self._drop_if_done(listing, order)
        self._report(listing, order, ExecutionType.TRADE_PREVENTION, now_ms, prevention=prevention)
        if order.list_id != NO_LIST:
            self._close_list(order, now_ms)

    def finish(
        self,
        listing: Listing,
        order: LiveOrder,
        status: OrderStatus,
        now_ms: int,
        *,
        reason: ExpiryReason | None = None,
        cancel_client_id: str | None = None,
    ) -> None:
        """Cancel or expire what is left of an order and free what it held."""
        self._release(listing, order, order.remaining)
        order.finish(status, reason, now_ms)
        self._drop_if_done(listing, order)
        kind = ExecutionType.CANCELED if status is OrderStatus.CANCELED else ExecutionType.EXPIRED
        self._report(listing, order, kind, now_ms, cancel_client_id=cancel_client_id)
        if order.list_id != NO_LIST:
            self._close_list(order, now_ms)

    def _payer(self, listing: Listing, order: LiveOrder) -> tuple[Account, str]:
        spec = listing.spec
        return self.accounts[order.account_id], spec.quote if order.side is Side.BUY else spec.base

    def _release(self, listing: Listing, order: LiveOrder, quantity: int) -> None:
        account, asset = self._payer(listing, order)
        account.unlock(asset, order.lock_for(quantity))
        self.outbox.touch(account, asset)

    def _drop_if_done(self, listing: Listing, order: LiveOrder) -> None:
        if order.is_open:
            return
        if order.rests:
            listing.book.of(order.side).remove(order)
        elif order.working_ms is None:
            listing.waiting.remove(order)
        self.history(order.account_id, order.symbol).close(order)

    def _close_list(self, order: LiveOrder, now_ms: int) -> None:
        """Report the order's list done once none of its orders is open."""
        one = self.lists.get(order.list_id)
        if one.is_open and not any(leg.is_open for leg in self.legs(one)):
            one.status, one.update_ms = ListStatus.ALL_DONE, now_ms
            self.outbox.tell(ListChanged(one.account_id, one.snapshot(), now_ms))

    def _charge(self, listing: Listing, account: Account, rate_ppm: int, bought: _Bought) -> tuple[int, str]:
        """Take the commission, in BNB where the account wants that and can; return it (UNIT) and its asset."""
        bnb_price = self._bnb_price(listing, bought.price) if account.pays_in_bnb else 0
        if bnb_price:
            in_bnb = commission_in_bnb(bought.quote, rate_ppm, bnb_price)
            if account.free(DISCOUNT_ASSET) >= in_bnb * UNIT:
                account.debit(DISCOUNT_ASSET, in_bnb * UNIT)
                return in_bnb, DISCOUNT_ASSET
        commission = commission_on(bought.amount, rate_ppm)
        account.debit(bought.asset, commission * UNIT)
        return commission, bought.asset

    def _bnb_price(self, listing: Listing, price: int) -> int:
        """Price of one BNB in the listing's quote asset (UNIT); 0 where no market gives it."""
        if listing.spec.quote == DISCOUNT_ASSET:
            return UNIT
        if listing.spec.base == DISCOUNT_ASSET:
            return price
        market = self._listings.get(DISCOUNT_ASSET + listing.spec.quote)
        return market.last_price if market else 0

    def _report(
        self,
        listing: Listing,
        order: LiveOrder,
        kind: ExecutionType,
        now_ms: int,
        *,
        fill: Fill | None = None,
        cancel_client_id: str | None = None,
        prevention: Prevention | None = None,
    ) -> None:
        self.outbox.tell(
            OrderChanged(
                account_id=order.account_id,
                order=order.snapshot(),
                execution_type=kind,
                execution_id=listing.ids.next_execution(),
                time_ms=now_ms,
                fill=fill,
                cancel_client_id=cancel_client_id,
                expiry_reason=order.expiry_reason,
                prevention=prevention,
            )
        )
