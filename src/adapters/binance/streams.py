"""Live events of the watched instruments: two connections per market for the whole process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import astuple
from typing import Final

from adapters.binance.directory import Directory
from adapters.binance.first_readings import FirstReadings
from adapters.binance.futures_user_stream import FuturesUserDoor
from adapters.binance.io_thread import IoThread
from adapters.binance.market_stream import MAX_SYMBOLS, MarketChannel
from adapters.binance.rhythm import USUAL_BOUNDS, SilenceBounds
from adapters.binance.sockets import Frame
from adapters.binance.spot_user_stream import SpotUserDoor
from adapters.binance.stream_pair import StreamCounts, StreamPair
from adapters.binance.transport import Transport
from adapters.binance.user_stream import UserChannel, UserDoor
from adapters.binance.watchers import Watchers
from domain.errors import VenueError
from domain.instrument import Instrument, Market
from ports.clock import Clock
from ports.connectivity import StreamAge
from ports.control import PartState
from ports.market_data import Inbox

FUTURES_PRICES: Final = "/market"
"""The group of streams that prices of futures belong to; elsewhere they are silent (protocol 0.1)."""


class BinanceStreams:
    """Implements ports.market_data.Streams.

    A watcher is told StreamResumed once for each stream as soon as that stream is confirmed for it, and after every
    StreamLost once it is confirmed again; between the two nothing may be decided on what was heard.

    Args:
        streams_url: spot's market streams without a path.
        ws_api_url: spot's WebSocket API with its path.
        futures_url: the futures' streams without a path; None where they are not offered.
        has_witnesses: whether prices are watched by a second stream with a time of its own; asked when subscribing.
        conditional: takes what the futures tell of conditional orders, on the I/O thread.
    """

    def __init__(
        self,
        io: IoThread,
        transport: Transport,
        clock: Clock,
        *,
        streams_url: str,
        ws_api_url: str,
        futures_url: str | None = None,
        prefix: str,
        directory: Directory,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        silence: SilenceBounds = USUAL_BOUNDS,
        has_witnesses: Callable[[], bool] = lambda: False,
        carry_market_ms: Callable[[int], None] | None = None,
        conditional: Callable[[Frame], None] = lambda _told: None,
    ) -> None:
        self._io = io
        self._expected = 0

        def pair(market: Market, url: str, door: UserDoor) -> StreamPair:
            watchers = Watchers()
            prices = MarketChannel(
                url,
                transport,
                watchers,
                clock,
                sleep,
                silence=silence,
                has_witnesses=has_witnesses,
                carry_market_ms=carry_market_ms,
                market=market,
            )
            user = UserChannel(door, watchers, clock, prefix)
            return StreamPair(io, market, prices, user, watchers, clock, directory, sleep, self._all_here)

        self._pairs = {Market.SPOT: pair(Market.SPOT, streams_url, SpotUserDoor(ws_api_url, transport))}
        if futures_url is not None:
            door = FuturesUserDoor(futures_url, transport, sleep, conditional)
            self._pairs[Market.FUTURES] = pair(Market.FUTURES, futures_url + FUTURES_PRICES, door)

    def expect(self, watchers: int) -> None:
        """Have the first connections wait for this many watchers, while they keep coming.

        What is read first can then be read for all of them together. To be called before the first `watch`.
        """
        self._expected = watchers

    @property
    def unread(self) -> FirstReadings:
        return self._pairs[Market.SPOT].unread

    def unread_on(self, market: Market) -> FirstReadings:
        """Return who has not read his open orders on that market since its user stream came up."""
        return self._pairs[market].unread if market in self._pairs else FirstReadings()

    def watched_on(self, market: Market) -> int:
        """Return how many instruments of the market are watched."""
        return self._pairs[market].watched if market in self._pairs else 0

    @property
    def counts(self) -> StreamCounts:
        """Return what the streams of all markets carried."""
        each = zip(*(astuple(pair.counts) for pair in self._pairs.values()), strict=True)
        return StreamCounts(*map(sum, each))

    def part(self) -> PartState:
        """Return whether the connections stand; without anything to watch none is needed."""
        if not self._io.is_alive:
            return PartState(name="streams", alive=False, ready=False, reason="the I/O thread has ended")
        down = self._pairs[Market.SPOT].down
        if Market.FUTURES in self._pairs:
            down = [*down, *(f"futures {name}" for name in self._pairs[Market.FUTURES].down)]
        reason = f"no connection for events of the {' and the '.join(down)}" if down else ""
        return PartState(name="streams", alive=True, ready=not down, reason=reason)

    def ages(self) -> tuple[StreamAge, ...]:
        """Return how old every stream's newest event is, futures only while they are watched. Any thread may ask."""
        shown = (pair for name, pair in self._pairs.items() if name is Market.SPOT or pair.watched)
        return tuple(age for pair in shown for age in pair.ages())

    def account_was_read(self, market: Market) -> None:
        """Note, on the I/O loop, that the account was read over REST to be compared with the user stream."""
        if market in self._pairs:
            self._pairs[market].account_was_read()

    def watch(self, instrument: Instrument, inbox: Inbox) -> None:
        """Begin to deliver the instrument's events to `inbox`.

        Raises:
            VenueError: where this market has no streams, or one connection cannot carry more symbols.
        """
        pair = self._pairs.get(instrument.market)
        if pair is None:
            raise VenueError(f"streams of the {instrument.market} market are not offered here")
        if pair.watched >= MAX_SYMBOLS:
            raise VenueError(f"no more than {MAX_SYMBOLS} instruments can be watched at once")
        self._io.spawn(pair.add(instrument, inbox))

    def unwatch(self, instrument: Instrument, inbox: Inbox) -> None:
        if (pair := self._pairs.get(instrument.market)) is not None:
            self._io.spawn(pair.remove(instrument, inbox))

    def distrust(self, kind: str, reason: str, market: Market = Market.SPOT) -> None:
        """Give up a market's connection of this kind ("market" or "user"): REST knows what it should have told."""
        if (pair := self._pairs.get(market)) is not None:
            self._io.spawn(pair.abandon(kind, reason))

    def hurry(self) -> None:
        """Connect now what is not connected: the venue is known to be back."""
        for pair in self._pairs.values():
            self._io.spawn(pair.hurry())

    def _all_here(self) -> bool:
        return sum(pair.watched for pair in self._pairs.values()) >= self._expected
