"""Conditional orders: placing, cancelling, queries (protocol section 1.7)."""

from typing import Final

from simulator.core.errors import ExchangeError
from simulator.um.core.orders import AlgoOrder, AlgoParams, FuturesOrder, FuturesOrderType, WorkingType
from simulator.um.wire.order_shapes import algo_placed, algo_query
from simulator.um.wire.queries import rows_wanted, week
from simulator.um.wire.trading import common_terms, count_order, require_an_id
from simulator.um.wire.venue import FuturesVenue
from simulator.wire.calls import Call

Json = dict[str, object]

_ALL_CANCELLED: Final[Json] = {"code": 200, "msg": "The operation of cancel all open order is done."}


def place(venue: FuturesVenue, call: Call) -> Json:
    params = AlgoParams(
        type=FuturesOrderType(call.params["type"]),
        trigger_price=call.get("triggerPrice"),
        activate_price=call.get("activatePrice"),
        callback_ppm=call.get("callbackRate"),
        working_type=WorkingType(call.get("workingType", WorkingType.CONTRACT_PRICE)),
        price_protect=call.get("priceProtect", False),
        close_position=call.get("closePosition", False),
        client_id=call.get("clientAlgoId"),
        **common_terms(call.params),
    )
    venue.require(params.symbol)
    count_order(venue, call)
    algo = venue.exchange.place_algo(call.account_id, params, venue.market_ms())
    return algo_placed(algo, venue.spec(algo.symbol))


def cancel(venue: FuturesVenue, call: Call) -> Json:
    """Cancel one; `code` is text here, unlike everywhere else."""
    require_an_id(call.params, "algoId", "clientAlgoId")
    algo = venue.exchange.cancel_algo(
        call.account_id, algo_id=call.get("algoId"), client_id=call.get("clientAlgoId"), now_ms=venue.market_ms()
    )
    return {"algoId": algo.algo_id, "clientAlgoId": algo.client_id, "code": "200", "msg": "success"}


def cancel_all(venue: FuturesVenue, call: Call) -> Json:
    venue.exchange.cancel_all_algos(call.account_id, venue.require(call.params["symbol"]), venue.market_ms())
    return _ALL_CANCELLED


def one(venue: FuturesVenue, call: Call) -> Json:
    require_an_id(call.params, "algoId", "clientAlgoId")
    algo = venue.exchange.algo(call.account_id, algo_id=call.get("algoId"), client_id=call.get("clientAlgoId"))
    return _shown(venue, algo)


def open_ones(venue: FuturesVenue, call: Call) -> list[Json]:
    symbol, wanted = call.get("symbol"), call.get("algoId")
    found = venue.exchange.open_algos(call.account_id, venue.require(symbol) if symbol else None)
    return [_shown(venue, algo) for algo in found if wanted in {None, algo.algo_id}]


def all_ones(venue: FuturesVenue, call: Call) -> list[Json]:
    found = venue.exchange.all_algos(
        call.account_id,
        venue.require(call.params["symbol"]),
        algo_id=call.get("algoId"),
        **week(call),
        limit=rows_wanted(call),
    )
    return [_shown(venue, algo) for algo in found]


def _shown(venue: FuturesVenue, algo: AlgoOrder) -> Json:
    return algo_query(algo, _actual(venue, algo), venue.spec(algo.symbol))


def _actual(venue: FuturesVenue, algo: AlgoOrder) -> FuturesOrder | None:
    """Return the order it became, None before that and once the venue has forgotten it."""
    if algo.actual_order_id is None:
        return None
    try:
        return venue.exchange.order(algo.account_id, algo.symbol, order_id=algo.actual_order_id)
    except ExchangeError:
        return None
