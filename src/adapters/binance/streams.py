"""Live events of the watched instruments: one market and one user connection for the whole process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from adapters.binance.directory import Directory
from adapters.binance.first_readings import FirstReadings
from adapters.binance.io_thread import IoThread
from adapters.binance.market_stream import MAX_SYMBOLS, MarketChannel
from adapters.binance.parsing import symbol_of
from adapters.binance.rhythm import USUAL_BOUNDS, Rhythm, SilenceBounds
from adapters.binance.rules_watch import RulesWatch
from adapters.binance.sockets import SocketKeeper
from adapters.binance.transport import Transport
from adapters.binance.user_stream import UserChannel
from adapters.binance.watchers import Watchers
from domain.errors import VenueError
from domain.events import StreamLost, StreamResumed
from domain.instrument import Instrument, Market
from ports.clock import Clock
from ports.connectivity import StreamAge
from ports.control import PartState
from ports.market_data import Inbox

LOG: Final = logging.getLogger(__name__)
_AGAIN_S: Final = 5.0
_LATECOMER_S: Final = 5.0
_LOOK_S: Final = 0.02
NOT_YET: Final = "not subscribed yet"


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """What the streams carried since the start; `foreign` are other programs' orders, left alone."""

    market_events: int
    user_events: int
    foreign: int
    unwatched: int
    market_reconnects: int
    user_reconnects: int


class BinanceStreams:
    """Implements ports.market_data.Streams.

    A watcher is told StreamResumed once for each stream as soon as that stream is confirmed for it, and after every
    StreamLost once it is confirmed again; between the two nothing may be decided on what was heard.
    """

    def __init__(
        self,
        io: IoThread,
        transport: Transport,
        clock: Clock,
        *,
        streams_url: str,
        ws_api_url: str,
        prefix: str,
        directory: Directory,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        silence: SilenceBounds = USUAL_BOUNDS,
        carry_market_ms: Callable[[int], None] | None = None,
    ) -> None:
        self._io, self._sleep, self._clock = io, sleep, clock
        self._watchers = Watchers()
        self._market = MarketChannel(
            streams_url,
            transport,
            self._watchers,
            clock,
            sleep,
            silence=silence,
            carry_market_ms=carry_market_ms,
        )
        self._user = UserChannel(ws_api_url, transport, self._watchers, clock, prefix)
        self._market_keeper = SocketKeeper(self._market, clock, sleep)
        self._user_keeper = SocketKeeper(self._user, clock, sleep)
        self._rules = RulesWatch(directory, self._watchers, sleep)
        self._started = False
        self._expected = 0

    def expect(self, watchers: int) -> None:
        """Have the first connection wait for this many watchers, while they keep coming.

        What is read first can then be read for all of them together. To be called before the first `watch`.
        """
        self._expected = watchers

    @property
    def unread(self) -> FirstReadings:
        return self._user.unread

    def unread_on(self, market: Market) -> FirstReadings:
        """Return who has not read his open orders on that market since its user stream came up."""
        return self._user.unread if market is Market.SPOT else FirstReadings()

    def watched_on(self, market: Market) -> int:
        """Return how many instruments of the market are watched."""
        return len(self._watchers) if market is Market.SPOT else 0

    @property
    def counts(self) -> StreamCounts:
        return StreamCounts(
            self._market.events,
            self._user.events,
            self._user.foreign,
            self._user.unwatched,
            self._market_keeper.reconnects,
            self._user_keeper.reconnects,
        )

    def part(self) -> PartState:
        """Return whether both connections stand; without anything to watch none is needed."""
        if not self._io.is_alive:
            return PartState(name="streams", alive=False, ready=False, reason="the I/O thread has ended")
        keepers = {"market": self._market_keeper, "account": self._user_keeper} if len(self._watchers) else {}
        down = [name for name, keeper in keepers.items() if keeper.socket is None]
        reason = f"no connection for events of the {' and the '.join(down)}" if down else ""
        return PartState(name="streams", alive=True, ready=not down, reason=reason)

    def ages(self) -> tuple[StreamAge, ...]:
        """Return how old every stream's newest event is. Any thread may ask."""
        symbols = self._market.rhythms().items()
        return (*(self._age(symbol, rhythm) for symbol, rhythm in symbols), self._user_age())

    def account_was_read(self, market: Market) -> None:
        """Note, on the I/O loop, that the account was read over REST to be compared with the user stream."""
        if market is Market.SPOT:
            self._user.compared()

    def watch(self, instrument: Instrument, inbox: Inbox) -> None:
        """Begin to deliver the instrument's events to `inbox`.

        Raises:
            VenueError: where this market has no streams, or one connection cannot carry more symbols.
        """
        if instrument.market is not Market.SPOT:
            raise VenueError(f"streams of the {instrument.market} market are not offered here")
        if len(self._watchers) >= MAX_SYMBOLS:
            raise VenueError(f"no more than {MAX_SYMBOLS} instruments can be watched at once")
        self._io.spawn(self._add(instrument, inbox))

    def unwatch(self, instrument: Instrument, inbox: Inbox) -> None:
        self._io.spawn(self._remove(instrument, inbox))

    def distrust(self, kind: str, reason: str) -> None:
        """Give up the connection of this kind ("market" or "user"): REST knows what it should have told."""
        self._io.spawn(self._abandon(kind, reason))

    def hurry(self) -> None:
        """Connect now what is not connected: the venue is known to be back."""
        self._io.spawn(self._hurry())

    async def _add(self, instrument: Instrument, inbox: Inbox) -> None:
        symbol = symbol_of(instrument)
        self._watchers.add(symbol, instrument, inbox)
        self._market.changed()
        self._start()
        self._rules.tell(instrument, inbox)
        for kind, live, reason in (
            (self._user.kind, self._user.is_live, self._user.reason),
            (self._market.kind, self._market.is_live(symbol), self._market.reason),
        ):
            if live:
                inbox.order(StreamResumed(kind, self._clock.monotonic_s()))
            elif reason:
                inbox.order(StreamLost(kind, reason))

    def _age(self, symbol: str, rhythm: Rhythm) -> StreamAge:
        live = self._market.is_live(symbol)
        return StreamAge(
            kind=self._market.kind,
            instrument=self._watchers.instrument(symbol),
            live=live,
            age_s=self._since(rhythm.heard_s),
            confirmed_age_s=self._since(rhythm.confirmed_s),
            expected_s=rhythm.expected_s,
            silent_after_s=rhythm.silent_after_s,
            events=rhythm.events,
            reconnects=self._market_keeper.reconnects,
            reason="" if live else self._market.reason or NOT_YET,
        )

    def _user_age(self) -> StreamAge:
        user = self._user
        return StreamAge(
            kind=user.kind,
            instrument=None,
            live=user.is_live,
            age_s=self._since(user.heard_s),
            confirmed_age_s=self._since(user.checked_s),
            expected_s=None,
            silent_after_s=None,
            events=user.events,
            reconnects=self._user_keeper.reconnects,
            reason="" if user.is_live else user.reason or NOT_YET,
        )

    def _since(self, at_s: float | None) -> float | None:
        return None if at_s is None else max(self._clock.monotonic_s() - at_s, 0.0)

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        self._io.spawn(self._connect())

    async def _connect(self) -> None:
        await self._await_watchers()
        for task in (
            self._market_keeper.run,
            self._user_keeper.run,
            lambda: self._market.follow(lambda: self._market_keeper.socket),
            lambda: self._market.check_silence(lambda: self._market_keeper.socket),
            self._market.greet,
            self._rules.run,
        ):
            self._io.spawn(self._always(task))

    async def _await_watchers(self) -> None:
        there, end_s = 0, 0.0
        while (watched := len(self._watchers)) < self._expected:
            if watched > there:
                there, end_s = watched, self._clock.monotonic_s() + _LATECOMER_S
            if self._clock.monotonic_s() >= end_s:
                LOG.info("%d of %d instruments are watched; the others come later", watched, self._expected)
                return
            await self._sleep(_LOOK_S)

    async def _always(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task that is to run for ever; a fault of ours is logged and must not leave the house deaf."""
        while True:
            try:
                await task()
            except Exception:
                LOG.exception("a stream task failed and begins anew")
            await self._sleep(_AGAIN_S)

    async def _hurry(self) -> None:
        self._market_keeper.hurry()
        self._user_keeper.hurry()

    async def _remove(self, instrument: Instrument, inbox: Inbox) -> None:
        self._watchers.remove(symbol_of(instrument), inbox)
        self._user.unread.take(symbol_of(instrument))  # what comes meanwhile is told to nobody
        self._market.changed()

    async def _abandon(self, kind: str, reason: str) -> None:
        keeper = self._market_keeper if kind == self._market.kind else self._user_keeper
        if keeper.socket is not None:
            keeper.socket.abandon(reason)
