"""The books of a data folder, for looking only; a server may be at work on them meanwhile."""

from collections.abc import Mapping
from typing import Protocol

from domain.account import Account
from domain.orders import Status
from ports.store import Store

Moves = tuple[tuple[Status, int], ...]
"""Each status that an order was told to have, with market time in ms, in the order in which they were stored."""


class Books(Protocol):
    """Every method may raise `StoreFailed`."""

    def accounts(self) -> tuple[Account, ...]:
        """Return whose books there are, the oldest first."""

    def books_of(self, account: Account) -> Store:
        """Return the account's books; every write to them is refused."""

    def moves_of(self, account: Account, grid_id: int) -> Mapping[str, Moves]:
        """Return the moves of a grid's orders by client id; older ones tell the last one alone."""

    def close(self) -> None: ...
