"""The one signed transport: weight, signature, time, transmission and the meaning of what comes back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    InvalidURL,
    TCPConnector,
    WSServerHandshakeError,
)
from yarl import URL

from adapters.binance.hosts import HostGuard
from adapters.binance.merging import Merging
from adapters.binance.request_limits import Cost
from adapters.binance.server_time import ServerTime
from adapters.binance.sockets import FrameSocket, Receive
from adapters.binance.weights import LIMIT_STATUSES, Turn, Urgency, WeightBroker
from domain.errors import ClockSkewed, OutcomeUnknown, SlowDown, Unreachable, VenueError
from domain.instrument import Market
from ports.clock import Clock
from utils.binance_errors import Purpose, translate, translate_code
from utils.binance_signing import Params, encode, signed_query, signed_socket_params
from utils.closed_hosts import ClosedHosts, host_of

LOG: Final = logging.getLogger(__name__)

RECV_WINDOW_MS: Final = 5_000
"""How long after its timestamp a request may still be accepted; look-ups rely on it (protocol section 6A)."""
REQUEST_TIMEOUT_S: Final = 10.0
_TIME_PATH: Final[Mapping[Market, str]] = {Market.SPOT: "/api/v3/time", Market.FUTURES: "/fapi/v1/time"}
_TIME_SAMPLES: Final = 3
SOCKET_COST: Final[Mapping[Market, Cost]] = {Market.SPOT: Cost(4), Market.FUTURES: Cost(0)}
"""2 for the connection and 2 for the subscription of the WebSocket API (protocol 1.10); futures streams cost none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `params` keep their order; Decimals are written in fixed-point notation, None is left out.

    `keyed` sends the key without a signature; `body` goes out as JSON, which only our own exchange's admin reads.
    `reading` says how urgent a read is. `alone`: an answer to somebody else's equal request will not do. `apart` sends
    it over a connection that carries nothing else.
    """

    market: Market
    method: str
    path: str
    cost: Cost
    params: Params = field(default_factory=dict)
    signed: bool = False
    keyed: bool = False
    body: Mapping[str, object] | None = None
    purpose: Purpose = Purpose.READ
    reading: Urgency = Urgency.DATA
    alone: bool = False
    apart: bool = False

    @property
    def urgency(self) -> Urgency:
        return URGENCY.get(self.purpose, self.reading)

    @property
    def shareable(self) -> tuple[object, ...] | None:
        """Return what makes this the same request as another, None if nobody else's answer will do."""
        if self.method != "GET" or self.purpose is not Purpose.READ or self.alone:
            return None
        return (self.market, self.path, self.signed, self.keyed, encode(self.params.items()))


URGENCY: Final = {Purpose.PLACE: Urgency.ORDER, Purpose.CANCEL: Urgency.CANCEL}


class Transport:
    """Signs, sends and translates. Lives on the I/O loop.

    aiohttp sends a GET or DELETE once more when a kept-alive connection turns out to be closed. For a cancel that
    is harmless: its second arrival is refused with -2011 and the order looked up. A POST is never repeated.
    """

    def __init__(
        self,
        *,
        addresses: Mapping[Market, str],
        guard: HostGuard,
        api_key: str,
        api_secret: str,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        timeout_s: float = REQUEST_TIMEOUT_S,
        closed_hosts: ClosedHosts | None = None,
    ) -> None:
        self._bases, self._guard = dict(addresses), guard
        self._key, self._secret, self._clock, self._sleep = api_key, api_secret, clock, sleep
        self.times = {market: ServerTime(clock) for market in Market}
        hosts = {market: host_of(url) for market, url in self._bases.items()}
        server_ms = self.times[Market.SPOT].now_ms
        self.broker = WeightBroker(clock, server_ms, sleep, hosts=hosts, closed_hosts=closed_hosts)
        self._timeout = ClientTimeout(total=timeout_s, sock_connect=min(3.0, timeout_s))
        self._session: ClientSession | None = None
        self._apart: ClientSession | None = None
        self._measuring = {market: asyncio.Lock() for market in Market}
        self._merging = Merging()

    def offers(self, market: Market) -> bool:
        return market in self._bases

    async def open(self) -> None:
        """Open the session; call once, on the loop it is to live on."""
        self._session = self._connections(limit=64, keepalive_s=30)
        self._apart = self._connections(limit=8, keepalive_s=75)

    async def close(self) -> None:
        for session in (self._session, self._apart):
            if session is not None:
                await session.close()

    def _connections(self, *, limit: int, keepalive_s: float) -> ClientSession:
        connector = TCPConnector(limit=limit, keepalive_timeout=keepalive_s)
        return ClientSession(connector=connector, timeout=self._timeout, trust_env=False)

    async def send(self, call: Call) -> Any:
        """Send one call and return its decoded JSON.

        A -1021 measures the clock again and sends the same parameters, client id included, once more; so does a
        clock that was set, or slept, since it was measured, before anything signed leaves. Equal reads that wait at
        the same time are sent once.

        Raises:
            Unreachable: it never left, or it was a read whose outcome does not matter.
            OutcomeUnknown: an order or cancel that may have arrived.
            VenueError: what the venue answered, see utils.binance_errors.
        """
        if call.signed and self.times[call.market].is_in_doubt:
            await self.measure_clock(call.market)
        try:
            return await self._merging.once(call.shareable, call.urgency, lambda begun: self._send_once(call, begun))
        except ClockSkewed:
            await self.measure_clock(call.market)
            return await self._send_once(call)

    async def web_socket(self, url: str, receive: Receive, market: Market = Market.SPOT) -> FrameSocket:
        """Open a WebSocket to an allowed address, at the weight of a connection and a subscription.

        Raises:
            AddressForbidden: before anything is sent.
            SlowDown: while the venue asks for silence; an attempt would lengthen a ban.
            aiohttp.ClientError, OSError, TimeoutError: if there is no connection.
        """
        self._guard.check(url)
        if self._session is None or self._session.closed:
            raise Unreachable("the connection to the venue is closed")
        async with self.broker.turn(market, SOCKET_COST[market], Urgency.RECONCILE):
            try:
                return await FrameSocket.open(self._session, url, receive)
            except WSServerHandshakeError as e:
                self.slow_down(e.status, 0, e.headers or {}, market)
                raise

    def slow_down(self, status: int, code: int, headers: Mapping[str, str], market: Market = Market.SPOT) -> None:
        """Freeze everyone if a socket's refusal is one of the venue's limits."""
        error = translate_code(market, status, code, "refused on a socket", headers, Purpose.READ)
        if isinstance(error, SlowDown) and status in LIMIT_STATUSES:
            self.broker.close(market, error.retry_after_s, everyone=status == 418)

    def socket_params(self) -> dict[str, object]:
        """Return the signed parameters of a WebSocket API request that takes no others."""
        return signed_socket_params(
            self._key,
            self._secret,
            {},
            timestamp_ms=self.times[Market.SPOT].now_ms(),
            recv_window_ms=RECV_WINDOW_MS,
        )

    async def measure_clock(self, market: Market) -> None:
        """Measure the offset to the venue's clock; one measurement at a time.

        Raises:
            VenueError: if no answer was to be had.
        """
        call = Call(market=market, method="GET", path=_TIME_PATH[market], cost=Cost(1), reading=Urgency.RECONCILE)
        async with self._measuring[market]:
            known, best_ms = self.times[market], None
            for _ in range(_TIME_SAMPLES):
                sent_ms, sent_s = self._clock.wall_ms(), self._clock.monotonic_s()
                answer = await self._send_once(call)
                took_ms = (self._clock.monotonic_s() - sent_s) * 1000
                if best_ms is None or took_ms < best_ms:
                    best_ms = took_ms
                    known.learn(int(answer["serverTime"]), sent_ms, self._clock.wall_ms())
            LOG.info("the clock of %s is %d ms ahead of ours", market, known.offset_ms)

    async def _send_once(self, call: Call, begun: Callable[[], None] = lambda: None) -> Any:
        session = self._apart if call.apart else self._session
        if session is None or session.closed:
            raise Unreachable("the connection to the venue is closed")
        base = self._bases.get(call.market)
        if base is None:
            raise VenueError(f"the {call.market} market is not offered here")
        self._guard.check(base + call.path)
        async with self.broker.turn(call.market, call.cost, call.urgency) as turn:
            begun()
            return await self._transmit(session, base, call, turn)

    async def _transmit(self, session: ClientSession, base: str, call: Call, turn: Turn) -> Any:
        query = self._query(call)
        url = URL(f"{base}{call.path}?{query}" if query else base + call.path, encoded=True)
        headers = {"X-MBX-APIKEY": self._key} if call.signed or call.keyed else None
        data = None if call.body is None else orjson.dumps(call.body)
        try:
            async with session.request(call.method, url, headers=headers, data=data, allow_redirects=False) as reply:
                body = await _body_of(reply)
        except (ClientConnectorError, ConnectionTimeoutError, InvalidURL) as e:
            raise Unreachable(f"no connection to the venue: {type(e).__name__}") from e
        except (ClientError, TimeoutError, OSError) as e:
            text = f"{call.method} {call.path} got no answer: {type(e).__name__}"
            raise _lost(call, text) from e
        return self._read(call, reply, body, turn)

    def _read(self, call: Call, reply: ClientResponse, body: bytes, turn: Turn) -> Any:
        if 200 <= reply.status < 300:
            turn.answered(reply.status, reply.headers)
            try:
                return orjson.loads(body)
            except orjson.JSONDecodeError as e:
                raise _lost(call, f"{call.method} {call.path} answered something unreadable") from e
        error = translate(call.market, reply.status, body, reply.headers, call.purpose)
        turn.answered(reply.status, reply.headers, slow_down=error if isinstance(error, SlowDown) else None)
        raise error

    def _query(self, call: Call) -> str:
        if not call.signed:
            return encode(call.params.items())
        return signed_query(
            self._secret,
            call.params,
            timestamp_ms=self.times[call.market].now_ms(),
            recv_window_ms=RECV_WINDOW_MS,
        )


async def _body_of(reply: ClientResponse) -> bytes:
    """Return the body; a demand for silence counts by its status and headers, however much of its text arrives."""
    try:
        return await reply.read()
    except (ClientError, TimeoutError, OSError):
        if reply.status not in LIMIT_STATUSES:
            raise
        return b""


def _lost(call: Call, text: str) -> VenueError:
    return Unreachable(text) if call.purpose is Purpose.READ else OutcomeUnknown(text)
