"""Market-stream connections: paths, combined frames and control messages (protocol section 1.9)."""

import json
from collections.abc import Sequence
from typing import Any, Final, Protocol
from urllib.parse import parse_qs

import orjson

from simulator.wire.connections import Connection

MAX_STREAMS: Final = 1_024
PRIVATE: Final = "private"
EVENTS_MARK: Final = "@"
"""Parts a listen key from the events picked of its stream."""
METHODS: Final = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_GROUPS: Final = ("/public", "/market", "/private")


def is_stream_path(path: str) -> bool:
    """Tell whether market streams live at an address."""
    folder = path.split("/")[1]
    return folder in {"ws", "stream", "public", "market", "private"}


def requested_streams(path: str, query: str) -> tuple[list[str], bool]:
    """Return the stream names in an address, and whether its frames are combined.

    `/ws/a/b` names streams by path, `/stream?streams=a/b` by query; the futures groups may precede both.
    ccxt connects to `/ws/0`, `/ws/1`: a segment that is no stream's name is never refused. It takes an
    address for spot only if that contains `/stream`, as the live host's does, so `/stream/ws` means `/ws`.
    """
    for group in _GROUPS:
        path = path.removeprefix(group) if path.startswith(f"{group}/") else path
    if path.startswith("/stream/ws"):
        path = path.removeprefix("/stream")
    if path.startswith("/stream"):
        named = "/".join(parse_qs(query).get("streams", []))
        return [name for name in named.split("/") if name], True
    return [name for name in path.removeprefix("/ws").split("/") if name], False


def private_streams(path: str, query: str) -> tuple[list[str], bool]:
    """Return what an address below `/private` names, and whether its frames are combined.

    `/ws?listenKey=K`, `/ws/K`, `/stream?listenKey=K` and `/stream?streams=K` name the key; `events=A/B` picks
    events and becomes part of the stream's name: `K@A/B`.
    """
    path = path.removeprefix(f"/{PRIVATE}")
    fields = parse_qs(query)
    picked = "".join(f"{EVENTS_MARK}{names}" for names in fields.get("events", [])[:1])
    is_combined = path.startswith("/stream")
    named = [*fields.get("listenKey", []), *(fields.get("streams", []) if is_combined else [])]
    if not is_combined:
        named += path.removeprefix("/ws").split("/")
    return [f"{key}{picked}" for each in named for key in each.split("/") if key], is_combined


class ControlError(Exception):
    """A control message that cannot be followed; `code` and text are Binance's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


class StreamSource(Protocol):
    """Where streams come from: a market's publisher, or the user events of an account."""

    def subscribe(self, name: str, reader: "StreamSession") -> None: ...
    def unsubscribe(self, name: str, reader: "StreamSession") -> None: ...


class StreamSession:
    """One reader of streams. `publisher` None: a connection on which nothing is ever sent."""

    def __init__(self, connection: Connection, publisher: StreamSource | None, *, combined: bool) -> None:
        self._connection, self._publisher = connection, publisher
        self.combined = combined
        self.names: dict[str, None] = {}

    def offer(self, frame: bytes) -> None:
        self._connection.offer(frame)

    def subscribe(self, names: Sequence[str]) -> None:
        for name in names:
            if len(self.names) >= MAX_STREAMS and name not in self.names:
                raise ControlError(2, "Invalid request: too many parameters")
            self.names[name] = None
            if self._publisher:
                self._publisher.subscribe(name, self)

    def unsubscribe(self, names: Sequence[str]) -> None:
        for name in names:
            self.names.pop(name, None)
            if self._publisher:
                self._publisher.unsubscribe(name, self)

    def leave(self) -> None:
        self.unsubscribe(list(self.names))

    def farewell(self, now_ms: int) -> None:
        """Announce the server's end and close."""
        event: dict[str, object] = {"e": "serverShutdown", "E": now_ms}
        shown = {"stream": "!serverShutdown", "data": event} if self.combined else event
        self.offer(orjson.dumps(shown))
        self._connection.close(1001, b"Server shutdown")

    def receive(self, text: str) -> None:
        """Follow one control message and answer it."""
        request: Any = None
        try:
            request = _parse(text)
            answer: dict[str, object] = {"result": self._follow(request)}
        except ControlError as error:
            answer = {"code": error.code, "msg": error.message}
        known = request.get("id") if isinstance(request, dict) else None
        self.offer(orjson.dumps({**answer, "id": known}))

    def _follow(self, request: dict[str, Any]) -> object:
        method, params = request.get("method"), request.get("params")
        if method == "LIST_SUBSCRIPTIONS":
            return list(self.names)
        if method in {"SUBSCRIBE", "UNSUBSCRIBE"}:
            names = _names(params)
            (self.subscribe if method == "SUBSCRIBE" else self.unsubscribe)(names)
            return None
        return self._property(str(method), params)

    def _property(self, method: str, params: object) -> object:
        if not isinstance(params, list) or not params or not isinstance(params[0], str):
            raise ControlError(2, "Invalid request: property name must be a string")
        if params[0] != "combined":
            raise ControlError(0, "Unknown property")
        if method == "GET_PROPERTY":
            return self.combined
        if len(params) != 2 or not isinstance(params[1], bool):
            raise ControlError(1, "Invalid value type: expected Boolean")
        self.combined = params[1]
        return None


def _parse(text: str) -> dict[str, Any]:
    try:
        request = json.loads(text)
    except json.JSONDecodeError as exc:
        raise ControlError(3, f"Invalid JSON: expected value at line {exc.lineno} column {exc.colno}") from exc
    if not isinstance(request, dict) or "method" not in request:
        raise ControlError(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
    if request["method"] not in METHODS:
        expected = ", ".join(f"`{method}`" for method in METHODS)
        raise ControlError(
            2,
            f"Invalid request: unknown variant `{request['method']}`, expected one of {expected} "
            f"at line 1 column {len(text)}",
        )
    if isinstance(request.get("id"), bool | float | list | dict):
        raise ControlError(2, "Invalid request: request ID must be an unsigned integer")
    return request


def _names(params: object) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise ControlError(2, "Invalid request: stream names must be a list of strings")
    return params
