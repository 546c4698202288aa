"""Public spot market data: general information, book, trades, candles (protocol section 1.2)."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from simulator.core.events import PublicTrade
from simulator.market.feed import Candle
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.exchange_info import symbol_row
from simulator.wire.numbers import render, render_money
from simulator.wire.sources import best_levels
from simulator.wire.tape import AggregateTrade
from simulator.wire.venue import Venue
from simulator.wire.venue_base import AnyVenue

Json = dict[str, object]
MAX_ROWS: Final = 1_000
MAX_DEPTH: Final = 5_000


def ping(_venue: AnyVenue, _call: Call) -> Json:
    return {}


def server_time(_venue: AnyVenue, call: Call) -> Json:
    return {"serverTime": call.server_ms}


def exchange_info(venue: Venue, call: Call) -> Json:
    names = _wanted_symbols(venue, call)
    status = call.get("symbolStatus")
    if names is not None and (status or call.get("permissions")):
        raise errors.bad_combination()
    specs = [venue.spec(name) for name in (names if names is not None else venue.symbols)]
    return {
        "timezone": "UTC",
        "serverTime": call.server_ms,
        "rateLimits": venue.limits.rows(),
        "exchangeFilters": [],
        "symbols": [symbol_row(spec) for spec in specs if status is None or spec.status == status],
    }


def coin_exchange_info(_venue: AnyVenue, call: Call) -> Json:
    """COIN-M has nothing here."""
    return {
        "timezone": "UTC",
        "serverTime": call.server_ms,
        "rateLimits": [],
        "exchangeFilters": [],
        "symbols": [],
    }


def execution_rules(venue: Venue, call: Call) -> Json:
    """No price range rule is in force here."""
    names = _wanted_symbols(venue, call)
    return {"symbolRules": [{"symbol": name, "rules": []} for name in (names if names is not None else venue.symbols)]}


def wanted_symbols(venue: AnyVenue, call: Call) -> list[str]:
    """Return the symbols a ticker call asks for: one, some, or all.

    Raises:
        ApiError: -1128 if `symbol` and `symbols` are both given, -1121 for unknown ones.
    """
    names = _wanted_symbols(venue, call)
    return names if names is not None else list(venue.symbols)


def _wanted_symbols(venue: AnyVenue, call: Call) -> list[str] | None:
    one, some = call.get("symbol"), call.get("symbols")
    if one is not None and some is not None:
        raise errors.bad_combination()
    if one is not None:
        return [venue.require(one)]
    if some is not None:
        return [venue.require(name) for name in some]
    return None


def depth(venue: Venue, call: Call) -> Json:
    symbol = venue.require(call.params["symbol"])
    return {
        "lastUpdateId": venue.book_ids[symbol],
        **depth_sides(venue, symbol, min(call.get("limit", 100), MAX_DEPTH)),
    }


def depth_sides(venue: AnyVenue, symbol: str, limit: int) -> Json:
    bids, asks = venue.exchange.depth(symbol, limit)
    return {"bids": levels(bids), "asks": levels(asks)}


def levels(side: Sequence[tuple[int, int]]) -> list[tuple[str, str]]:
    return [(render(price), render(quantity)) for price, quantity in side]


def trades(venue: Venue, call: Call) -> list[Json]:
    tape = venue.tapes[venue.require(call.params["symbol"])]
    return [trade_row(trade) for trade in tape.latest(_rows(call))]


def historical_trades(venue: Venue, call: Call) -> list[Json]:
    tape = venue.tapes[venue.require(call.params["symbol"])]
    start = call.get("fromId")
    found = tape.latest(_rows(call)) if start is None else tape.from_id(start, _rows(call))
    return [trade_row(trade) for trade in found]


def trade_row(trade: PublicTrade) -> Json:
    return {
        "id": trade.trade_id,
        "price": render(trade.price),
        "qty": render(trade.qty),
        "quoteQty": render_money(trade.price * trade.qty),
        "time": trade.time_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isBestMatch": True,
    }


def aggregate_trades(venue: Venue, call: Call) -> list[Json]:
    tape = venue.tapes[venue.require(call.params["symbol"])]
    from_id, start_ms, end_ms = call.get("fromId"), call.get("startTime"), call.get("endTime")
    if from_id is not None and (start_ms is not None or end_ms is not None):
        raise errors.bad_combination()
    rows = (
        trade
        for trade in tape.aggregates
        if (from_id is None or trade.aggregate_id >= from_id)
        and (start_ms is None or trade.time_ms >= start_ms)
        and (end_ms is None or trade.time_ms <= end_ms)
    )
    oldest_first = from_id is not None or start_ms is not None
    found = list(islice(rows, _rows(call))) if oldest_first else list(rows)[-_rows(call) :]
    return [aggregate_row(trade) for trade in found]


def aggregate_row(trade: AggregateTrade) -> Json:
    return {
        "a": trade.aggregate_id,
        "p": render(trade.price),
        "q": render(trade.quantity),
        "f": trade.first_id,
        "l": trade.last_id,
        "T": trade.time_ms,
        "m": trade.buyer_is_maker,
        "M": True,
    }


def klines(venue: Venue, call: Call) -> list[list[object]]:
    """Return candles by open time, the last row still open when `endTime` allows it."""
    found = venue.candles.candles(
        venue.require(call.params["symbol"]),
        call.params["interval"],
        start_ms=call.get("startTime"),
        end_ms=call.get("endTime"),
        limit=_rows(call),
        now_ms=venue.market_ms(),
    )
    return [candle_row(candle) for candle in found]


def candle_row(candle: Candle) -> list[object]:
    return [
        candle.open_ms,
        render(candle.open),
        render(candle.high),
        render(candle.low),
        render(candle.close),
        render(candle.volume),
        candle.close_ms,
        render_money(candle.quote_volume),
        candle.trades,
        render(candle.taker_buy_base),
        render_money(candle.taker_buy_quote),
        "0",
    ]


def average_price(venue: Venue, call: Call) -> Json:
    symbol = venue.require(call.params["symbol"])
    return {
        "mins": venue.spec(symbol).avg_price_mins,
        "price": render(mean_price(venue, symbol)),
        "closeTime": venue.market_ms(),
    }


def mean_price(venue: Venue, symbol: str) -> int:
    """Return the volume-weighted price of the last minutes, or the last price before the first print."""
    return venue.exchange.average_price(symbol) or venue.last_price(symbol)


def price_ticker(venue: AnyVenue, call: Call) -> object:
    return one_or_all(call, [_price_row(venue, name) for name in wanted_symbols(venue, call)])


def _price_row(venue: AnyVenue, symbol: str) -> Json:
    return {"symbol": symbol, "price": render(venue.last_price(symbol))}


def book_ticker(venue: AnyVenue, call: Call) -> object:
    return one_or_all(call, [book_row(venue, name) for name in wanted_symbols(venue, call)])


def book_row(venue: AnyVenue, symbol: str) -> Json:
    bid, ask = best_levels(venue, symbol)
    return {
        "symbol": symbol,
        "bidPrice": render(bid[0]),
        "bidQty": render(bid[1]),
        "askPrice": render(ask[0]),
        "askQty": render(ask[1]),
    }


def one_or_all(call: Call, rows: list[Json]) -> object:
    """Binance answers an object for `symbol` and an array otherwise."""
    return rows[0] if call.get("symbol") is not None else rows


def reference_price(_venue: Venue, _call: Call) -> Json:
    raise errors.ApiError(-2043, "This symbol doesn't have a reference price.")


def _rows(call: Call) -> int:
    limit: int = call.get("limit", 500)
    return max(1, min(limit, MAX_ROWS))
