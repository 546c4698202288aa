"""Account, order and trade queries of the spot side (protocol sections 1.3 and 1.4)."""

from dataclasses import replace
from typing import Any, Final

from simulator.core.errors import no_such_order
from simulator.core.events import Balance
from simulator.core.orders import Order
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.exchange_info import spot_filters
from simulator.wire.numbers import render_ppm
from simulator.wire.render import account_trade, balance_rows, order_query
from simulator.wire.replica import all_seen, as_seen, is_hidden
from simulator.wire.trading import discount
from simulator.wire.venue import Venue
from simulator.wire.venue_base import AnyVenue

Json = dict[str, object]
DAY_HOURS: Final = 24
_DAY_MS: Final = 86_400_000
_PPM_PER_BASIS_POINT: Final = 100
_NOTHING: Final = Balance(0, 0)


def account(venue: Venue, call: Call) -> Json:
    held = venue.exchange.balances(call.account_id)
    balances = {asset: held.get(asset, _NOTHING) for asset in [*venue.known_assets(), *held]}
    maker_ppm, taker_ppm, _ = venue.exchange.commission(call.account_id)
    return {
        "makerCommission": maker_ppm // _PPM_PER_BASIS_POINT,
        "takerCommission": taker_ppm // _PPM_PER_BASIS_POINT,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": _rates(maker_ppm, taker_ppm),
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": venue.market_ms(),
        "accountType": "SPOT",
        "balances": balance_rows(balances, omit_zero=bool(call.get("omitZeroBalances"))),
        "permissions": ["SPOT"],
        "uid": account_number(call.account_id),
    }


def account_number(account_id: str) -> int:
    """Return the account's `uid`: a number made of its id's first hex digits."""
    return int(account_id[:8], 16)


def _rates(maker_ppm: int, taker_ppm: int) -> Json:
    return {
        "maker": render_ppm(maker_ppm),
        "taker": render_ppm(taker_ppm),
        "buyer": render_ppm(0),
        "seller": render_ppm(0),
    }


def commission(venue: Venue, call: Call) -> Json:
    maker_ppm, taker_ppm, pays_in_bnb = venue.exchange.commission(call.account_id)
    return {
        "symbol": venue.require(call.params["symbol"]),
        "standardCommission": _rates(maker_ppm, taker_ppm),
        "specialCommission": _rates(0, 0),
        "taxCommission": _rates(0, 0),
        "discount": discount(pays_in_bnb=pays_in_bnb),
    }


def order_counts(venue: Venue, call: Call) -> list[Json]:
    return order_limit_rows(venue, call.account_id, call.server_ms)


def order_limit_rows(venue: AnyVenue, account_id: str, server_ms: int) -> list[Json]:
    counts = venue.order_counter.counts(account_id, server_ms)
    return [{**row, "count": count} for row, count in zip(venue.limits.order_rows(), counts, strict=True)]


def my_filters(venue: Venue, call: Call) -> Json:
    spec = venue.spec(call.params["symbol"])
    return {"exchangeFilters": [], "symbolFilters": spot_filters(spec), "assetFilters": []}


def order(venue: Venue, call: Call) -> Json:
    """Return one order.

    Raises:
        ApiError: -1102 without an id; ExchangeError -2013 for one that does not exist (yet).
    """
    if call.get("orderId") is None and call.get("origClientOrderId") is None:
        raise errors.one_of_mandatory("origClientOrderId", "orderId")
    found = venue.exchange.order(
        call.account_id,
        venue.require(call.params["symbol"]),
        order_id=call.get("orderId"),
        client_id=call.get("origClientOrderId"),
    )
    seen = as_seen(venue, call, found, _rolled_back)
    if seen is None:
        raise no_such_order()
    return order_query(seen)


def open_orders(venue: Venue, call: Call) -> list[Json]:
    symbol = call.get("symbol")
    found = venue.exchange.open_orders(call.account_id, venue.require(symbol) if symbol else None)
    return [order_query(seen) for seen in all_seen(venue, call, found, _rolled_back)]


def all_orders(venue: Venue, call: Call) -> list[Json]:
    found = venue.exchange.all_orders(
        call.account_id,
        venue.require(call.params["symbol"]),
        order_id=call.get("orderId"),
        **listing_times(call),
        limit=listing_rows(call),
    )
    return [order_query(seen) for seen in all_seen(venue, call, found, _rolled_back)]


def my_trades(venue: Venue, call: Call) -> list[Json]:
    from_id, order_id = call.get("fromId"), call.get("orderId")
    times = listing_times(call)
    if (from_id is not None or order_id is not None) and any(v is not None for v in times.values()):
        raise errors.bad_combination()
    found = venue.exchange.trades(
        call.account_id,
        venue.require(call.params["symbol"]),
        order_id=order_id,
        from_id=from_id,
        **times,
        limit=listing_rows(call),
    )
    return [account_trade(fill) for fill in found if not is_hidden(venue, call, fill.time_ms)]


def empty_list(_venue: Venue, _call: Call) -> list[Json]:
    return []


def listing_rows(call: Call) -> int:
    """Return how many rows of a history are wanted: 500 unless told, 1000 at most."""
    limit: int = call.get("limit", 500)
    return max(1, min(limit, 1_000))


def listing_times(call: Call) -> dict[str, int | None]:
    """Return the bounds in time of a history, both included; -1127 where they are more than 24 hours apart."""
    start_ms, end_ms = call.get("startTime"), call.get("endTime")
    if start_ms is not None and end_ms is not None and end_ms - start_ms > _DAY_MS:
        raise errors.lookup_too_long(DAY_HOURS)
    return {"start_ms": start_ms, "end_ms": end_ms}


def _rolled_back(order: Order, past: dict[str, Any]) -> Order:
    works_later = order.working_ms is not None and order.working_ms > past["update_ms"]
    return replace(order, **past, expiry_reason=None, working_ms=None if works_later else order.working_ms)
