"""The HTTP face of the venue: REST, WebSocket upgrades, admin; one handler for each port."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Final, Protocol

import orjson
from aiohttp import web

from simulator.core.errors import ExchangeError
from simulator.wire import errors
from simulator.wire.calls import Operation
from simulator.wire.connections import Connection, SocketRules, cut_off
from simulator.wire.dispatch import Answer, Asking, ConnectionCut, Dispatcher, GatewayPage, refusal_of
from simulator.wire.operations import RETIRED
from simulator.wire.parameters import read_form
from simulator.wire.routes import Route, Routes
from simulator.wire.signing import rest_payload
from simulator.wire.stream_sessions import (
    PRIVATE,
    StreamSession,
    StreamSource,
    is_stream_path,
    private_streams,
    requested_streams,
)
from simulator.wire.user_streams import UserStreams
from simulator.wire.ws_api import ApiSession

AdminHandler = Callable[[web.BaseRequest], Awaitable[object]]

_API_SOCKET: Final = "/ws-api/v3"
_FUTURES: Final = "/fapi/"
_REJECTED_KEY: Final = -2015
OPENINGS: Final = {True: "ws.api", False: "ws.streams"}
"""What the opening of a socket is called where faults are matched."""
_NOT_FOUND: Final = "<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>"


class Session(Protocol):
    """What a socket's messages go to."""

    def receive(self, text: str) -> None: ...
    def leave(self) -> None: ...
    def farewell(self, now_ms: int) -> None: ...


@dataclass(slots=True)
class Port:
    """What one port serves.

    Attributes:
        prefixes: REST folders it answers; everything else is 404.
        routes: what is answered there, and by which venue.
        streams: what sockets read, by the first folder of their path; "" is for all other paths.
        has_socket_api: whether the spot ws-api lives here.
        admin: handlers of `/admin/...` by (method, path).
    """

    prefixes: tuple[str, ...]
    routes: Routes
    streams: Mapping[str, StreamSource] = field(default_factory=dict)
    has_socket_api: bool = False
    admin: Mapping[tuple[str, str], AdminHandler] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Open:
    """An open socket; `kind` as in faults."""

    connection: Connection
    request: web.BaseRequest
    kind: str


class Gateway:
    """Accepts requests on one port."""

    def __init__(self, port: Port, dispatcher: Dispatcher, streams: UserStreams, rules: SocketRules) -> None:
        self._port, self._dispatcher, self._streams, self._rules = port, dispatcher, streams, rules
        self._sessions: dict[Session, _Open] = {}

    @property
    def backlog(self) -> int:
        """Frames waiting for the slowest reader."""
        return max((opened.connection.backlog for opened in self._sessions.values()), default=0)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._accept_socket(request)
        if request.path.startswith("/admin/"):
            return await self._answer_admin(request)
        return await self._answer_rest(request)

    def farewell(self) -> None:
        """Say goodbye on every socket."""
        for session in self._sessions:
            session.farewell(self._dispatcher.server_ms())

    def disconnect(self, glob: str, how: str) -> None:
        """Close the sockets (`streams`, `api`) as after 24 hours (lifetime), by RST (reset) or with a goodbye."""
        for session, opened in tuple(self._sessions.items()):
            if not fnmatchcase(opened.kind, glob):
                continue
            if how == "reset":
                cut_off(opened.request.transport, reset=True)
            elif how == "lifetime":
                opened.connection.reach_lifetime()
            else:
                session.farewell(self._dispatcher.server_ms())

    async def _answer_rest(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        route = self._port.routes.get((request.method, path)) if path.startswith(self._port.prefixes) else None
        if route is None:
            return self._unknown(path)
        try:
            answer = await route.dispatcher.execute(await self._asking(request, route.operation, query))
        except (errors.ApiError, ExchangeError) as error:
            return _refused(request, refusal_of(error), route.dispatcher)
        except GatewayPage as page:
            return _page(page.status)
        except ConnectionCut as cut:
            return _cut(request, reset=cut.reset)
        answered = _answered(request, route, answer)
        return await _half(request, answered) if answer.is_cut else answered

    async def _asking(self, request: web.BaseRequest, operation: Operation, query: str) -> Asking:
        body = "" if request.method == "GET" else (await request.read()).decode("utf-8", "replace")
        return Asking(
            operation,
            read_form(query, body),
            (rest_payload(query, body),),
            request.headers.get("X-MBX-APIKEY"),
            request.remote or "",
        )

    def _unknown(self, path: str) -> web.Response:
        if path in RETIRED and path.startswith(self._port.prefixes):
            gone = errors.ApiError(-1016, "This service is no longer available.", http_status=410)
            return _json(gone.body(), gone.http_status, {})
        return web.Response(status=404, text=_NOT_FOUND, content_type="text/html")

    async def _answer_admin(self, request: web.BaseRequest) -> web.StreamResponse:
        handler = self._port.admin.get((request.method, request.path))
        if handler is None:
            return web.Response(status=404, text=_NOT_FOUND, content_type="text/html")
        try:
            self._dispatcher.holder(request.headers.get("X-MBX-APIKEY"))
            return _json(await handler(request), HTTPStatus.OK, {})
        except (errors.ApiError, ExchangeError) as error:
            refusal = refusal_of(error)
            return _json(refusal.body(), refusal.http_status, {})

    async def _accept_socket(self, request: web.BaseRequest) -> web.StreamResponse:
        address = request.remote or ""
        try:
            self._dispatcher.limiter.connect(address, self._dispatcher.server_ms())
        except errors.ApiError as error:
            return _refused(request, error, self._dispatcher)
        is_api = request.path == _API_SOCKET and self._port.has_socket_api
        if not is_api and not is_stream_path(request.path):
            return self._unknown(request.path)
        try:
            await self._dispatcher.strike_arrival(OPENINGS[is_api])
        except GatewayPage as page:
            return _page(page.status)
        except ConnectionCut as cut:
            return _cut(request, reset=cut.reset)
        socket = web.WebSocketResponse(autoping=False, heartbeat=None, compress=False)
        await socket.prepare(request)
        connection = Connection(socket, self._rules, self._dispatcher.server_ms, rate_limited=not is_api)
        session = self._open_api(request, connection) if is_api else self._open_streams(request, connection)
        self._sessions[session] = _Open(connection, request, "api" if is_api else "streams")
        try:
            async for text in connection.messages():
                session.receive(text)
        finally:
            del self._sessions[session]
            session.leave()
        return socket

    def _open_api(self, request: web.BaseRequest, connection: Connection) -> Session:
        def cut(*, reset: bool) -> None:
            cut_off(request.transport, reset=reset)

        return ApiSession(
            connection,
            self._dispatcher,
            self._streams,
            request.remote or "",
            cut,
            return_limits=request.query.get("returnRateLimits", "true").lower() != "false",
        )

    def _open_streams(self, request: web.BaseRequest, connection: Connection) -> Session:
        folder, streams = request.path.split("/")[1], self._port.streams
        read = private_streams if folder == PRIVATE and folder in streams else requested_streams
        names, combined = read(request.path, request.query_string)
        session = StreamSession(connection, streams.get(folder, streams.get("")), combined=combined)
        session.subscribe(names)
        return session


def _refused(request: web.BaseRequest, refusal: errors.ApiError, dispatcher: Dispatcher) -> web.Response:
    headers = _weight_headers(request, dispatcher)
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = str(refusal.retry_after_s)
    body = refusal.body()
    if refusal.code == _REJECTED_KEY and request.path.startswith(_FUTURES):
        body["msg"] = f"{refusal.message.removesuffix('.')}, request ip: {request.remote}"
    return _json(body, refusal.http_status, headers)


def _answered(request: web.BaseRequest, route: Route, answer: Answer) -> web.Response:
    headers = _weight_headers(request, route.dispatcher)
    if route.operation.orders:
        now_ms = route.dispatcher.server_ms()
        headers |= route.dispatcher.venue.order_counter.headers(answer.account_id, now_ms)
    return _json(answer.result, HTTPStatus.OK, headers)


def _weight_headers(request: web.BaseRequest, dispatcher: Dispatcher) -> dict[str, str]:
    used = str(dispatcher.limiter.used(request.remote or "", dispatcher.server_ms()))
    if request.path.startswith("/sapi/"):
        return {"X-SAPI-USED-IP-WEIGHT-1M": used}
    if request.path.startswith(_FUTURES):
        return {"X-MBX-USED-WEIGHT-1M": used}
    return {"X-MBX-USED-WEIGHT": used, "X-MBX-USED-WEIGHT-1M": used}


def _json(body: object, status: int, headers: dict[str, str]) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")


def _page(status: int) -> web.Response:
    phrase = HTTPStatus(status).phrase
    text = f"<html><head><title>{status} {phrase}</title></head><body>{status} {phrase}</body></html>"
    return web.Response(status=status, text=text, content_type="text/html")


def _cut(request: web.BaseRequest, *, reset: bool) -> web.Response:
    """Cut the peer's connection; the response returned reaches nobody."""
    cut_off(request.transport, reset=reset)
    return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)


async def _half(request: web.BaseRequest, answer: web.Response) -> web.StreamResponse:
    """Send half of an answer under the length of the whole, then end the connection."""
    body = answer.body
    whole = body if isinstance(body, bytes) else b""
    half = web.StreamResponse(status=answer.status, headers=answer.headers)
    half.content_length = len(whole)
    await half.prepare(request)
    await half.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return half
