"""The USD-M exchange together with what its users see around it: prices, funding, candles, tapes, the turn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from simulator.core.events import MarketTrade, PublicTrade
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle, FeedStep
from simulator.market.intervals import HOUR_MS, SECOND_MS
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.events import AccountUpdate, AlgoUpdate, FuturesEvent, OrderUpdate
from simulator.um.core.exchange import FuturesExchange
from simulator.um.market.feed import ContractFeed
from simulator.um.market.marks import MarkPrice, funding_rate
from simulator.um.market.records import FundingRow
from simulator.wire.limits import FUTURES_LIMITS, Limits
from simulator.wire.venue import Venue
from simulator.wire.venue_base import VenueBase

KEPT_CANDLES: Final = 1_500
"""Candles kept per contract and interval, and the most the venue gives in one answer."""
_KEPT_FUNDING: Final = 1_000
_SAMPLES: Final = 16
"""Moments of an interval at which the basis of a modelled contract is looked at for its funding rate."""
_OF_ACCOUNTS: Final = (OrderUpdate, AlgoUpdate, AccountUpdate)


class FuturesVenue(VenueBase[FuturesExchange, ContractSpec, FuturesEvent]):
    """The USD-M venue beside a spot venue, with its clocks and its faults.

    A contract that follows its spot symbol sleeps until somebody asks for it (`require`): until then it
    prints nothing and costs nothing. Its past is the spot symbol's, so waking later changes no price.
    """

    def __init__(
        self,
        feed: ContractFeed,
        spot: Venue,
        limits: Limits = FUTURES_LIMITS,
        saved: Mapping[str, Any] | None = None,
        base_ms: int | None = None,
    ) -> None:
        """Open the venue, or go on from `saved`, a dump of its exchange.

        `base_ms` is where the past of recorded contracts ends, the market's time if not given; what lies
        between is played or remembered.
        """
        exchange = (
            FuturesExchange(list(feed.specs.values()), listener=self._heard)
            if saved is None
            else FuturesExchange.load(saved, listener=self._heard)
        )
        candles = CandleBook((), keep=KEPT_CANDLES, outage_ms=feed.outage_ms)
        super().__init__(exchange, feed.specs.values(), feed, candles, spot.clocks, limits, spot.faults)
        self.spot, self.feed = spot, feed
        self.marks = CandleBook((), keep=KEPT_CANDLES, outage_ms=feed.outage_ms)
        """Candles of the mark prices."""
        self._pricing = {name: MarkPrice(spec.funding_interval_hours * HOUR_MS) for name, spec in feed.specs.items()}
        self._settled: dict[str, list[FundingRow]] = {name: [] for name in feed.specs}
        self._priced_s: dict[str, int] = dict.fromkeys(feed.specs, -1)
        self._asleep = {name for name in feed.specs if not feed.is_recorded(name)}
        self._advanced_ms = exchange.market_ms or self.market_ms()
        for name in feed.specs:
            if feed.is_recorded(name):
                self._learn(name, self.market_ms() if base_ms is None else base_ms)

    @property
    def is_awake(self) -> bool:
        """Whether any contract is played."""
        return len(self._asleep) < len(self.tapes)

    def is_asleep(self, symbol: str) -> bool:
        return symbol in self._asleep

    def spec(self, symbol: str) -> ContractSpec:
        """Return the rules in force; -1121 for an unknown contract."""
        return self.exchange.contract(symbol)

    def require(self, symbol: str) -> str:
        """Return the symbol if it is a contract here, and see to it that it is played; -1121 otherwise."""
        super().require(symbol)
        if symbol in self._asleep:
            self.wake(symbol)
        return symbol

    def wake(self, symbol: str) -> None:
        """Begin to play a contract that follows its spot symbol: its past, a book and its prices."""
        self._asleep.discard(symbol)
        now_ms = self.market_ms()
        self._learn(symbol, now_ms)
        self.lay_out_book(symbol)

    def lay_out_book(self, symbol: str) -> None:
        """Put a book around the last price, so that orders meet one before the next print."""
        now_ms, spec = self.market_ms(), self.spec(symbol)
        volume = [candle.volume for candle in self.candles.candles(symbol, "1m", limit=60)]
        model = self.feed.model(symbol, minute_volume=sum(volume) // max(1, len(volume)))
        book = model.after(MarketTrade(symbol, self.last_price(symbol), spec.lot, now_ms, False))
        self.exchange.set_book(symbol, book.bids, book.asks, now_ms=now_ms)
        self._touch(symbol)
        self._price(symbol, now_ms)

    def last_price(self, symbol: str) -> int:
        """Return the last trade's price, or what the spot price makes of it before the first trade."""
        if self.feed.is_recorded(symbol):
            return super().last_price(symbol)
        if symbol in self._asleep or not self.exchange.last_price(symbol):
            return self.feed.basis.price(self.spec(symbol), self.spot.last_price(symbol), self.market_ms())
        return self.exchange.last_price(symbol)

    def play(self, step: FeedStep) -> None:
        """Let one instant of a contract happen, and its mark price follow."""
        self.advance(step.time_ms)
        super().play(step)
        for trade in step.trades:
            self._price_once(trade.symbol, step.time_ms)

    def follow(self, step: FeedStep) -> None:
        """Let one instant of the spot market, already played there, reach the contracts."""
        self.advance(step.time_ms)
        for trade in step.trades:
            if trade.symbol in self._asleep or trade.symbol not in self.tapes:
                continue
            if self.feed.is_recorded(trade.symbol):
                self._price_once(trade.symbol, step.time_ms)
            else:
                self.play(self.feed.followed(trade))

    def advance(self, now_ms: int) -> None:
        """Let market time pass: countdowns, good-till dates and funding, each at its own moment."""
        funding_ms = (self._advanced_ms // HOUR_MS + 1) * HOUR_MS
        while funding_ms <= now_ms:
            self._pass_time(funding_ms)
            self._settle_all(funding_ms)
            funding_ms += HOUR_MS
        self._pass_time(now_ms)
        self._advanced_ms = max(self._advanced_ms, now_ms)

    def funding(self, symbol: str) -> Sequence[FundingRow]:
        """Return past settlements, oldest first: the recorded or modelled ones before the start as well."""
        settled = self._settled[symbol]
        first_ms = settled[0].time_ms if settled else self._advanced_ms + 1
        record = self.feed.funding.get(symbol)
        if record is not None:
            past = [self._with_mark(symbol, row) for row in record.rows if row.time_ms < first_ms]
        else:
            past = self._modelled_past(symbol, first_ms)
        return [*past[-_KEPT_FUNDING:], *settled][-_KEPT_FUNDING:]

    def funding_rate(self, symbol: str) -> int:
        """Return the rate last settled (UNIT)."""
        return self._pricing[symbol].rate

    def next_funding_ms(self, symbol: str) -> int:
        return self._pricing[symbol].next_funding_ms(self.market_ms())

    def index_price(self, symbol: str) -> int:
        """Return the price of the spot symbol."""
        return self.spot.last_price(symbol)

    def mark_price(self, symbol: str) -> int:
        return self.exchange.mark_price(symbol) or self.last_price(symbol)

    def set_contract(self, spec: ContractSpec) -> None:
        """Change rules or status from now on."""
        self.exchange.set_contract(spec)
        self._note_status(spec)

    def delist(self, symbol: str) -> None:
        """Cancel every order on a contract, close it and let it disappear from what can be traded."""
        for account_id in self.exchange.account_ids:
            self.exchange.cancel_all(account_id, symbol, self.market_ms())
            self.exchange.cancel_all_algos(account_id, symbol, self.market_ms())
        self.set_contract(replace(self.spec(symbol), status="SETTLING"))
        self.delisted.add(symbol)

    def touched_accounts(self) -> bool:
        """Tell whether an account changed in this turn."""
        return any(isinstance(event, _OF_ACCOUNTS) for event in self._turn)

    def _heard(self, event: FuturesEvent) -> None:
        self._turn.append(event)
        if isinstance(event, PublicTrade):
            self.tapes[event.symbol].add(event)
        elif isinstance(event, OrderUpdate):
            self._touch(event.order.symbol)

    def _learn(self, symbol: str, until_ms: int) -> None:
        self.candles.learn(symbol, _Past(self), until_ms)
        self.marks.learn(symbol, _MarkPast(self), until_ms)
        hours = self.spec(symbol).funding_interval_hours
        self._pricing[symbol].rate = self._rate(symbol, until_ms // (hours * HOUR_MS) * hours * HOUR_MS)

    def wake_held(self) -> None:
        """Play on what accounts hold or have orders on since an earlier run."""
        exchange = self.exchange
        for account_id in exchange.account_ids:
            held = {position.symbol for position in exchange.positions(account_id) if position.quantity}
            ordered = {order.symbol for order in exchange.open_orders(account_id)}
            waiting = {algo.symbol for algo in exchange.open_algos(account_id)}
            for symbol in (held | ordered | waiting) & self._asleep:
                self.wake(symbol)

    def _pass_time(self, now_ms: int) -> None:
        due_ms = self.exchange.next_deadline_ms()
        if due_ms is not None and due_ms <= now_ms:
            self.exchange.pass_time(now_ms)

    def _price_once(self, symbol: str, now_ms: int) -> None:
        """Move the mark price, once a second at most."""
        if now_ms // SECOND_MS != self._priced_s[symbol]:
            self._price(symbol, now_ms)

    def _price(self, symbol: str, now_ms: int) -> None:
        self._priced_s[symbol] = now_ms // SECOND_MS
        index, last = self.index_price(symbol), self.last_price(symbol)
        bids, asks = self.exchange.depth(symbol, 1)
        mid = (bids[0][0] + asks[0][0]) // 2 if bids and asks else last
        mark = self._pricing[symbol].at(now_ms, index=index, mid=mid, last=last)
        record = self.feed.marks.get(symbol)
        if record is not None:
            mark = record.held(mark, now_ms)
        self.exchange.set_mark(symbol, mark, index, now_ms)
        self.marks.add_trade(MarketTrade(symbol, mark, 0, now_ms, False))

    def _settle_all(self, time_ms: int) -> None:
        for symbol, pricing in self._pricing.items():
            hours = self.spec(symbol).funding_interval_hours
            if symbol in self._asleep or time_ms % (hours * HOUR_MS):
                continue
            mark = self._mark_at(symbol, time_ms)
            pricing.rate = self._rate(symbol, time_ms)
            self._settled[symbol] = [
                *self._settled[symbol][1 - _KEPT_FUNDING :],
                FundingRow(time_ms, pricing.rate, mark),
            ]
            self.exchange.settle_funding(symbol, pricing.rate, mark, time_ms)

    def _mark_at(self, symbol: str, time_ms: int) -> int:
        record = self.feed.marks.get(symbol)
        recorded = record.opening(time_ms) if record is not None else None
        return recorded or self.mark_price(symbol)

    def _rate(self, symbol: str, time_ms: int) -> int:
        """Return the recorded rate of a moment, else the one the premium of the interval before makes."""
        hours = self.spec(symbol).funding_interval_hours
        record = self.feed.funding.get(symbol)
        recorded = record.rate(time_ms, hours * HOUR_MS // 2 - 1) if record is not None else None
        if recorded is not None:
            return recorded
        return funding_rate(self._premiums(symbol, time_ms - hours * HOUR_MS, time_ms), hours)

    def _premiums(self, symbol: str, from_ms: int, to_ms: int) -> list[int]:
        """Return the premium over the index at the minutes' closes of a stretch, as fractions scaled by UNIT."""
        if not self.feed.is_recorded(symbol):
            times = range(from_ms, to_ms, (to_ms - from_ms) // _SAMPLES)
            return [self.feed.basis.ppm(symbol, time_ms) * 100 for time_ms in times]
        own = {candle.open_ms: candle.close for candle in self._minutes(self.candles, symbol, from_ms, to_ms)}
        index = {candle.open_ms: candle.close for candle in self._minutes(self.spot.candles, symbol, from_ms, to_ms)}
        return [(own[at] - index[at]) * 10**8 // index[at] for at in own.keys() & index.keys()]

    @staticmethod
    def _minutes(book: CandleBook, symbol: str, from_ms: int, to_ms: int) -> list[Candle]:
        return book.candles(symbol, "1m", start_ms=from_ms, end_ms=to_ms - 1, limit=KEPT_CANDLES)

    def _with_mark(self, symbol: str, row: FundingRow) -> FundingRow:
        record = self.feed.marks.get(symbol)
        return replace(row, mark=(record.opening(row.time_ms) or 0) if record is not None else 0)

    def _modelled_past(self, symbol: str, until_ms: int) -> list[FundingRow]:
        if self.feed.is_recorded(symbol):
            return []
        step_ms = self.spec(symbol).funding_interval_hours * HOUR_MS
        newest = (until_ms - 1) // step_ms
        return [FundingRow(at * step_ms, self._rate(symbol, at * step_ms)) for at in range(newest - 99, newest + 1)]


class _Past:
    """The past of contracts: recorded, or made of the spot symbols' candles."""

    def __init__(self, venue: FuturesVenue) -> None:
        self._venue = venue

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        feed, spot = self._venue.feed, self._venue.spot
        if feed.is_recorded(symbol):
            return feed.history(symbol, interval, end_ms, limit)
        found = spot.candles.candles(symbol, interval, end_ms=end_ms - 1, limit=limit, now_ms=end_ms - 1)
        contract = self._venue.spec(symbol)
        return [feed.basis.candle(contract, candle) for candle in found]


class _MarkPast(_Past):
    """The past of mark prices: recorded where it is, else the contract's own."""

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        record = self._venue.feed.marks.get(symbol)
        recorded = record.history(interval, end_ms, limit) if record is not None else []
        return recorded or super().history(symbol, interval, end_ms, limit)
