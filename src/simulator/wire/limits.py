"""Rate limits in fixed windows aligned to wall time (protocol section 3)."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from simulator.wire import errors

MINUTE_MS: Final = 60_000
TEN_SECONDS_MS: Final = 10_000
DAY_MS: Final = 86_400_000
REFUSALS_BEFORE_BAN: Final = 10
"""An address that goes on after this many 429 answers in one window is banned (our choice)."""
FIRST_BAN_S: Final = 120
LONGEST_BAN_S: Final = 3 * 86_400
MAKER_FILL_CREDIT: Final = 5
TAKER_FILL_CREDIT: Final = 1


@dataclass(frozen=True, slots=True)
class OrderWindow:
    """One window of the order count; `header` is how the answer's header names it.

    A batch counts its orders, in a window that `counts_requests` itself alone.
    """

    interval: str
    number: int
    length_ms: int
    limit: int
    header: str
    counts_requests: bool = False

    def cost(self, orders: int) -> int:
        return 1 if self.counts_requests else orders


@dataclass(frozen=True, slots=True)
class Limits:
    """One venue's limits; each is an option of the process. A limit of 0 is not in force."""

    request_weight: int = 6_000
    orders_10s: int = 100
    orders_day: int = 200_000
    raw_requests: int = 300_000
    connections: int = 300
    orders_minute: int = 0

    @property
    def order_windows(self) -> tuple[OrderWindow, ...]:
        windows = (
            OrderWindow("SECOND", 10, TEN_SECONDS_MS, self.orders_10s, "10S"),
            OrderWindow("MINUTE", 1, MINUTE_MS, self.orders_minute, "1M", counts_requests=True),
            OrderWindow("DAY", 1, DAY_MS, self.orders_day, "1D"),
        )
        return tuple(window for window in windows if window.limit)

    def order_rows(self) -> list[dict[str, object]]:
        """Return the rows of exchangeInfo's `rateLimits` that count orders."""
        return [_row("ORDERS", one.interval, one.number, one.limit) for one in self.order_windows]

    def rows(self) -> list[dict[str, object]]:
        """Return exchangeInfo's `rateLimits`."""
        raw = [_row("RAW_REQUESTS", "MINUTE", 5, self.raw_requests)] if self.raw_requests else []
        return [_row("REQUEST_WEIGHT", "MINUTE", 1, self.request_weight), *self.order_rows(), *raw]


FUTURES_LIMITS: Final = Limits(request_weight=2_400, orders_10s=300, orders_day=0, orders_minute=1_200, raw_requests=0)


def _row(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


@dataclass(slots=True)
class FixedWindow:
    """A counter that restarts at each multiple of its length."""

    length_ms: int
    count: int = 0
    _number: int = -1

    def add(self, amount: int, now_ms: int) -> int:
        """Count `amount` (a credit if negative, never below zero) and return the window's sum."""
        self._turn(now_ms)
        self.count = max(0, self.count + amount)
        return self.count

    def used(self, now_ms: int) -> int:
        self._turn(now_ms)
        return self.count

    def left_s(self, now_ms: int) -> int:
        """Return the whole seconds, at least one, until the window ends."""
        return max(1, -(-(self.length_ms - now_ms % self.length_ms) // 1_000))

    def _turn(self, now_ms: int) -> None:
        number = now_ms // self.length_ms
        if number != self._number:
            self._number, self.count = number, 0


@dataclass(slots=True)
class _Address:
    weight: FixedWindow = field(default_factory=lambda: FixedWindow(MINUTE_MS))
    raw: FixedWindow = field(default_factory=lambda: FixedWindow(5 * MINUTE_MS))
    connections: FixedWindow = field(default_factory=lambda: FixedWindow(5 * MINUTE_MS))
    refusals: FixedWindow = field(default_factory=lambda: FixedWindow(MINUTE_MS))
    banned_until_ms: int = 0
    bans: int = 0


class AddressLimiter:
    """Request weight per peer address: 429 at the limit, 418 with a growing ban for going on."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._addresses: defaultdict[str, _Address] = defaultdict(_Address)

    def admit(self, address: str, weight: int, now_ms: int) -> None:
        """Charge one request.

        Raises:
            ApiError: -1003, HTTP 429 or 418, with Retry-After.
        """
        peer = self._addresses[address]
        self._check_ban(peer, now_ms)
        raw_used = peer.raw.add(1, now_ms)
        used = peer.weight.add(weight, now_ms)
        if used <= self._limits.request_weight and raw_used <= (self._limits.raw_requests or raw_used):
            return
        if peer.refusals.add(1, now_ms) > REFUSALS_BEFORE_BAN:
            self._ban_for_going_on(peer, now_ms)
            self._check_ban(peer, now_ms)
        raise errors.weight_exceeded(self._limits.request_weight, peer.weight.left_s(now_ms))

    def refund(self, address: str, weight: int, now_ms: int) -> None:
        """Take back the weight of an order call that succeeded: it costs nothing."""
        self._addresses[address].weight.add(-weight, now_ms)

    def ban(self, address: str, ban_s: int, now_ms: int) -> None:
        """Ban an address for `ban_s`, or for as long as it already is if that is longer."""
        peer = self._addresses[address]
        peer.banned_until_ms = max(peer.banned_until_ms, now_ms + ban_s * 1_000)

    def lift_bans(self) -> None:
        for peer in self._addresses.values():
            peer.banned_until_ms = 0

    def used(self, address: str, now_ms: int) -> int:
        return self._addresses[address].weight.used(now_ms)

    def connect(self, address: str, now_ms: int) -> None:
        """Count one WebSocket connection attempt.

        Raises:
            ApiError: -1003 where the address is banned, -1034 above the attempts allowed.
        """
        peer = self._addresses[address]
        self._check_ban(peer, now_ms)
        if peer.connections.add(1, now_ms) > self._limits.connections:
            raise errors.ApiError(
                -1034,
                f"Too many connection attempts from IP; current limit is {self._limits.connections} per '5 MINUTE'.",
                http_status=429,
                retry_after_s=peer.connections.left_s(now_ms),
            )

    @staticmethod
    def _check_ban(peer: _Address, now_ms: int) -> None:
        if now_ms < peer.banned_until_ms:
            left_s = -(-(peer.banned_until_ms - now_ms) // 1_000)
            raise errors.banned(peer.banned_until_ms, left_s)

    @staticmethod
    def _ban_for_going_on(peer: _Address, now_ms: int) -> None:
        ban_s = min(FIRST_BAN_S * 4**peer.bans, LONGEST_BAN_S)
        peer.bans += 1
        peer.banned_until_ms = now_ms + ban_s * 1_000
        peer.refusals.count = 0


class OrderCounter:
    """The order count of each account, in every window of the venue.

    An order placed counts one. On spot it is the unfilled order count: an order's first fill gives back
    one as taker and five as maker; cancels and later fills change nothing; the count never falls below zero.
    """

    def __init__(self, limits: Limits) -> None:
        self._windows = limits.order_windows
        self._accounts: defaultdict[str, tuple[FixedWindow, ...]] = defaultdict(
            lambda: tuple(FixedWindow(window.length_ms) for window in self._windows)
        )

    def reserve(self, account_id: str, orders: int, now_ms: int) -> None:
        """Count the orders that one request is about to place.

        Raises:
            ApiError: -1015 (HTTP 429) if a window has no room; nothing is counted then.
        """
        mine = self._accounts[account_id]
        for window, counted in zip(self._windows, mine, strict=True):
            if counted.used(now_ms) + window.cost(orders) > window.limit:
                raise errors.too_many_orders(window.limit, f"{window.number} {window.interval}", counted.left_s(now_ms))
        for window, counted in zip(self._windows, mine, strict=True):
            counted.add(window.cost(orders), now_ms)

    def release(self, account_id: str, orders: int, now_ms: int) -> None:
        """Take back a reservation whose placement was refused."""
        self._add(account_id, -orders, now_ms)

    def first_fill(self, account_id: str, *, maker: bool, now_ms: int) -> None:
        self._add(account_id, -(MAKER_FILL_CREDIT if maker else TAKER_FILL_CREDIT), now_ms)

    def counts(self, account_id: str, now_ms: int) -> tuple[int, ...]:
        """Return the count of each window, in the order of `Limits.order_windows`."""
        return tuple(window.used(now_ms) for window in self._accounts[account_id])

    def headers(self, account_id: str, now_ms: int) -> dict[str, str]:
        """Return the X-MBX-ORDER-COUNT headers of an order call that succeeded."""
        counts = zip(self._windows, self.counts(account_id, now_ms), strict=True)
        return {f"X-MBX-ORDER-COUNT-{window.header}": str(count) for window, count in counts}

    def _add(self, account_id: str, amount: int, now_ms: int) -> None:
        for window in self._accounts[account_id]:
            window.add(amount, now_ms)
