"""The exchange together with what its users see around it: clocks, tape, candles, stale views."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from simulator.core.events import ExchangeEvent, MarketTrade, OrderChanged, PublicTrade
from simulator.core.exchange import Exchange
from simulator.core.symbols import SymbolSpec
from simulator.faults.board import FaultBoard
from simulator.market.candles import CandleBook
from simulator.market.feed import FeedStep, MarketPast
from simulator.wire.errors import bad_symbol
from simulator.wire.limits import Limits, OrderCounter
from simulator.wire.tape import Tape


@dataclass(frozen=True, slots=True)
class Clocks:
    """Server time governs signatures, limits and sockets; market time everything that trades."""

    server_ms: Callable[[], int]
    market_ms: Callable[[], int]


class Venue:
    """One spot venue. Whatever changes it leaves its events in the turn, which `take_turn` ends."""

    def __init__(
        self,
        market: MarketPast,
        candles: CandleBook,
        clocks: Clocks,
        limits: Limits,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        """Open the venue, or go on from `saved`, a dump of its exchange."""
        self.exchange = (
            Exchange.load(saved, listener=self._heard)
            if saved is not None
            else Exchange(list(market.specs.values()), listener=self._heard)
        )
        self.market, self.candles, self.clocks, self.limits = market, candles, clocks, limits
        self.order_counter = OrderCounter(limits)
        self.faults = FaultBoard()
        names = [spec.symbol for spec in self.exchange.symbols]
        self.tapes: dict[str, Tape] = {symbol: Tape() for symbol in names}
        self.book_ids: dict[str, int] = dict.fromkeys(names, 1)
        self.delisted: set[str] = set()
        self._standing = {spec.symbol for spec in self.exchange.symbols if not spec.is_open}
        self._turn: list[ExchangeEvent] = []
        self._touched: set[str] = set()

    @property
    def symbols(self) -> Iterable[str]:
        """Return what is listed."""
        return [symbol for symbol in self.tapes if symbol not in self.delisted]

    def market_ms(self) -> int:
        return self.clocks.market_ms()

    def spec(self, symbol: str) -> SymbolSpec:
        """Return the filters in force; -1121 for an unknown symbol."""
        return self.exchange.symbol(symbol)

    def require(self, symbol: str) -> str:
        """Return the symbol if it trades here, or did; -1121 otherwise."""
        if symbol not in self.tapes:
            raise bad_symbol()
        return symbol

    def last_price(self, symbol: str) -> int:
        """Return the last trade's price, or the past's last one before the first trade."""
        return self.exchange.last_price(symbol) or self.market.last_price(symbol)

    def play(self, step: FeedStep) -> None:
        """Let one instant of the market happen; symbols that are not open for trading stand still."""
        if self._standing:
            step = _without(step, self._standing)
        for trade in step.trades:
            self.print_trade(trade)
        if step.book is not None:
            self.exchange.set_book(step.book.symbol, step.book.bids, step.book.asks, now_ms=step.time_ms)
            self._touch(step.book.symbol)
        if step.candle is not None:
            self.candles.close_candle(step.candle)

    def remember(self, step: FeedStep) -> None:
        """Count a step that an earlier run has played: in the candles, and nowhere else."""
        for trade in step.trades:
            self.candles.add_trade(trade)
        if step.candle is not None:
            self.candles.close_candle(step.candle)

    def print_trade(self, trade: MarketTrade) -> None:
        """Print one trade of the market; candles and day statistics count prints alone, not own fills."""
        self.exchange.print_trade(trade)
        trades = self.tapes[trade.symbol].trades
        self.candles.add_trade(trade, trades[-1].trade_id if trades else -1)
        self._touch(trade.symbol)

    def add_symbol(self, spec: SymbolSpec) -> None:
        self.exchange.add_symbol(spec)
        self.candles.add_symbol(spec.symbol)
        self.tapes[spec.symbol] = Tape()
        self.book_ids[spec.symbol] = 1

    def set_symbol(self, spec: SymbolSpec) -> None:
        """Change filters or status from now on."""
        self.exchange.set_symbol(spec)
        (self._standing.discard if spec.is_open else self._standing.add)(spec.symbol)

    def delist(self, symbol: str) -> None:
        """Cancel every order on a symbol, close it and let it disappear from what can be traded."""
        for account_id in self.exchange.account_ids:
            if self.exchange.open_orders(account_id, symbol):
                self.exchange.cancel_all(account_id, symbol, self.market_ms())
        self.set_symbol(replace(self.spec(symbol), status="BREAK"))
        self.delisted.add(symbol)

    def take_turn(self) -> tuple[list[ExchangeEvent], set[str]]:
        """Return what happened since the last call, and the symbols whose book may have changed."""
        turn, touched = self._turn, self._touched
        self._turn, self._touched = [], set()
        return turn, touched

    def has_news(self) -> bool:
        return bool(self._turn or self._touched)

    def touched_accounts(self) -> bool:
        """Tell whether an account's order changed in this turn."""
        return any(isinstance(event, OrderChanged) for event in self._turn)

    def known_assets(self) -> Mapping[str, None]:
        """Return every asset of every symbol, in listing order."""
        specs = [self.spec(symbol) for symbol in self.tapes]
        return dict.fromkeys(asset for spec in specs for asset in (spec.base, spec.quote))

    def _touch(self, symbol: str) -> None:
        self.book_ids[symbol] += 1
        self._touched.add(symbol)

    def _heard(self, event: ExchangeEvent) -> None:
        self._turn.append(event)
        if isinstance(event, PublicTrade):
            self.tapes[event.symbol].add(event)
        elif isinstance(event, OrderChanged):
            self._touch(event.order.symbol)
            self._count_first_fill(event)

    def _count_first_fill(self, event: OrderChanged) -> None:
        fill = event.fill
        if fill is not None and event.order.executed == fill.quantity:
            self.order_counter.first_fill(event.account_id, maker=fill.is_maker, now_ms=self.clocks.server_ms())


def _without(step: FeedStep, standing: Container[str]) -> FeedStep:
    return FeedStep(
        step.time_ms,
        tuple(trade for trade in step.trades if trade.symbol not in standing),
        None if step.book is None or step.book.symbol in standing else step.book,
        None if step.candle is None or step.candle.symbol in standing else step.candle,
    )
