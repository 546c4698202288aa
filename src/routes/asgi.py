"""The server around the Flask app: one event loop in the calling thread, views on bounded pools of threads."""

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from flask import Flask

from ports.control import PartState
from routes.answers import Message, Scope, answer_plainly
from routes.connections import ConnectionLimits, NoWebSocket, limited
from routes.lanes import Lanes

BODY_TIMEOUT_S = 10.0
SHUTDOWN_TIMEOUT_S = 5
LOOP_HUNG_S = 15.0
THREADS = 16


class AddressInUse(Exception):
    """The server cannot listen there; the text says what to do."""


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that a taken port is known before anything else starts.

    Raises:
        AddressInUse: in one sentence with the remedy.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise AddressInUse(_remedy(host, port, error)) from error
    listener.set_inheritable(False)
    return listener


def _remedy(host: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is already in use: end the other program or choose another with --port"
        case errno.EACCES:
            return f"port {port} needs rights this user lacks: choose one above 1023 with --port"
        case _:
            return f"cannot listen on {host}:{port} ({error.strerror or error}): choose another address with --host"


class BufferedBody:
    """Reads each request's body before a thread is taken for it, so that a slow sender holds no thread.

    A body without Content-Length (chunked) gets one here, as WSGI knows no other way. One beyond `most_bytes` is cut
    there plus one byte: the app's own limit then answers 413 in its own words.
    """

    def __init__(self, app: Any, most_bytes: int, timeout_s: float = BODY_TIMEOUT_S) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await asyncio.wait_for(self._read(receive), self._timeout_s)
        except TimeoutError:
            sentence = f"the body did not arrive within {self._timeout_s:g} s; send it at once"
            await answer_plainly(send, 408, "TooSlow", sentence, [(b"connection", b"close")])
            return
        if body is None:
            return  # the caller hung up
        await self._app(_with_length(scope, len(body)), _once(body), send)

    async def _read(self, receive: Any) -> bytes | None:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._most_bytes or not message.get("more_body", False):
                return bytes(body[: self._most_bytes + 1])


def _with_length(scope: Scope, length: int) -> Scope:
    dropped = (b"content-length", b"transfer-encoding")
    headers = [(name, value) for name, value in scope["headers"] if name not in dropped]
    return {**scope, "headers": [*headers, (b"content-length", str(length).encode())]}


def _once(body: bytes) -> Callable[[], Any]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def build_asgi(app: Flask, *, threads: int = THREADS) -> BufferedBody:
    """Return `app` as ASGI; at most `threads` of the views that may wait for the exchange run at once."""
    return BufferedBody(Lanes(app, threads), int(app.config["MAX_CONTENT_LENGTH"]))


class LoopPulse:
    """Tells whether the server's loop still turns.

    Args:
        monotonic_s: a clock that is never set.
    """

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._beat_s: float | None = None

    def beat(self) -> None:
        self._beat_s = self._monotonic_s()

    def part(self) -> PartState:
        """Return the loop as a part of the house; before its first turn it is not waited for."""
        silent_s = 0.0 if self._beat_s is None else self._monotonic_s() - self._beat_s
        alive = silent_s <= LOOP_HUNG_S
        reason = "" if alive else f"its loop has not turned for {silent_s:.0f} s"
        return PartState(name="http server", alive=alive, ready=alive, reason=reason)


class _Server(uvicorn.Server):
    """Ends on a signal by returning. Uvicorn itself raises the signal again, which would skip our own clean stop."""

    def __init__(
        self, config: uvicorn.Config, on_ready: Callable[[], None], on_signal: Callable[[], None], pulse: LoopPulse
    ) -> None:
        super().__init__(config)
        self._on_ready, self._on_signal, self._pulse = on_ready, on_signal, pulse

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    async def on_tick(self, counter: int) -> bool:
        self._pulse.beat()
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._on_signal()
        super().handle_exit(sig, frame)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals():
            yield
            self._captured_signals.clear()


def serve(
    asgi: Any,
    listener: socket.socket,
    *,
    on_ready: Callable[["Stop"], None] = lambda _stop: None,
    on_signal: Callable[[], None] = lambda: None,
    pulse: LoopPulse | None = None,
    limits: ConnectionLimits | None = None,
    log: logging.Logger | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or the `stop` given to `on_ready`; then finish what is under way and return.

    Call it from the main thread, else signals are not seen. `on_ready` is called once connections are answered,
    `on_signal` (from a signal handler) when a signal asks for the end; `pulse` is told of every turn of the loop.
    """
    config = uvicorn.Config(
        asgi,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
        timeout_keep_alive=15,
        proxy_headers=False,
        http=limited(limits or ConnectionLimits()),
        ws=NoWebSocket,
    )
    server = _Server(config, lambda: on_ready(Stop(server)), on_signal, pulse or LoopPulse())
    host, port = listener.getsockname()[:2]
    server.run(sockets=[listener])
    (log or logging.getLogger(__name__)).info("no longer listening on %s:%s", host, port)


class Stop:
    """Ends a server from any thread."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server

    def __call__(self) -> None:
        self._server.should_exit = True
