"""What a market feed is: prints, books and closed candles in strict time order, and a past.

Prices and quantities are ints scaled by 10**8, quote amounts by 10**16; times are market time in ms.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol

from simulator.core.events import MarketTrade
from simulator.core.symbols import SymbolSpec

Level = tuple[int, int]
"""Price and quantity of one book level."""

Source = Literal["live", "replay", "synthetic"]


class MarketError(Exception):
    """A feed cannot be had as asked for; the text says what to change."""


class Candle(NamedTuple):
    """One candle. An open candle looks the same: it holds what happened so far.

    `close_ms` is the last millisecond inside the interval. Trade ids are -1 where none is known.
    """

    open_ms: int
    close_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    quote_volume: int
    trades: int
    taker_buy_base: int
    taker_buy_quote: int
    first_trade_id: int = -1
    last_trade_id: int = -1


@dataclass(frozen=True, slots=True)
class ClosedCandle:
    """A recorded candle whose last print has just been played; its figures are the true ones."""

    symbol: str
    interval: str
    candle: Candle


@dataclass(frozen=True, slots=True)
class BookUpdate:
    """The whole external depth of a symbol (absolute, best first, never crossed)."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


ORIGIN: Final = "the market is "
"""How a notice begins that only says what kind of market this is, which `source` tells too."""


@dataclass(frozen=True, slots=True)
class FeedStep:
    """One instant of the market: apply `trades`, then `book`, then `candle`."""

    time_ms: int
    trades: tuple[MarketTrade, ...]
    book: BookUpdate | None = None
    candle: ClosedCandle | None = None


class Past(Protocol):
    """Candles of what was."""

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return the newest `limit` candles that opened before `end_ms`, oldest first.

        The last one may be partial: it holds only what happened before `end_ms`.
        """
        ...


class MarketPast(Past, Protocol):
    """What every feed knows before its first step."""

    @property
    def source(self) -> Source: ...

    @property
    def symbols(self) -> tuple[str, ...]: ...

    @property
    def specs(self) -> Mapping[str, SymbolSpec]:
        """Filters in force on this market, one per symbol."""
        ...

    @property
    def start_ms(self) -> int:
        """Market time of the start; nothing in the past is younger."""
        ...

    @property
    def outage_ms(self) -> int:
        """A silence longer than this is a gap in the data, not a quiet market."""
        ...

    @property
    def notices(self) -> Sequence[str]:
        """Sentences for the log: gaps, a short history, a fallback."""
        ...

    def last_price(self, symbol: str) -> int:
        """Price of the last print before the start (of the first one where the feed has no past)."""
        ...

    def state(self) -> dict[str, Any]:
        """JSON-able identity and position of this market, given back to `resume` after a restart."""
        ...


class Feed(MarketPast, Protocol):
    """A market that can be computed: replay and synthetic."""

    def steps(self, after_ms: int | None = None) -> Iterator[FeedStep]:
        """Yield steps in strict time order over all symbols, only those later than `after_ms` if given."""
        ...


class LiveFeed(MarketPast, Protocol):
    """A market that happens elsewhere."""

    def live_steps(self) -> AsyncIterator[FeedStep]:
        """Yield steps as they arrive, until `close`; reconnects by itself."""
        ...

    async def close(self) -> None: ...
