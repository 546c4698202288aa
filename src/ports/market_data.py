"""Reading the venue. These calls block and may raise `VenueError`; grid threads never make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.events import Balance, Candle, PriceSeen, StreamEvent, Ticker
from domain.instrument import FeeRates, Instrument, InstrumentRules, Market
from domain.orders import Fill


@dataclass(frozen=True, slots=True)
class Connection:
    """How one market's endpoint answered a moment ago. `limits` maps the venue's limit names to numbers."""

    connected: bool
    ping_ms: float | None
    server_time_ms: int | None
    limits: dict[str, int]
    error: str | None


class MarketData(Protocol):
    def instrument(self, symbol: str, market: Market) -> Instrument:
        """Translate BTCUSDT or BTC/USDT.

        Raises:
            NotFound: if the venue lists no such symbol on that market.
        """

    def symbol(self, instrument: Instrument) -> str:
        """Return the venue's own text for the instrument, e.g. BTCUSDT."""

    def rules(self, instrument: Instrument) -> InstrumentRules: ...

    def tickers(self, instruments: Sequence[Instrument]) -> tuple[Ticker, ...]: ...

    def candles(
        self, instrument: Instrument, interval: str, limit: int, end_ms: int | None = None
    ) -> tuple[Candle, ...]:
        """Return up to `limit` candles, oldest first; the last one may still be open."""

    def instruments(self, market: Market, quote: str | None = None) -> tuple[Instrument, ...]: ...

    def connection(self, market: Market) -> Connection: ...

    def market_source(self) -> str:
        """Return `live`, `testnet`, `replay` or `synthetic`: where prices come from."""


@dataclass(frozen=True, slots=True)
class OpenOrderId:
    """An order that rests at the venue, whoever placed it. `symbol` is the venue's own text."""

    symbol: str
    client_id: str


class AccountReader(Protocol):
    def balances(self, market: Market) -> tuple[Balance, ...]: ...

    def open_order_ids(self) -> tuple[OpenOrderId, ...]:
        """Return what rests on all symbols of the spot market; dear, so ask seldom."""

    def fee_rates(self, instrument: Instrument) -> FeeRates: ...


class AccountTrades(Protocol):
    """All trades of the account, whoever placed the orders."""

    def trades_since(self, instrument: Instrument, trade_id: int) -> tuple[Fill, ...]:
        """Return the trades with an id of at least `trade_id`, oldest first.

        The client id is empty where the venue no longer knows the order.

        Raises:
            NotFound: if the venue does not know the instrument (any more).
        """

    def newest_trade_id(self, instrument: Instrument) -> int:
        """Return the id of the newest trade, 0 if there is none."""


class Inbox(Protocol):
    """The two ways into a worker: a latest-value slot for prices and a queue that never drops for the rest."""

    def price(self, event: PriceSeen) -> None: ...

    def order(self, event: StreamEvent) -> None: ...


class Streams(Protocol):
    """Live events of the instruments that are watched.

    Per inbox: PriceSeen to `price`; our OrderReported, StreamLost / StreamResumed and RulesChanged to `order`. Only
    orders whose client id carries our prefix are delivered; foreign ones are left alone.
    """

    def watch(self, instrument: Instrument, inbox: Inbox) -> None: ...

    def unwatch(self, instrument: Instrument, inbox: Inbox) -> None: ...

    def distrust(self, kind: str, reason: str, market: Market = Market.SPOT) -> None:
        """Give up a market's connection of this kind ("market" or "user") as lost, and subscribe anew.

        StreamLost follows to every inbox unless it was told already, and then StreamResumed.
        """
