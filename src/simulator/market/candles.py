"""Candles and 24 h figures of all symbols of a market, fed with its prints."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, Self

from simulator.core.events import MarketTrade
from simulator.market.feed import Candle, ClosedCandle, MarketError, MarketPast, Past
from simulator.market.intervals import DAY_MS, DURATION_MS, HOUR_MS, INTERVALS, interval_bounds
from simulator.market.ladder import IntervalLadder
from simulator.market.running import flat_candle
from simulator.market.stats import DayTicker

DEFAULT_KEEP: Final = 1_000
"""Candles kept per symbol and interval, and the most Binance gives in one answer."""
_FAR_MS: Final = 2**62
_DAY_INTERVALS: Final = tuple(i for i in INTERVALS if DURATION_MS["1m"] <= DURATION_MS[i] <= DAY_MS)


class CandleBook:
    """Candles of every interval per symbol; every ring holds `keep` of them, so memory is bounded.

    A silence up to `outage_ms` is a quiet market and shows as flat candles without volume, as on Binance;
    a longer one is a hole in the data and stays one.
    """

    def __init__(self, symbols: Iterable[str], *, keep: int = DEFAULT_KEEP, outage_ms: int = HOUR_MS) -> None:
        self._keep = keep
        self._outage_ms = outage_ms
        self._ladders = {symbol: IntervalLadder(keep) for symbol in symbols}

    @classmethod
    def of_feed(cls, feed: MarketPast, *, end_ms: int | None = None, keep: int = DEFAULT_KEEP) -> Self:
        """Return a book that knows the feed's past up to `end_ms` (the feed's start if not given)."""
        book = cls(feed.symbols, keep=keep, outage_ms=feed.outage_ms)
        until_ms = feed.start_ms if end_ms is None else end_ms
        for symbol in feed.symbols:
            book.learn(symbol, feed, until_ms)
        return book

    def learn(self, symbol: str, past: Past, until_ms: int) -> None:
        """Take a symbol's whole past up to `until_ms`, before its first print."""
        self.add_symbol(symbol)
        for interval in INTERVALS:
            self.seed(symbol, interval, past.history(symbol, interval, until_ms, self._keep), until_ms)
        self.seed_day(symbol, _past_day(past, symbol, until_ms))

    def add_symbol(self, symbol: str) -> None:
        self._ladders.setdefault(symbol, IntervalLadder(self._keep))

    def seed(self, symbol: str, interval: str, candles: Sequence[Candle], start_ms: int) -> None:
        """Take the past of one interval; from the finest interval to the coarsest, before any print."""
        self._of(symbol).seed(interval, candles, start_ms)

    def seed_day(self, symbol: str, candles: Iterable[Candle]) -> None:
        """Take the 24 hours before the start as candles of any one interval, without an open minute."""
        stats = self._of(symbol).stats
        for candle in candles:
            stats.absorb(candle)

    def add_trade(self, trade: MarketTrade, trade_id: int = -1) -> None:
        """Count one print. Prints come in time order; a late one counts in the running second."""
        self._of(trade.symbol).add(trade, trade_id)

    def close_candle(self, closed: ClosedCandle) -> None:
        """Take over a recorded candle's figures (quote volume, count, taker part) after its last print."""
        self._of(closed.symbol).settle(closed)

    def candles(
        self,
        symbol: str,
        interval: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
        now_ms: int | None = None,
    ) -> list[Candle]:
        """Return candles whose open time lies in [start_ms, end_ms], oldest first.

        With `start_ms` the first `limit` from there, else the last `limit`. Given the market's `now_ms`,
        quiet intervals up to now appear as flat candles. The last row may still be open.

        Raises:
            MarketError: for an unknown symbol or interval.
        """
        interval_bounds(interval, 0)
        stored = self._of(symbol).candles(interval)
        dense = _Dense(interval, stored, self._outage_ms, now_ms)
        until_ms = _FAR_MS if end_ms is None else end_ms
        if start_ms is None:
            return dense.last(until_ms, limit)
        return dense.first(start_ms, until_ms, limit)

    def current(self, symbol: str, interval: str) -> Candle | None:
        """Return the newest candle, open or just ended; None before the first print."""
        interval_bounds(interval, 0)
        return self._of(symbol).newest(interval)

    def day(self, symbol: str, now_ms: int) -> DayTicker:
        """Return the rolling 24 h figures at market time `now_ms`."""
        ladder = self._of(symbol)
        return ladder.stats.ticker(now_ms, ladder.tail("1m"), last_qty=ladder.last_qty)

    def _of(self, symbol: str) -> IntervalLadder:
        ladder = self._ladders.get(symbol)
        if ladder is None:
            raise MarketError(f"symbol {symbol!r} is not on this market; it has {', '.join(self._ladders)}")
        return ladder


class _Dense:
    """Stored candles with the quiet intervals between them filled in."""

    def __init__(self, interval: str, stored: list[Candle], outage_ms: int, now_ms: int | None) -> None:
        self._interval = interval
        self._stored = stored
        self._outage_ms = outage_ms
        self._now_ms = now_ms

    def first(self, start_ms: int, end_ms: int, limit: int) -> list[Candle]:
        at = max(0, bisect_left(self._stored, start_ms, key=_open_ms) - 1)
        wanted = (candle for candle in self._from(at) if start_ms <= candle.open_ms <= end_ms)
        return list(islice(wanted, limit))

    def last(self, end_ms: int, limit: int) -> list[Candle]:
        found: list[Candle] = []
        for at in range(bisect_right(self._stored, end_ms, key=_open_ms) - 1, -1, -1):
            found.extend(candle for candle in reversed(self._flats_after(at)) if candle.open_ms <= end_ms)
            found.append(self._stored[at])
            if len(found) >= limit:
                break
        return found[:limit][::-1]

    def _from(self, at: int) -> Iterator[Candle]:
        for index in range(at, len(self._stored)):
            yield self._stored[index]
            yield from self._flats_after(index)

    def _flats_after(self, at: int) -> list[Candle]:
        before = self._stored[at]
        open_ms = before.close_ms + 1
        if at + 1 < len(self._stored):
            until_ms = self._stored[at + 1].open_ms
        else:
            until_ms = open_ms if self._now_ms is None else self._now_ms + 1
        flats: list[Candle] = []
        if until_ms - open_ms > self._outage_ms:
            return flats
        while open_ms < until_ms:
            _, close_ms = interval_bounds(self._interval, open_ms)
            flats.append(flat_candle(open_ms, close_ms, before.close))
            open_ms = close_ms + 1
        return flats


def _open_ms(candle: Candle) -> int:
    return candle.open_ms


def _past_day(feed: Past, symbol: str, until_ms: int) -> list[Candle]:
    """The candles of the last 24 hours, each stretch at the finest resolution that reaches it."""
    known: list[Candle] = []
    for interval in _DAY_INTERVALS:
        begins_ms = known[0].open_ms if known else until_ms
        if begins_ms <= until_ms - DAY_MS:
            break
        past = feed.history(symbol, interval, until_ms, DAY_MS // DURATION_MS[interval] + 1)
        known = [candle for candle in past if candle.close_ms < begins_ms] + known
    # An open minute reaches the statistics when it closes; without minutes nothing else would bring it.
    if not feed.history(symbol, "1m", until_ms, 1):
        newest = (feed.history(symbol, interval, until_ms, 1) for interval in _DAY_INTERVALS)
        known += next((past for past in newest if past and past[-1].close_ms >= until_ms), [])
    return known
