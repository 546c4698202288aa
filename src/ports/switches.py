"""Moving a pair to another market: what is stored of it, and the transfer of its funds."""

from typing import Protocol

from domain.switches import Switch, Transfer, TransferState


class SwitchStore(Protocol):
    """Of one account. Every method commits before it returns, or raises `StoreFailed` and changed nothing."""

    def add(self, switch: Switch) -> Switch:
        """Store a new switch under the account's next number, and return it with that."""

    def put(self, switch: Switch) -> None: ...

    def all(self) -> tuple[Switch, ...]:
        """Return all switches, oldest first."""


class FundTransfers(Protocol):
    """Funds between the account's own wallets. These calls block on the venue."""

    def trouble(self) -> str:
        """Return why none can be made here; empty where they can. Asks the venue, and raises nothing."""

    def send(self, transfer: Transfer) -> int:
        """Make a transfer; return the venue's number of it.

        Raises:
            Unreachable, OutcomeUnknown, SlowDown: it may have been made; only `find` tells.
            VenueError: the venue refused it.
        """

    def find(self, transfer: Transfer) -> tuple[TransferState, int] | None:
        """Return what became of a transfer and its number; None where the venue's list of a week lacks it.

        Raises:
            VenueError: if the venue does not answer.
        """
