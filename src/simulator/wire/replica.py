"""Orders and fills as a lagging replica shows them, which the fault `read_lag` brings about."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from simulator.core.orders import OrderStatus
from simulator.wire.calls import Call
from simulator.wire.venue_base import AnyVenue


class Listed(Protocol):
    """What an order of either market has."""

    @property
    def symbol(self) -> str: ...
    @property
    def order_id(self) -> int: ...
    @property
    def time_ms(self) -> int: ...
    @property
    def update_ms(self) -> int: ...


OrderT = TypeVar("OrderT", bound=Listed)
RollBack = Callable[[OrderT, dict[str, Any]], OrderT]
"""Returns an order with the fields given, and without what it became later."""


def is_hidden(venue: AnyVenue, call: Call, time_ms: int) -> bool:
    return bool(call.lag_ms) and time_ms > venue.market_ms() - call.lag_ms


def all_seen(venue: AnyVenue, call: Call, orders: Iterable[OrderT], roll_back: RollBack[OrderT]) -> list[OrderT]:
    """Return the orders that the replica knows, as it knows them."""
    seen = (as_seen(venue, call, order, roll_back) for order in orders)
    return [order for order in seen if order is not None]


def as_seen(venue: AnyVenue, call: Call, order: OrderT, roll_back: RollBack[OrderT]) -> OrderT | None:
    """Return the order as the replica shows it, None if it has not heard of it."""
    if not call.lag_ms or not is_hidden(venue, call, order.update_ms):
        return order
    if is_hidden(venue, call, order.time_ms):
        return None
    fills = venue.exchange.trades(call.account_id, order.symbol, order_id=order.order_id, limit=1_000)
    known = [fill for fill in fills if not is_hidden(venue, call, fill.time_ms)]
    executed = sum(fill.quantity for fill in known)
    past = {
        "executed": executed,
        "executed_quote": sum(fill.quote for fill in known),
        "status": OrderStatus.PARTIALLY_FILLED if executed else OrderStatus.NEW,
        "update_ms": known[-1].time_ms if known else order.time_ms,
    }
    return roll_back(order, past)
