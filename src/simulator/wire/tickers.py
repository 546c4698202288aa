"""24-hour and window statistics on the wire."""

from simulator.market.stats import DayTicker
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.market_data import one_or_all, wanted_symbols
from simulator.wire.numbers import render, render_money
from simulator.wire.sources import best_levels
from simulator.wire.venue import Venue
from simulator.wire.venue_base import AnyVenue

Json = dict[str, object]


def day_ticker(venue: Venue, call: Call) -> object:
    mini = call.get("type") == "MINI"
    return one_or_all(call, [_row(venue, name, mini=mini) for name in wanted_symbols(venue, call)])


def _row(venue: Venue, symbol: str, *, mini: bool) -> Json:
    day = venue.candles.day(symbol, venue.market_ms())
    row: Json = {
        "symbol": symbol,
        "openPrice": render(day.open),
        "highPrice": render(day.high),
        "lowPrice": render(day.low),
        "lastPrice": render(day.last),
        "volume": render(day.volume),
        "quoteVolume": render_money(day.quote_volume),
        "openTime": day.open_ms,
        "closeTime": day.close_ms,
        "firstId": day.first_trade_id,
        "lastId": day.last_trade_id,
        "count": day.count,
    }
    if mini:
        return row
    bid, ask = best_levels(venue, symbol)
    return {
        **row,
        "priceChange": render(day.change),
        "priceChangePercent": change_percent(day),
        "weightedAvgPrice": render(day.weighted_average),
        "prevClosePrice": render(day.previous_close),
        "lastQty": render(day.last_qty),
        "bidPrice": render(bid[0]),
        "bidQty": render(bid[1]),
        "askPrice": render(ask[0]),
        "askQty": render(ask[1]),
    }


def change_percent(day: DayTicker) -> str:
    """Return the day's change in percent with three decimals, rounded towards zero."""
    if not day.open:
        return "0.000"
    thousandths = abs(day.change) * 100_000 // day.open
    sign = "-" if day.change < 0 else ""
    return f"{sign}{thousandths // 1_000}.{thousandths % 1_000:03d}"


def ticker_event(venue: AnyVenue, symbol: str) -> Json:
    """Return the `24hrTicker` stream event."""
    day = venue.candles.day(symbol, venue.market_ms())
    bid, ask = best_levels(venue, symbol)
    return {
        "e": "24hrTicker",
        "E": venue.market_ms(),
        "s": symbol,
        "p": render(day.change),
        "P": change_percent(day),
        "w": render(day.weighted_average),
        "x": render(day.previous_close),
        "c": render(day.last),
        "Q": render(day.last_qty),
        "b": render(bid[0]),
        "B": render(bid[1]),
        "a": render(ask[0]),
        "A": render(ask[1]),
        "o": render(day.open),
        "h": render(day.high),
        "l": render(day.low),
        "v": render(day.volume),
        "q": render_money(day.quote_volume),
        "O": day.open_ms,
        "C": day.close_ms,
        "F": day.first_trade_id,
        "L": day.last_trade_id,
        "n": day.count,
    }


def mini_ticker_event(venue: AnyVenue, symbol: str) -> Json:
    """Return the `24hrMiniTicker` stream event."""
    day = venue.candles.day(symbol, venue.market_ms())
    return {
        "e": "24hrMiniTicker",
        "E": venue.market_ms(),
        "s": symbol,
        "c": render(day.last),
        "o": render(day.open),
        "h": render(day.high),
        "l": render(day.low),
        "v": render(day.volume),
        "q": render_money(day.quote_volume),
    }


def refuse_window(_venue: Venue, _call: Call) -> Json:
    raise errors.unsupported()
