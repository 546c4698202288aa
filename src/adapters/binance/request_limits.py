"""The venue's limits in their fixed windows, as they stand now (protocol section 3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

INTERVAL_S: Final[Mapping[str, int]] = {"SECOND": 1, "MINUTE": 60, "HOUR": 3600, "DAY": 86_400}
_UNIT: Final[Mapping[str, str]] = {"S": "SECOND", "M": "MINUTE", "H": "HOUR", "D": "DAY"}
_WEIGHT_HEADER: Final = "X-MBX-USED-WEIGHT-"
_ORDERS_HEADER: Final = "X-MBX-ORDER-COUNT-"
LATE_MS: Final = 250
"""How much later than by our measure of its clock the venue's windows are taken to end. Who waits for a window sends as
soon as it opens; a measure that is ahead by a millisecond would let that fall into the window before, which is full,
and have the count of that taken for the new one's."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request uses up: IP weight, and how many orders it places."""

    weight: int
    orders: int = 0


@dataclass(slots=True)
class Window:
    """One limit in its current fixed window. `reserved` is sent and not yet counted by a reply."""

    interval_s: int
    limit: int
    number: int = -1
    used: int = 0
    reserved: int = 0

    def roll(self, server_ms: int) -> None:
        """Begin anew if the window of the last count is over."""
        number = self._number(server_ms)
        if number != self.number:
            self.number, self.used = number, 0

    def fits(self, amount: int, share: float) -> bool:
        return self.used + self.reserved + amount <= self.limit * share

    def ends_in_s(self, server_ms: int) -> float:
        return (self.interval_s * 1000 - (server_ms - LATE_MS) % (self.interval_s * 1000)) / 1000

    def taken(self, server_ms: int) -> int:
        """Return what is used and reserved at this moment; changes nothing, so any thread may ask."""
        return self.reserved + (self.used if self._number(server_ms) == self.number else 0)

    def _number(self, server_ms: int) -> int:
        return (server_ms - LATE_MS) // (self.interval_s * 1000)


@dataclass(slots=True)
class Limits:
    """One market's limits and closures: weight counts per IP, orders per account and interval in seconds."""

    weight: Window
    orders: dict[int, Window]
    closed_until_s: float = 0.0
    placing_closed_until_s: float = 0.0
    windows: tuple[Window, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.windows = (self.weight, *self.orders.values())

    def learn(self, kind: object, seconds: int, limit: int) -> None:
        """Take over one row of exchangeInfo's rateLimits; counts so far stay."""
        if kind == "REQUEST_WEIGHT" and seconds == self.weight.interval_s:
            self.weight.limit = limit
        elif kind == "ORDERS" and seconds:
            self.orders.setdefault(seconds, Window(seconds, limit)).limit = limit
            self.windows = (self.weight, *self.orders.values())

    def roll(self, server_ms: int) -> None:
        """Begin anew every window whose last count is over."""
        for window in self.windows:
            window.roll(server_ms)

    def take(self, cost: Cost) -> None:
        for window in self.windows:
            window.reserved += self.amount(window, cost)

    def give_back(self, cost: Cost) -> None:
        for window in self.windows:
            window.reserved = max(window.reserved - self.amount(window, cost), 0)

    def amount(self, window: Window, cost: Cost) -> int:
        """Return what `cost` takes of `window`."""
        return cost.weight if window is self.weight else cost.orders

    def weight_wait_s(self, cost: Cost, share: float, server_ms: int, now_s: float) -> float:
        """Return in how many seconds the market is open and has weight for this cost."""
        wait_s = max(self.closed_until_s - now_s, 0.0)
        return max(wait_s, _until_it_fits_s(self.weight, cost.weight, share, server_ms))

    def orders_wait_s(self, cost: Cost, share: float, server_ms: int, now_s: float) -> float:
        """Return in how many seconds the account may place this many orders."""
        if not cost.orders:
            return 0.0
        waits = [_until_it_fits_s(window, cost.orders, share, server_ms) for window in self.orders.values()]
        return max([self.placing_closed_until_s - now_s, 0.0, *waits])


def _until_it_fits_s(window: Window, amount: int, share: float, server_ms: int) -> float:
    window.roll(server_ms)
    return window.ends_in_s(server_ms) if amount and not window.fits(amount, share) else 0.0


def read_counts(headers: Mapping[str, str]) -> dict[tuple[str, int], int]:
    """Return what `X-MBX-USED-WEIGHT-1M`, `X-MBX-ORDER-COUNT-10S` and the like say, by kind and seconds."""
    counts: dict[tuple[str, int], int] = {}
    for name, value in headers.items():
        upper = name.upper()
        for prefix, kind in ((_WEIGHT_HEADER, "weight"), (_ORDERS_HEADER, "orders")):
            if not upper.startswith(prefix) or not value.lstrip("-").isdigit():
                continue
            if upper[-1] in _UNIT and upper[len(prefix) : -1].isdigit():
                seconds = int(upper[len(prefix) : -1]) * INTERVAL_S[_UNIT[upper[-1]]]
                counts[kind, seconds] = int(value)
    return counts
