"""The spot WebSocket API: the operations of the table, and user-data subscriptions (section 1.10)."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

import orjson

from simulator.core.errors import ExchangeError
from simulator.wire import accounts, errors
from simulator.wire.calls import Operation, Security, fixed
from simulator.wire.connections import Connection
from simulator.wire.dispatch import Answer, Asking, ConnectionCut, Dispatcher, GatewayPage, refusal_of
from simulator.wire.operations import BY_SOCKET_METHOD
from simulator.wire.parameters import Fields, Param, integer, read_json
from simulator.wire.signing import socket_payloads
from simulator.wire.user_streams import Subscriptions, UserStreams

Json = dict[str, object]
_SUBSCRIBE: Final = "userDataStream.subscribe.signature"
_UNSUBSCRIBE: Final = "userDataStream.unsubscribe"
_LISTING: Final = "session.subscriptions"
_STATUS: Final = ("session.status", "session.logout")
_RETIRED: Final = ("userDataStream.start", "userDataStream.ping", "userDataStream.stop")
_CONNECTION_SETTINGS: Final = ("returnRateLimits",)


def _session_operation(name: str, security: Security, *params: Param) -> Operation:
    return Operation(f"spot.{name}", "", "", lambda _venue, _call: {}, name, security, fixed(2), params=params)


_SESSION_OPERATIONS: Final = {
    operation.socket_method: operation
    for operation in (
        _session_operation(_SUBSCRIBE, Security.SIGNED),
        _session_operation(_UNSUBSCRIBE, Security.NONE, Param("subscriptionId", integer)),
        _session_operation(_LISTING, Security.NONE),
        *(_session_operation(name, Security.NONE) for name in _STATUS),
    )
}

SESSION_OPERATION_NAMES: Final = tuple(operation.name for operation in _SESSION_OPERATIONS.values())


class Cut(Protocol):
    """Ends the connection at once."""

    def __call__(self, *, reset: bool) -> None: ...


class ApiSession:
    """One ws-api connection."""

    def __init__(
        self,
        connection: Connection,
        dispatcher: Dispatcher,
        streams: UserStreams,
        address: str,
        cut: Cut,
        *,
        return_limits: bool = True,
    ) -> None:
        self._connection, self._dispatcher, self._streams = connection, dispatcher, streams
        self._address, self._cut, self._return_limits = address, cut, return_limits
        self._subscriptions = Subscriptions(connection)
        self._running: set[asyncio.Task[None]] = set()
        self._connected_ms = dispatcher.server_ms()
        streams.join(self._subscriptions)

    def leave(self) -> None:
        self._streams.leave(self._subscriptions)
        for task in self._running:
            task.cancel()

    def farewell(self, now_ms: int) -> None:
        """Announce the server's end and close."""
        self._connection.offer(orjson.dumps({"event": {"e": "serverShutdown", "E": now_ms}}))
        self._connection.close(1001, b"Server shutdown")

    def receive(self, text: str) -> None:
        """Start one request; a delayed answer holds up no other."""
        task = asyncio.get_running_loop().create_task(self._answer(text))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _answer(self, text: str) -> None:
        number: object = None
        operation: Operation | None = None
        params: Mapping[str, Any] = {}
        account_id, is_cut = "", False
        try:
            request = _parse(text)
            number, params = request.get("id"), request.get("params") or {}
            operation = _find(request["method"])
            result, answer = await self._execute(operation, params)
            account_id, is_cut = answer.account_id, answer.is_cut
            reply: Json = {"id": number, "status": 200, "result": result}
        except (errors.ApiError, ExchangeError) as error:
            refusal = refusal_of(error)
            reply = {"id": number, "status": refusal.http_status, "error": refusal.body()}
        except (ConnectionCut, GatewayPage) as struck:
            self._cut(reset=isinstance(struck, ConnectionCut) and struck.reset)
            return
        if _wants_limits(params, default=self._return_limits):
            reply["rateLimits"] = self._limit_rows(operation, account_id)
        encoded = orjson.dumps(reply)
        if not is_cut:
            self._connection.offer(encoded)
            return
        self._connection.offer(encoded[: len(encoded) // 2])
        self._connection.close()

    async def _execute(self, operation: Operation, params: Mapping[str, Any]) -> tuple[object, Answer]:
        fields = _operation_fields(params)
        sent = read_json(params).values
        asking = Asking(operation, fields, socket_payloads(sent), sent.get("apiKey"), self._address)
        answer = await self._dispatcher.execute(asking)
        if operation.socket_method in _SESSION_OPERATIONS:
            return self._session(operation.socket_method, asking, answer.account_id), answer
        return answer.result, answer

    def _session(self, method: str, asking: Asking, account_id: str) -> object:
        if method == _SUBSCRIBE:
            return {"subscriptionId": self._subscriptions.add(account_id)}
        if method == _UNSUBSCRIBE:
            wanted = asking.fields.values.get("subscriptionId")
            self._subscriptions.remove(int(wanted) if wanted else None)
            return {}
        if method == _LISTING:
            return [{"subscriptionId": number} for number in self._subscriptions.accounts]
        return {
            "apiKey": None,
            "authorizedSince": None,
            "connectedSince": self._connected_ms,
            "returnRateLimits": self._return_limits,
            "serverTime": self._dispatcher.server_ms(),
            "userDataStream": bool(self._subscriptions.accounts),
        }

    def _limit_rows(self, operation: Operation | None, account_id: str) -> list[Json]:
        now_ms, venue = self._dispatcher.server_ms(), self._dispatcher.venue
        weight = {**venue.limits.rows()[0], "count": self._dispatcher.limiter.used(self._address, now_ms)}
        if operation is None or not operation.orders or not account_id:
            return [weight]
        return [*accounts.order_limit_rows(venue, account_id, now_ms), weight]


def _parse(text: str) -> dict[str, Any]:
    """Return the request; decimals keep the digits they were sent with."""
    try:
        request = json.loads(text, parse_float=str)
    except json.JSONDecodeError as exc:
        raise errors.ApiError(-1135, "Invalid JSON Request") from exc
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        raise errors.ApiError(-1135, "Invalid JSON Request")
    if not isinstance(request.get("params") or {}, dict):
        raise errors.ApiError(-1135, "JSON sent for parameter 'params' is not valid")
    return request


def _find(method: str) -> Operation:
    if method in _RETIRED:
        raise errors.ApiError(-1016, "This service is no longer available.", http_status=410)
    operation = BY_SOCKET_METHOD.get(method) or _SESSION_OPERATIONS.get(method)
    if operation is None:
        raise errors.unsupported()
    return operation


def _operation_fields(params: Mapping[str, Any]) -> Fields:
    """Return the parameters without those that speak to the connection."""
    return read_json({name: value for name, value in params.items() if name not in _CONNECTION_SETTINGS})


def _wants_limits(params: Mapping[str, Any], *, default: bool) -> bool:
    wanted = params.get("returnRateLimits", default)
    return wanted is not False and str(wanted).lower() != "false"
