"""One WebSocket connection: a paced outgoing queue, pings, lifetime and message rate (section 1.9)."""

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from simulator.wire.limits import FixedWindow

_TICK_S: Final = 0.25
_LINGER_NOT: Final = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class SocketRules:
    """How the venue treats its sockets; durations in seconds, each an option of the process.

    Attributes:
        ping_s, pong_s: a ping every `ping_s`; closed when no echo came for `pong_s`.
        lifetime_s: hard end of every connection.
        messages_per_s: incoming frames allowed on market streams, pings and pongs counted.
        queue_frames: how far a reader may fall behind before it is closed.
        lossless: never close a slow reader (lock-step; the market waits for it instead).
    """

    ping_s: float = 20.0
    pong_s: float = 60.0
    lifetime_s: float = 86_400.0
    messages_per_s: int = 5
    queue_frames: int = 10_000
    lossless: bool = False


FUTURES_RULES: Final[Mapping[str, Any]] = {"ping_s": 180.0, "pong_s": 600.0, "messages_per_s": 10}
"""What the futures port does differently (protocol section 1.9)."""


class Connection:
    """An accepted socket. Frames are offered without waiting and leave in order."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        rules: SocketRules,
        wall_ms: Callable[[], int],
        *,
        rate_limited: bool,
    ) -> None:
        self._socket, self._rules, self._wall_ms = socket, rules, wall_ms
        self._queue: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._closing: tuple[int, bytes] | None = None
        self._incoming = FixedWindow(1_000)
        self._rate_limited = rate_limited
        self._opened_ms = self._ponged_ms = wall_ms()
        self._pinged_ms = self._opened_ms

    @property
    def backlog(self) -> int:
        """Frames offered and not yet handed to the network."""
        return len(self._queue)

    def offer(self, frame: bytes) -> None:
        """Queue one text frame; a reader too far behind is closed rather than waited for."""
        if self._closing:
            return
        self._queue.append(frame)
        if len(self._queue) > self._rules.queue_frames and not self._rules.lossless:
            self._queue.clear()
            self.close(WSCloseCode.POLICY_VIOLATION, b"Too slow to read")
        self._wake.set()

    def reach_lifetime(self) -> None:
        """Close as after 24 hours."""
        self.close(WSCloseCode.GOING_AWAY, b"Connection lifetime reached")

    def close(self, code: int = WSCloseCode.OK, reason: bytes = b"") -> None:
        """Close after what is queued has left."""
        self._closing = self._closing or (code, reason)
        self._wake.set()

    async def messages(self) -> AsyncIterator[str]:
        """Yield incoming texts until the connection ends; runs the outgoing side meanwhile."""
        writer = asyncio.create_task(self._write())
        try:
            while True:
                message = await self._socket.receive()
                if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
                    return
                if self._rate_limited and self._too_many():
                    self.close(WSCloseCode.POLICY_VIOLATION, b"Too many requests")
                    return
                if message.type is WSMsgType.TEXT:
                    yield message.data
                else:
                    await self._answer_control(message)
        finally:
            self.close()
            await self._finish(writer)

    async def _finish(self, writer: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait_for(writer, timeout=1.0)
        except (TimeoutError, asyncio.CancelledError, ConnectionError):
            writer.cancel()

    def _too_many(self) -> bool:
        return self._incoming.add(1, self._wall_ms()) > self._rules.messages_per_s

    async def _answer_control(self, message: WSMessage) -> None:
        if message.type is WSMsgType.PING:
            await self._socket.pong(message.data)
        elif message.type is WSMsgType.PONG and message.data:
            self._ponged_ms = self._wall_ms()

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                self._wake.clear()
                while self._queue:
                    await self._socket.send_frame(self._queue.popleft(), WSMsgType.TEXT)
                if self._closing:
                    break
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _TICK_S)
                await self._keep_time()
            code, reason = self._closing
            await self._socket.close(code=code, message=reason)

    async def _keep_time(self) -> None:
        now_ms = self._wall_ms()
        if now_ms - self._opened_ms >= self._rules.lifetime_s * 1_000:
            self.reach_lifetime()
        elif now_ms - self._ponged_ms >= (self._rules.ping_s + self._rules.pong_s) * 1_000:
            self.close(WSCloseCode.POLICY_VIOLATION, b"Pong timeout")
        elif now_ms - self._pinged_ms >= self._rules.ping_s * 1_000:
            self._pinged_ms = now_ms
            await self._socket.ping(str(now_ms).encode())


def cut_off(transport: asyncio.BaseTransport | None, *, reset: bool = False) -> None:
    """End a connection at once; by RST with `reset`: what was not read yet is lost on both sides."""
    if not isinstance(transport, asyncio.WriteTransport):
        return
    peer = transport.get_extra_info("socket")
    if reset and peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    transport.abort()
