"""What spot symbols and contracts share: a book, identifiers and the last price."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from simulator.core.book import Book
from simulator.core.working_order import OrderT


@dataclass(slots=True)
class Counters:
    """Last identifier given out, per symbol."""

    order: int = 0
    trade: int = 0
    execution: int = 0
    prevention: int = 0

    def next_order(self) -> int:
        self.order += 1
        return self.order

    def next_trade(self) -> int:
        self.trade += 1
        return self.trade

    def next_execution(self) -> int:
        self.execution += 1
        return self.execution

    def next_prevention(self) -> int:
        self.prevention += 1
        return self.prevention


class Market(Generic[OrderT]):
    """Book, identifiers and last price (UNIT, 0 before the first trade) of one symbol."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.book: Book[OrderT] = Book()
        self.ids = Counters()
        self.last_price = 0

    def dump_trading(self) -> dict[str, Any]:
        return {
            "ids": [self.ids.order, self.ids.trade, self.ids.execution, self.ids.prevention],
            "last_price": self.last_price,
            "bids": self.book.bids.dump(),
            "asks": self.book.asks.dump(),
        }

    def restore_trading(self, saved: Mapping[str, Any], orders: Mapping[int, OrderT]) -> None:
        """Continue from `dump_trading`; `orders` are the symbol's open orders by id."""
        self.ids = Counters(*saved["ids"])
        self.last_price = saved["last_price"]
        self.book.bids.restore(saved["bids"], orders)
        self.book.asks.restore(saved["asks"], orders)
        self.book.refresh()


MarketT = TypeVar("MarketT", bound=Market[Any])
