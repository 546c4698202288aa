"""A sorted book of two sides: external levels of the market feed and resting orders of accounts.

Within a side every price has a key that grows with its priority (the price of a bid, minus the price of an
ask), so one piece of code serves both sides and the best price is always the last key.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic

from simulator.core.orders import Side
from simulator.core.working_order import OrderT

Level = tuple[int, int]  # price, quantity

NO_BID: Final = 0
NO_ASK: Final = 1 << 80


@dataclass(frozen=True, slots=True)
class Offer(Generic[OrderT]):
    """Volume next in line on one side: an account's order, or external volume (`maker` None)."""

    price: int
    quantity: int
    maker: OrderT | None


class BookSide(Generic[OrderT]):
    """One side of a book, best price first, earliest order first within a price."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._sign = 1 if side is Side.BUY else -1
        self._none = NO_BID if side is Side.BUY else NO_ASK
        self._keys: list[int] = []
        self._queues: dict[int, list[OrderT]] = {}
        self._levels: Sequence[Level] = ()
        self._cursor = 0  # levels before it are used up
        self._taken = 0  # used up of the level at the cursor

    @property
    def best_resting(self) -> int:
        """Best price of an account's order; NO_BID or NO_ASK without one."""
        return self._keys[-1] * self._sign if self._keys else self._none

    @property
    def best_external(self) -> int:
        """Best external price; NO_BID or NO_ASK without one."""
        return self._levels[self._cursor][0] if self._cursor < len(self._levels) else self._none

    @property
    def is_empty(self) -> bool:
        return not self._keys and self._cursor >= len(self._levels)

    @property
    def best(self) -> int:
        """Best price of the side; NO_BID or NO_ASK where it is empty."""
        external, resting = self.best_external, self.best_resting
        return external if self.is_better(external, resting) else resting

    def is_reached_by(self, price: int) -> bool:
        """Say whether a print at `price` trades with or through something on this side."""
        return not self.is_better(price, self.best)

    def is_better(self, price: int, than: int) -> bool:
        """Say whether `price` stands before `than` on this side."""
        return price * self._sign > than * self._sign

    def set_external(self, levels: Sequence[Level]) -> None:
        """Replace the external levels, best first."""
        self._levels, self._cursor, self._taken = tuple(levels), 0, 0

    def external(self) -> Iterator[Level]:
        """Yield what is left of the external levels, best first."""
        if self._cursor >= len(self._levels):
            return
        price, quantity = self._levels[self._cursor]
        yield price, quantity - self._taken
        for index in range(self._cursor + 1, len(self._levels)):
            yield self._levels[index]

    def external_at(self, price: int) -> int:
        for level_price, quantity in self.external():
            if level_price == price:
                return quantity
            if not self.is_better(level_price, price):
                break
        return 0

    def take_external(self, price: int, quantity: int) -> None:
        """Use up external volume at `price` and everything better; queues at `price` move up by it."""
        while self._cursor < len(self._levels) and self.is_better(self.best_external, price):
            self._next_level()
        if self.best_external == price:
            self._taken += quantity
            if self._taken >= self._levels[self._cursor][1]:
                self._next_level()
        for order in self._queues.get(price * self._sign, ()):
            order.ahead = max(0, order.ahead - quantity)

    def _next_level(self) -> None:
        self._cursor, self._taken = self._cursor + 1, 0

    def add(self, order: OrderT) -> None:
        """Let an order rest behind the external volume and the orders already at its price."""
        order.ahead = self.external_at(order.price)
        self._enqueue(order)

    def _enqueue(self, order: OrderT) -> None:
        order.rests = True
        key = order.price * self._sign
        queue = self._queues.get(key)
        if queue is None:
            insort(self._keys, key)
            self._queues[key] = [order]
        else:
            queue.append(order)

    def remove(self, order: OrderT) -> None:
        order.rests = False
        key = order.price * self._sign
        queue = self._queues[key]
        queue.remove(order)
        if not queue:
            del self._queues[key]
            del self._keys[bisect_left(self._keys, key)]

    def through(self, price: int) -> list[OrderT]:
        """Return the resting orders whose limit is better than `price`, in price-time order."""
        first = bisect_left(self._keys, price * self._sign + 1)
        return [order for key in reversed(self._keys[first:]) for order in self._queues[key]]

    def queue_at(self, price: int) -> Sequence[OrderT]:
        return self._queues.get(price * self._sign, ())

    def resting(self) -> Iterator[OrderT]:
        """Yield the resting orders in price-time order."""
        for key in reversed(self._keys):
            yield from self._queues[key]

    def offers(self, limit: int | None) -> Iterator[Offer[OrderT]]:
        """Yield everything a taker with that limit can reach, in the order in which it would trade."""
        for price, outside in self._prices(self.external()):
            if limit is not None and self.is_better(limit, price):
                return
            yield from self._offers_at(price, outside)

    def _offers_at(self, price: int, outside: int) -> Iterator[Offer[OrderT]]:
        passed = 0
        for order in self.queue_at(price):
            before = min(outside, order.ahead) - passed
            if before > 0:
                passed += before
                yield Offer(price, before, None)
            yield Offer(price, order.remaining, order)
        if outside > passed:
            yield Offer(price, outside - passed, None)

    def depth(self, limit: int, *, worse_than: int) -> list[Level]:
        """Return at most `limit` levels, external ones only where worse than `worse_than`."""
        external = (level for level in self.external() if self.is_better(worse_than, level[0]))
        return [
            (price, outside + sum(order.remaining for order in self.queue_at(price)))
            for price, outside in islice(self._prices(external), limit)
        ]

    def _prices(self, external: Iterable[Level]) -> Iterator[Level]:
        """Yield every price of the side, best first, with the external quantity there (0 without)."""
        outside = iter(external)
        level = next(outside, None)
        for key in reversed(self._keys):
            price = key * self._sign
            while level is not None and self.is_better(level[0], price):
                yield level
                level = next(outside, None)
            if level is not None and level[0] == price:
                yield level
                level = next(outside, None)
            else:
                yield price, 0
        if level is not None:
            yield level
            yield from outside

    def dump(self) -> dict[str, Any]:
        return {
            "external": [list(level) for level in self.external()],
            "resting": [order.order_id for order in self.resting()],
        }

    def restore(self, saved: Mapping[str, Any], orders: Mapping[int, OrderT]) -> None:
        self.set_external([(price, quantity) for price, quantity in saved["external"]])
        for order_id in saved["resting"]:
            self._enqueue(orders[order_id])


class Book(Generic[OrderT]):
    """Both sides of one symbol, and between which prices a print touches nothing."""

    def __init__(self) -> None:
        self.bids: BookSide[OrderT] = BookSide(Side.BUY)
        self.asks: BookSide[OrderT] = BookSide(Side.SELL)
        self.touch_below = NO_BID
        self.touch_above = NO_ASK

    def of(self, side: Side) -> BookSide[OrderT]:
        return self.bids if side is Side.BUY else self.asks

    def refresh(self) -> None:
        """Recompute the untouched range; to be called after every change of a side."""
        self.touch_below = self.bids.best
        self.touch_above = self.asks.best

    def set_external(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        if bids and asks and bids[0][0] >= asks[0][0]:
            raise ValueError(f"external book is crossed: bid {bids[0][0]} is not below ask {asks[0][0]}")
        self.bids.set_external(bids)
        self.asks.set_external(asks)
        self.refresh()

    def overtaken(self) -> list[OrderT]:
        """Return the resting orders that the external book stands beyond: the market traded through them."""
        found: list[OrderT] = []
        if self.asks.best_external < self.bids.best_resting:
            found += self.bids.through(self.asks.best_external)
        if self.bids.best_external > self.asks.best_resting:
            found += self.asks.through(self.bids.best_external)
        return found

    def depth(self, limit: int) -> tuple[list[Level], list[Level]]:
        """Return bids and asks, best first; external levels that accounts' orders lock are left out."""
        bids = self.bids.depth(limit, worse_than=self.asks.best_resting)
        asks = self.asks.depth(limit, worse_than=self.bids.best_resting)
        return bids, asks
