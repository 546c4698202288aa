"""Our orders as they happen: a WebSocket API connection with a user-data subscription by signature (protocol 1.10).

The subscription lives and dies with its connection, and sends nothing while nothing happens: that it is silent says
nothing. Pings notice a dead peer; a subscription that died behind a living socket is noticed by whoever compares with
REST, and told here by `Streams.distrust`.
"""

import logging
from typing import Final

from adapters.binance.first_readings import FirstReadings
from adapters.binance.parsing import parse_report, report_client_id
from adapters.binance.sockets import Frame, FrameSocket, SocketRefusal
from adapters.binance.transport import Transport
from adapters.binance.watchers import Watchers
from domain.errors import VenueError
from domain.events import StreamLost, StreamResumed
from domain.instrument import Market
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)

_CLOCK_SKEWED: Final = -1021


class UserChannel:
    """The user stream of spot. Lives on the I/O loop."""

    kind = "user"

    def __init__(self, url: str, transport: Transport, watchers: Watchers, clock: Clock, prefix: str) -> None:
        self._url, self._transport, self._watchers, self._prefix = url, transport, watchers, prefix
        self._clock = clock
        self.is_live = False
        self.reason = ""
        self.events = 0
        self.heard_s: float | None = None
        self.checked_s: float | None = None
        self.unread = FirstReadings()
        self.foreign = 0
        self.unwatched = 0

    async def connect(self) -> FrameSocket:
        return await self._transport.web_socket(self._url, self._receive)

    async def subscribe(self, socket: FrameSocket) -> None:
        try:
            await socket.ask("userDataStream.subscribe.signature", self._transport.socket_params())
        except VenueError as e:
            if e.code == _CLOCK_SKEWED:
                await self._transport.measure_clock(Market.SPOT)
            elif isinstance(e, SocketRefusal):
                self._transport.slow_down(e.status, e.code, e.headers)
            raise

    def lost(self, reason: str) -> None:
        self.is_live, self.reason, self.checked_s = False, reason, None
        self.unread.end()
        self._watchers.everyone(StreamLost(self.kind, reason))

    def resumed(self) -> None:
        self.is_live, self.reason, now_s = True, "", self._clock.monotonic_s()
        self.unread.begin(self._watchers, now_s)
        self._watchers.everyone(StreamResumed(self.kind, now_s))

    def compared(self) -> None:
        """Note that the account was read over REST; whoever asked compares it with what was told."""
        self.checked_s = self._clock.monotonic_s()

    def moved(self) -> None:
        """Nothing to do: the account's one subscription moved with it."""

    def _receive(self, socket: FrameSocket, frame: Frame) -> None:
        event = frame.get("event")
        if not isinstance(event, dict):
            return
        kind = event.get("e")
        if kind == "serverShutdown":
            socket.retire("the venue announced a shutdown")
            return
        self.events += 1
        self.heard_s = self._clock.monotonic_s()
        if kind == "executionReport":
            self._report(event)
        elif kind == "eventStreamTerminated":
            socket.abandon("the venue ended the subscription")

    def _report(self, event: Frame) -> None:
        if not report_client_id(event).startswith(self._prefix):
            self.foreign += 1
            return
        instrument = self._watchers.instrument(event["s"])
        if instrument is None:
            self.unwatched += 1
            return
        self._watchers.order(event["s"], parse_report(instrument, event))
