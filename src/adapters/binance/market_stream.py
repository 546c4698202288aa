"""Prices: one combined connection, `<symbol>@aggTrade` for each watched symbol.

The price is that of the last trade, not the middle of the book: grids fill by trades, candles are made of trades, and
the stream exists on both markets. How often a symbol trades is learned; one silent for twice as long is cross-checked
over REST: either the market is quiet, and its last price is confirmed, or trades were missed, and the connection is
given up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from adapters.binance.last_trades import LastTrades
from adapters.binance.rhythm import Rhythm, SilenceBounds
from adapters.binance.sockets import Frame, FrameSocket
from adapters.binance.transport import Transport
from adapters.binance.watchers import Watchers
from domain.errors import VenueError
from domain.events import PriceSeen, StreamLost, StreamResumed
from domain.instrument import Market
from domain.money import parse_amount
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)

CHECK_EVERY_S: Final = 1.0
"""How often symbols are looked at whether they are silent; REST is asked about those alone that are."""
GRACE_S: Final = 2.0
"""How long a trade known to REST may still be on its way."""
_NAMES_PER_REQUEST: Final = 100
_REQUEST_PAUSE_S: Final = 0.25  # the venue takes 5 messages a second, pings included
MAX_SYMBOLS: Final = 1000  # of 1024 streams per connection


@dataclass(slots=True)
class _Heard:
    """The latest trade known of one symbol."""

    aggregate_id: int
    trade_id: int
    price: Decimal
    market_ms: int


class MarketChannel:
    """The market stream of spot or futures. Lives on the I/O loop."""

    kind = "market"

    def __init__(
        self,
        url: str,
        transport: Transport,
        watchers: Watchers,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        silence: SilenceBounds,
        carry_market_ms: Callable[[int], None] | None = None,
        market: Market = Market.SPOT,
    ) -> None:
        self._market, self._last_trades = market, LastTrades(transport, market)
        self._url, self._transport, self._watchers = url + "/stream", transport, watchers
        self._clock, self._sleep, self._silence = clock, sleep, silence
        self._carry_market_ms = carry_market_ms
        self._heard: dict[str, _Heard] = {}
        self._rhythms: dict[str, Rhythm] = {}
        self._announced: set[str] = set()
        self._fresh: FrameSocket | None = None
        self._changed = asyncio.Event()
        self._unheard = asyncio.Event()
        self.events = 0
        self.reason = ""

    def changed(self) -> None:
        """Note that watchers came or went."""
        self._announced &= set(self._watchers)
        self._rhythms = {symbol: self._rhythms.get(symbol) or Rhythm(self._silence) for symbol in self._watchers}
        self._changed.set()

    def is_live(self, symbol: str) -> bool:
        return symbol in self._announced

    def rhythms(self) -> dict[str, Rhythm]:
        """Return how often each watched symbol speaks; a new map whenever watchers come or go."""
        return self._rhythms

    async def connect(self) -> FrameSocket:
        return await self._transport.web_socket(self._url, self._receive, self._market)

    async def subscribe(self, socket: FrameSocket) -> None:
        await self._ask(socket, "SUBSCRIBE", list(self._watchers))
        self._fresh = socket

    def lost(self, reason: str) -> None:
        self.reason = reason
        self._heard.clear()
        self._announced.clear()
        for rhythm in self._rhythms.values():
            rhythm.interrupted()
        self._watchers.everyone(StreamLost(self.kind, reason))

    def resumed(self) -> None:
        self.reason = ""
        if self._fresh is not None:
            self._announce(self._fresh.subscribed)
        self._changed.set()  # whoever came while we were connecting

    def moved(self) -> None:
        self._changed.set()  # whoever came meanwhile is subscribed on the old connection alone

    async def follow(self, current: Callable[[], FrameSocket | None]) -> None:
        """Bring the subscriptions of the current connection after the watchers, for ever."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            socket = current()
            if socket is None:
                continue  # subscribing everything is part of connecting
            wanted = set(self._watchers)
            try:
                await self._ask(socket, "SUBSCRIBE", wanted - socket.subscribed)
                self._announce(wanted & socket.subscribed)
                await self._ask(socket, "UNSUBSCRIBE", socket.subscribed - wanted)
            except (VenueError, OSError) as e:
                socket.abandon(f"subscribing failed: {e}")
            await self._sleep(2 * _REQUEST_PAUSE_S)

    async def greet(self) -> None:
        """Ask REST for the last price of symbols that were just subscribed, for ever.

        A quiet market may not trade for long, and one that waits for its reader not at all before it was told this.
        """
        while True:
            await self._unheard.wait()
            self._unheard.clear()
            unheard = sorted(self._announced - set(self._heard))
            try:
                rows = await self._last_trades.of(unheard) if unheard else {}
            except (VenueError, KeyError, ValueError) as e:
                LOG.warning("the last prices of %s could not be read: %s", ", ".join(unheard), e)
                continue
            for symbol, row in rows.items():
                # Without a trade in 24 h there is no id to compare the stream with, but a last price all the same.
                if symbol not in self._heard and int(row["lastId"]) < 0 and parse_amount(row["lastPrice"]):
                    self._tell(symbol, _Heard(-1, -1, parse_amount(row["lastPrice"]), int(row["closeTime"])))
            self._compare({symbol: row for symbol, row in rows.items() if symbol not in self._heard})

    async def check_silence(self, current: Callable[[], FrameSocket | None]) -> None:
        """Ask REST about symbols that were silent for too long, for ever."""
        while True:
            await self._sleep(min(CHECK_EVERY_S, self._silence.shortest_s))
            socket = current()
            silent = [] if socket is None else self._silent()
            if socket is None or not silent:
                continue
            try:
                rows = await self._last_trades.of(silent)
                missed = self._compare(rows)
                if missed:
                    await self._sleep(GRACE_S)
                    missed = {symbol for symbol in missed if self._lags(symbol, rows[symbol])}
            except (VenueError, KeyError, ValueError) as e:
                LOG.warning("a silent market stream could not be checked: %s", e)
                continue
            if missed and socket is current():
                socket.abandon(f"trades of {', '.join(sorted(missed))} did not arrive")

    def _receive(self, socket: FrameSocket, frame: Frame) -> None:
        data = frame.get("data", frame)
        kind = data.get("e") if isinstance(data, dict) else None
        if kind == "aggTrade":
            self.events += 1
            self._trade(data)
        elif kind == "serverShutdown":
            socket.retire("the venue announced a shutdown")

    def _trade(self, data: Frame) -> None:
        symbol, number = data["s"], int(data["a"])
        known = self._heard.get(symbol)
        if known is not None and number <= known.aggregate_id:
            return  # the other connection of a planned move told it already
        heard = _Heard(number, int(data["l"]), parse_amount(data["p"]), int(data["T"]))
        self._heard[symbol] = heard
        if symbol in self._rhythms:
            self._rhythms[symbol].heard(self._clock.monotonic_s())
        if self._carry_market_ms is not None:
            self._carry_market_ms(heard.market_ms)
        self._tell(symbol, heard, parse_amount(data["q"]))

    def _tell(self, symbol: str, heard: _Heard, quantity: Decimal | None = None) -> None:
        instrument = self._watchers.instrument(symbol)
        if instrument is not None:
            event = PriceSeen(instrument, heard.price, heard.market_ms, self._clock.monotonic_s(), quantity)
            self._watchers.price(symbol, event)

    def _announce(self, symbols: Collection[str]) -> None:
        for symbol in sorted(set(symbols) - self._announced):
            self._announced.add(symbol)
            self._watchers.order(symbol, StreamResumed(self.kind))
            if symbol not in self._heard:
                self._unheard.set()
        self._announced &= set(self._watchers)

    def _silent(self) -> list[str]:
        now_s = self._clock.monotonic_s()
        silent = [symbol for symbol in self._announced & set(self._rhythms) if self._rhythms[symbol].is_silent(now_s)]
        for symbol in silent:
            self._rhythms[symbol].asked(now_s)
        return silent

    def _compare(self, rows: dict[str, Frame]) -> set[str]:
        """Confirm what REST confirms; return the symbols of which REST knows more than the stream told."""
        missed = set()
        for symbol, row in rows.items():
            known = self._heard.get(symbol)
            if known is not None and int(row["lastId"]) > known.trade_id:
                missed.add(symbol)
            elif known is not None and int(row["lastId"]) == known.trade_id:
                self._confirm(symbol, known)
            elif int(row["lastId"]) >= 0:  # nothing heard yet, or the venue was wiped and counts anew
                heard = _Heard(-1, int(row["lastId"]), parse_amount(row["lastPrice"]), int(row["closeTime"]))
                self._heard[symbol] = heard
                self._confirm(symbol, heard)
            elif symbol in self._rhythms:  # a market that never traded has nothing to tell
                self._rhythms[symbol].confirmed(self._clock.monotonic_s())
        return missed

    def _confirm(self, symbol: str, heard: _Heard) -> None:
        if symbol in self._rhythms:
            self._rhythms[symbol].confirmed(self._clock.monotonic_s())
        self._tell(symbol, heard)

    def _lags(self, symbol: str, row: Frame) -> bool:
        known = self._heard.get(symbol)
        return known is not None and known.trade_id < int(row["lastId"])

    async def _ask(self, socket: FrameSocket, method: str, symbols: Collection[str]) -> None:
        ordered = sorted(symbols)
        for start in range(0, len(ordered), _NAMES_PER_REQUEST):
            if start:
                await self._sleep(_REQUEST_PAUSE_S)
            batch = ordered[start : start + _NAMES_PER_REQUEST]
            await socket.ask(method, [f"{symbol.lower()}@aggTrade" for symbol in batch])
            if method == "SUBSCRIBE":
                socket.subscribed.update(batch)
            else:
                socket.subscribed.difference_update(batch)
