"""Orders, fills and amendments of an account on USD-M (protocol section 1.7)."""

from dataclasses import replace
from typing import Any, Final

from simulator.core.errors import no_such_order
from simulator.um.core.orders import FuturesOrder
from simulator.um.wire.order_shapes import amendment_row, order_query, user_trade
from simulator.um.wire.trading import require_an_id
from simulator.um.wire.venue import FuturesVenue
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.replica import all_seen, as_seen, is_hidden

Json = dict[str, object]

_MOST_ROWS: Final = 1_000
_WEEK_DAYS: Final = 7
_DAY_MS: Final = 86_400_000


def rows_wanted(call: Call, usual: int = 500, most: int = _MOST_ROWS) -> int:
    limit: int = call.get("limit", usual)
    return max(1, min(limit, most))


def week(call: Call) -> dict[str, Any]:
    """Return the time range asked for; -1023 backwards, -4165 above 7 days."""
    start_ms, end_ms = call.get("startTime"), call.get("endTime")
    if start_ms is not None and end_ms is not None:
        if start_ms > end_ms:
            raise errors.ApiError(-1023, "Start time is greater than end time.")
        if end_ms - start_ms > _WEEK_DAYS * _DAY_MS:
            raise errors.ApiError(-4165, f"Maximum time interval is {_WEEK_DAYS} days")
    return {"start_ms": start_ms, "end_ms": end_ms}


def order(venue: FuturesVenue, call: Call) -> Json:
    """Return one order; -2013 for one that does not exist (yet)."""
    require_an_id(call.params, "orderId", "origClientOrderId")
    found = venue.exchange.order(call.account_id, venue.require(call.params["symbol"]), **_ids(call))
    return _one(venue, call, found)


def open_order(venue: FuturesVenue, call: Call) -> Json:
    """Return one open order; -2013 once it is final."""
    require_an_id(call.params, "orderId", "origClientOrderId")
    found = venue.exchange.open_order(call.account_id, venue.require(call.params["symbol"]), **_ids(call))
    return _one(venue, call, found)


def open_orders(venue: FuturesVenue, call: Call) -> list[Json]:
    symbol = call.get("symbol")
    found = venue.exchange.open_orders(call.account_id, venue.require(symbol) if symbol else None)
    return _listed(venue, call, found)


def all_orders(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return the newest orders of one symbol, or of all of them together."""
    symbol, limit, times = call.get("symbol"), rows_wanted(call), week(call)
    symbols = [venue.require(symbol)] if symbol else list(venue.tapes)
    found = [
        each
        for name in symbols
        for each in venue.exchange.all_orders(call.account_id, name, order_id=call.get("orderId"), **times, limit=limit)
    ]
    if not symbol:
        found = sorted(found, key=lambda each: each.time_ms)[-limit:]
    return _listed(venue, call, found)


def user_trades(venue: FuturesVenue, call: Call) -> list[Json]:
    from_id, times = call.get("fromId"), week(call)
    if from_id is not None and any(value is not None for value in times.values()):
        raise errors.bad_combination()
    symbol = venue.require(call.params["symbol"])
    found = venue.exchange.trades(
        call.account_id, symbol, order_id=call.get("orderId"), from_id=from_id, **times, limit=rows_wanted(call)
    )
    return [user_trade(fill, venue.spec(symbol)) for fill in found if not is_hidden(venue, call, fill.time_ms)]


def amendments(venue: FuturesVenue, call: Call) -> list[Json]:
    symbol = venue.require(call.params["symbol"])
    found = venue.exchange.amendments(
        call.account_id, symbol, **_ids(call), **week(call), limit=rows_wanted(call, 50, 100)
    )
    return [amendment_row(change, venue.spec(symbol)) for change in found]


def force_orders(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return the orders of the liquidation engine; there never are any of auto-deleveraging."""
    if call.get("autoCloseType") == "ADL":
        return []
    symbol = call.get("symbol")
    found = venue.exchange.force_orders(
        call.account_id,
        symbol=venue.require(symbol) if symbol else None,
        **week(call),
        limit=rows_wanted(call, 50, 100),
    )
    return _listed(venue, call, found)


def _ids(call: Call) -> dict[str, Any]:
    return {"order_id": call.get("orderId"), "client_id": call.get("origClientOrderId")}


def _one(venue: FuturesVenue, call: Call, found: FuturesOrder) -> Json:
    seen = as_seen(venue, call, found, _rolled_back)
    if seen is None:
        raise no_such_order()
    return order_query(seen, venue.spec(seen.symbol))


def _listed(venue: FuturesVenue, call: Call, orders: list[FuturesOrder]) -> list[Json]:
    seen = all_seen(venue, call, orders, _rolled_back)
    return [order_query(each, venue.spec(each.symbol)) for each in seen]


def _rolled_back(order: FuturesOrder, past: dict[str, Any]) -> FuturesOrder:
    return replace(order, **past)
