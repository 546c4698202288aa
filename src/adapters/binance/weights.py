"""One broker of request weight for the whole process.

Binance counts per IP (weight) and per account (orders) in fixed windows aligned to its clock; going on after a 429
earns a 418, a ban of minutes to days (protocol section 3). So everyone asks here before sending, everyone stops when
the venue says so, and cancels go first when it reopens, then orders, then what decisions wait for, then the rest.
Other processes on this machine draw on the same address: what they use shows in the counts of every reply, and closures
are shared with them (utils.closed_hosts).
"""

import asyncio
import itertools
import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from adapters.binance.request_limits import INTERVAL_S, Cost, Limits, Window, read_counts
from domain.errors import SlowDown
from domain.instrument import Market
from ports.clock import Clock
from ports.connectivity import LimitUse, RequestBudget
from utils.closed_hosts import ClosedHosts, Closure

LOG: Final = logging.getLogger(__name__)


class Urgency(IntEnum):
    """Who goes first. Reconciling is what decisions wait for; data feeds them; curiosity can wait."""

    CANCEL = 0
    ORDER = 1
    RECONCILE = 2
    DATA = 3
    CURIOSITY = 4


SHARE: Final[Mapping[Urgency, float]] = {
    Urgency.CANCEL: 1.0,
    Urgency.ORDER: 0.95,
    Urgency.RECONCILE: 0.9,
    Urgency.DATA: 0.8,
    Urgency.CURIOSITY: 0.6,
}
"""What part of a limit each urgency may use, so that reads never leave a cancel without weight."""

PATIENCE_S: Final[Mapping[Urgency, float]] = {
    Urgency.CANCEL: 120.0,
    Urgency.ORDER: 15.0,
    Urgency.RECONCILE: 30.0,
    Urgency.DATA: 30.0,
    Urgency.CURIOSITY: 10.0,
}
"""How long a request may wait for its turn; one that cannot be served in time is refused at once."""

TOO_MANY_ORDERS: Final = -1015
LIMIT_STATUSES: Final = frozenset({403, 418, 429})
"""By these the venue asks the whole address for silence."""


class _Waiting(NamedTuple):
    """One request in the queue; the most urgent first, then who came first."""

    urgency: Urgency
    number: int
    cost: Cost
    granted: "asyncio.Future[None]"


@dataclass(slots=True)
class _Side:
    """One market's limits and queue."""

    limits: Limits
    queue: list[_Waiting] = field(default_factory=list)
    pump: "asyncio.Task[None] | None" = None


Counted = tuple[Window, int]
"""A window a request was counted in, and its number at that time."""


class Turn:
    """Leave to send one request; tell it what the venue answered."""

    def __init__(self, broker: "WeightBroker", market: Market, cost: Cost, windows: Sequence[Counted]) -> None:
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
        elif status in LIMIT_STATUSES:  # and not one request's bad luck, an overloaded back end
            self._broker.close(self._market, slow_down.retry_after_s, everyone=status == 418)

    def ended(self) -> None:
        """Count a request that got no reply at its full cost."""
        if not self._told:
            self._broker.count(self._market, self._cost, self._windows, {}, ok=False)


class WeightBroker:
    """Serves one I/O loop; every method but the constructor runs on it.

    Args:
        clock: wall and monotonic time.
        server_ms: the venue's time, by which its windows begin.
        sleep: how the loop waits.
        hosts: the name under which each market's closures are kept.
        closed_hosts: what other processes know of closures, and get to know; None keeps them to this one.
    """

    def __init__(
        self,
        clock: Clock,
        server_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        hosts: Mapping[Market, str] | None = None,
        closed_hosts: ClosedHosts | None = None,
    ) -> None:
        self._clock, self._server_ms, self._sleep = clock, server_ms, sleep
        self._hosts = dict(hosts or {}) if closed_hosts is not None else {}
        self._closed_hosts = closed_hosts or ClosedHosts((), clock.wall_ms)
        self._heeded: dict[Market, Closure] = {}
        self._number = itertools.count()
        # Until exchangeInfo is read: documented limits (spot 6000/min, 100/10 s; futures 2400/min, 300/10 s).
        spot = Limits(Window(60, 6000), {10: Window(10, 100), 86_400: Window(86_400, 200_000)})
        futures = Limits(Window(60, 2400), {10: Window(10, 300), 60: Window(60, 1200)})
        self._sides = {Market.SPOT: _Side(spot), Market.FUTURES: _Side(futures)}

    def set_limits(self, market: Market, rate_limits: Sequence[Mapping[str, object]]) -> None:
        """Take over `rateLimits` of exchangeInfo; counts so far stay."""
        for row in rate_limits:
            seconds = INTERVAL_S.get(str(row.get("interval")), 0) * int(str(row.get("intervalNum", 1)))
            self._sides[market].limits.learn(row.get("rateLimitType"), seconds, int(str(row["limit"])))

    def used_weight(self, market: Market) -> int:
        """Return the weight counted in the current minute."""
        return self._sides[market].limits.weight.taken(self._server_ms())

    def budget(self, market: Market) -> RequestBudget:
        """Return what is used up and until when nothing is sent. Changes nothing; any thread may ask."""
        side, server_ms, now_s = self._sides[market], self._server_ms(), self._clock.monotonic_s()
        limits, wall_ms = side.limits, self._clock.wall_ms()

        def use(window: Window) -> LimitUse:
            return LimitUse(interval_s=window.interval_s, used=window.taken(server_ms), limit=window.limit)

        def until_ms(until_s: float) -> int | None:
            return wall_ms + math.ceil((until_s - now_s) * 1000) if until_s > now_s else None

        return RequestBudget(
            market=market,
            weight=use(limits.weight),
            orders=tuple(use(window) for window in list(limits.orders.values())),
            waiting=len(side.queue),
            frozen_until_ms=until_ms(limits.closed_until_s),
            placing_frozen_until_ms=until_ms(limits.placing_closed_until_s),
        )

    @asynccontextmanager
    async def turn(self, market: Market, cost: Cost, urgency: Urgency) -> AsyncIterator[Turn]:
        """Wait for the turn of a request.

        Raises:
            SlowDown: if it cannot come within this urgency's patience.
        """
        await self._reserve(market, cost, urgency)
        limits = self._sides[market].limits
        limits.roll(self._server_ms())
        turn = Turn(self, market, cost, [(window, window.number) for window in limits.windows])
        try:
            yield turn
        finally:
            turn.ended()

    def close(self, market: Market, retry_after_s: float, *, everyone: bool = False) -> None:
        """Stop sending to `market` for `retry_after_s`; a ban (`everyone`) is on the IP and stops all markets."""
        LOG.warning("%s asks to slow down: nothing is sent for %.1f s", market, retry_after_s)
        self._close_here(market, retry_after_s, everyone=everyone)
        until_ms = self._clock.wall_ms() + math.ceil(retry_after_s * 1000)
        for name, host in self._hosts.items():
            if everyone or name is market:
                self._closed_hosts.close(host, until_ms, banned=everyone)
                self._heeded[name] = Closure(until_ms, everyone)

    def close_placing(self, market: Market, retry_after_s: float) -> None:
        """Stop placements alone: the account's order limit is no limit on cancels and reads."""
        LOG.warning("%s takes no new orders for %.1f s", market, retry_after_s)
        limits = self._sides[market].limits
        until_s = self._clock.monotonic_s() + retry_after_s
        limits.placing_closed_until_s = max(limits.placing_closed_until_s, until_s)

    def count(
        self, market: Market, cost: Cost, windows: Sequence[Counted], headers: Mapping[str, str], *, ok: bool
    ) -> None:
        """Move a reservation into the counts, by the venue's headers where they tell.

        A reply whose window is over by now says nothing about the present one.
        """
        limits, now_ms, seen = self._sides[market].limits, self._server_ms(), read_counts(headers)
        limits.give_back(cost)
        for window, number in windows:
            window.roll(now_ms)
            if number != window.number:
                continue
            is_weight = window is limits.weight
            told = seen.get(("weight" if is_weight else "orders", window.interval_s))
            if told is None or told < 0:  # futures answers -1 to calls without weight
                window.used += limits.amount(window, cost) if is_weight or ok else 0
            else:
                # Replies overtake each other and weight never falls; unfilled orders do, once they fill.
                window.used = max(window.used, told) if is_weight else told

    def _close_here(self, market: Market, seconds: float, *, everyone: bool) -> None:
        until_s = self._clock.monotonic_s() + seconds
        for name, side in self._sides.items():
            if everyone or name is market:
                side.limits.closed_until_s = max(side.limits.closed_until_s, until_s)

    def _heed_others(self) -> None:
        """Take over what another process, or an earlier life of this one, was asked for."""
        for market, host in self._hosts.items():
            closure = self._closed_hosts.closure(host)
            if closure is None or closure == self._heeded.get(market):
                continue
            self._heeded[market] = closure
            seconds = (closure.until_ms - self._clock.wall_ms()) / 1000
            LOG.warning("%s has asked this address to slow down: nothing is sent for %.1f s", host, seconds)
            self._close_here(market, seconds, everyone=closure.banned)

    async def _reserve(self, market: Market, cost: Cost, urgency: Urgency) -> None:
        self._heed_others()
        side = self._sides[market]
        waits = self._waits_s(side, cost, urgency)
        if max(waits) == 0 and not self._must_queue(side, urgency):
            side.limits.take(cost)
            return
        if max(waits) > PATIENCE_S[urgency]:
            is_closed = side.limits.closed_until_s > self._clock.monotonic_s()
            what = "the venue asks for silence on" if is_closed else "the request limit is used up on"
            raise SlowDown(f"{what} {market}, it reopens in {max(waits):.0f} s", retry_after_s=max(waits))
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        side.queue.append(_Waiting(urgency, next(self._number), cost, granted))
        if side.pump is None or side.pump.done():
            side.pump = asyncio.create_task(self._serve(side))
        try:
            await granted
        except asyncio.CancelledError:
            if granted.done() and not granted.cancelled():
                side.limits.give_back(cost)
            raise

    def _must_queue(self, side: _Side, urgency: Urgency) -> bool:
        """Tell whether someone as urgent waits for weight; those who wait to place alone hold nobody up."""
        ahead = (entry for entry in side.queue if entry.urgency <= urgency and not entry.granted.done())
        return any(self._waits_s(side, entry.cost, entry.urgency)[1] == 0 for entry in ahead)

    async def _serve(self, side: _Side) -> None:
        """Let the queue through, most urgent first, pausing while none may go."""
        while side.queue:
            self._heed_others()
            chosen, wait_s = self._next(side)
            if chosen is None:
                await self._sleep(min(wait_s, 1.0))  # a more urgent one may come meanwhile
                continue
            side.queue.remove(chosen)
            if not chosen.granted.done():
                side.limits.take(chosen.cost)
                chosen.granted.set_result(None)
                await asyncio.sleep(0)

    def _next(self, side: _Side) -> tuple[_Waiting | None, float]:
        """Return who may go now, else how long until one may.

        Whoever waits for weight holds up everyone behind him, so that many cheap reads cannot starve a dear one;
        whoever waits for the account's order limit holds up placements alone, and they fail their own test.
        """
        shortest_s = math.inf
        for entry in sorted(side.queue):
            if entry.granted.done():
                return entry, 0.0
            weight_s, orders_s = self._waits_s(side, entry.cost, entry.urgency)
            if weight_s == orders_s == 0:
                return entry, 0.0
            shortest_s = min(shortest_s, max(weight_s, orders_s))
            if weight_s > 0:
                break
        return None, shortest_s

    def _waits_s(self, side: _Side, cost: Cost, urgency: Urgency) -> tuple[float, float]:
        """Return in how many seconds this cost fits the weight, and the order counts; 0 where it fits now."""
        now_ms, now_s, share = self._server_ms(), self._clock.monotonic_s(), SHARE[urgency]
        return (
            side.limits.weight_wait_s(cost, share, now_ms, now_s),
            side.limits.orders_wait_s(cost, share, now_ms, now_s),
        )
