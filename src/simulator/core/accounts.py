"""Balances of one account, exact to the last digit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from simulator.core.errors import INSUFFICIENT_BALANCE, order_rejected
from simulator.core.events import Balance


@dataclass(slots=True)
class _Holding:
    free: int = 0
    locked: int = 0


@dataclass(slots=True)
class Account:
    """Holdings scaled by NOTIONAL_UNIT; commission rates in parts per million of the traded amount.

    `pays_in_bnb` asks for commissions in BNB at the discount, as long as there is BNB.
    """

    account_id: str
    maker_ppm: int
    taker_ppm: int
    pays_in_bnb: bool = False
    _holdings: dict[str, _Holding] = field(default_factory=dict)

    def free(self, asset: str) -> int:
        holding = self._holdings.get(asset)
        return holding.free if holding else 0

    def total(self, asset: str) -> int:
        holding = self._holdings.get(asset)
        return holding.free + holding.locked if holding else 0

    def balance(self, asset: str) -> Balance:
        holding = self._holdings.get(asset)
        return Balance(holding.free, holding.locked) if holding else Balance(0, 0)

    def balances(self) -> dict[str, Balance]:
        """Balances of every asset the account ever held."""
        return {asset: Balance(held.free, held.locked) for asset, held in self._holdings.items()}

    def credit(self, asset: str, amount: int) -> None:
        if amount < 0:
            raise ValueError(f"credit of {asset} must not be below 0, was {amount}")
        self._holding(asset).free += amount

    def debit(self, asset: str, amount: int) -> None:
        """Take `amount` out of the free balance; -2010 if there is less."""
        self.require(asset, amount)
        self._holding(asset).free -= amount

    def require(self, asset: str, amount: int) -> None:
        """Raise -2010 unless at least `amount` is free."""
        if amount < 0:
            raise ValueError(f"amount of {asset} must not be below 0, was {amount}")
        if self.free(asset) < amount:
            raise order_rejected(INSUFFICIENT_BALANCE)

    def lock(self, asset: str, amount: int) -> None:
        self.debit(asset, amount)
        self._holding(asset).locked += amount

    def unlock(self, asset: str, amount: int) -> None:
        self.spend(asset, locked=amount, spent=0)

    def spend(self, asset: str, *, locked: int, spent: int) -> None:
        """Release `locked` and pay `spent` out of it, or out of the free balance where nothing was locked."""
        holding = self._holding(asset)
        if locked > holding.locked or spent > holding.free + locked:
            raise AssertionError(f"{self.account_id} cannot pay {spent} {asset} with {locked} released: {holding}")
        holding.locked -= locked
        holding.free += locked - spent

    def _holding(self, asset: str) -> _Holding:
        return self._holdings.setdefault(asset, _Holding())

    def dump(self) -> dict[str, Any]:
        return {
            "account_id": self.account_id,
            "maker_ppm": self.maker_ppm,
            "taker_ppm": self.taker_ppm,
            "pays_in_bnb": self.pays_in_bnb,
            "holdings": {asset: [held.free, held.locked] for asset, held in self._holdings.items()},
        }

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        account = cls(saved["account_id"], saved["maker_ppm"], saved["taker_ppm"], saved["pays_in_bnb"])
        for asset, (free, locked) in saved["holdings"].items():
            account._holdings[asset] = _Holding(free, locked)
        return account
