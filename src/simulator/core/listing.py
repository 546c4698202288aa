"""Everything the exchange keeps for one symbol besides accounts' histories."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Self

from simulator.core.book import NO_ASK, NO_BID
from simulator.core.live_order import LiveOrder
from simulator.core.market import Market
from simulator.core.symbols import SymbolSpec, half_up
from simulator.core.waiting import WaitingOrders


class PrintWindow:
    """Sums of the prints of the last minutes, by second, for the volume-weighted average price."""

    def __init__(self, minutes: int) -> None:
        self._span = max(minutes * 60, 1)  # seconds
        self._seconds: deque[list[int]] = deque()  # [second, notional, quantity]
        self._notional = 0
        self._quantity = 0
        self._current: list[int] = [-1, 0, 0]

    def add(self, time_ms: int, price: int, quantity: int) -> None:
        second = time_ms // 1000
        current = self._current
        if second != current[0]:
            current = self._open(second)
        current[1] += price * quantity
        current[2] += quantity

    def average(self, now_ms: int) -> int | None:
        """Return the average (UNIT, rounded half up) over the window that ends now; None without volume."""
        self._forget_until(now_ms // 1000 - self._span)
        notional, quantity = self._notional + self._current[1], self._quantity + self._current[2]
        return half_up(notional, quantity) if quantity else None

    def _open(self, second: int) -> list[int]:
        self._close_current()
        self._current = [second, 0, 0]
        self._seconds.append(self._current)
        self._forget_until(second - self._span)
        return self._current

    def _close_current(self) -> None:
        self._notional += self._current[1]
        self._quantity += self._current[2]
        self._current = [-1, 0, 0]

    def _forget_until(self, second: int) -> None:
        """Drop what happened up to that second; the current second is the last to go."""
        while self._seconds and self._seconds[0][0] <= second:
            if self._seconds[0] is self._current:
                self._close_current()
            _, notional, quantity = self._seconds.popleft()
            self._notional -= notional
            self._quantity -= quantity

    def resized(self, minutes: int) -> "PrintWindow":
        """Return a window of another length, filled with what this one still holds."""
        window = PrintWindow(minutes)
        window.restore(self.dump())
        return window

    def dump(self) -> list[list[int]]:
        return [list(bucket) for bucket in self._seconds]

    def restore(self, saved: list[list[int]]) -> None:
        for second, notional, quantity in saved:
            self._open(second)[1:] = [notional, quantity]


class Listing(Market[LiveOrder]):
    """One symbol's filters, book, conditional orders, last price, averages and identifiers."""

    def __init__(self, spec: SymbolSpec) -> None:
        super().__init__(spec.symbol)
        self.spec = spec
        self.window = PrintWindow(spec.avg_price_mins)
        self.waiting = WaitingOrders()

    def refresh(self) -> None:
        """Recompute between which prices a print touches neither the book nor a trigger."""
        book, waiting = self.book, self.waiting
        book.refresh()
        book.touch_below = max(book.touch_below, waiting.touch_below)
        book.touch_above = min(book.touch_above, waiting.touch_above)

    def set_spec(self, spec: SymbolSpec) -> None:
        if spec.avg_price_mins != self.spec.avg_price_mins:
            self.window = self.window.resized(spec.avg_price_mins)
        self.spec = spec

    def known_price(self) -> int:
        """Price of the last trade, before the first one the middle of the outside book, else 0 (UNIT)."""
        bid, ask = self.book.bids.best_external, self.book.asks.best_external
        return self.last_price or ((bid + ask) // 2 if bid != NO_BID and ask != NO_ASK else 0)

    def average_price(self, now_ms: int) -> int:
        """Average of the window, else the last price, else 0 (UNIT)."""
        average = self.window.average(now_ms) if self.spec.avg_price_mins else None
        return self.last_price if average is None else average

    def dump(self) -> dict[str, Any]:
        return {
            "spec": self.spec.dump(),
            "window": self.window.dump(),
            "waiting": self.waiting.dump(),
            **self.dump_trading(),
        }

    @classmethod
    def load(cls, saved: Mapping[str, Any], orders: Mapping[int, LiveOrder]) -> Self:
        listing = cls(SymbolSpec.load(saved["spec"]))
        listing.window.restore(saved["window"])
        listing.restore_trading(saved, orders)
        listing.waiting.restore(saved.get("waiting", {"due": []}), orders.values())
        if listing.last_price:
            listing.waiting.see(listing.last_price)
        listing.refresh()
        return listing
