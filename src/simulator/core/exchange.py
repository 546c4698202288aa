"""The exchange as its users see it: symbols, accounts, orders and books behind one object."""

from collections.abc import Callable, Mapping, Sequence

from simulator.core.accounts import Account
from simulator.core.errors import bad_symbol
from simulator.core.events import Balance, BalanceMoved, BalancesChanged, ExchangeEvent
from simulator.core.symbols import SymbolSpec


class Exchange:
    """A spot exchange: pure, synchronous, without a clock; `now_ms` is always market time.

    Args:
        symbols: what can be traded from the start.
        maker_ppm, taker_ppm: commission rates of new accounts, parts per million.
        listener: told every event, in order, after the operation that caused it is complete.
    """

    def __init__(
        self,
        symbols: Sequence[SymbolSpec],
        *,
        maker_ppm: int = 1000,
        taker_ppm: int = 1000,
        listener: Callable[[ExchangeEvent], None],
    ) -> None:
        self._specs: dict[str, SymbolSpec] = {spec.symbol: spec for spec in symbols}
        self._rates = (maker_ppm, taker_ppm)
        self._accounts: dict[str, Account] = {}
        self._listener = listener
        self._now_ms = 0

    def symbol(self, symbol: str) -> SymbolSpec:
        """Return the filters in force; -1121 for an unknown symbol."""
        if symbol not in self._specs:
            raise bad_symbol()
        return self._specs[symbol]

    def add_symbol(self, spec: SymbolSpec) -> None:
        if spec.symbol in self._specs:
            raise ValueError(f"{spec.symbol} exists; change it with set_symbol")
        self._specs[spec.symbol] = spec

    def set_symbol(self, spec: SymbolSpec) -> None:
        """Replace filters or status at run time; resting orders stay as they are."""
        self.symbol(spec.symbol)
        self._specs[spec.symbol] = spec

    def open_account(
        self,
        account_id: str,
        balances: Mapping[str, int],
        *,
        maker_ppm: int | None = None,
        taker_ppm: int | None = None,
        pays_in_bnb: bool = False,
    ) -> None:
        """Open an account; balances are scaled by NOTIONAL_UNIT, rates default to the exchange's."""
        if account_id in self._accounts:
            raise ValueError(f"account {account_id} exists")
        maker, taker = self._rates
        account = Account(
            account_id,
            maker if maker_ppm is None else maker_ppm,
            taker if taker_ppm is None else taker_ppm,
            pays_in_bnb,
        )
        for asset, amount in balances.items():
            account.credit(asset, amount)
        self._accounts[account_id] = account

    def deposit(self, account_id: str, asset: str, amount: int) -> None:
        """Credit `amount` (NOTIONAL_UNIT)."""
        account = self._accounts[account_id]
        account.credit(asset, amount)
        self._tell_moved(account, asset, amount)

    def withdraw(self, account_id: str, asset: str, amount: int) -> None:
        """Debit `amount` (NOTIONAL_UNIT) from the free balance; -2010 if there is less."""
        account = self._accounts[account_id]
        account.debit(asset, amount)
        self._tell_moved(account, asset, -amount)

    def balances(self, account_id: str) -> Mapping[str, Balance]:
        """Balances of every asset the account ever held, scaled by NOTIONAL_UNIT."""
        return self._accounts[account_id].balances()

    def _tell_moved(self, account: Account, asset: str, delta: int) -> None:
        self._listener(BalanceMoved(account.account_id, asset, delta, self._now_ms))
        self._listener(BalancesChanged(account.account_id, {asset: account.balance(asset)}, self._now_ms))
