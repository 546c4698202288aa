"""The matching rules again, as slowly and as obviously as they can be written: one lot at a time, by scanning.

No balances, no fees, no events; prices and quantities are counts of ticks and lots.
"""

import copy
from dataclasses import dataclass, field


@dataclass
class SlowOrder:
    number: int
    account: str
    side: str
    price: int | None
    left: int
    ahead: int = 0
    executed: int = 0
    spent: int = 0
    prevented: int = 0
    rests: bool = False

    def trade(self, price: int) -> None:
        self.left -= 1
        self.executed += 1
        self.spent += price

    def prevent(self, lots: int) -> None:
        self.left -= lots
        self.prevented += lots


@dataclass
class SlowExchange:
    external: dict[str, dict[int, int]] = field(default_factory=lambda: {"BUY": {}, "SELL": {}})
    orders: dict[int, SlowOrder] = field(default_factory=dict)

    def queue(self, side: str) -> list[SlowOrder]:
        """Resting orders of a side in price-time order."""
        waiting = [order for order in self.orders.values() if order.rests and order.side == side and order.left]
        return sorted(waiting, key=lambda order: (rank(side, order.price), order.number))

    def set_book(self, bids: dict[int, int], asks: dict[int, int]) -> None:
        self.external = {"BUY": dict(bids), "SELL": dict(asks)}
        if asks:
            self.fill_through("BUY", min(asks))
        if bids:
            self.fill_through("SELL", max(bids))

    def fill_through(self, side: str, price: int) -> None:
        for order in self.queue(side):
            while rank(side, order.price) < rank(side, price) and order.left:
                order.trade(order.price)

    def print(self, price: int, lots: int) -> None:
        for side in ("BUY", "SELL"):
            self.fill_through(side, price)
            for level in list(self.external[side]):
                if rank(side, level) < rank(side, price):
                    del self.external[side][level]
            for _ in range(lots):
                here = [order for order in self.queue(side) if order.price == price]
                if here and not here[0].ahead:
                    here[0].trade(price)
                else:
                    self.take_external_lot(side, price)

    def take_external_lot(self, side: str, price: int) -> None:
        if price in self.external[side]:
            self.external[side][price] -= 1
            if not self.external[side][price]:
                del self.external[side][price]
        for order in self.queue(side):
            if order.price == price:
                order.ahead = max(0, order.ahead - 1)

    def take(self, order: SlowOrder, stp: str, *, all_or_nothing: bool, rests: bool) -> None:
        if all_or_nothing:
            rehearsal, actor = copy.deepcopy((self, order))
            rehearsal.take(actor, stp, all_or_nothing=False, rests=False)
        self.orders[order.number] = order
        if not all_or_nothing or actor.executed == order.left:
            while order.left and self.take_lot(order, stp):
                pass
        if rests and order.left:
            order.rests = True
            order.ahead = self.external[order.side].get(order.price, 0)

    def best_opposite(self, side: str) -> int | None:
        prices = [*self.external[side], *(order.price for order in self.queue(side))]
        return min(prices, key=lambda price: rank(side, price), default=None)

    def take_lot(self, taker: SlowOrder, stp: str) -> bool:
        side = "SELL" if taker.side == "BUY" else "BUY"
        best = self.best_opposite(side)
        if best is None or (taker.price is not None and rank(side, best) > rank(side, taker.price)):
            return False
        here = [order for order in self.queue(side) if order.price == best]
        if self.external[side].get(best) and (not here or here[0].ahead):
            self.take_external_lot(side, best)
            taker.trade(best)
        elif here[0].account == taker.account and stp != "NONE":
            prevent(here[0], taker, stp)
        else:
            here[0].ahead = 0
            here[0].trade(best)
            taker.trade(best)
        return True


def prevent(maker: SlowOrder, taker: SlowOrder, stp: str) -> None:
    if stp in ("EXPIRE_MAKER", "EXPIRE_BOTH"):
        maker.prevent(maker.left)
    if stp in ("EXPIRE_TAKER", "EXPIRE_BOTH"):
        taker.prevent(taker.left)
    if stp in ("DECREMENT", "TRANSFER"):
        maker.prevent(1)
        taker.prevent(1)


def rank(side: str, price: int) -> int:
    """Lower trades first."""
    return -price if side == "BUY" else price
