"""What spot and futures venues share: clocks, tapes, candles, the turn of events."""

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from simulator.core.events import MarketTrade, PublicTrade
from simulator.faults.board import FaultBoard
from simulator.market.candles import CandleBook
from simulator.market.feed import FeedStep, Level
from simulator.wire.errors import bad_symbol
from simulator.wire.limits import Limits, OrderCounter
from simulator.wire.tape import Tape


@dataclass(frozen=True, slots=True)
class Clocks:
    """Server time governs signatures, limits and sockets; market time everything that trades."""

    server_ms: Callable[[], int]
    market_ms: Callable[[], int]


class TradedExchange(Protocol):
    """The public side of an exchange core."""

    def last_price(self, symbol: str) -> int: ...
    def depth(self, symbol: str, limit: int) -> tuple[list[Level], list[Level]]: ...
    def print_trade(self, trade: MarketTrade) -> None: ...
    def set_book(
        self, symbol: str, bids: Sequence[Level], asks: Sequence[Level], *, now_ms: int | None = None
    ) -> None: ...


class LastPrices(Protocol):
    """What is known of a market before its first print."""

    def last_price(self, symbol: str) -> int: ...


class Rules(Protocol):
    """Filters of one symbol or contract."""

    @property
    def symbol(self) -> str: ...
    @property
    def is_open(self) -> bool: ...


ExchangeT = TypeVar("ExchangeT", bound=TradedExchange)
RulesT = TypeVar("RulesT", bound=Rules)
EventT = TypeVar("EventT")


class VenueBase(Generic[ExchangeT, RulesT, EventT]):
    """One market and its exchange. Whatever changes it leaves its events in the turn, which `take_turn` ends."""

    def __init__(
        self,
        exchange: ExchangeT,
        rules: Iterable[RulesT],
        market: LastPrices,
        candles: CandleBook,
        clocks: Clocks,
        limits: Limits,
        faults: FaultBoard,
    ) -> None:
        self.exchange = exchange
        self.candles, self.clocks, self.limits, self.faults = candles, clocks, limits, faults
        self.order_counter = OrderCounter(limits)
        self.tapes: dict[str, Tape] = {}
        self.book_ids: dict[str, int] = {}
        self.delisted: set[str] = set()
        self._past = market
        self._standing: set[str] = set()
        self._turn: list[EventT | PublicTrade] = []
        self._touched: set[str] = set()
        self.is_written = False
        """Whether this turn changed what no event tells of, such as an account's settings."""
        for each in rules:
            self._list(each)

    @property
    def symbols(self) -> Iterable[str]:
        """Return what is listed."""
        return [symbol for symbol in self.tapes if symbol not in self.delisted]

    def market_ms(self) -> int:
        return self.clocks.market_ms()

    def require(self, symbol: str) -> str:
        """Return the symbol if it trades here, or did; -1121 otherwise."""
        if symbol not in self.tapes:
            raise bad_symbol()
        return symbol

    def watch(self, symbol: str) -> None:
        """Note that somebody reads a symbol's streams, or everything's where it is empty."""

    def last_price(self, symbol: str) -> int:
        """Return the last trade's price, or the past's last one before the first trade."""
        return self.exchange.last_price(symbol) or self._past.last_price(symbol)

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

    def take_turn(self) -> tuple[list[EventT | PublicTrade], set[str]]:
        """Return what happened since the last call, and the symbols whose book may have changed."""
        turn, touched = self._turn, self._touched
        self._turn, self._touched, self.is_written = [], set(), False
        return turn, touched

    def has_news(self) -> bool:
        return bool(self._turn or self._touched or self.is_written)

    def _list(self, rules: RulesT) -> None:
        """Give a symbol its tape and its place in the turn."""
        self.tapes[rules.symbol] = Tape()
        self.book_ids[rules.symbol] = 1
        self._note_status(rules)

    def _note_status(self, rules: RulesT) -> None:
        (self._standing.discard if rules.is_open else self._standing.add)(rules.symbol)

    def _touch(self, symbol: str) -> None:
        self.book_ids[symbol] += 1
        self._touched.add(symbol)


AnyVenue = VenueBase[Any, Any, Any]
"""A venue of either market, for what both serve alike."""


def _without(step: FeedStep, standing: Container[str]) -> FeedStep:
    return FeedStep(
        step.time_ms,
        tuple(trade for trade in step.trades if trade.symbol not in standing),
        None if step.book is None or step.book.symbol in standing else step.book,
        None if step.candle is None or step.candle.symbol in standing else step.candle,
    )
