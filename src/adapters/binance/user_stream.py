"""Our orders as they happen, whichever door the venue tells them through.

Such a stream sends nothing while nothing happens: that it is silent says nothing. Pings notice a dead peer; one that
died behind a living socket is noticed by whoever compares with REST, and told here by `Streams.distrust`.
"""

from collections.abc import Callable
from typing import Final, Protocol

from adapters.binance.first_readings import FirstReadings
from adapters.binance.sockets import Frame, FrameSocket, Receive
from adapters.binance.watchers import Watchers
from domain.events import OrderReported, StreamLost, StreamResumed
from domain.instrument import Instrument
from ports.clock import Clock

SHUTDOWN: Final = "serverShutdown"


class UserDoor(Protocol):
    """How one market lets an account hear of its orders."""

    @property
    def ended(self) -> str:
        """Return the event after which nothing more comes on a connection."""

    async def connect(self, receive: Receive) -> FrameSocket: ...

    async def subscribe(self, socket: FrameSocket) -> None: ...

    async def keep_alive(self, current: Callable[[], FrameSocket | None], /) -> None:
        """Do for ever what keeps the stream alive besides its connection."""

    def event(self, frame: Frame) -> Frame | None:
        """Return the event in a frame, None where it is none."""

    def whose(self, event: Frame) -> tuple[str, str] | None:
        """Return symbol and client id of the order an event reports, None where it reports none."""

    def report(self, instrument: Instrument, event: Frame) -> OrderReported: ...


class UserChannel:
    """The user stream of one market. Lives on the I/O loop."""

    kind = "user"

    def __init__(self, door: UserDoor, watchers: Watchers, clock: Clock, prefix: str) -> None:
        self._door, self._watchers, self._clock, self._prefix = door, watchers, clock, prefix
        self.is_live = False
        self.reason = ""
        self.events = 0
        self.heard_s: float | None = None
        self.checked_s: float | None = None
        self.unread = FirstReadings()
        self.foreign = 0
        self.unwatched = 0

    async def connect(self) -> FrameSocket:
        return await self._door.connect(self._receive)

    async def subscribe(self, socket: FrameSocket) -> None:
        await self._door.subscribe(socket)

    async def keep_alive(self, current: Callable[[], FrameSocket | None]) -> None:
        """Keep the stream alive, for ever."""
        await self._door.keep_alive(current)

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
        event = self._door.event(frame)
        if event is None:
            return
        kind = event.get("e")
        if kind == SHUTDOWN:
            socket.retire("the venue announced a shutdown")
            return
        self.events += 1
        self.heard_s = self._clock.monotonic_s()
        if kind == self._door.ended:
            socket.abandon("the venue ended the subscription")
        elif (told := self._door.whose(event)) is not None:
            self._report(*told, event)

    def _report(self, symbol: str, client_id: str, event: Frame) -> None:
        if not client_id.startswith(self._prefix):
            self.foreign += 1
            return
        instrument = self._watchers.instrument(symbol)
        if instrument is None:
            self.unwatched += 1
            return
        self._watchers.order(symbol, self._door.report(instrument, event))
