"""Payloads of the market streams, and what each periodic stream remembers between two frames."""

from collections.abc import Callable, Iterator
from typing import Protocol

from simulator.core.events import PublicTrade
from simulator.market.feed import Candle
from simulator.market.intervals import interval_bounds
from simulator.wire.market_data import aggregate_row, best_levels, depth_sides, levels, mean_price
from simulator.wire.numbers import render, render_money
from simulator.wire.tape import AggregateTrade
from simulator.wire.tickers import mini_ticker_event, ticker_event
from simulator.wire.topics import Topic, TopicKind
from simulator.wire.venue import Venue

Json = dict[str, object]
_WHOLE_BOOK = 5_000
_MAX_CLOSED = 1_000


def trade(event: PublicTrade) -> Json:
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


def aggregate(symbol: str, event: AggregateTrade) -> Json:
    return {"e": "aggTrade", "E": event.time_ms, "s": symbol, **aggregate_row(event)}


class Source(Protocol):
    """Makes the frames of one stream."""

    def due(self, now_ms: int) -> Iterator[object]:
        """Yield what must be sent by `now_ms` of the cadence's clock; nothing if nothing changed."""
        ...


def open_source(venue: Venue, topic: Topic, now_ms: int) -> Source | None:
    """Return what makes a stream's frames; None for streams fed by events alone."""
    kind, symbol = topic.kind, topic.symbol
    if kind is TopicKind.KLINE:
        return _Klines(venue, topic, now_ms)
    if kind is TopicKind.BOOK_TICKER:
        return _BookTicker(venue, symbol)
    if kind is TopicKind.DEPTH:
        return _DepthDiff(venue, topic, now_ms)
    if kind is TopicKind.PARTIAL_DEPTH:
        return _Periodic(venue, topic, now_ms, lambda: _partial_depth(venue, topic))
    if kind is TopicKind.MINI_TICKER:
        return _Periodic(venue, topic, now_ms, lambda: mini_ticker_event(venue, symbol))
    if kind is TopicKind.TICKER:
        return _Periodic(venue, topic, now_ms, lambda: ticker_event(venue, symbol))
    if kind is TopicKind.AVERAGE_PRICE:
        return _Periodic(venue, topic, now_ms, lambda: _average_price(venue, symbol))
    if kind is TopicKind.ALL_MINI_TICKERS:
        return _AllMiniTickers(venue, topic, now_ms)
    return None


class _Pace:
    """Says when a period has passed since the last frame."""

    def __init__(self, period_ms: int, now_ms: int) -> None:
        self._period_ms, self._last_ms = period_ms, now_ms - period_ms

    def is_due(self, now_ms: int) -> bool:
        return now_ms - self._last_ms >= self._period_ms

    def sent(self, now_ms: int) -> None:
        self._last_ms = now_ms


class _Periodic:
    """One payload per period, if the symbol's book or trades changed."""

    def __init__(self, venue: Venue, topic: Topic, now_ms: int, make: Callable[[], Json]) -> None:
        self._venue, self._symbol, self._make = venue, topic.symbol, make
        self._pace = _Pace(topic.period_ms, now_ms)
        self._seen = 0

    def due(self, now_ms: int) -> Iterator[Json]:
        current = self._venue.book_ids[self._symbol]
        if current != self._seen and self._pace.is_due(now_ms):
            self._seen = current
            self._pace.sent(now_ms)
            yield self._make()


class _AllMiniTickers:
    """The mini tickers of all symbols that changed within the period."""

    def __init__(self, venue: Venue, topic: Topic, now_ms: int) -> None:
        self._venue = venue
        self._pace = _Pace(topic.period_ms, now_ms)
        self._seen: dict[str, int] = {}

    def due(self, now_ms: int) -> Iterator[list[Json]]:
        if not self._pace.is_due(now_ms):
            return
        current = self._venue.book_ids
        changed = [symbol for symbol in current if current[symbol] != self._seen.get(symbol)]
        if changed:
            self._seen = dict(current)
            self._pace.sent(now_ms)
            yield [mini_ticker_event(self._venue, symbol) for symbol in changed]


class _BookTicker:
    """Best prices, whenever one of their four numbers changes."""

    def __init__(self, venue: Venue, symbol: str) -> None:
        self._venue, self._symbol = venue, symbol
        self._last: object = None

    def due(self, _now_ms: int) -> Iterator[Json]:
        best = best_levels(self._venue, self._symbol)
        if best == self._last:
            return
        self._last = best
        (bid, bid_quantity), (ask, ask_quantity) = best
        yield {
            "u": self._venue.book_ids[self._symbol],
            "s": self._symbol,
            "b": render(bid),
            "B": render(bid_quantity),
            "a": render(ask),
            "A": render(ask_quantity),
        }


class _DepthDiff:
    """Levels touched since the last frame; `U` continues where the last frame's `u` ended.

    Every change of the book is looked at, sent or not: a level that came and went between two frames
    must be named too, for whoever took a snapshot in between.
    """

    def __init__(self, venue: Venue, topic: Topic, now_ms: int) -> None:
        self._venue, self._symbol = venue, topic.symbol
        self._pace = _Pace(topic.period_ms, now_ms)
        self._last_id = self._seen_id = venue.book_ids[topic.symbol]
        self._sides = self._current()
        self._changed: tuple[dict[int, None], dict[int, None]] = ({}, {})

    def due(self, now_ms: int) -> Iterator[Json]:
        self._look()
        if not any(self._changed) or not self._pace.is_due(now_ms):
            return
        self._pace.sent(now_ms)
        first, self._last_id = self._last_id + 1, self._seen_id
        bids, asks = (
            levels([(price, side.get(price, 0)) for price in changed])
            for side, changed in zip(self._sides, self._changed, strict=True)
        )
        self._changed = ({}, {})
        event_ms = self._venue.market_ms()
        yield {
            "e": "depthUpdate",
            "E": event_ms,
            "s": self._symbol,
            "U": first,
            "u": self._last_id,
            "b": bids,
            "a": asks,
        }

    def _look(self) -> None:
        current_id = self._venue.book_ids[self._symbol]
        if current_id == self._seen_id:
            return
        self._seen_id = current_id
        before, self._sides = self._sides, self._current()
        for old, new, changed in zip(before, self._sides, self._changed, strict=True):
            changed.update(dict.fromkeys(price for price in old if price not in new))
            changed.update(dict.fromkeys(price for price, size in new.items() if old.get(price) != size))

    def _current(self) -> tuple[dict[int, int], dict[int, int]]:
        bids, asks = self._venue.exchange.depth(self._symbol, _WHOLE_BOOK)
        return dict(bids), dict(asks)


def _partial_depth(venue: Venue, topic: Topic) -> Json:
    return {
        "lastUpdateId": venue.book_ids[topic.symbol],
        **depth_sides(venue, topic.symbol, topic.levels),
    }


def _average_price(venue: Venue, symbol: str) -> Json:
    now_ms = venue.market_ms()
    return {
        "e": "avgPrice",
        "E": now_ms,
        "s": symbol,
        "i": f"{venue.spec(symbol).avg_price_mins}m",
        "w": render(mean_price(venue, symbol)),
        "T": now_ms,
    }


class _Klines:
    """The open candle once per period, and every candle that ended with `x` true."""

    def __init__(self, venue: Venue, topic: Topic, now_ms: int) -> None:
        self._venue, self._topic = venue, topic
        self._pace = _Pace(topic.period_ms, now_ms)
        self._open_ms, self._close_ms = interval_bounds(topic.interval, venue.market_ms())
        self._seen = 0

    def due(self, now_ms: int) -> Iterator[Json]:
        market_ms = self._venue.market_ms()
        if market_ms > self._close_ms:
            yield from self._closed(market_ms)
        current = self._venue.book_ids[self._topic.symbol]
        if current == self._seen or not self._pace.is_due(now_ms):
            return
        running = self._venue.candles.current(self._topic.symbol, self._topic.interval)
        if running is not None and running.open_ms == self._open_ms:
            self._seen = current
            self._pace.sent(now_ms)
            yield self._frame(running, market_ms, is_closed=False)

    def _closed(self, market_ms: int) -> Iterator[Json]:
        ended = self._venue.candles.candles(
            self._topic.symbol,
            self._topic.interval,
            start_ms=self._open_ms,
            end_ms=market_ms,
            limit=_MAX_CLOSED,
            now_ms=market_ms,
        )
        self._open_ms, self._close_ms = interval_bounds(self._topic.interval, market_ms)
        for candle in ended:
            if candle.close_ms < market_ms:
                yield self._frame(candle, market_ms, is_closed=True)

    def _frame(self, candle: Candle, market_ms: int, *, is_closed: bool) -> Json:
        symbol = self._topic.symbol
        return {
            "e": "kline",
            "E": market_ms,
            "s": symbol,
            "k": {
                "t": candle.open_ms,
                "T": candle.close_ms,
                "s": symbol,
                "i": self._topic.interval,
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
            },
        }
