"""Leverage, margin type, position mode and the other switches of an account (protocol section 1.8)."""

from typing import Final

from simulator.um.core.errors import refused
from simulator.um.core.orders import MarginType, PositionSide
from simulator.um.wire.account_shapes import ADD, leverage_set
from simulator.um.wire.numbers import number
from simulator.um.wire.trading import DONE
from simulator.um.wire.venue import FuturesVenue
from simulator.wire import errors
from simulator.wire.calls import Call

Json = dict[str, object]

_ADDED: Final = {True: "Successfully add position margin.", False: "Successfully reduce position margin."}


def set_leverage(venue: FuturesVenue, call: Call) -> Json:
    symbol = venue.require(call.params["symbol"])
    config = venue.exchange.set_leverage(call.account_id, symbol, call.params["leverage"], venue.market_ms())
    return leverage_set(config)


def set_margin_type(venue: FuturesVenue, call: Call) -> Json:
    """Change between isolated and cross; -4046 where it is so already."""
    symbol, kind = venue.require(call.params["symbol"]), MarginType(call.params["marginType"])
    venue.exchange.set_margin_type(call.account_id, symbol, kind, venue.market_ms())
    return DONE


def position_mode(venue: FuturesVenue, call: Call) -> Json:
    return {"dualSidePosition": venue.exchange.hedge_mode(call.account_id)}


def set_position_mode(venue: FuturesVenue, call: Call) -> Json:
    """Change between one-way and hedge mode; -4059 where it is so already."""
    venue.exchange.set_position_mode(call.account_id, call.params["dualSidePosition"], venue.market_ms())
    return DONE


def multi_assets(_venue: FuturesVenue, _call: Call) -> Json:
    return {"multiAssetsMargin": False}


def set_multi_assets(venue: FuturesVenue, call: Call) -> Json:
    """Refuse: it is off already (-4171), and on is not offered."""
    venue.exchange.set_multi_assets(call.account_id, call.params["multiAssetsMargin"])
    return DONE


def fee_burn(_venue: FuturesVenue, _call: Call) -> Json:
    return {"feeBurn": False}


def set_fee_burn(_venue: FuturesVenue, call: Call) -> Json:
    """Accept what is so already: fees are paid in USDT, never in BNB.

    Raises:
        ExchangeError: -4084 for on.
    """
    if call.params["feeBurn"]:
        raise refused(-4084)
    return DONE


def adjust_margin(venue: FuturesVenue, call: Call) -> Json:
    """Add margin to an isolated position, or take it out."""
    amount, adds = call.params["amount"], call.params["type"] == ADD
    if amount <= 0:
        raise refused(-4055)
    side = call.get("positionSide")
    venue.exchange.adjust_margin(
        call.account_id,
        venue.require(call.params["symbol"]),
        amount if adds else -amount,
        venue.market_ms(),
        position_side=PositionSide(side) if side else None,
    )
    return {"amount": number(amount), "code": 200, "msg": _ADDED[adds], "type": call.params["type"]}


def adl_quantile(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return an empty list: this venue never auto-deleverages, so nobody stands in a queue."""
    if symbol := call.get("symbol"):
        venue.require(symbol)
    return []


def margin_direction(name: str, value: str) -> int:
    """Return 1 (add) or 2 (remove)."""
    if value not in {"1", "2"}:
        raise errors.invalid_data(name)
    return int(value)
