"""One broker of request weight for the whole process.

Binance counts per IP (weight) and per account (orders) in fixed windows aligned to its clock; going on after a 429
earns a 418, a ban of minutes to days (protocol section 3). So everyone asks here before sending, everyone stops when
the venue says so, and cancels go first when it reopens, then orders, then reads.
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from domain.errors import SlowDown
from domain.instrument import Market
from ports.clock import Clock

LOG: Final = logging.getLogger(__name__)


class Urgency(IntEnum):
    CANCEL = 0
    ORDER = 1
    READ = 2


SHARE: Final[Mapping[Urgency, float]] = {Urgency.CANCEL: 1.0, Urgency.ORDER: 0.95, Urgency.READ: 0.8}
"""What part of a limit each urgency may use, so that reads never leave a cancel without weight."""

PATIENCE_S: Final[Mapping[Urgency, float]] = {Urgency.CANCEL: 120.0, Urgency.ORDER: 15.0, Urgency.READ: 30.0}
"""How long a request may wait for its turn; one that cannot be served in time is refused at once."""

TOO_MANY_ORDERS: Final = -1015
_INTERVAL_S: Final[Mapping[str, int]] = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}
_UNIT: Final[Mapping[str, str]] = {"S": "SECOND", "M": "MINUTE", "H": "HOUR", "D": "DAY"}
_WEIGHT_HEADER: Final = "X-MBX-USED-WEIGHT-"
_ORDERS_HEADER: Final = "X-MBX-ORDER-COUNT-"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request uses up: IP weight, and how many orders it places."""

    weight: int
    orders: int = 0


@dataclass(slots=True)
class _Window:
    """One limit in its current fixed window. `reserved` is sent and not yet counted by a reply."""

    interval_s: int
    limit: int
    number: int = -1
    used: int = 0
    reserved: int = 0

    def roll(self, server_ms: int) -> None:
        number = server_ms // (self.interval_s * 1000)
        if number != self.number:
            self.number, self.used = number, 0

    def fits(self, amount: int, share: float) -> bool:
        return self.used + self.reserved + amount <= self.limit * share

    def ends_in_s(self, server_ms: int) -> float:
        return (self.interval_s * 1000 - server_ms % (self.interval_s * 1000)) / 1000


@dataclass(slots=True)
class _Side:
    """One market's limits, closure and queue."""

    weight: _Window
    orders: dict[int, _Window]
    closed_until_s: float = 0.0
    placing_closed_until_s: float = 0.0
    queue: list[tuple[Urgency, int, Cost, "asyncio.Future[None]"]] = field(default_factory=list)
    pump: "asyncio.Task[None] | None" = None


class Turn:
    """Leave to send one request; tell it what the venue answered."""

    def __init__(self, broker: "WeightBroker", market: Market, cost: Cost, windows: Mapping[int, int]) -> None:
        self._broker, self._market, self._cost, self._windows = broker, market, cost, windows
        self._told = False

    def answered(self, status: int, headers: Mapping[str, str], *, slow_down: SlowDown | None = None) -> None:
        """Count a reply by its headers; `slow_down` is what the venue made of it, if it was a limit."""
        self._told = True
        self._broker.count(self._market, self._cost, self._windows, headers, ok=status < 400)
        if slow_down is None:
            return
        if slow_down.code == TOO_MANY_ORDERS:
            self._broker.close_placing(self._market, slow_down.retry_after_s)
        elif status in (403, 418, 429):  # and not one request's bad luck, an overloaded back end
            self._broker.close(self._market, slow_down.retry_after_s, everyone=status == 418)

    def ended(self) -> None:
        """Count a request that got no reply at its full cost."""
        if not self._told:
            self._broker.count(self._market, self._cost, self._windows, {}, ok=False)


class WeightBroker:
    """Serves one I/O loop; every method but the constructor runs on it."""

    def __init__(
        self,
        clock: Clock,
        server_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._server_ms, self._sleep = clock, server_ms, sleep
        self._order = itertools.count()
        # Until exchangeInfo is read: documented limits (spot 6000/min, 100/10 s; futures 2400/min, 300/10 s).
        self._sides = {
            Market.SPOT: _Side(_Window(60, 6000), {10: _Window(10, 100), 86_400: _Window(86_400, 200_000)}),
            Market.FUTURES: _Side(_Window(60, 2400), {10: _Window(10, 300), 60: _Window(60, 1200)}),
        }

    def set_limits(self, market: Market, rate_limits: Sequence[Mapping[str, object]]) -> None:
        """Take over `rateLimits` of exchangeInfo; counts so far stay."""
        side = self._sides[market]
        for row in rate_limits:
            seconds = _INTERVAL_S.get(str(row.get("interval")), 0) * int(str(row.get("intervalNum", 1)))
            limit = int(str(row["limit"]))
            if row.get("rateLimitType") == "REQUEST_WEIGHT" and seconds == side.weight.interval_s:
                side.weight.limit = limit
            elif row.get("rateLimitType") == "ORDERS" and seconds:
                side.orders.setdefault(seconds, _Window(seconds, limit)).limit = limit

    def used_weight(self, market: Market) -> int:
        """Return the weight counted in the current minute."""
        side = self._sides[market]
        side.weight.roll(self._server_ms())
        return side.weight.used + side.weight.reserved

    @asynccontextmanager
    async def turn(self, market: Market, cost: Cost, urgency: Urgency) -> AsyncIterator[Turn]:
        """Wait for the turn of a request.

        Raises:
            SlowDown: if it cannot come within this urgency's patience.
        """
        await self._reserve(market, cost, urgency)
        side = self._sides[market]
        windows = {window.interval_s: window.number for window in (side.weight, *side.orders.values())}
        turn = Turn(self, market, cost, windows)
        try:
            yield turn
        finally:
            turn.ended()

    def close(self, market: Market, retry_after_s: float, *, everyone: bool = False) -> None:
        """Stop sending to `market` for `retry_after_s`; a ban (`everyone`) is on the IP and stops all markets."""
        until_s = self._clock.monotonic_s() + retry_after_s
        LOG.warning("%s asks to slow down: nothing is sent for %.1f s", market, retry_after_s)
        for name, side in self._sides.items():
            if everyone or name is market:
                side.closed_until_s = max(side.closed_until_s, until_s)

    def close_placing(self, market: Market, retry_after_s: float) -> None:
        """Stop placements alone: the account's order limit is no limit on cancels and reads."""
        LOG.warning("%s takes no new orders for %.1f s", market, retry_after_s)
        side = self._sides[market]
        until_s = self._clock.monotonic_s() + retry_after_s
        side.placing_closed_until_s = max(side.placing_closed_until_s, until_s)

    def count(
        self, market: Market, cost: Cost, windows: Mapping[int, int], headers: Mapping[str, str], *, ok: bool
    ) -> None:
        """Move a reservation into the counts, by the venue's headers where they tell.

        A reply whose window is over by now says nothing about the present one.
        """
        side = self._sides[market]
        now_ms = self._server_ms()
        seen = _read_counts(headers)
        for window in (side.weight, *side.orders.values()):
            is_weight = window is side.weight
            amount = cost.weight if is_weight else cost.orders
            window.reserved = max(window.reserved - amount, 0)
            window.roll(now_ms)
            if windows.get(window.interval_s) != window.number:
                continue
            told = seen.get(("weight" if is_weight else "orders", window.interval_s))
            if told is None or told < 0:  # futures answers -1 to calls without weight
                window.used += amount if is_weight or ok else 0
            else:
                # Replies overtake each other and weight never falls; unfilled orders do, once they fill.
                window.used = max(window.used, told) if is_weight else told

    async def _reserve(self, market: Market, cost: Cost, urgency: Urgency) -> None:
        side = self._sides[market]
        wait_s = self._wait_s(side, cost, urgency)
        if wait_s == 0 and not any(entry[0] <= urgency for entry in side.queue):
            self._take(side, cost)
            return
        if wait_s > PATIENCE_S[urgency]:
            raise SlowDown(f"the {market} request limit is used up, it reopens in {wait_s:.0f} s", retry_after_s=wait_s)
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(side.queue, (urgency, next(self._order), cost, granted))
        if side.pump is None or side.pump.done():
            side.pump = asyncio.create_task(self._serve(side))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                self._give_back(side, cost)
            raise

    async def _serve(self, side: _Side) -> None:
        """Let the queue through, most urgent first, pausing while the head does not fit."""
        while side.queue:
            urgency, _, cost, granted = side.queue[0]
            if granted.done():
                heapq.heappop(side.queue)
                continue
            wait_s = self._wait_s(side, cost, urgency)
            if wait_s > 0:
                await self._sleep(min(wait_s, 1.0))  # a more urgent one may come meanwhile
                continue
            heapq.heappop(side.queue)
            self._take(side, cost)
            granted.set_result(None)
            await asyncio.sleep(0)

    def _wait_s(self, side: _Side, cost: Cost, urgency: Urgency) -> float:
        """Return in how many seconds this cost may be asked for again, 0 if it fits now."""
        now_ms, now_s = self._server_ms(), self._clock.monotonic_s()
        wait_s = max(side.closed_until_s - now_s, 0.0)
        if cost.orders:
            wait_s = max(wait_s, side.placing_closed_until_s - now_s)
        pairs = [(side.weight, cost.weight), *((window, cost.orders) for window in side.orders.values())]
        for window, amount in pairs:
            window.roll(now_ms)
            if amount and not window.fits(amount, SHARE[urgency]):
                wait_s = max(wait_s, window.ends_in_s(now_ms))
        return wait_s

    @staticmethod
    def _take(side: _Side, cost: Cost) -> None:
        side.weight.reserved += cost.weight
        for window in side.orders.values():
            window.reserved += cost.orders

    @staticmethod
    def _give_back(side: _Side, cost: Cost) -> None:
        side.weight.reserved -= cost.weight
        for window in side.orders.values():
            window.reserved -= cost.orders


def _read_counts(headers: Mapping[str, str]) -> dict[tuple[str, int], int]:
    """Return what `X-MBX-USED-WEIGHT-1M`, `X-MBX-ORDER-COUNT-10S` and the like say, by kind and seconds."""
    counts: dict[tuple[str, int], int] = {}
    for name, value in headers.items():
        upper = name.upper()
        for prefix, kind in ((_WEIGHT_HEADER, "weight"), (_ORDERS_HEADER, "orders")):
            if not upper.startswith(prefix) or not value.lstrip("-").isdigit():
                continue
            if upper[-1] in _UNIT and upper[len(prefix) : -1].isdigit():
                seconds = int(upper[len(prefix) : -1]) * _INTERVAL_S[_UNIT[upper[-1]]]
                counts[kind, seconds] = int(value)
    return counts
