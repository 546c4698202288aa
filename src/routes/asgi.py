"""The server around the Flask app: one event loop in the calling thread, views on a bounded pool of threads."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import orjson
import uvicorn
from a2wsgi import WSGIMiddleware
from flask import Flask

Scope = dict[str, Any]
Message = dict[str, Any]

BODY_TIMEOUT_S = 10.0
SHUTDOWN_TIMEOUT_S = 5
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
            await _too_slow(send, self._timeout_s)
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


async def _too_slow(send: Any, timeout_s: float) -> None:
    sentence = f"the body did not arrive within {timeout_s:g} s; send it at once"
    body = orjson.dumps({"error": "TooSlow", "message": sentence, "fields": [], "trace_id": ""})
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 408, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def build_asgi(app: Flask, *, threads: int = THREADS) -> BufferedBody:
    """Return `app` as ASGI; at most `threads` views run at once."""
    return BufferedBody(WSGIMiddleware(cast("Any", app), workers=threads), int(app.config["MAX_CONTENT_LENGTH"]))


class _Server(uvicorn.Server):
    """Ends on a signal by returning. Uvicorn itself raises the signal again, which would skip our own clean stop."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

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
    log: logging.Logger | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or the `stop` given to `on_ready`; then finish what is under way and return.

    Call it from the main thread, else signals are not seen. `on_ready` is called once connections are answered.
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
        ws="none",
    )
    server = _Server(config, lambda: on_ready(Stop(server)))
    host, port = listener.getsockname()[:2]
    server.run(sockets=[listener])
    (log or logging.getLogger(__name__)).info("no longer listening on %s:%s", host, port)


class Stop:
    """Ends a server from any thread."""

    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server

    def __call__(self) -> None:
        self._server.should_exit = True
