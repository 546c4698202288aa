"""The books of a data folder, for looking only; a server may be at work on them meanwhile."""

from typing import Protocol

from domain.account import Account
from ports.store import Store


class Books(Protocol):
    """Every method may raise `StoreFailed`."""

    def accounts(self) -> tuple[Account, ...]:
        """Return whose books there are, the oldest first."""

    def books_of(self, account: Account) -> Store:
        """Return the account's books; every write to them is refused."""

    def close(self) -> None: ...
