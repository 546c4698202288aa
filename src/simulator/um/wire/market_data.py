"""Public USD-M market data: book, trades, candles, prices, funding (protocol section 1.6)."""

from collections.abc import Sequence
from itertools import islice
from typing import Final

from simulator.core.events import PublicTrade
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle, Level
from simulator.um.core.contracts import ContractSpec
from simulator.um.market.marks import INTEREST_RATE
from simulator.um.market.records import FundingRow
from simulator.um.wire.numbers import render_to
from simulator.um.wire.venue import KEPT_CANDLES, FuturesVenue
from simulator.wire import errors
from simulator.wire.calls import Call
from simulator.wire.market_data import one_or_all
from simulator.wire.numbers import render, render_money
from simulator.wire.sources import best_levels
from simulator.wire.tape import AggregateTrade
from simulator.wire.tickers import change_percent

Json = dict[str, object]
DEPTH_LIMITS: Final = (5, 10, 20, 50, 100, 500, 1_000)
CONTRACT_TYPES: Final = ("PERPETUAL",)
_MAX_TRADES: Final = 1_000
_MAX_OLD_TRADES: Final = 500
_MAX_FUNDING: Final = 1_000
_STANDARD_HOURS: Final = 8
_RATE_BOUND: Final = "0.02000000"
_HOUR_MS: Final = 3_600_000


def depth(venue: FuturesVenue, call: Call) -> Json:
    """Return the book; -4021 for a depth that is not offered."""
    limit = call.get("limit", 500)
    if limit not in DEPTH_LIMITS:
        raise errors.ApiError(-4021, f"'{limit}' is not valid depth limit.")
    symbol, now_ms = venue.require(call.params["symbol"]), venue.market_ms()
    bids, asks = (levels(venue.spec(symbol), side) for side in venue.exchange.depth(symbol, limit))
    return {"lastUpdateId": venue.book_ids[symbol], "E": now_ms, "T": now_ms, "bids": bids, "asks": asks}


def levels(spec: ContractSpec, side: Sequence[Level]) -> list[tuple[str, str]]:
    return [(price_text(spec, price), quantity_text(spec, quantity)) for price, quantity in side]


def price_text(spec: ContractSpec, price: int) -> str:
    return render_to(price, spec.price_precision)


def quantity_text(spec: ContractSpec, quantity: int) -> str:
    return render_to(quantity, spec.quantity_precision)


def trades(venue: FuturesVenue, call: Call) -> list[Json]:
    symbol = venue.require(call.params["symbol"])
    found = venue.tapes[symbol].latest(_rows(call, 500, _MAX_TRADES))
    return [_trade_row(venue.spec(symbol), trade) for trade in found]


def historical_trades(venue: FuturesVenue, call: Call) -> list[Json]:
    symbol, rows = venue.require(call.params["symbol"]), _rows(call, 100, _MAX_OLD_TRADES)
    tape, start = venue.tapes[symbol], call.get("fromId")
    found = tape.latest(rows) if start is None else tape.from_id(start, rows)
    return [_trade_row(venue.spec(symbol), trade) for trade in found]


def _trade_row(spec: ContractSpec, trade: PublicTrade) -> Json:
    return {
        "id": trade.trade_id,
        "price": price_text(spec, trade.price),
        "qty": quantity_text(spec, trade.qty),
        "quoteQty": render_money(trade.price * trade.qty),
        "time": trade.time_ms,
        "isBuyerMaker": trade.buyer_is_maker,
        "isRPITrade": False,
    }


def aggregate_trades(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return aggregates; -1127 where startTime and endTime lie more than an hour apart."""
    symbol, rows = venue.require(call.params["symbol"]), _rows(call, 500, _MAX_TRADES)
    from_id, start_ms, end_ms = call.get("fromId"), call.get("startTime"), call.get("endTime")
    if start_ms is not None and end_ms is not None and end_ms - start_ms > _HOUR_MS:
        raise errors.lookup_too_long(1)
    found = (
        trade
        for trade in venue.tapes[symbol].aggregates
        if (from_id is None or trade.aggregate_id >= from_id)
        and (start_ms is None or trade.time_ms >= start_ms)
        and (end_ms is None or trade.time_ms <= end_ms)
    )
    oldest_first = from_id is not None or start_ms is not None
    chosen = list(islice(found, rows)) if oldest_first else list(found)[-rows:]
    return [aggregate_row(venue.spec(symbol), trade) for trade in chosen]


def aggregate_row(spec: ContractSpec, trade: AggregateTrade) -> Json:
    return {
        "a": trade.aggregate_id,
        "p": price_text(spec, trade.price),
        "q": quantity_text(spec, trade.quantity),
        "nq": quantity_text(spec, trade.quantity),
        "f": trade.first_id,
        "l": trade.last_id,
        "T": trade.time_ms,
        "m": trade.buyer_is_maker,
    }


def klines(venue: FuturesVenue, call: Call) -> list[list[object]]:
    symbol = venue.require(call.params["symbol"])
    return [_candle_row(venue.spec(symbol), candle) for candle in _candles(venue, venue.candles, symbol, call)]


def continuous_klines(venue: FuturesVenue, call: Call) -> list[list[object]]:
    """Return candles of a pair's contract; -4144 for a pair without one."""
    symbol = _pair(venue, call)
    return [_candle_row(venue.spec(symbol), candle) for candle in _candles(venue, venue.candles, symbol, call)]


def index_klines(venue: FuturesVenue, call: Call) -> list[list[object]]:
    """Return candles of the index price, which is the spot symbol's."""
    symbol = _pair(venue, call)
    return [_price_row(candle) for candle in _candles(venue, venue.spot.candles, symbol, call)]


def mark_klines(venue: FuturesVenue, call: Call) -> list[list[object]]:
    symbol = venue.require(call.params["symbol"])
    return [_price_row(candle) for candle in _candles(venue, venue.marks, symbol, call)]


def _pair(venue: FuturesVenue, call: Call) -> str:
    pair: str = call.params["pair"]
    if pair not in venue.tapes:
        raise errors.ApiError(-4144, "Invalid pair")
    return venue.require(pair)


def _candles(venue: FuturesVenue, book: CandleBook, symbol: str, call: Call) -> list[Candle]:
    return book.candles(
        symbol,
        call.params["interval"],
        start_ms=call.get("startTime"),
        end_ms=call.get("endTime"),
        limit=_rows(call, 500, KEPT_CANDLES),
        now_ms=venue.market_ms(),
    )


def _candle_row(spec: ContractSpec, candle: Candle) -> list[object]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [
        candle.open_ms,
        *(price_text(spec, price) for price in prices),
        quantity_text(spec, candle.volume),
        candle.close_ms,
        render_money(candle.quote_volume),
        candle.trades,
        quantity_text(spec, candle.taker_buy_base),
        render_money(candle.taker_buy_quote),
        "0",
    ]


def _price_row(candle: Candle) -> list[object]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    shown = [render(price) for price in prices]
    return [candle.open_ms, *shown, "0", candle.close_ms, "0", candle.trades, "0", "0", "0"]


def premium_index(venue: FuturesVenue, call: Call) -> object:
    return one_or_all(call, [_premium_row(venue, name) for name in wanted(venue, call)])


def _premium_row(venue: FuturesVenue, symbol: str) -> Json:
    pricing, index = venue.pricing, render(venue.pricing.index(symbol))
    return {
        "symbol": symbol,
        "markPrice": render(pricing.mark(symbol)),
        "indexPrice": index,
        "estimatedSettlePrice": index,
        "lastFundingRate": render(pricing.rate(symbol)),
        "interestRate": render(INTEREST_RATE),
        "nextFundingTime": pricing.next_funding_ms(symbol),
        "time": venue.market_ms(),
    }


def funding_rate(venue: FuturesVenue, call: Call) -> list[Json]:
    """Return settlements by time: from startTime on the first ones, else the latest."""
    start_ms, end_ms, rows = call.get("startTime"), call.get("endTime"), _rows(call, 100, _MAX_FUNDING)
    now_ms = venue.market_ms()
    found = [
        (name, row)
        for name in wanted(venue, call)
        for row in venue.pricing.history(name, now_ms)
        if (start_ms is None or row.time_ms >= start_ms) and (end_ms is None or row.time_ms <= end_ms)
    ]
    found.sort(key=lambda pair: pair[1].time_ms)
    chosen = found[:rows] if start_ms is not None else found[-rows:]
    return [_funding_row(name, row) for name, row in chosen]


def _funding_row(symbol: str, row: FundingRow) -> Json:
    return {
        "symbol": symbol,
        "fundingRate": render(row.rate),
        "fundingTime": row.time_ms,
        "markPrice": render(row.mark) if row.mark else "",
    }


def funding_info(venue: FuturesVenue, _call: Call) -> list[Json]:
    """Return only contracts whose interval is not the usual one."""
    specs = [venue.spec(name) for name in venue.symbols]
    return [
        {
            "symbol": spec.symbol,
            "adjustedFundingRateCap": _RATE_BOUND,
            "adjustedFundingRateFloor": f"-{_RATE_BOUND}",
            "fundingIntervalHours": spec.funding_interval_hours,
            "disclaimer": False,
        }
        for spec in specs
        if spec.funding_interval_hours != _STANDARD_HOURS
    ]


def day_ticker(venue: FuturesVenue, call: Call) -> object:
    return one_or_all(call, [_day_row(venue, venue.require(name)) for name in wanted(venue, call)])


def _day_row(venue: FuturesVenue, symbol: str) -> Json:
    day, spec = venue.candles.day(symbol, venue.market_ms()), venue.spec(symbol)
    return {
        "symbol": symbol,
        "priceChange": price_text(spec, day.change),
        "priceChangePercent": change_percent(day),
        "weightedAvgPrice": price_text(spec, day.weighted_average - day.weighted_average % spec.tick),
        "lastPrice": price_text(spec, day.last),
        "lastQty": quantity_text(spec, day.last_qty),
        "openPrice": price_text(spec, day.open),
        "highPrice": price_text(spec, day.high),
        "lowPrice": price_text(spec, day.low),
        "volume": quantity_text(spec, day.volume),
        "quoteVolume": render_money(day.quote_volume),
        "openTime": day.open_ms,
        "closeTime": day.close_ms,
        "firstId": day.first_trade_id,
        "lastId": day.last_trade_id,
        "count": day.count,
    }


def price_ticker(venue: FuturesVenue, call: Call) -> object:
    now_ms = venue.market_ms()
    rows: list[Json] = [
        {"symbol": name, "price": price_text(venue.spec(name), venue.last_price(name)), "time": now_ms}
        for name in wanted(venue, call)
    ]
    return one_or_all(call, rows)


def book_ticker(venue: FuturesVenue, call: Call) -> object:
    return one_or_all(call, [_book_row(venue, venue.require(name)) for name in wanted(venue, call)])


def _book_row(venue: FuturesVenue, symbol: str) -> Json:
    spec, (bid, ask) = venue.spec(symbol), best_levels(venue, symbol)
    return {
        "symbol": symbol,
        "bidPrice": price_text(spec, bid[0]),
        "bidQty": quantity_text(spec, bid[1]),
        "askPrice": price_text(spec, ask[0]),
        "askQty": quantity_text(spec, ask[1]),
        "time": venue.market_ms(),
        "lastUpdateId": venue.book_ids[symbol],
    }


def open_interest(venue: FuturesVenue, call: Call) -> Json:
    """Return what the accounts of this exchange hold: the outside market's interest is not known."""
    symbol = venue.require(call.params["symbol"])
    held = venue.exchange.open_interest(symbol)
    return {"openInterest": quantity_text(venue.spec(symbol), held), "symbol": symbol, "time": venue.market_ms()}


def wanted(venue: FuturesVenue, call: Call) -> list[str]:
    """Return the contract asked for, or all; -1121 for an unknown one."""
    symbol = call.get("symbol")
    return list(venue.symbols) if symbol is None else [venue.require(symbol)]


def _rows(call: Call, usual: int, most: int) -> int:
    limit: int = call.get("limit", usual)
    if not 1 <= limit <= most:
        raise errors.invalid_data("limit")
    return limit
