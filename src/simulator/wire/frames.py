"""Payloads of the spot market streams (protocol section 1.9)."""

from collections.abc import Sequence
from functools import partial

from simulator.core.events import PublicTrade
from simulator.market.feed import Candle
from simulator.wire import sources
from simulator.wire.market_data import aggregate_row, depth_sides, levels, mean_price
from simulator.wire.numbers import render, render_money
from simulator.wire.sources import Best, DepthChange, Json, Source
from simulator.wire.tape import AggregateTrade
from simulator.wire.tickers import mini_ticker_event, ticker_event
from simulator.wire.topics import Topic, TopicKind, parse_topic
from simulator.wire.venue import Venue


class SpotDialect:
    """The spot streams of one venue."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def parse(self, name: str) -> Topic | None:
        return parse_topic(name)

    def trade(self, event: PublicTrade) -> Json:
        return {
            "e": "trade",
            "E": event.time_ms,
            "s": event.symbol,
            "t": event.trade_id,
            "p": render(event.price),
            "q": render(event.qty),
            "T": event.time_ms,
            "m": event.buyer_is_maker,
            "M": True,
        }

    def aggregate(self, symbol: str, event: AggregateTrade) -> Json:
        return {"e": "aggTrade", "E": event.time_ms, "s": symbol, **aggregate_row(event)}

    def open(self, topic: Topic, now_ms: int) -> Source | None:
        """Return what makes a stream's frames; None for streams fed by events alone."""
        venue, kind, symbol = self._venue, topic.kind, topic.symbol
        if kind is TopicKind.KLINE and topic.interval == "1s":
            return sources.Seconds(venue, topic, partial(kline, symbol, topic.interval))
        if kind is TopicKind.KLINE:
            return sources.Klines(venue, topic, now_ms, partial(kline, symbol, topic.interval))
        if kind is TopicKind.BOOK_TICKER:
            return sources.BestPrices(venue, symbol, partial(self._best, symbol))
        if kind is TopicKind.DEPTH:
            return sources.DepthDiff(venue, topic, now_ms, partial(self._depth, symbol))
        if kind is TopicKind.ALL_MINI_TICKERS:
            return sources.AllChanged(venue, topic, now_ms, self._mini_tickers)
        makers = {
            TopicKind.PARTIAL_DEPTH: lambda: self._partial_depth(topic),
            TopicKind.MINI_TICKER: lambda: mini_ticker_event(venue, symbol),
            TopicKind.TICKER: lambda: ticker_event(venue, symbol),
            TopicKind.AVERAGE_PRICE: lambda: self._average_price(symbol),
        }
        return sources.Periodic(venue, topic, now_ms, makers[kind]) if kind in makers else None

    def _mini_tickers(self, changed: Sequence[str]) -> list[Json]:
        return [mini_ticker_event(self._venue, symbol) for symbol in changed]

    def _best(self, symbol: str, best: Best) -> Json:
        return {"u": self._venue.book_ids[symbol], "s": symbol, **best_fields(best)}

    def _depth(self, symbol: str, change: DepthChange) -> Json:
        """Return a frame whose `U` continues where the last frame's `u` ended."""
        return {
            "e": "depthUpdate",
            "E": self._venue.market_ms(),
            "s": symbol,
            "U": change.previous_id + 1,
            "u": change.last_id,
            "b": levels(change.bids),
            "a": levels(change.asks),
        }

    def _partial_depth(self, topic: Topic) -> Json:
        return {
            "lastUpdateId": self._venue.book_ids[topic.symbol],
            **depth_sides(self._venue, topic.symbol, topic.levels),
        }

    def _average_price(self, symbol: str) -> Json:
        now_ms = self._venue.market_ms()
        return {
            "e": "avgPrice",
            "E": now_ms,
            "s": symbol,
            "i": f"{self._venue.spec(symbol).avg_price_mins}m",
            "w": render(mean_price(self._venue, symbol)),
            "T": now_ms,
        }


def best_fields(best: Best) -> Json:
    (bid, bid_quantity), (ask, ask_quantity) = best
    return {"b": render(bid), "B": render(bid_quantity), "a": render(ask), "A": render(ask_quantity)}


def kline(symbol: str, interval: str, candle: Candle, market_ms: int, is_closed: bool) -> Json:
    """Return the `kline` event, which both markets share."""
    shown = {"s": symbol, **kline_fields(interval, candle, is_closed=is_closed)}
    return {"e": "kline", "E": market_ms, "s": symbol, "k": shown}


def kline_fields(interval: str, candle: Candle, *, is_closed: bool) -> Json:
    """Return the body of a kline event, the symbol apart."""
    return {
        "t": candle.open_ms,
        "T": candle.close_ms,
        "i": interval,
        "f": candle.first_trade_id,
        "L": candle.last_trade_id,
        "o": render(candle.open),
        "c": render(candle.close),
        "h": render(candle.high),
        "l": render(candle.low),
        "v": render(candle.volume),
        "n": candle.trades,
        "x": is_closed,
        "q": render_money(candle.quote_volume),
        "V": render(candle.taker_buy_base),
        "Q": render_money(candle.taker_buy_quote),
        "B": "0",
    }
