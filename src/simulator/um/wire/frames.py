"""Payloads of the USD-M market streams (protocol section 1.9)."""

from collections.abc import Iterator
from functools import partial
from typing import Final

from simulator.core.events import PublicTrade
from simulator.market.feed import Candle
from simulator.um.core.events import Liquidated
from simulator.um.wire.market_data import aggregate_row, levels, price_text, quantity_text
from simulator.um.wire.topics import parse_topic
from simulator.um.wire.venue import FuturesVenue
from simulator.wire import sources
from simulator.wire.frames import kline, kline_fields
from simulator.wire.numbers import render
from simulator.wire.sources import Best, DepthChange, Json, Source
from simulator.wire.tape import AggregateTrade
from simulator.wire.tickers import mini_ticker_event, ticker_event
from simulator.wire.topics import Topic, TopicKind

_USD_M: Final = 1
_SPOT_ONLY: Final = ("x", "b", "B", "a", "A")
"""What the spot day ticker says and this one does not."""


class FuturesDialect:
    """The market streams of one USD-M venue."""

    def __init__(self, venue: FuturesVenue) -> None:
        self._venue = venue

    def parse(self, name: str) -> Topic | None:
        return parse_topic(name)

    def trade(self, event: PublicTrade) -> Json:
        spec = self._venue.spec(event.symbol)
        return {
            "e": "trade",
            "E": event.time_ms,
            "T": event.time_ms,
            "s": event.symbol,
            "t": event.trade_id,
            "p": price_text(spec, event.price),
            "q": quantity_text(spec, event.qty),
            "X": "MARKET",
            "m": event.buyer_is_maker,
        }

    def aggregate(self, symbol: str, event: AggregateTrade) -> Json:
        row = aggregate_row(self._venue.spec(symbol), event)
        return {"e": "aggTrade", "E": event.time_ms, "s": symbol, **row, "st": _USD_M}

    def open(self, topic: Topic, now_ms: int) -> Source | None:
        """Return what makes a stream's frames; None for streams fed by events alone."""
        venue, kind, symbol = self._venue, topic.kind, topic.symbol
        if kind is TopicKind.KLINE:
            return sources.Klines(venue, topic, now_ms, partial(kline, symbol, topic.interval))
        if kind is TopicKind.CONTINUOUS_KLINE:
            return sources.Klines(venue, topic, now_ms, partial(_continuous_kline, symbol, topic.interval))
        if kind is TopicKind.BOOK_TICKER:
            return sources.BestPrices(venue, symbol, partial(self._best, symbol))
        if kind is TopicKind.DEPTH:
            return sources.DepthDiff(venue, topic, now_ms, partial(self._depth, symbol))
        if kind in {TopicKind.FORCE_ORDER, TopicKind.ALL_FORCE_ORDERS}:
            return _ForceOrders(venue, topic, now_ms)
        return self._of_changes(topic, now_ms) or self._by_time(topic, now_ms)

    def _of_changes(self, topic: Topic, now_ms: int) -> Source | None:
        """Return a stream that speaks once a period if something changed."""
        venue, symbol = self._venue, topic.symbol
        singles = {
            TopicKind.PARTIAL_DEPTH: lambda: self._partial_depth(topic),
            TopicKind.MINI_TICKER: lambda: self._mini_ticker(symbol),
            TopicKind.TICKER: lambda: self._ticker(symbol),
        }
        if topic.kind in singles:
            return sources.Periodic(venue, topic, now_ms, singles[topic.kind])
        rows = {TopicKind.ALL_MINI_TICKERS: self._mini_ticker, TopicKind.ALL_TICKERS: self._ticker}
        if topic.kind not in rows:
            return None
        row = rows[topic.kind]
        return sources.AllChanged(venue, topic, now_ms, lambda changed: [row(each) for each in changed])

    def _by_time(self, topic: Topic, now_ms: int) -> Source | None:
        """Return a stream that speaks once a period, changed or not."""

        def marks() -> Iterator[object]:
            yield [self._mark(each) for each in self._venue.symbols]

        def own_mark() -> Iterator[object]:
            yield self._mark(topic.symbol)

        def bests() -> Iterator[object]:
            for each in self._venue.symbols:
                yield self._best(each, sources.best_levels(self._venue, each))

        makers = {
            TopicKind.MARK_PRICE: own_mark,
            TopicKind.ALL_MARK_PRICES: marks,
            TopicKind.ALL_BOOK_TICKERS: bests,
        }
        return sources.Paced(topic, now_ms, makers[topic.kind]) if topic.kind in makers else None

    def _best(self, symbol: str, best: Best) -> Json:
        spec, now_ms = self._venue.spec(symbol), self._venue.market_ms()
        (bid, bid_quantity), (ask, ask_quantity) = best
        return {
            "e": "bookTicker",
            "u": self._venue.book_ids[symbol],
            "E": now_ms,
            "T": now_ms,
            "s": symbol,
            "b": price_text(spec, bid),
            "B": quantity_text(spec, bid_quantity),
            "a": price_text(spec, ask),
            "A": quantity_text(spec, ask_quantity),
            **_tail(symbol),
        }

    def _depth(self, symbol: str, change: DepthChange) -> Json:
        """Return a frame whose `pu` is the last frame's `u`.

        `U` is `pu` as well, so that a snapshot taken between two frames always lies in the second one.
        """
        spec, now_ms = self._venue.spec(symbol), self._venue.market_ms()
        return {
            "e": "depthUpdate",
            "E": now_ms,
            "T": now_ms,
            "s": symbol,
            "U": change.previous_id,
            "u": change.last_id,
            "pu": change.previous_id,
            "b": levels(spec, change.bids),
            "a": levels(spec, change.asks),
            **_tail(symbol),
        }

    def _partial_depth(self, topic: Topic) -> Json:
        bids, asks = self._venue.exchange.depth(topic.symbol, topic.levels)
        last_id = self._venue.book_ids[topic.symbol]
        return self._depth(topic.symbol, DepthChange(last_id - 1, last_id, bids, asks))

    def _ticker(self, symbol: str) -> Json:
        row = ticker_event(self._venue, symbol)
        return {**{name: value for name, value in row.items() if name not in _SPOT_ONLY}, **_tail(symbol)}

    def _mini_ticker(self, symbol: str) -> Json:
        return {**mini_ticker_event(self._venue, symbol), **_tail(symbol)}

    def _mark(self, symbol: str) -> Json:
        pricing = self._venue.pricing
        mark, index = render(pricing.mark(symbol)), render(pricing.index(symbol))
        return {
            "e": "markPriceUpdate",
            "E": self._venue.market_ms(),
            "s": symbol,
            "p": mark,
            "ap": mark,
            "i": index,
            "P": index,
            "r": render(pricing.rate(symbol)),
            "T": pricing.next_funding_ms(symbol),
            "st": _USD_M,
        }


class _ForceOrders:
    """The largest liquidation order of each period, of one contract or of each."""

    def __init__(self, venue: FuturesVenue, topic: Topic, now_ms: int) -> None:
        self._venue, self._symbol = venue, topic.symbol
        self._period_ms, self._last_ms = topic.period_ms, now_ms - topic.period_ms
        self._seen = venue.liquidations.total

    def due(self, now_ms: int) -> Iterator[Json]:
        liquidations = self._venue.liquidations
        if liquidations.total == self._seen or now_ms - self._last_ms < self._period_ms:
            return
        largest: dict[str, Liquidated] = {}
        for event in liquidations.since(self._seen):
            symbol = event.order.symbol
            if self._symbol in {"", symbol} and (
                symbol not in largest or event.order.quantity > largest[symbol].order.quantity
            ):
                largest[symbol] = event
        self._seen, self._last_ms = liquidations.total, now_ms
        for event in largest.values():
            yield self._frame(event)

    def _frame(self, event: Liquidated) -> Json:
        order, spec = event.order, self._venue.spec(event.order.symbol)
        return {
            "e": "forceOrder",
            "E": self._venue.market_ms(),
            "o": {
                "s": order.symbol,
                "S": order.side,
                "o": order.type,
                "f": order.time_in_force,
                "q": quantity_text(spec, order.quantity),
                "p": price_text(spec, order.price),
                "ap": price_text(spec, order.average_price),
                "X": order.status,
                "l": quantity_text(spec, order.executed),
                "z": quantity_text(spec, order.executed),
                "T": event.time_ms,
            },
            **_tail(order.symbol),
        }


def _continuous_kline(symbol: str, interval: str, candle: Candle, market_ms: int, is_closed: bool) -> Json:
    return {
        "e": "continuous_kline",
        "E": market_ms,
        "ps": symbol,
        "ct": "PERPETUAL",
        "k": kline_fields(interval, candle, is_closed=is_closed),
    }


def _tail(symbol: str) -> Json:
    return {"ps": symbol, "st": _USD_M}
