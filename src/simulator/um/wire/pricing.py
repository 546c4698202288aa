"""Mark, index and funding of the contracts of one venue (protocol section 4)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from simulator.core.events import MarketTrade
from simulator.core.symbols import UNIT
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle
from simulator.market.intervals import HOUR_MS, SECOND_MS
from simulator.um.market.marks import MarkPrice, funding_rate
from simulator.um.market.records import FundingRow

if TYPE_CHECKING:
    from simulator.um.wire.venue import FuturesVenue

_KEPT_ROWS: Final = 1_000
_MODELLED_ROWS: Final = 100
_SAMPLES: Final = 16
"""Moments of an interval at which the basis of a modelled contract is looked at for its funding rate."""
_DAY_OF_MINUTES: Final = 1_440
_PPM: Final = 1_000_000


class Pricing:
    """Follows the contracts' prices. Prices and rates are scaled by UNIT (a rate of 0.0001 is 10_000)."""

    def __init__(self, venue: "FuturesVenue") -> None:
        self._venue, self._feed = venue, venue.feed
        self._intervals = {name: spec.funding_interval_hours * HOUR_MS for name, spec in venue.feed.specs.items()}
        self._models = {name: MarkPrice(interval_ms) for name, interval_ms in self._intervals.items()}
        self._settled: dict[str, list[FundingRow]] = {name: [] for name in self._models}
        self._priced_s: dict[str, int] = {}
        self._modelled: dict[tuple[str, int], int] = {}

    def begin(self, symbol: str, until_ms: int) -> None:
        """Take the rate settled last before a contract's start; its candles are known by then."""
        interval_ms = self._intervals[symbol]
        self._models[symbol].rate = self._rate_at(symbol, until_ms // interval_ms * interval_ms)

    def rate(self, symbol: str) -> int:
        """Return the rate last settled."""
        return self._models[symbol].rate

    def next_funding_ms(self, symbol: str) -> int:
        return self._models[symbol].next_funding_ms(self._venue.market_ms())

    def index(self, symbol: str) -> int:
        """Return the price of the spot symbol."""
        return self._venue.spot.last_price(symbol)

    def mark(self, symbol: str) -> int:
        return self._venue.exchange.mark_price(symbol) or self._venue.last_price(symbol)

    def move_once(self, symbol: str, now_ms: int) -> None:
        """Move the mark price, once a second at most."""
        if now_ms // SECOND_MS != self._priced_s.get(symbol):
            self.move(symbol, now_ms)

    def move(self, symbol: str, now_ms: int) -> None:
        """Set mark and index as they are by now; liquidations and triggers follow."""
        self._priced_s[symbol] = now_ms // SECOND_MS
        venue = self._venue
        index, last = self.index(symbol), venue.last_price(symbol)
        bids, asks = venue.exchange.depth(symbol, 1)
        mid = (bids[0][0] + asks[0][0]) // 2 if bids and asks else last
        mark = self._models[symbol].at(now_ms, index=index, mid=mid, last=last)
        record = self._feed.marks.get(symbol)
        if record is not None:
            mark = record.held(mark, now_ms)
        venue.exchange.set_mark(symbol, mark, index, now_ms)
        venue.marks.add_trade(MarketTrade(symbol, mark, 0, now_ms, buyer_is_maker=False))

    def settle(self, symbol: str, time_ms: int) -> None:
        """Settle funding if the contract's interval ends at this whole hour."""
        if time_ms % self._intervals[symbol]:
            return
        rate, mark = self._rate_at(symbol, time_ms), self._recorded_mark(symbol, time_ms) or self.mark(symbol)
        self._models[symbol].rate = rate
        self._settled[symbol] = [*self._settled[symbol], FundingRow(time_ms, rate, mark)][-_KEPT_ROWS:]
        self._venue.exchange.settle_funding(symbol, rate, mark, time_ms)

    def history(self, symbol: str, now_ms: int) -> Sequence[FundingRow]:
        """Return past settlements, oldest first, those before the start as well: recorded, or modelled."""
        settled = self._settled[symbol]
        first_ms = settled[0].time_ms if settled else now_ms + 1
        record = self._feed.funding.get(symbol)
        if record is not None:
            past = [row for row in record.rows if row.time_ms < first_ms][-_KEPT_ROWS:]
            past = [replace(row, mark=self._recorded_mark(symbol, row.time_ms) or 0) for row in past]
        elif self._feed.is_recorded(symbol):
            past = []
        else:
            interval_ms = self._intervals[symbol]
            last = (first_ms - 1) // interval_ms
            times = [number * interval_ms for number in range(last + 1 - _MODELLED_ROWS, last + 1)]
            past = [FundingRow(time_ms, self._rate_at(symbol, time_ms)) for time_ms in times]
        return [*past, *settled][-_KEPT_ROWS:]

    def _recorded_mark(self, symbol: str, time_ms: int) -> int | None:
        record = self._feed.marks.get(symbol)
        return record.opening(time_ms) if record is not None else None

    def _rate_at(self, symbol: str, time_ms: int) -> int:
        """Return the recorded rate of a moment, else the one the premium of the interval before makes."""
        interval_ms = self._intervals[symbol]
        record = self._feed.funding.get(symbol)
        recorded = record.rate(time_ms, interval_ms // 2 - 1) if record is not None else None
        if recorded is not None:
            return recorded
        key = symbol, time_ms
        if key not in self._modelled:
            premiums = self._premiums(symbol, time_ms - interval_ms, time_ms)
            self._modelled[key] = funding_rate(premiums, interval_ms // HOUR_MS)
        return self._modelled[key]

    def _premiums(self, symbol: str, from_ms: int, to_ms: int) -> list[int]:
        """Return premiums over the index in a stretch, as fractions: at its minutes' closes, or as modelled."""
        if not self._feed.is_recorded(symbol):
            times = range(from_ms, to_ms, (to_ms - from_ms) // _SAMPLES)
            return [self._feed.basis.ppm(symbol, time_ms) * UNIT // _PPM for time_ms in times]
        own, index = (
            {candle.open_ms: candle.close for candle in self._minutes(book, symbol, from_ms, to_ms)}
            for book in (self._venue.candles, self._venue.spot.candles)
        )
        return [(own[at] - index[at]) * UNIT // index[at] for at in own.keys() & index.keys()]

    @staticmethod
    def _minutes(book: CandleBook, symbol: str, from_ms: int, to_ms: int) -> list[Candle]:
        return book.candles(symbol, "1m", start_ms=from_ms, end_ms=to_ms - 1, limit=_DAY_OF_MINUTES)
