"""The USD-M exchange together with what its users see around it: prices, funding, candles, tapes, the turn."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from simulator.core.events import MarketTrade, PublicTrade
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle, FeedStep
from simulator.market.intervals import HOUR_MS
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.events import AccountUpdate, AlgoUpdate, FuturesEvent, Liquidated, OrderUpdate
from simulator.um.core.exchange import FuturesExchange
from simulator.um.market.feed import ContractFeed
from simulator.um.wire.listen_keys import ListenKeys
from simulator.um.wire.pricing import Pricing
from simulator.wire.limits import FUTURES_LIMITS, Limits
from simulator.wire.venue import Venue
from simulator.wire.venue_base import VenueBase

KEPT_CANDLES: Final = 1_500
"""Candles kept per contract and interval, and the most the venue gives in one answer."""
_FOLLOWED: Final = 500
"""Candles of each interval that a contract takes over from its spot symbol when it wakes."""
_KEPT_LIQUIDATIONS: Final = 1_000
_OF_ACCOUNTS: Final = (OrderUpdate, AlgoUpdate, AccountUpdate)


class Liquidations:
    """The newest orders of the liquidation engine; `total` counts all there were."""

    def __init__(self) -> None:
        self.total = 0
        self._newest: deque[Liquidated] = deque(maxlen=_KEPT_LIQUIDATIONS)

    def add(self, event: Liquidated) -> None:
        self.total += 1
        self._newest.append(event)

    def since(self, total: int) -> list[Liquidated]:
        """Return what came after there had been `total`, as far as it is kept."""
        return list(self._newest)[-(self.total - total) :] if self.total > total else []


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
        known = {spec.symbol for spec in exchange.contracts}
        for spec in feed.specs.values():
            if spec.symbol not in known:
                exchange.add_contract(spec)
        candles = CandleBook((), keep=KEPT_CANDLES, outage_ms=feed.outage_ms)
        super().__init__(exchange, feed.specs.values(), feed, candles, spot.clocks, limits, spot.faults)
        self.spot, self.feed = spot, feed
        self.listen_keys = ListenKeys(spot.clocks.server_ms)
        self.marks = CandleBook((), keep=KEPT_CANDLES, outage_ms=feed.outage_ms)
        """Candles of the mark prices."""
        self.liquidations = Liquidations()
        self.pricing = Pricing(self)
        self._asleep = {name for name in feed.specs if not feed.is_recorded(name)}
        self.is_awake = len(self._asleep) < len(self.tapes)
        """Whether any contract is played."""
        self._advanced_ms = exchange.market_ms or self.market_ms()
        for name in feed.specs:
            if feed.is_recorded(name):
                self._learn(name, self.market_ms() if base_ms is None else base_ms)

    @property
    def awake(self) -> list[str]:
        """Return the contracts that are played."""
        return [symbol for symbol in self.tapes if symbol not in self._asleep]

    def spec(self, symbol: str) -> ContractSpec:
        """Return the rules in force; -1121 for an unknown contract."""
        return self.exchange.contract(symbol)

    def require(self, symbol: str) -> str:
        """Return the symbol if it is a contract here, and see to it that it is played; -1121 otherwise."""
        super().require(symbol)
        if symbol in self._asleep:
            self.wake(symbol)
        return symbol

    def watch(self, symbol: str) -> None:
        """See to it that what somebody reads is played: one contract, or all."""
        for name in [symbol] if symbol else list(self.symbols):
            self.require(name)

    def wake(self, symbol: str) -> None:
        """Begin to play a contract that follows its spot symbol: its past, a book and its prices."""
        now_ms = self.market_ms()
        self.advance(now_ms)
        price = self.last_price(symbol)
        self._rouse(symbol, now_ms)
        self.lay_out_book(symbol, price)

    def wake_held(self) -> None:
        """Play on what accounts hold or have orders on since an earlier run, from the book and prices it left."""
        exchange = self.exchange
        for account_id in exchange.account_ids:
            held = {position.symbol for position in exchange.positions(account_id) if position.quantity}
            ordered = {order.symbol for order in exchange.open_orders(account_id)}
            waiting = {algo.symbol for algo in exchange.open_algos(account_id)}
            for symbol in (held | ordered | waiting) & self._asleep:
                self._rouse(symbol, self.market_ms())

    def lay_out_book(self, symbol: str, price: int) -> None:
        """Put a book around a price, so that orders meet one before the next print."""
        now_ms, spec = self.market_ms(), self.spec(symbol)
        volume = [candle.volume for candle in self.candles.candles(symbol, "1m", limit=60)]
        model = self.feed.model(symbol, minute_volume=sum(volume) // max(1, len(volume)))
        book = model.after(MarketTrade(symbol, price, spec.lot, now_ms, buyer_is_maker=False))
        self.exchange.set_book(symbol, book.bids, book.asks, now_ms=now_ms)
        self._touch(symbol)
        self.pricing.move(symbol, now_ms)

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
            self.pricing.move_once(trade.symbol, step.time_ms)

    def follow(self, step: FeedStep) -> None:
        """Let one instant of the spot market, already played there, reach the contracts."""
        self.advance(step.time_ms)
        for trade in step.trades:
            if trade.symbol in self._asleep or trade.symbol not in self.tapes:
                continue
            if self.feed.is_recorded(trade.symbol):
                self.pricing.move_once(trade.symbol, step.time_ms)
            else:
                self.play(self.feed.followed(trade))

    def advance(self, now_ms: int) -> None:
        """Let market time pass: countdowns, good-till dates and funding, each at its own moment."""
        funding_ms = (self._advanced_ms // HOUR_MS + 1) * HOUR_MS
        while funding_ms <= now_ms:
            self._pass_time(funding_ms)
            for symbol in self.awake:
                self.pricing.settle(symbol, funding_ms)
            funding_ms += HOUR_MS
        self._pass_time(now_ms)
        for symbol in [it for it in self.awake if self.spec(it).is_open and self.spec(it).delivery_ms <= now_ms]:
            self.settle(symbol)
        self._advanced_ms = max(self._advanced_ms, now_ms)

    def set_contract(self, spec: ContractSpec) -> None:
        """Change rules or status from now on."""
        self.exchange.set_contract(spec)
        self._note_status(spec)

    def settle(self, symbol: str) -> None:
        """End a contract: orders are cancelled, positions closed at the mark price, and it trades no more."""
        self.exchange.settle_contract(symbol, self.market_ms())
        self._note_status(self.spec(symbol))

    def delist(self, symbol: str) -> None:
        """Settle a contract and let it disappear from what can be traded."""
        self.settle(symbol)
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
        elif isinstance(event, Liquidated):
            self.liquidations.add(event)

    def _rouse(self, symbol: str, now_ms: int) -> None:
        self._asleep.discard(symbol)
        self.is_awake = True
        self._learn(symbol, now_ms)

    def _learn(self, symbol: str, until_ms: int) -> None:
        past = _Past(self)
        self.candles.learn(symbol, past, until_ms)
        self.marks.learn(symbol, _MarkPast(past, self.feed), until_ms)
        self.pricing.begin(symbol, until_ms)

    def _pass_time(self, now_ms: int) -> None:
        due_ms = self.exchange.next_deadline_ms()
        if due_ms is not None and due_ms <= now_ms:
            self.exchange.pass_time(now_ms)


class _Past:
    """The past of contracts: recorded, or made of the spot symbols' candles. It lives as long as it is learnt from."""

    def __init__(self, venue: FuturesVenue) -> None:
        self._venue = venue
        self._made: dict[tuple[str, str, int], list[Candle]] = {}

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        if self._venue.feed.is_recorded(symbol):
            return self._venue.feed.history(symbol, interval, end_ms, limit)
        key = symbol, interval, end_ms
        if key not in self._made:
            self._made[key] = self._follow(symbol, interval, end_ms)
        return self._made[key][-limit:] if limit > 0 else []

    def _follow(self, symbol: str, interval: str, end_ms: int) -> list[Candle]:
        contract, basis = self._venue.spec(symbol), self._venue.feed.basis
        last_ms = end_ms - 1
        spot = self._venue.spot.candles.candles(symbol, interval, end_ms=last_ms, limit=_FOLLOWED, now_ms=last_ms)
        return [basis.candle(contract, candle) for candle in spot]


class _MarkPast:
    """The past of mark prices: recorded where it is, else the contract's own."""

    def __init__(self, past: _Past, feed: ContractFeed) -> None:
        self._past, self._feed = past, feed

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        record = self._feed.marks.get(symbol)
        recorded = record.history(interval, end_ms, limit) if record is not None else []
        return recorded or self._past.history(symbol, interval, end_ms, limit)
