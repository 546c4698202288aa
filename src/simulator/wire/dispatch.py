"""From a request to its answer: limits, key, clock, signature, faults, the operation, state on disk."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from simulator.core.errors import ExchangeError
from simulator.faults.board import Fault
from simulator.faults.kinds import FaultKind
from simulator.wire import errors
from simulator.wire.calls import Call, Operation, Security
from simulator.wire.limits import AddressLimiter
from simulator.wire.parameters import Fields, parse
from simulator.wire.signing import is_signed_by
from simulator.wire.timing import check_timestamp
from simulator.wire.venue_base import AnyVenue

SYSTEM_STATUS: Final = "sapi.systemStatus"
"""The one operation that answers while everything else is in maintenance."""
_KEY_FORMAT: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


class ConnectionCut(Exception):
    """The peer's connection must be cut without an answer; with `reset` by RST."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__("connection cut")
        self.reset = reset


class GatewayPage(Exception):
    """The peer gets a gateway's HTML page instead of an answer."""

    def __init__(self, status: int) -> None:
        super().__init__(f"gateway page {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """An API key's secret and the account it trades."""

    secret: str
    account_id: str


@dataclass(frozen=True, slots=True)
class Asking:
    """One request before it is checked.

    Attributes:
        payloads: texts the signature may cover.
        address: the peer's IP address, which the weight is charged to.
    """

    operation: Operation
    fields: Fields
    payloads: Sequence[str]
    api_key: str | None
    address: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An operation's result and the caller's account (empty for public calls); `is_cut`: half of it is to be sent."""

    result: object
    account_id: str
    is_cut: bool = False


class Dispatcher:
    """Runs operations for REST and ws-api alike.

    `settle` returns once everything that happened is on disk and told to the streams.
    """

    def __init__(
        self,
        venue: AnyVenue,
        keys: Mapping[str, KeyHolder],
        settle: Callable[[], Awaitable[None]],
        *,
        lenient: bool = False,
    ) -> None:
        self.venue, self.keys = venue, keys
        self.limiter = AddressLimiter(venue.limits)
        self._settle, self._lenient = settle, lenient
        self.charged: Counter[str] = Counter()
        """Request weight by operation since the start, whoever asked."""

    def server_ms(self) -> int:
        return self.venue.clocks.server_ms()

    async def execute(self, asking: Asking) -> Answer:
        """Answer one request.

        Raises:
            ApiError, ExchangeError: what the peer is to be told.
            ConnectionCut, GatewayPage: a fault struck.
        """
        name = asking.operation.name
        await self.strike_arrival(name)
        self._strike_before(asking, self.server_ms())
        call = self._admitted(asking)
        try:
            result = asking.operation.handler(self.venue, call)
            self.venue.is_written |= asking.operation.method != "GET"
            if asking.operation.free_on_success:
                weight = asking.operation.weight(call.params)
                self.limiter.refund(asking.address, weight, self.server_ms())
                self.charged[asking.operation.name] -= weight
        finally:
            if self.venue.has_news():
                await self._settle()
        return Answer(result, call.account_id, await self._strike_after(name))

    async def strike_arrival(self, name: str) -> None:
        """Let the faults strike that a request, or the opening of a socket, meets on its way.

        Raises:
            ConnectionCut, GatewayPage: it does not arrive.
        """
        if not self.venue.faults.listing():
            return
        if late := self._strike(FaultKind.LATENCY, name):
            await asyncio.sleep(late.drawn_delay_s())
        is_told = name == SYSTEM_STATUS
        if not is_told and (down := self._strike(FaultKind.MAINTENANCE, "*")):
            raise GatewayPage(down.status)
        if page := self._strike(FaultKind.GATEWAY, name):
            raise GatewayPage(page.status)
        if lost := self._strike(FaultKind.LOSE_REQUEST, name):
            raise ConnectionCut(reset=lost.reset)

    def holder(self, api_key: str | None) -> KeyHolder:
        """Return whom a key belongs to; -2014 malformed, -2015 unknown."""
        if not api_key or _KEY_FORMAT.fullmatch(api_key) is None:
            raise errors.bad_key_format()
        if api_key not in self.keys:
            raise errors.rejected_key()
        return self.keys[api_key]

    def authenticate(self, asking: Asking, server_ms: int) -> KeyHolder:
        """Check key, clock and signature of a signed request."""
        holder = self.holder(asking.api_key)
        values = asking.fields.values
        check_timestamp(values.get("timestamp"), values.get("recvWindow"), server_ms)
        signature = values.get("signature")
        if not signature:
            raise errors.mandatory("signature")
        if not any(is_signed_by(holder.secret, payload, signature) for payload in asking.payloads):
            raise errors.bad_signature()
        return holder

    def _admitted(self, asking: Asking) -> Call:
        operation, now_ms = asking.operation, self.server_ms()
        params = self._charged(asking, now_ms)
        self._require_listed(operation, params)
        seen_ms = self._seen_clock(operation, now_ms)
        account_id = ""
        if operation.security is Security.SIGNED:
            account_id = self.authenticate(asking, seen_ms).account_id
        elif operation.security is Security.KEY:
            account_id = self.holder(asking.api_key).account_id
        lag = self._strike(FaultKind.READ_LAG, operation.name) if asking.fields.values else None
        return Call(params, account_id, seen_ms, lag.delay_ms if lag else 0)

    def _require_listed(self, operation: Operation, params: Mapping[str, Any]) -> None:
        """Refuse new orders on a delisted symbol, and its market; the account's past stays to be read."""
        is_past = operation.security is not Security.NONE and not operation.orders
        if not is_past and not self.venue.delisted.isdisjoint((params.get("symbol"), *params.get("symbols", ()))):
            raise errors.bad_symbol()

    def _charged(self, asking: Asking, now_ms: int) -> Mapping[str, Any]:
        """Parse the parameters; the weight is charged whether or not they are right."""
        operation = asking.operation
        params: Mapping[str, Any] = {}
        try:
            params = parse(operation.params, asking.fields, lenient=self._lenient or operation.lenient)
        finally:
            self.charged[operation.name] += operation.weight(params)
            self.limiter.admit(asking.address, operation.weight(params), now_ms)
        return params

    def _strike(self, kind: FaultKind, subject: str) -> Fault | None:
        return self.venue.faults.strike(kind, subject, self.server_ms())

    def _strike_before(self, asking: Asking, now_ms: int) -> None:
        if not self.venue.faults.listing():
            return
        name = asking.operation.name
        if ban := self._strike(FaultKind.BAN, name):
            self.limiter.ban(asking.address, ban.ban_s, now_ms)
        if self._strike(FaultKind.BAD_KEY, name):
            raise errors.rejected_key()
        if throttle := self._strike(FaultKind.THROTTLE, name):
            left_s = throttle.retry_after_s or -(-((throttle.until_ms or now_ms) - now_ms) // 1_000)
            raise errors.weight_exceeded(self.venue.limits.request_weight, max(1, left_s))
        if failing := self._strike(FaultKind.FAIL_BEFORE, name):
            raise errors.broken(failing.code, failing.status)

    def _seen_clock(self, operation: Operation, now_ms: int) -> int:
        fault = self._strike(FaultKind.CLOCK_OFFSET, operation.name)
        return now_ms + (fault.delay_ms if fault else 0)

    async def _strike_after(self, name: str) -> bool:
        """Let the faults strike that an answer meets on its way; tell whether half of it is to be sent."""
        if not self.venue.faults.listing():
            return False
        if delay := self._strike(FaultKind.ACK_DELAY, name):
            await asyncio.sleep(delay.drawn_delay_s())
        if lost := self._strike(FaultKind.LOSE_REPLY, name):
            raise ConnectionCut(reset=lost.reset)
        if failing := self._strike(FaultKind.FAIL_AFTER, name):
            raise errors.broken(failing.code, failing.status)
        return self._strike(FaultKind.HALF_ANSWER, name) is not None


def refusal_of(error: errors.ApiError | ExchangeError) -> errors.ApiError:
    """Return a refusal of the core in the shape of the API layer's own."""
    if isinstance(error, errors.ApiError):
        return error
    return errors.ApiError(error.code, error.message, http_status=error.http_status)
