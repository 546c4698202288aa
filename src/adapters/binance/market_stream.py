"""Prices: one combined connection, `<symbol>@aggTrade` for each watched symbol, and beside it the symbol's witness.

The price is that of the last trade, not the middle of the book: grids fill by trades, candles are made of trades, and
the stream exists on both markets. A symbol that is silent is cross-checked over REST: either the market is quiet, and
its last price is confirmed, or trades were missed, and the connection is given up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Final

from adapters.binance.last_trades import LastTrades
from adapters.binance.price_watch import Heard, PriceWatch
from adapters.binance.rhythm import SilenceBounds
from adapters.binance.sockets import Frame, FrameSocket
from adapters.binance.transport import Transport
from adapters.binance.watchers import Watchers
from adapters.binance.witness import LOOK_S, NAMES, read_word
from domain.errors import VenueError
from domain.events import StreamLost
from domain.instrument import Market
from domain.money import parse_amount
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)

_STALLED_S: Final = 0.5
"""A look that comes so late says nothing: what arrived meanwhile was not read yet."""
_NAMES_PER_REQUEST: Final = 100
_REQUEST_PAUSE_S: Final = 0.25  # the venue takes 5 messages a second, pings included
_STREAMS: Final = 1024  # per connection
MAX_SYMBOLS: Final = 1000
_TRADES: Final = "aggTrade"


class MarketChannel:
    """The market stream of spot or futures. Lives on the I/O loop.

    Args:
        has_witnesses: asked at each subscription; witnesses keep wall time, and prove nothing where a market does not.
    """

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
        has_witnesses: Callable[[], bool] = lambda: False,
        carry_market_ms: Callable[[int], None] | None = None,
        market: Market = Market.SPOT,
    ) -> None:
        self._market, self._last_trades = market, LastTrades(transport, market)
        self._url, self._transport, self._watchers = url + "/stream", transport, watchers
        self._clock, self._sleep, self._has_witnesses = clock, sleep, has_witnesses
        self._carry_market_ms = carry_market_ms
        self.prices = PriceWatch(self.kind, watchers, silence, clock.monotonic_s)
        self._fresh: FrameSocket | None = None
        self._changed, self._unheard, self._silent = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._to_ask: list[str] = []
        self.events = 0
        self.reason = ""

    def changed(self) -> None:
        """Note that watchers came or went."""
        self.prices.follow(list(self._watchers))
        self._changed.set()

    def reason_of(self, symbol: str) -> str:
        """Return why a symbol is not live; empty while it is, and before the first attempt."""
        return self.reason or self.prices.doubt_of(symbol)

    async def connect(self) -> FrameSocket:
        return await self._transport.web_socket(self._url, self._receive, self._market)

    async def subscribe(self, socket: FrameSocket) -> None:
        await self._ask(socket, "SUBSCRIBE", self._wanted())
        self._fresh = socket

    def lost(self, reason: str) -> None:
        self.reason = reason
        self.prices.lost()
        self._watchers.everyone(StreamLost(self.kind, reason))

    def resumed(self) -> None:
        self.reason = ""
        if self._fresh is not None:
            self._announce(self._fresh)
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
            try:
                await self._renew_witnesses(socket)
                wanted = self._wanted()
                await self._ask(socket, "SUBSCRIBE", [name for name in wanted if name not in socket.subscribed])
                self._announce(socket)
                await self._ask(socket, "UNSUBSCRIBE", sorted(socket.subscribed.difference(wanted)))
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
            await self._cross_check(self.prices.unheard())

    async def look_for_silence(self, current: Callable[[], FrameSocket | None]) -> None:
        """Notice silence, have REST asked, and give the connection up where trades are missing, for ever."""
        while True:
            slept_from_s = self._clock.monotonic_s()
            await self._sleep(LOOK_S)
            socket = current()
            if socket is None or self._clock.monotonic_s() - slept_from_s > LOOK_S + _STALLED_S:
                continue
            look = self.prices.look()
            if look.give_up:
                socket.abandon(look.give_up)
            elif look.ask:
                self._to_ask = sorted({*self._to_ask, *look.ask})
                self._silent.set()
            if self.prices.mute_witnesses:
                self._changed.set()

    async def check_silence(self) -> None:
        """Ask REST about symbols that were silent for too long, for ever."""
        while True:
            await self._silent.wait()
            self._silent.clear()
            silent, self._to_ask = self._to_ask, []
            await self._cross_check(silent)

    async def _cross_check(self, symbols: list[str]) -> None:
        asked = self.prices.known()
        try:
            rows = await self._last_trades.of(symbols) if symbols else {}
            self.prices.compare(rows, asked)
        except (VenueError, KeyError, ValueError) as e:
            LOG.warning("the last prices of %s could not be read: %s", ", ".join(symbols), e)

    def _receive(self, socket: FrameSocket, frame: Frame) -> None:
        data = frame.get("data", frame)
        kind = data.get("e") if isinstance(data, dict) else None
        if kind == _TRADES:
            self.events += 1
            heard = Heard(int(data["a"]), int(data["l"]), parse_amount(data["p"]), int(data["T"]))
            if self._carry_market_ms is not None:
                self._carry_market_ms(heard.market_ms)
            self.prices.traded(data["s"], heard, parse_amount(data["q"]))
        elif kind == "serverShutdown":
            socket.retire("the venue announced a shutdown")
        elif isinstance(data, dict) and (word := read_word(data)) is not None:
            self.prices.witnessed(word)

    def _announce(self, socket: FrameSocket) -> None:
        there = [s for s in self._watchers if _name(s, _TRADES) in socket.subscribed]
        beside = NAMES[self._market]
        witnessed = {s for s in there if all(_name(s, each) in socket.subscribed for each in beside)}
        if self.prices.announce(there, witnessed):
            self._unheard.set()

    def _wanted(self) -> list[str]:
        """Return the streams of all who are watched: trades first, then as many witnesses as fit."""
        symbols = sorted(self._watchers)
        names = [_name(symbol, _TRADES) for symbol in symbols]
        if not self._has_witnesses():
            return names
        beside = NAMES[self._market]
        room = (_STREAMS - len(names)) // len(beside)
        return [*names, *(_name(symbol, each) for symbol in symbols[:room] for each in beside)]

    async def _renew_witnesses(self, socket: FrameSocket) -> None:
        mute, self.prices.mute_witnesses = self.prices.mute_witnesses, set()
        names = {_name(symbol, each) for symbol in mute for each in NAMES[self._market]}
        await self._ask(socket, "UNSUBSCRIBE", sorted(names & socket.subscribed))

    async def _ask(self, socket: FrameSocket, method: str, names: Collection[str]) -> None:
        ordered = list(names)
        for start in range(0, len(ordered), _NAMES_PER_REQUEST):
            if start:
                await self._sleep(_REQUEST_PAUSE_S)
            batch = ordered[start : start + _NAMES_PER_REQUEST]
            await socket.ask(method, batch)
            if method == "SUBSCRIBE":
                socket.subscribed.update(batch)
            else:
                socket.subscribed.difference_update(batch)


def _name(symbol: str, stream: str) -> str:
    return f"{symbol.lower()}@{stream}"
