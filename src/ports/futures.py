"""Contracts and the account's standing in them. These calls block and may raise `VenueError`; not for grid threads."""

from collections.abc import Callable
from typing import Protocol

from domain.futures import (
    Bracket,
    ContractSettings,
    Countdown,
    FundingPayment,
    FundingRate,
    MarginType,
    MarkPrice,
    Position,
)
from domain.instrument import Instrument


class FuturesData(Protocol):
    """What a contract is worth to margins, and what holding it costs."""

    def mark_price(self, instrument: Instrument) -> MarkPrice: ...

    def funding_rates(self, instrument: Instrument, limit: int) -> tuple[FundingRate, ...]:
        """Return the newest `limit` settlements, oldest first."""


class FuturesAccount(Protocol):
    """Settings and positions. Setting what is so already succeeds and changes nothing."""

    def hedge_mode(self) -> bool:
        """Tell whether long and short positions are held apart, for all contracts of the account."""

    def set_hedge_mode(self, on: bool) -> bool:
        """Hold long and short positions apart, or as one; return whether that is a change.

        Raises:
            Conflict: while any order or position of the account stands in the way.
        """

    def settings(self, instrument: Instrument) -> ContractSettings: ...

    def set_margin_type(self, instrument: Instrument, margin_type: MarginType) -> bool:
        """Choose what positions in the contract may lose; return whether that is a change.

        Raises:
            Conflict: while an order or a position of the contract stands in the way.
        """

    def set_leverage(self, instrument: Instrument, leverage: int) -> ContractSettings:
        """Set the leverage and return what then applies.

        Raises:
            InvalidRequest: for a leverage that the contract does not have.
            Conflict: while the position does not allow it.
        """

    def positions(self, instrument: Instrument | None = None) -> tuple[Position, ...]:
        """Return what is held, of one contract or of all; nothing for contracts that are flat."""

    def open_orders(self, instrument: Instrument) -> int:
        """Return how many orders of the account rest on the contract, conditional ones and others' included."""

    def brackets(self, instrument: Instrument) -> tuple[Bracket, ...]:
        """Return the risk limits of the account on this contract, smallest positions first."""

    def funding_payments(self, instrument: Instrument, since_ms: int) -> tuple[FundingPayment, ...]:
        """Return what funding brought and cost since that market time, oldest first."""


class Futures(FuturesData, FuturesAccount, Protocol):
    """Both at once."""


class Countdowns(Protocol):
    """The venue's own protection from a server that is gone: it cancels all ordinary orders of a contract.

    Also those of others: whoever arms it sees to it that none rest there, or has their consent.
    """

    def arm(self, instrument: Instrument) -> None:
        """Start the countdown at the venue and renew it from now on.

        Raises:
            VenueError: if the venue does not confirm it; then nothing is renewed.
        """

    def disarm(self, instrument: Instrument) -> None:
        """Renew it no more, and stop it at the venue, also one that a process before this one armed.

        Raises:
            VenueError: if the venue does not confirm it; what rests is then cancelled when it runs out.
        """

    def renew_while(self, alive: Callable[[Instrument], bool]) -> None:
        """Renew a contract's only while `alive` says yes of it; it is asked on the I/O thread and must not block."""

    def standing(self) -> tuple[Countdown, ...]:
        """Return what is armed. Never blocks; any thread may ask."""
