"""One WebSocket, and the keeper that always has one that is subscribed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol, Self

import orjson
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType

from domain.errors import VenueError
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)

Frame = dict[str, Any]
ASK_TIMEOUT_S: Final = 10.0
PAUSES_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Before each attempt in a row; the venue allows 300 connections in 5 minutes per IP."""
MAX_AGE_S: Final = 23 * 3600.0
"""The venue closes a connection after 24 h; it is replaced before."""
HEARTBEAT_S: Final = 20.0
HEALTHY_S: Final = 60.0
"""A connection that lived longer is replaced at once when it breaks, a shorter one after a pause."""
_CONFIRMED: Final = 3
"""How many failures one that was confirmed may count for: it grew no older, but the venue is there (a pause of 2 s)."""
_NO_CONNECTION: Final = (ClientError, OSError, TimeoutError, VenueError)


class SocketRefusal(VenueError):
    """A request on a socket that was answered and refused; `headers` hold what REST would have sent as such."""

    def __init__(
        self, message: str, *, code: int = 0, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.status = status
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, method: str, frame: Frame) -> Self:
        """Read the refusal of `method` from the venue's reply."""
        refusal = frame.get("error")
        told: Frame = refusal if isinstance(refusal, dict) else {}
        data = told.get("data")
        again_ms = data.get("retryAfter") if isinstance(data, dict) else None  # wall time at which it reopens
        now_ms = data.get("serverTime") if isinstance(data, dict) else None
        wait_s = (int(again_ms) - int(now_ms)) / 1000 if again_ms is not None and now_ms is not None else None
        return cls(
            f"{method} was refused: {refusal}",
            code=int(told.get("code", 0)),
            status=int(frame.get("status", 400)),
            headers={} if wait_s is None else {"Retry-After": str(wait_s)},
        )


class Channel(Protocol):
    """What one kind of stream adds to a socket."""

    kind: str

    async def connect(self) -> "FrameSocket":
        """Return a socket that is open; raises as aiohttp does, or VenueError."""

    async def subscribe(self, socket: "FrameSocket") -> None:
        """Return once the venue confirmed everything wanted."""

    def lost(self, reason: str) -> None: ...

    def resumed(self) -> None: ...

    def moved(self) -> None:
        """Hear that a new connection took over from one that still read."""


class FrameSocket:
    """A WebSocket whose frames are parsed once: answers go to who asked, the rest to `receive`.

    `subscribed` holds the names of what the venue confirmed on this connection.
    """

    def __init__(self, socket: ClientWebSocketResponse, receive: "Receive") -> None:
        self._socket, self._receive = socket, receive
        self._asked: dict[int, asyncio.Future[Frame]] = {}
        self._next_id = 1
        loop = asyncio.get_running_loop()
        self._retired: asyncio.Future[str] = loop.create_future()
        self._ended: asyncio.Future[str] = loop.create_future()
        self._reader = asyncio.create_task(self._read())
        self.subscribed: set[str] = set()

    @classmethod
    async def open(cls, session: ClientSession, url: str, receive: "Receive") -> "FrameSocket":
        """Connect to `url`; pings of the venue are answered, and ours notice a dead peer."""
        socket = await session.ws_connect(
            url, heartbeat=HEARTBEAT_S, max_msg_size=0, timeout=ClientWSTimeout(ws_close=1.0)
        )
        return cls(socket, receive)

    @property
    def reads(self) -> bool:
        """Tell whether frames still arrive through this connection, as far as is known."""
        return not self._ended.done()

    def retire(self, reason: str) -> None:
        """Ask for this connection to be replaced; it goes on reading until then."""
        if not self._retired.done():
            self._retired.set_result(reason)

    def abandon(self, reason: str) -> None:
        """Declare this connection lost, open or not: it no longer delivers what it should."""
        if not self._ended.done():
            self._ended.set_result(reason)

    async def ask(self, method: str, params: object) -> Frame:
        """Send a request and return its answer.

        Raises:
            VenueError: if it is refused, or not answered in time.
        """
        number, self._next_id = self._next_id, self._next_id + 1
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            request = orjson.dumps({"method": method, "params": params, "id": number})
            await self._socket.send_str(request.decode())
            async with asyncio.timeout(ASK_TIMEOUT_S):
                frame = await answer
        except TimeoutError as e:
            raise VenueError(f"{method} was not answered within {ASK_TIMEOUT_S:g} s") from e
        finally:
            self._asked.pop(number, None)
        if frame.get("error") is not None or frame.get("status", 200) >= 400:
            raise SocketRefusal.of(method, frame)
        return frame

    async def over(self, max_age_s: float) -> tuple[bool, str]:
        """Wait until the connection ended or should be replaced; return whether it still reads, and why."""
        await asyncio.wait({self._ended, self._retired}, timeout=max_age_s, return_when=asyncio.FIRST_COMPLETED)
        if self._ended.done():
            return False, self._ended.result()
        self.retire("it is almost 24 h old")
        return True, self._retired.result()

    async def close(self) -> None:
        self.abandon("it was closed")
        self._reader.cancel()
        with suppress(asyncio.CancelledError):
            await self._reader
        with suppress(*_NO_CONNECTION):
            await self._socket.close()

    async def _read(self) -> None:
        reason = "it was closed"
        try:
            reason = await self._read_frames()
        except orjson.JSONDecodeError as e:
            LOG.warning("a stream frame is no JSON: %s", e)
            reason = "a frame was cut short or is no JSON"
        except Exception as e:
            # What this frame said is lost: the connection counts as broken, so that everyone reads anew.
            LOG.exception("a stream frame could not be understood")
            reason = f"a frame could not be understood: {type(e).__name__}"
        finally:
            self.abandon(reason)
            for answer in self._asked.values():
                if not answer.done():
                    answer.set_exception(VenueError(f"the connection ended: {reason}"))

    async def _read_frames(self) -> str:
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return f"the connection broke: {self._socket.exception() or message.type.name}"
            self._route(orjson.loads(message.data))
        return "the venue closed the connection"

    def _route(self, frame: Frame) -> None:
        number = frame.get("id")
        if number is not None and "stream" not in frame and "event" not in frame:
            asked = self._asked.get(number)
            if asked is not None and not asked.done():
                asked.set_result(frame)
            return
        self._receive(self, frame)


Receive = Callable[[FrameSocket, Frame], None]


class SocketKeeper:
    """Keeps one channel subscribed: connects, confirms, notices the end, reconnects with growing pauses.

    A planned replacement opens the new connection beside the old one, so nothing falls between; what arrives twice
    is told by its ids. `resumed` follows the venue's confirmation, `lost` comes before any new attempt.
    """

    def __init__(
        self,
        channel: Channel,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._channel, self._clock, self._sleep, self._max_age_s = channel, clock, sleep, max_age_s
        self._socket: FrameSocket | None = None
        self._entered_s = 0.0
        self._failures = 0
        self._was_up = False
        self._hurried = asyncio.Event()
        self.reconnects = 0

    @property
    def socket(self) -> FrameSocket | None:
        """Return the connection that is subscribed now, None while there is none."""
        return self._socket

    def hurry(self) -> None:
        """Make the next attempt now: whoever was away is known to be back."""
        self._hurried.set()

    async def run(self) -> None:
        """Run until cancelled."""
        try:
            while True:
                socket = await self._enter()
                reason = await self._stay(socket)
                await self._drop(reason)
        finally:
            if self._socket is not None:
                socket, self._socket = self._socket, None
                await socket.close()

    async def _enter(self) -> FrameSocket:
        """Open a subscribed connection, however long it takes."""
        while True:
            if self._failures:
                await self._pause(PAUSES_S[min(self._failures, len(PAUSES_S)) - 1])
            opened = await self._try_open()
            if isinstance(opened, FrameSocket):
                self._socket, self._entered_s = opened, self._clock.monotonic_s()
                self._was_up = True
                self._channel.resumed()
                return opened
            self._failed(opened)

    async def _pause(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._hurried.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            self._hurried.clear()

    def _failed(self, problem: str) -> None:
        self._failures += 1
        pause_s = PAUSES_S[min(self._failures, len(PAUSES_S)) - 1]
        LOG.warning("no %s stream, next attempt in %g s: %s", self._channel.kind, pause_s, problem)
        if not self._was_up:
            self._channel.lost(f"no connection to the exchange yet, attempt {self._failures}: {problem}")

    async def _stay(self, socket: FrameSocket) -> str:
        """Wait until the stream is lost and return why; planned moves to new connections happen inside."""
        while True:
            still_reads, reason = await socket.over(self._max_age_s)
            if not still_reads:
                return reason
            opened = await self._try_open()
            if not isinstance(opened, FrameSocket):
                LOG.warning("the %s stream cannot move yet (%s): %s", self._channel.kind, reason, opened)
                await self._sleep(PAUSES_S[-1] if socket.reads else 0)
                continue
            LOG.info("the %s stream moves to a new connection: %s", self._channel.kind, reason)
            unbroken = socket.reads
            self._socket, old = opened, socket
            socket, self._entered_s = opened, self._clock.monotonic_s()
            self.reconnects += 1
            await old.close()
            if unbroken:
                self._channel.moved()
            else:
                self._channel.lost(reason)
                self._channel.resumed()

    async def _drop(self, reason: str) -> None:
        LOG.warning("the %s stream is lost: %s", self._channel.kind, reason)
        lived_s = self._clock.monotonic_s() - self._entered_s
        self._failures = 0 if lived_s > HEALTHY_S else min(self._failures + 1, _CONFIRMED)
        old, self._socket = self._socket, None
        self.reconnects += 1
        self._channel.lost(reason)
        if old is not None:
            await old.close()

    async def _try_open(self) -> FrameSocket | str:
        socket: FrameSocket | None = None
        try:
            socket = await self._channel.connect()
            await self._channel.subscribe(socket)
        except _NO_CONNECTION as e:
            if socket is not None:
                await socket.close()
            return f"{type(e).__name__}: {e}"
        except asyncio.CancelledError:
            if socket is not None:
                await socket.close()
            raise
        return socket
