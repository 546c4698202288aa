"""Binance's public REST as the live feed asks it: paced by weight, silent for as long as the venue asks for silence.

The budget is the address's, not the feed's: the count in every reply's header tells what all who ask from here have
used of the venue's minute, a server that trades among them, and closures are shared with them (utils.closed_hosts).
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp

from simulator.market.feed import Candle, MarketError
from simulator.market.intervals import INTERVALS
from simulator.market.public_messages import candle_of_row
from utils.closed_hosts import ClosedHosts, Closure

log = logging.getLogger(__name__)

WEIGHT: Final[Mapping[str, int]] = {"exchangeInfo": 20, "klines": 2, "time": 1, "ping": 1}
"""Request weight on spot (protocol section 1.2)."""
DOCUMENTED_LIMIT: Final = 6_000
"""Weight per minute and address until exchangeInfo is read (protocol section 3)."""
SHARE: Final = 0.5
"""What part of the minute, whoever used it, a feed leaves off at: the rest belongs to who trades from this address."""
CONNECTIONS: Final = 150
"""Stream connections in `CONNECTIONS_SPAN_MS`: half of what the venue allows an address (300 in five minutes)."""
CONNECTIONS_SPAN_MS: Final = 300_000

_REFUSALS: Final = frozenset({403, 418, 429})
_BANNED: Final = 418
_PAUSE_S: Final = 10
_BAN_S: Final = 120
"""How long without a Retry-After: the shortest ban is two minutes."""
_LATE_MS: Final = 250
"""How much later than by our measure of its clock the venue's minute is taken to end; see adapters' request limits."""
_LONGEST_NAP_S: Final = 1.0
_MINUTE_MS: Final = 60_000
_USED_HEADER: Final = "X-MBX-USED-WEIGHT-1M"
_HISTORY: Final = 1_000
_PARALLEL: Final = 8


class Closed(MarketError):
    """Binance asks this address to send nothing for now; the text says until when."""


class RequestPace:
    """Says when a request or a connection may leave.

    Args:
        host: as closures name it.
        closed_hosts: what this and other processes know of closures.
        now_ms: wall time.
        sleep: waits so many seconds.
    """

    def __init__(
        self,
        host: str,
        closed_hosts: ClosedHosts,
        now_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._host, self._closed_hosts, self._now_ms, self._sleep = host, closed_hosts, now_ms, sleep
        self._ahead_ms = 0
        self._limit = DOCUMENTED_LIMIT
        self._minute = -1
        self._used = self._in_flight = 0
        self._connections: deque[int] = deque(maxlen=CONNECTIONS)
        self._logged_until_ms = 0

    @property
    def used_weight(self) -> int:
        """Return what is known to be used of the venue's present minute, requests without an answer included."""
        self._roll()
        return self._used + self._in_flight

    def notice(self) -> str | None:
        """Return a sentence while the venue asks for silence, None while it does not."""
        closure = self._closed_hosts.closure(self._host)
        if closure is None:
            return None
        until = datetime.fromtimestamp(closure.until_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        what = "has banned this address" if closure.banned else "asks this address to slow down"
        return f"Binance {what}: {self._host} is sent nothing until {until}"

    def require_open(self) -> None:
        """Raise Closed while the venue asks for silence."""
        if notice := self.notice():
            raise Closed(notice)

    async def turn(self, weight: int) -> int:
        """Wait until `weight` fits this feed's part of a minute; return the number of that minute.

        Raises:
            Closed: nothing may be sent.
        """
        while True:
            self.require_open()
            wait_ms = self._until_it_fits_ms(weight)
            if wait_ms == 0:
                self._in_flight += weight
                return self._minute
            await self.nap(wait_ms)

    def connection_wait_ms(self) -> int:
        """Return how long no stream may be opened, 0 where one may be; whoever opens it says so by `connecting`."""
        now_ms = self._now_ms()
        if closure := self._closed_hosts.closure(self._host):
            self._log_once(closure)
            return max(closure.until_ms - now_ms, 0)
        if len(self._connections) < CONNECTIONS:
            return 0
        return max(self._connections[0] + CONNECTIONS_SPAN_MS - now_ms, 0)

    def connecting(self) -> None:
        """Count an attempt to open a stream."""
        self._connections.append(self._now_ms())

    async def nap(self, wait_ms: int) -> None:
        """Wait a part of it: what is waited for may move, and a machine may sleep meanwhile."""
        await self._sleep(min(wait_ms / 1000, _LONGEST_NAP_S))

    def count(self, weight: int, minute: int, headers: Mapping[str, str]) -> None:
        """Move a request from in flight to used: the venue's own count where it tells one, else its full weight."""
        self._in_flight -= weight
        self._roll()
        if minute != self._minute:  # the reply counts a minute that is over
            return
        told = headers.get(_USED_HEADER, "")
        self._used = max(self._used, int(told)) if told.isdecimal() else self._used + weight

    def heed(self, status: int, headers: Mapping[str, str]) -> None:
        """Close the host if an answer is one of the venue's limits.

        Raises:
            Closed: if it is.
        """
        if status not in _REFUSALS:
            return
        asked, banned = headers.get("Retry-After", ""), status == _BANNED
        pause_s = int(asked) if asked.isdecimal() else _BAN_S if banned else _PAUSE_S
        self._closed_hosts.close(self._host, self._now_ms() + pause_s * 1000, banned=banned)
        if closure := self._closed_hosts.closure(self._host):
            self._log_once(closure)
        self.require_open()

    def learn_clock(self, server_ms: int) -> None:
        self._ahead_ms = server_ms - self._now_ms()

    def learn_limit(self, rate_limits: Sequence[Mapping[str, Any]]) -> None:
        """Take over the weight per minute of exchangeInfo's `rateLimits`."""
        for row in rate_limits:
            if (row["rateLimitType"], row["interval"], row["intervalNum"]) == ("REQUEST_WEIGHT", "MINUTE", 1):
                self._limit = int(row["limit"])

    def _log_once(self, closure: Closure) -> None:
        if closure.until_ms >= self._logged_until_ms + 1000:
            self._logged_until_ms = closure.until_ms
            log.warning("%s", self.notice())

    def _until_it_fits_ms(self, weight: int) -> int:
        taken = self.used_weight
        if taken == 0 or taken + weight <= self._limit * SHARE:
            return 0
        return _MINUTE_MS - self._venue_ms() % _MINUTE_MS

    def _roll(self) -> None:
        minute = self._venue_ms() // _MINUTE_MS
        if minute != self._minute:
            self._minute, self._used = minute, 0

    def _venue_ms(self) -> int:
        return self._now_ms() + self._ahead_ms - _LATE_MS


class LiveRest:
    """The public endpoints a feed needs; every request waits for its turn."""

    def __init__(self, session: aiohttp.ClientSession, url: str, pace: RequestPace) -> None:
        self._session, self._url, self.pace = session, url, pace
        self._gate = asyncio.Semaphore(_PARALLEL)

    async def get(self, path: str, **parameters: str | int) -> Any:
        """Return the decoded answer of GET /api/v3/`path`.

        Raises:
            Closed: the venue asks for silence; nothing was sent, or this was the answer.
            aiohttp.ClientError, OSError, TimeoutError, ValueError: no usable answer.
        """
        weight = WEIGHT[path]
        async with self._gate:
            minute = await self.pace.turn(weight)
            headers: Mapping[str, str] = {}
            try:
                async with self._session.get(f"{self._url}/api/v3/{path}", params=parameters) as answer:
                    headers = answer.headers
                    self.pace.heed(answer.status, headers)
                    answer.raise_for_status()
                    return await answer.json()
            finally:
                self.pace.count(weight, minute, headers)

    async def exchange_info(self, symbols: Sequence[str]) -> Any:
        info = await self.get("exchangeInfo", symbols=json.dumps(list(symbols), separators=(",", ":")))
        self.pace.learn_limit(info.get("rateLimits", ()))
        if "serverTime" in info:
            self.pace.learn_clock(int(info["serverTime"]))
        return info

    async def server_ms(self) -> int:
        """Return the venue's time, by which its minutes begin."""
        server_ms = int((await self.get("time"))["serverTime"])
        self.pace.learn_clock(server_ms)
        return server_ms

    async def klines(self, symbol: str, interval: str, **parameters: int) -> list[Candle]:
        rows = await self.get("klines", symbol=symbol, interval=interval, limit=_HISTORY, **parameters)
        return [candle_of_row(row) for row in rows]

    async def past(self, symbols: Sequence[str]) -> dict[tuple[str, str], list[Candle]]:
        keys = [(symbol, interval) for symbol in symbols for interval in INTERVALS]
        candles = await asyncio.gather(*(self.klines(symbol, interval) for symbol, interval in keys))
        return dict(zip(keys, candles, strict=True))
