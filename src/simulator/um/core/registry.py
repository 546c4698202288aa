"""Markets, accounts and histories of the exchange, found by name."""

from collections.abc import Iterable, Iterator

from simulator.core.errors import bad_symbol
from simulator.um.core.accounts import FuturesAccount
from simulator.um.core.contract_market import ContractMarket
from simulator.um.core.histories import FuturesHistory
from simulator.um.core.live_order import LiveFuturesOrder


class Registry:
    """What every part of the exchange looks up; it changes nothing by itself."""

    def __init__(self) -> None:
        self.markets: dict[str, ContractMarket] = {}
        self.accounts: dict[str, FuturesAccount] = {}
        self.histories: dict[str, dict[str, FuturesHistory]] = {}  # by account, then symbol

    def market(self, symbol: str) -> ContractMarket:
        found = self.markets.get(symbol)
        if found is None:
            raise bad_symbol()
        return found

    def account(self, account_id: str) -> FuturesAccount:
        found = self.accounts.get(account_id)
        if found is None:
            raise ValueError(f"account {account_id} does not exist; open it with open_account")
        return found

    def history(self, account_id: str, symbol: str) -> FuturesHistory:
        of_account = self.histories.setdefault(account_id, {})
        found = of_account.get(symbol)
        if found is None:
            found = of_account[symbol] = FuturesHistory()
        return found

    def open_orders(self, account_id: str, symbol: str) -> Iterable[LiveFuturesOrder]:
        """Return the open orders of one symbol, oldest first."""
        history = self.histories.get(account_id, {}).get(symbol)
        return history.open.values() if history else ()

    def all_open_orders(self, account_id: str) -> Iterator[LiveFuturesOrder]:
        for history in self.histories.get(account_id, {}).values():
            yield from history.open.values()

    def exposed_symbols(self, account: FuturesAccount) -> list[str]:
        """Return the symbols where the account holds a position or has open orders, by name."""
        found = {position.symbol for position in account.held()}
        found.update(symbol for symbol, h in self.histories.get(account.account_id, {}).items() if h.open)
        return sorted(found)
