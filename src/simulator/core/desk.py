"""Takes orders in: admission, taking, resting, cancelling."""

from collections.abc import Iterable
from typing import Final

from simulator.core.client_ids import made_id
from simulator.core.errors import (
    DUPLICATE_ORDER,
    THIN_BOOK,
    THIN_BOOK_FOR_FILTER,
    WOULD_TAKE,
    WOULD_TRIGGER,
    cancel_restricted,
    empty_book,
    order_rejected,
)
from simulator.core.filters import (
    check_client_id,
    check_lots_bought,
    check_max_algo_orders,
    check_max_orders,
    check_max_position,
    check_static,
)
from simulator.core.listing import Listing
from simulator.core.live_order import LiveOrder
from simulator.core.matching import Match, cost, plan_taker, spend_budget, traded
from simulator.core.order_lists import OrderList
from simulator.core.orders import (
    CONDITIONAL_TYPES,
    NO_LIST,
    CancelRestriction,
    ExpiryReason,
    Fill,
    Order,
    OrderParams,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from simulator.core.settlement import Ledger
from simulator.core.symbols import UNIT, SymbolSpec
from simulator.core.triggers import is_reached

_RESTRICTED_TO: Final = {
    CancelRestriction.ONLY_NEW: OrderStatus.NEW,
    CancelRestriction.ONLY_PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
}


def admit(listing: Listing, params: OrderParams, now_ms: int) -> None:
    """Check the symbol's status and static filters."""
    check_static(listing.spec, params, listing.average_price(now_ms))


class OrderDesk:
    """Places and cancels orders of one exchange; its callers refresh the listing and flush the events."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def place(self, listing: Listing, account_id: str, params: OrderParams, now_ms: int) -> Order:
        admit(listing, params, now_ms)
        self.check_counts(listing, account_id, params)
        order = draft(listing, account_id, params, listing.ids.order + 1, now_ms)
        matches = self.plan(listing, order)
        listing.ids.next_order()
        self._ledger.open(listing, order)
        return order.snapshot(fills=self.enter(listing, order, matches, now_ms))

    def enter(
        self, listing: Listing, order: LiveOrder, matches: list[Match[LiveOrder]], now_ms: int
    ) -> tuple[Fill, ...]:
        """Carry an open order's plan out; what is left of it rests, expires, or waits for its trigger."""
        if not order.is_working:
            listing.waiting.add(order)
            return ()
        if order.time_in_force is TimeInForce.FOK and traded(matches) < order.quantity:
            matches = []
        fills = tuple(self._ledger.carry_out(listing, order, matches, now_ms))
        if order.is_open:
            self._rest_or_expire(listing, order, now_ms)
        return fills

    def cancel(
        self,
        listing: Listing,
        order: LiveOrder,
        now_ms: int,
        *,
        new_client_id: str | None = None,
        restrictions: CancelRestriction | None = None,
    ) -> Order:
        """Cancel an open order, and the list it belongs to, under a cancel id of its own (generated when absent)."""
        check_client_id(new_client_id)
        if restrictions is not None and order.status is not _RESTRICTED_TO[restrictions]:
            raise cancel_restricted()
        cancel_id = new_client_id or made_id("cancel", order.symbol, listing.ids.execution)
        legs = [order] if order.list_id == NO_LIST else self._ledger.legs(self._ledger.lists.get(order.list_id))
        for leg in legs:
            if leg.is_open:
                self._ledger.finish(listing, leg, OrderStatus.CANCELED, now_ms, cancel_client_id=cancel_id)
        return order.snapshot(cancel_client_id=cancel_id)

    def cancel_all(self, listing: Listing, orders: Iterable[LiveOrder], now_ms: int) -> list[Order | OrderList]:
        """Cancel orders, and whole lists where they belong to one; a list is answered once."""
        return [
            self.cancel(listing, order, now_ms)
            if order.list_id == NO_LIST
            else self.cancel_list(listing, order.list_id, now_ms)
            for order in orders
            if order.is_open  # a list takes the orders that follow with it
        ]

    def cancel_list(
        self, listing: Listing, list_id: int, now_ms: int, *, new_client_id: str | None = None
    ) -> OrderList:
        """Cancel what is open of a list; the answer holds all its orders."""
        one = self._ledger.lists.get(list_id)
        legs = self._ledger.legs(one)
        first = next(leg for leg in legs if leg.is_open)
        cancel_id = self.cancel(listing, first, now_ms, new_client_id=new_client_id).cancel_client_id
        return one.snapshot(tuple(leg.snapshot(cancel_client_id=cancel_id) for leg in legs))

    def check_counts(self, listing: Listing, account_id: str, *orders: OrderParams) -> None:
        """Check the counting filters, then the client ids (protocol 2.1 gives the order)."""
        spec = listing.spec
        history = self._ledger.history(account_id, spec.symbol)
        first = orders[0]
        if first.type is not OrderType.MARKET:
            check_max_orders(spec, len(history.open) + len(orders))
        conditional = [order for order in orders if order.type in CONDITIONAL_TYPES]
        if conditional:
            check_max_algo_orders(spec, history.open_conditional() + len(conditional))
        if first.side is Side.BUY and first.quantity is not None:
            self._check_position(spec, account_id, first.quantity)
        for place, order in enumerate(orders):
            if order.client_id is not None and (
                history.is_taken(order.client_id) or any(order.client_id == other.client_id for other in orders[:place])
            ):
                raise order_rejected(DUPLICATE_ORDER)

    def _check_position(self, spec: SymbolSpec, account_id: str, quantity: int) -> None:
        if spec.max_position:
            open_buys = self._ledger.history(account_id, spec.symbol).open_buy_quantity()
            held = self._ledger.accounts[account_id].total(spec.base)
            check_max_position(spec, quantity, held, open_buys)

    def plan(self, listing: Listing, order: LiveOrder) -> list[Match[LiveOrder]]:
        """Decide what the order will take; raises what keeps it from existing at all."""
        account, spec = self._ledger.accounts[order.account_id], listing.spec
        if order.type is not OrderType.MARKET:
            asset = spec.quote if order.side is Side.BUY else spec.base
            account.require(asset, order.need_for(order.quantity))
            if not order.is_working:
                _check_not_reached(listing, order)
                return []
            matches = matches_of(listing, order)
            if matches and order.type is OrderType.LIMIT_MAKER:
                raise order_rejected(WOULD_TAKE)
            return matches
        if order.quote_quantity:
            if order.side is Side.BUY:
                account.require(spec.quote, order.quote_quantity * UNIT)
            order.quantity = _quantity_for_budget(listing, order)
            if order.side is Side.BUY:
                self._check_position(spec, order.account_id, order.quantity)
        if order.side is Side.SELL:
            account.require(spec.base, order.quantity * UNIT)
        if listing.book.of(order.side.opposite).is_empty:
            raise empty_book()
        matches = matches_of(listing, order)
        if order.side is Side.BUY:
            account.require(spec.quote, cost(matches))
        return matches

    def _rest_or_expire(self, listing: Listing, order: LiveOrder, now_ms: int) -> None:
        if order.is_market:
            reason = ExpiryReason.INSUFFICIENT_LIQUIDITY
        elif order.time_in_force is TimeInForce.IOC:
            reason = ExpiryReason.UNFILLED_IOC
        elif order.time_in_force is TimeInForce.FOK:
            reason = ExpiryReason.UNFILLED_FOK
        else:
            listing.book.of(order.side).add(order)
            return
        self._ledger.finish(listing, order, OrderStatus.EXPIRED, now_ms, reason=reason)


def draft(listing: Listing, account_id: str, params: OrderParams, order_id: int, now_ms: int) -> LiveOrder:
    """Return the order that a request would become; a conditional one does not work yet."""
    return LiveOrder(
        symbol=params.symbol,
        order_id=order_id,
        account_id=account_id,
        client_id=params.client_id or made_id("order", params.symbol, order_id),
        side=params.side,
        type=params.type,
        time_in_force=params.time_in_force or TimeInForce.GTC,
        price=params.price or 0,
        stop_price=params.stop_price or 0,
        quantity=params.quantity or 0,
        quote_quantity=params.quote_quantity or 0,
        stp_mode=params.stp_mode or listing.spec.default_stp,
        time_ms=now_ms,
        update_ms=now_ms,
        working_ms=None if params.type in CONDITIONAL_TYPES else now_ms,
    )


def matches_of(listing: Listing, order: LiveOrder) -> list[Match[LiveOrder]]:
    """Return what the book gives a taker, up to its limit."""
    offers = listing.book.of(order.side.opposite).offers(None if order.is_market else order.price)
    return plan_taker(offers, order.quantity, order.account_id, order.stp_mode)


def _check_not_reached(listing: Listing, order: LiveOrder) -> None:
    """-2010 where the last trade is at or beyond the stop price already."""
    last = listing.known_price()
    if last and is_reached(last, order.stop_price, upwards=order.triggers_upwards):
        raise order_rejected(WOULD_TRIGGER)


def _quantity_for_budget(listing: Listing, order: LiveOrder) -> int:
    """Turn quoteOrderQty into a quantity; -2010 where the book is thinner than the smallest order."""
    spec, side = listing.spec, listing.book.of(order.side.opposite)
    if side.is_empty:
        raise order_rejected(THIN_BOOK)
    budget = spend_budget(
        side.offers(None), order.quote_quantity * UNIT, spec.market_lot, order.account_id, order.stp_mode
    )
    if budget.book_ended:
        _check_liquidity(spec, budget.reachable)
    check_lots_bought(spec, budget.quantity)
    return budget.quantity


def _check_liquidity(spec: SymbolSpec, reachable: int) -> None:
    if reachable < max(spec.min_qty, 1):
        raise order_rejected(THIN_BOOK_FOR_FILTER.format("LOT_SIZE"))
    if reachable < spec.market_min_qty:
        raise order_rejected(THIN_BOOK_FOR_FILTER.format("MARKET_LOT_SIZE"))
