"""How a whole grid ended by itself: which condition was met, and what follows."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.exit_terms import ExitAction
from domain.grids import OnStop
from domain.money import parse_amount, plain

_WORD: Final = "exit:"


class ExitCondition(StrEnum):
    """What ends a grid, by the field that asked for it."""

    STOP_BELOW = "stop_below"
    STOP_ABOVE = "stop_above"
    TAKE_PROFIT_PRICE = "take_profit_price"
    STOP_LOSS_PERC = "stop_loss_perc"
    STOP_LOSS_AMOUNT = "stop_loss_amount"
    TAKE_PROFIT_PERC = "take_profit_perc"
    TAKE_PROFIT_AMOUNT = "take_profit_amount"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachedExit:
    """A condition that was met: at which price, with which profit in quote as booked then, and what follows."""

    condition: ExitCondition
    action: ExitAction
    price: Decimal
    profit: Decimal

    @property
    def word(self) -> str:
        """Return it as the store keeps it, in the place of a person's final word."""
        return f"{_WORD}{self.condition}:{self.action}:{plain(self.price)}:{plain(self.profit)}"

    @property
    def on_stop(self) -> OnStop:
        """Return the final word of a person that comes nearest."""
        return OnStop.CANCEL if self.action is ExitAction.KEEP else OnStop.UNWIND

    @property
    def told(self) -> str:
        """Return what is shown of it."""
        met = f"its {self.condition} was reached at {plain(self.price)} with a profit of {plain(self.profit)}"
        follows = {
            ExitAction.KEEP: "what it holds is kept",
            ExitAction.MARKET: "what it holds is closed at market",
            ExitAction.LIMIT: f"what it holds is closed by one order at {plain(self.price)}",
        }
        return f"{met}; {follows[self.action]}"

    @classmethod
    def of(cls, stored: str | None) -> "ReachedExit | None":
        """Read what the store keeps of a grid's final word, None where that was nobody's but a person's.

        Raises:
            ValueError: if the word is of a later version of this program.
        """
        if stored is None or not stored.startswith(_WORD):
            return None
        parts = stored.removeprefix(_WORD).split(":")
        if len(parts) != 4:
            raise ValueError(f"{stored!r} is no end of a grid that is known")
        condition, action, price, profit = parts
        return cls(
            condition=ExitCondition(condition),
            action=ExitAction(action),
            price=parse_amount(price),
            profit=parse_amount(profit),
        )
