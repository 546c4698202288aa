"""What can be asked about contracts without an account."""

from simulator.core.book import Level
from simulator.um.core.contracts import ContractSpec
from simulator.um.core.registry import Registry


class MarketQueries:
    """Rules and prices; every answer is a snapshot. Prices and quantities are scaled by UNIT."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._now_ms = 0

    @property
    def market_ms(self) -> int:
        """Latest market time the exchange was given, milliseconds."""
        return self._now_ms

    @property
    def contracts(self) -> tuple[ContractSpec, ...]:
        return tuple(market.spec for market in self._registry.markets.values())

    @property
    def account_ids(self) -> tuple[str, ...]:
        return tuple(self._registry.accounts)

    def contract(self, symbol: str) -> ContractSpec:
        """Return the rules in force; -1121 for an unknown symbol."""
        return self._registry.market(symbol).spec

    def last_price(self, symbol: str) -> int:
        """Price of the last trade; 0 before the first."""
        return self._registry.market(symbol).last_price

    def mark_price(self, symbol: str) -> int:
        """Mark price; the last price before one was set, 0 before either."""
        return self._registry.market(symbol).mark

    def index_price(self, symbol: str) -> int:
        """Index price; 0 before one was set."""
        return self._registry.market(symbol).index_price

    def depth(self, symbol: str, limit: int) -> tuple[list[Level], list[Level]]:
        """Return bids and asks as (price, quantity), best first: external book plus resting orders."""
        return self._registry.market(symbol).book.depth(limit)

    def open_interest(self, symbol: str) -> int:
        """Return the sum of the accounts' long positions."""
        self._registry.market(symbol)
        held = (p for account in self._registry.accounts.values() for p in account.held() if p.symbol == symbol)
        return sum(max(0, position.quantity) for position in held)
