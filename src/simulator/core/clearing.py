"""Carries the plans of matching out, trade by trade; what a trade does to an account is the market's own matter."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, TypeVar

from simulator.core.events import Prevention, PublicTrade
from simulator.core.market import MarketT
from simulator.core.matching import Match
from simulator.core.orders import Side
from simulator.core.working_order import OrderT

FillT = TypeVar("FillT")


class Clearing(ABC, Generic[MarketT, OrderT, FillT]):
    """Gives out trade ids, publishes trades and settles the orders of each."""

    @abstractmethod
    def publish(self, trade: PublicTrade) -> None:
        """Tell the public of a trade."""

    @abstractmethod
    def fill(self, market: MarketT, order: OrderT, price: int, quantity: int, *, is_maker: bool, now_ms: int) -> FillT:
        """Settle one fill under the market's current trade id, and report it."""

    @abstractmethod
    def prevent(self, market: MarketT, order: OrderT, prevention: Prevention, now_ms: int) -> None:
        """Take the prevented quantity out of an order that would have traded with its own account."""

    def fill_resting(self, market: MarketT, order: OrderT, quantity: int, now_ms: int) -> None:
        """Fill a resting order at its own price against the outside market."""
        self._next_trade(market, order, order.price, quantity, now_ms)
        self.fill(market, order, order.price, quantity, is_maker=True, now_ms=now_ms)

    def fill_between(self, market: MarketT, maker: OrderT, taker: OrderT, quantity: int, now_ms: int) -> FillT:
        """Let two orders trade at the maker's price; returns the taker's fill."""
        self._next_trade(market, maker, maker.price, quantity, now_ms)
        self.fill(market, maker, maker.price, quantity, is_maker=True, now_ms=now_ms)
        return self.fill(market, taker, maker.price, quantity, is_maker=False, now_ms=now_ms)

    def fill_outside(self, market: MarketT, taker: OrderT, price: int, quantity: int, now_ms: int) -> FillT:
        """Fill a taker with external volume, which is used up by it."""
        market.book.of(taker.side.opposite).take_external(price, quantity)
        self._next_trade(market, taker, price, quantity, now_ms, taken=True)
        return self.fill(market, taker, price, quantity, is_maker=False, now_ms=now_ms)

    def carry_out(self, market: MarketT, taker: OrderT, matches: Iterable[Match[OrderT]], now_ms: int) -> list[FillT]:
        """Carry out a taker's plan and return the taker's fills.

        A maker that an earlier step of the plan closed is passed over, which leaves the taker with more.
        """
        fills = []
        for match in matches:
            if match.maker is None:
                fills.append(self.fill_outside(market, taker, match.price, match.quantity, now_ms))
            elif not match.maker.is_open:
                continue
            elif match.quantity:
                fills.append(self.fill_between(market, match.maker, taker, match.quantity, now_ms))
            else:
                self._prevent_match(market, taker, match.maker, match, now_ms)
        return fills

    def _prevent_match(self, market: MarketT, taker: OrderT, maker: OrderT, match: Match[OrderT], now_ms: int) -> None:
        match_id = market.ids.next_prevention()
        both = ((maker, match.maker_lost, taker), (taker, match.taker_lost, maker))
        for order, lost, counter in both:
            if lost:
                prevention = Prevention(
                    match_id=match_id, quantity=lost, price=match.price, counter_order_id=counter.order_id
                )
                self.prevent(market, order, prevention, now_ms)

    def _next_trade(
        self, market: MarketT, order: OrderT, price: int, quantity: int, now_ms: int, *, taken: bool = False
    ) -> None:
        """Give out the next trade id and publish the trade; `order` is the maker unless `taken`."""
        trade_id = market.ids.next_trade()
        market.last_price = price
        buyer_is_maker = (order.side is Side.BUY) != taken
        self.publish(PublicTrade(market.symbol, trade_id, price, quantity, now_ms, buyer_is_maker, own=True))
