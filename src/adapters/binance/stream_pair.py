"""One market's live events: a connection for prices and one for our orders, for the whole process."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from adapters.binance.directory import Directory
from adapters.binance.first_readings import FirstReadings
from adapters.binance.io_thread import IoThread
from adapters.binance.market_stream import MarketChannel
from adapters.binance.parsing import symbol_of
from adapters.binance.price_watch import Watched
from adapters.binance.rules_watch import RulesWatch
from adapters.binance.sockets import SocketKeeper
from adapters.binance.user_stream import UserChannel
from adapters.binance.watchers import Watchers
from adapters.binance.witness import PERIOD_S
from domain.events import StreamLost, StreamResumed
from domain.instrument import Instrument, Market
from ports.clock import Clock
from ports.connectivity import StreamAge
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


class StreamPair:
    """Both streams of one market. Lives on the I/O loop, but for what says that any thread may ask.

    Args:
        io: the loop.
        market: whose events these are.
        prices: the channel of prices.
        user: the channel of our orders.
        watchers: who hears both.
        clock: for ages.
        directory: for rules.
        sleep: how the loop waits.
        all_here: whether everyone who is expected watches by now, on any market.
    """

    def __init__(
        self,
        io: IoThread,
        market: Market,
        prices: MarketChannel,
        user: UserChannel,
        watchers: Watchers,
        clock: Clock,
        directory: Directory,
        sleep: Callable[[float], Awaitable[None]],
        all_here: Callable[[], bool],
    ) -> None:
        self._io, self._name, self._sleep, self._clock = io, market, sleep, clock
        self._market, self._user, self._watchers = prices, user, watchers
        self._market_keeper = SocketKeeper(self._market, clock, sleep)
        self._user_keeper = SocketKeeper(self._user, clock, sleep)
        self._rules = RulesWatch(directory, self._watchers, sleep, market=market)
        self._all_here = all_here
        self._started = False

    @property
    def unread(self) -> FirstReadings:
        return self._user.unread

    @property
    def watched(self) -> int:
        """Return how many instruments are watched. Any thread may ask."""
        return len(self._watchers)

    @property
    def counts(self) -> StreamCounts:
        """Return what was carried so far. Any thread may ask."""
        return StreamCounts(
            self._market.events,
            self._user.events,
            self._user.foreign,
            self._user.unwatched,
            self._market_keeper.reconnects,
            self._user_keeper.reconnects,
        )

    @property
    def down(self) -> list[str]:
        """Return which of the connections that are needed do not stand. Any thread may ask."""
        keepers = {"market": self._market_keeper, "account": self._user_keeper} if len(self._watchers) else {}
        return [name for name, keeper in keepers.items() if keeper.socket is None]

    def ages(self) -> tuple[StreamAge, ...]:
        """Return how old every stream's newest event is; any thread may ask."""
        symbols = self._market.prices.symbols.items()
        return (*(self._age(symbol, watched) for symbol, watched in symbols), self._user_age())

    def account_was_read(self) -> None:
        """Note that the account was read over REST to be compared with the user stream."""
        self._user.compared()

    async def add(self, instrument: Instrument, inbox: Inbox) -> None:
        symbol = symbol_of(instrument)
        self._watchers.add(symbol, instrument, inbox)
        self._market.changed()
        self._start()
        self._rules.tell(instrument, inbox)
        for kind, live, reason in (
            (self._user.kind, self._user.is_live, self._user.reason),
            (self._market.kind, self._market.prices.is_live(symbol), self._market.reason_of(symbol)),
        ):
            if live:
                inbox.order(StreamResumed(kind, self._clock.monotonic_s()))
            elif reason:
                inbox.order(StreamLost(kind, reason))

    def _age(self, symbol: str, watched: Watched) -> StreamAge:
        live, rhythm, witness = self._market.prices.is_live(symbol), watched.rhythm, watched.witness
        return StreamAge(
            kind=self._market.kind,
            instrument=self._watchers.instrument(symbol),
            live=live,
            age_s=self._since(rhythm.heard_s),
            confirmed_age_s=self._since(rhythm.confirmed_s),
            expected_s=rhythm.expected_s,
            silent_after_s=watched.silent_after_s,
            events=rhythm.events,
            reconnects=self._market_keeper.reconnects,
            reason="" if live else self._market.reason_of(symbol) or NOT_YET,
            market=self._name,
            witness_age_s=self._since(witness.heard_s),
            witness_expected_s=PERIOD_S if witness.is_kept else None,
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
            market=self._name,
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
            lambda: self._market.look_for_silence(lambda: self._market_keeper.socket),
            self._market.check_silence,
            self._market.greet,
            lambda: self._user.keep_alive(lambda: self._user_keeper.socket),
            self._rules.run,
        ):
            self._io.spawn(self._always(task))

    async def _await_watchers(self) -> None:
        there, end_s = 0, 0.0
        while not self._all_here():
            watched = len(self._watchers)
            if watched > there:
                there, end_s = watched, self._clock.monotonic_s() + _LATECOMER_S
            if self._clock.monotonic_s() >= end_s:
                LOG.info("%d instruments of %s are watched; others that are expected come later", watched, self._name)
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

    async def hurry(self) -> None:
        """Connect now what is not connected."""
        self._market_keeper.hurry()
        self._user_keeper.hurry()

    async def remove(self, instrument: Instrument, inbox: Inbox) -> None:
        self._watchers.remove(symbol_of(instrument), inbox)
        self._user.unread.take(symbol_of(instrument))  # what comes meanwhile is told to nobody
        self._market.changed()

    async def abandon(self, kind: str, reason: str) -> None:
        keeper = self._market_keeper if kind == self._market.kind else self._user_keeper
        if keeper.socket is not None:
            keeper.socket.abandon(reason)
