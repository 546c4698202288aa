"""Connections that cannot be held open for nothing: a time for each request to arrive, and a bound on their number.

Uvicorn has neither for a request whose headers never end.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

from routes.answers import raw_answer

log = logging.getLogger(__name__)

_RETRY_S = 10
_REFUSED_EVERY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """How long a caller may hold a connection for nothing, and how many connections there are at once.

    `arrival_s` counts while the head of a request arrives, and while a caller does not accept more of its answer.
    """

    arrival_s: float = 10.0
    most: int = 400


def limited(limits: ConnectionLimits) -> type[H11Protocol]:
    """Return the kind of connection that keeps to `limits`."""
    return type("LimitedConnection", (_Connection,), {"limits": limits, "refusals": _Refusals()})


class _Refusals:
    """The answer to connections beyond the limit: told of in the log now and then, however many get it."""

    def __init__(self) -> None:
        self._answer = b""
        self._silent_until_s = 0.0

    def answer(self, now_s: float, most: int) -> bytes:
        if now_s >= self._silent_until_s:
            self._silent_until_s = now_s + _REFUSED_EVERY_S
            sentence = f"{most} connections are open already; close some, or try again in {_RETRY_S} s"
            log.warning("more than %d connections at once; further ones are refused", most)
            self._answer = raw_answer("503 Service Unavailable", "Overloaded", sentence)
        return self._answer


class _Connection(H11Protocol):
    limits: ConnectionLimits
    refusals: "_Refusals"
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.limits.most:
            self._refuse()
            return
        self._start_deadline()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._awaits_caller():
            self._start_deadline()
        else:
            self._end_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_deadline()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._awaits_caller():
            self._end_deadline()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._awaits_caller() and self.conn.trailing_data[0]:  # the next head has begun
            self._start_deadline()

    def send_400_response(self, msg: str) -> None:
        self.transport.write(raw_answer("400 Bad Request", "Malformed", f"{msg} Send HTTP/1.1"))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        super().connection_lost(exc)

    def _awaits_caller(self) -> bool:
        """Tell whether nothing is under way here: the next step is the caller's."""
        return self.cycle is None or self.cycle.response_complete

    def _start_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.limits.arrival_s, self._give_up)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        """Close at once: a caller that reads nothing would keep an orderly close waiting."""
        self._deadline = None
        self.transport.abort()

    def _refuse(self) -> None:
        self.transport.write(self.refusals.answer(self.loop.time(), self.limits.most))
        self.transport.close()


class NoWebSocket(asyncio.Protocol):
    """Answers who asks for a WebSocket that there is none, in the place uvicorn keeps for one that is served."""

    def __init__(self, **_uvicorn: Any) -> None:
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, _data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        sentence = "there is no WebSocket at this address; /openapi.json lists what there is"
        self._transport.write(raw_answer("404 Not Found", "NoSuchAddress", sentence))
        self._transport.close()
