"""Everything the exchange keeps for one contract besides accounts' histories."""

from collections.abc import Mapping
from typing import Any, Final, Self

from simulator.core.market import Market
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.live_order import LiveFuturesOrder

FIRST_ORDER_ID: Final = 8_389_000_000_000_000_000  # 19 digits as on the venue: no float holds them


class ContractMarket(Market[LiveFuturesOrder]):
    """One contract's rules, book and prices; `mark_price` and `index_price` are 0 before they are set."""

    def __init__(self, spec: ContractSpec) -> None:
        super().__init__(spec.symbol)
        self.spec = spec
        self.mark_price = 0
        self.index_price = 0
        self.ids.order = FIRST_ORDER_ID

    @property
    def mark(self) -> int:
        """Mark price, else the last price (UNIT); 0 before either."""
        return self.mark_price or self.last_price

    def dump(self) -> dict[str, Any]:
        prices = {"mark_price": self.mark_price, "index_price": self.index_price}
        return {"spec": self.spec.dump(), **prices, **self.dump_trading()}

    @classmethod
    def load(cls, saved: Mapping[str, Any], orders: Mapping[int, LiveFuturesOrder]) -> Self:
        market = cls(ContractSpec.load(saved["spec"]))
        market.mark_price, market.index_price = saved["mark_price"], saved["index_price"]
        market.restore_trading(saved, orders)
        return market
