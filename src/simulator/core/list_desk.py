"""Takes order lists in: both legs of an OCO, or neither."""

from simulator.core.client_ids import made_id
from simulator.core.desk import OrderDesk, admit, draft
from simulator.core.errors import DUPLICATE_ORDER, OCO_BAD_PRICES, order_rejected
from simulator.core.filters import check_client_id, check_max_lists, check_shape
from simulator.core.listing import Listing
from simulator.core.live_order import LiveOrder
from simulator.core.order_lists import LiveList, OcoLeg, OcoParams, OrderList, check_legs
from simulator.core.orders import STOP_LOSS_TYPES
from simulator.core.settlement import Ledger


def check_oco_shape(params: OcoParams) -> None:
    """Refuse types that make no OCO, and parameters that a leg's type needs and lacks, or does not take."""
    check_client_id(params.client_id, "listClientOrderId")
    check_legs(params)
    check_shape(params.order_of(params.above), "above")
    check_shape(params.order_of(params.below), "below")


class ListDesk:
    """Places OCOs; its callers refresh the listing and flush the events."""

    def __init__(self, ledger: Ledger, desk: OrderDesk) -> None:
        self._ledger = ledger
        self._desk = desk

    def place(self, listing: Listing, account_id: str, params: OcoParams, now_ms: int) -> OrderList:
        """Place both legs, the stop-loss leg first; what both need is locked once.

        Raises:
            ExchangeError: a leg is refused; neither exists then.
        """
        legs = [params.order_of(leg) for leg in _stop_first(params)]
        for leg in legs:
            admit(listing, leg, now_ms)
        self._desk.check_counts(listing, account_id, *legs)
        self._check_list(listing, account_id, params)
        _check_prices(listing, params)
        first_id = listing.ids.order + 1
        orders = [draft(listing, account_id, leg, first_id + place, now_ms) for place, leg in enumerate(legs)]
        for order in orders:
            self._desk.plan(listing, order)
        one = self._draft(account_id, params, orders, now_ms)
        costlier = max(orders, key=lambda order: order.need_for(order.quantity))
        for order in orders:
            listing.ids.next_order()
            order.list_id, order.is_covered = one.list_id, order is not costlier
            self._ledger.open(listing, order)
            self._desk.enter(listing, order, [], now_ms)
        self._ledger.open_list(one)
        return one.snapshot(tuple(order.snapshot() for order in orders))

    def _check_list(self, listing: Listing, account_id: str, params: OcoParams) -> None:
        lists = self._ledger.lists
        check_max_lists(listing.spec, len(lists.open_of(account_id, params.symbol)) + 1)
        if params.client_id is not None and lists.is_taken(account_id, params.client_id):
            raise order_rejected(DUPLICATE_ORDER)

    def _draft(self, account_id: str, params: OcoParams, orders: list[LiveOrder], now_ms: int) -> LiveList:
        list_id = self._ledger.lists.last_id + 1
        return LiveList(
            list_id=list_id,
            account_id=account_id,
            symbol=params.symbol,
            client_id=params.client_id or made_id("list", params.symbol, list_id),
            legs=tuple((order.order_id, order.client_id) for order in orders),
            time_ms=now_ms,
            update_ms=now_ms,
        )


def _stop_first(params: OcoParams) -> tuple[OcoLeg, OcoLeg]:
    above, below = params.above, params.below
    return (above, below) if above.type in STOP_LOSS_TYPES else (below, above)


def _check_prices(listing: Listing, params: OcoParams) -> None:
    """-2010 unless the last price stands between the legs' prices: of a limit its own, else the stop price."""
    last = listing.known_price()
    above, below = (leg.stop_price or leg.price or 0 for leg in (params.above, params.below))
    if not below < above or (last and not below < last < above):
        raise order_rejected(OCO_BAD_PRICES)
