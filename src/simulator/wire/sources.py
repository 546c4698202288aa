"""What streams remember between two frames; the payloads are each market's own."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

from simulator.core.events import PublicTrade
from simulator.market.feed import Candle, Level
from simulator.market.intervals import SECOND_MS, interval_bounds
from simulator.market.running import flat_candle
from simulator.wire.tape import AggregateTrade
from simulator.wire.topics import Topic
from simulator.wire.venue_base import AnyVenue

Json = dict[str, object]
Best = tuple[Level, Level]
_WHOLE_BOOK = 5_000
_MAX_CLOSED = 1_000


class Source(Protocol):
    """Makes the frames of one stream."""

    def due(self, now_ms: int) -> Iterator[object]:
        """Yield what must be sent by `now_ms` of the cadence's clock; nothing if nothing changed."""
        ...


class Dialect(Protocol):
    """How one market names its streams and what they say."""

    def parse(self, name: str) -> Topic | None:
        """Return the stream of that name, None for names that only stay silent."""
        ...

    def trade(self, event: PublicTrade) -> Json: ...
    def aggregate(self, symbol: str, event: AggregateTrade) -> Json: ...

    def open(self, topic: Topic, now_ms: int) -> Source | None:
        """Return what makes a stream's frames; None for streams fed by events alone."""
        ...


class _Pace:
    """Says when a period has passed since the last frame."""

    def __init__(self, period_ms: int, now_ms: int) -> None:
        self._period_ms, self._last_ms = period_ms, now_ms - period_ms

    def is_due(self, now_ms: int) -> bool:
        return now_ms - self._last_ms >= self._period_ms

    def sent(self, now_ms: int) -> None:
        self._last_ms = now_ms


class Paced:
    """Whatever `make` yields, once per period."""

    def __init__(self, topic: Topic, now_ms: int, make: Callable[[], Iterator[object]]) -> None:
        self._make = make
        self._pace = _Pace(topic.period_ms, now_ms)

    def due(self, now_ms: int) -> Iterator[object]:
        if self._pace.is_due(now_ms):
            self._pace.sent(now_ms)
            yield from self._make()


class Periodic:
    """One payload per period, if the symbol's book or trades changed."""

    def __init__(self, venue: AnyVenue, topic: Topic, now_ms: int, make: Callable[[], Json]) -> None:
        self._venue, self._symbol, self._make = venue, topic.symbol, make
        self._pace = _Pace(topic.period_ms, now_ms)
        self._seen = 0

    def due(self, now_ms: int) -> Iterator[Json]:
        current = self._venue.book_ids[self._symbol]
        if current != self._seen and self._pace.is_due(now_ms):
            self._seen = current
            self._pace.sent(now_ms)
            yield self._make()


class AllChanged:
    """What `make` returns of all symbols that changed within the period."""

    def __init__(self, venue: AnyVenue, topic: Topic, now_ms: int, make: Callable[[Sequence[str]], list[Json]]) -> None:
        self._venue, self._make = venue, make
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
            yield self._make(changed)


class BestPrices:
    """Best prices, whenever one of their four numbers changes."""

    def __init__(self, venue: AnyVenue, symbol: str, make: Callable[[Best], Json]) -> None:
        self._venue, self._symbol, self._make = venue, symbol, make
        self._last: Best | None = None

    def due(self, _now_ms: int) -> Iterator[Json]:
        best = best_levels(self._venue, self._symbol)
        if best == self._last:
            return
        self._last = best
        yield self._make(best)


def best_levels(venue: AnyVenue, symbol: str) -> Best:
    """Return best bid and ask with their quantities; zeros for an empty side."""
    bids, asks = venue.exchange.depth(symbol, 1)
    return (bids[0] if bids else (0, 0)), (asks[0] if asks else (0, 0))


class DepthChange(NamedTuple):
    """Levels that changed since the update `previous_id`, up to `last_id`; 0 stands for a level that went."""

    previous_id: int
    last_id: int
    bids: list[Level]
    asks: list[Level]


class DepthDiff:
    """Levels touched since the last frame, which ended where this one begins.

    Every change of the book is looked at, sent or not: a level that came and went between two frames
    must be named too, for whoever took a snapshot in between.
    """

    def __init__(self, venue: AnyVenue, topic: Topic, now_ms: int, make: Callable[[DepthChange], Json]) -> None:
        self._venue, self._symbol, self._make = venue, topic.symbol, make
        self._pace = _Pace(topic.period_ms, now_ms)
        self._last_id = self._seen_id = venue.book_ids[topic.symbol]
        self._sides = self._current()
        self._changed: tuple[dict[int, None], dict[int, None]] = ({}, {})

    def due(self, now_ms: int) -> Iterator[Json]:
        self._look()
        if not any(self._changed) or not self._pace.is_due(now_ms):
            return
        self._pace.sent(now_ms)
        previous, self._last_id = self._last_id, self._seen_id
        bids, asks = (
            [(price, side.get(price, 0)) for price in changed]
            for side, changed in zip(self._sides, self._changed, strict=True)
        )
        self._changed = ({}, {})
        yield self._make(DepthChange(previous, self._last_id, bids, asks))

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


MakeKline = Callable[[Candle, int, bool], Json]
"""Makes a frame of a candle at a market time; the flag says whether it is closed."""


class Klines:
    """The open candle once per period, and every candle that ended, as closed."""

    def __init__(self, venue: AnyVenue, topic: Topic, now_ms: int, make: MakeKline) -> None:
        self._venue, self._topic, self._make = venue, topic, make
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
            yield self._make(running, market_ms, False)

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
                yield self._make(candle, market_ms, True)


class Seconds:
    """Every second's candle as soon as it has ended, traded in or not: one frame a second of market time.

    Binance documents 1000 ms, and tells of intervals without a trade with `n` 0 and ids of -1. A trade that a live
    market brings only after its second was told has that second told once more.
    """

    def __init__(self, venue: AnyVenue, topic: Topic, make: MakeKline) -> None:
        self._venue, self._symbol, self._interval, self._make = venue, topic.symbol, topic.interval, make
        market_ms = venue.market_ms()
        self._next_ms = market_ms - market_ms % SECOND_MS
        past = venue.candles.current(topic.symbol, topic.interval)
        self._close = None if past is None else past.close
        self._last_id = -1 if past is None or past.open_ms >= self._next_ms else past.last_trade_id

    def due(self, _now_ms: int) -> Iterator[Json]:
        market_ms = self._venue.market_ms()
        end_ms = market_ms - market_ms % SECOND_MS
        if end_ms <= self._next_ms:
            return
        from_ms, self._next_ms = max(self._next_ms, end_ms - _MAX_CLOSED * SECOND_MS), end_ms
        traded = self._traded(from_ms, end_ms)
        for open_ms in sorted({*traded, *range(from_ms, end_ms, SECOND_MS)}):
            candle = traded.get(open_ms)
            if candle is None and self._close is not None:
                candle = flat_candle(open_ms, open_ms + SECOND_MS - 1, self._close)
            if candle is not None:
                self._close, self._last_id = candle.close, max(self._last_id, candle.last_trade_id)
                yield self._make(candle, market_ms, True)

    def _traded(self, from_ms: int, end_ms: int) -> dict[int, Candle]:
        """Return the candles of [from_ms, end_ms) by their beginning, up to the last one with trades; or a late one."""
        candles = self._venue.candles
        newest = candles.current(self._symbol, self._interval)
        if newest is None:
            return {}
        if newest.open_ms < from_ms:  # the usual case of a quiet market: nothing to look for
            return {newest.open_ms: newest} if newest.last_trade_id > self._last_id else {}
        found = candles.candles(self._symbol, self._interval, start_ms=from_ms, end_ms=end_ms - 1, limit=_MAX_CLOSED)
        return {candle.open_ms: candle for candle in found}
