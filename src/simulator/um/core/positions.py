"""One position: how fills change it and what it is worth (protocol section 4).

The cost of the open quantity is kept exact in 1e-8 USDT; the entry price is derived from it. A reduction
takes its share of the cost, rounded half up to 1e-8 USDT, and realises the difference to the fill's value.
So a position that was opened and closed has realised exactly what its fills cost and brought.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from simulator.core.orders import Side
from simulator.core.symbols import UNIT, half_up
from simulator.um.core.orders import PositionSide


def value_of(price: int, quantity: int) -> int:
    """Return what a fill is worth in USDT (UNIT, half up; exact where price and quantity lie on the grid)."""
    return half_up(price * quantity, UNIT)


def sign_of(side: Side) -> int:
    return 1 if side is Side.BUY else -1


@dataclass(slots=True)
class Position:
    """Holdings of one account in one contract, on one position side.

    Attributes:
        quantity: signed, UNIT.
        cost: what the open quantity was bought (or sold) for, USDT scaled by UNIT, never below 0.
        isolated_wallet: margin set aside under isolated margin (UNIT); a gap can push it below 0 for a moment.
        realized: accumulated realised PnL before fees (UNIT).
        carry: fees and funding paid for what is open (UNIT), for the break-even price.
    """

    symbol: str
    side: PositionSide
    quantity: int = 0
    cost: int = 0
    isolated_wallet: int = 0
    realized: int = 0
    carry: int = 0
    update_ms: int = 0

    @property
    def key(self) -> tuple[str, PositionSide]:
        return self.symbol, self.side

    @property
    def direction(self) -> int:
        return (self.quantity > 0) - (self.quantity < 0)

    @property
    def size(self) -> int:
        return abs(self.quantity)

    @property
    def entry_price(self) -> int:
        return half_up(self.cost * UNIT, self.size) if self.quantity else 0

    @property
    def break_even_price(self) -> int:
        """Price at which the open quantity closes for nothing won or lost, the closing fee left out."""
        if not self.quantity:
            return 0
        return max(0, half_up((self.cost + self.direction * self.carry) * UNIT, self.size))

    def unrealized(self, mark: int) -> int:
        """Return the unrealised PnL at a mark price, scaled by NOTIONAL_UNIT."""
        return self.quantity * mark - self.direction * self.cost * UNIT

    def notional(self, mark: int) -> int:
        """Return the position's size at a mark price, scaled by NOTIONAL_UNIT."""
        return self.size * mark

    def closable(self, side: Side, quantity: int) -> int:
        """Return how much of an order on that side would close."""
        return min(quantity, self.size) if self.direction == -sign_of(side) else 0

    def increase(self, side: Side, quantity: int, price: int, fee: int) -> int:
        """Open or add; returns the value of it (UNIT)."""
        value = value_of(price, quantity)
        self.quantity += sign_of(side) * quantity
        self.cost += value
        self.carry += fee
        return value

    def reduce(self, quantity: int, price: int) -> int:
        """Close part or all of it; returns the realised PnL before fees (UNIT)."""
        direction, size = self.direction, self.size
        released = half_up(self.cost * quantity, size)
        gained = direction * (value_of(price, quantity) - released)
        self.carry -= half_up(self.carry * quantity, size)
        self.cost -= released
        self.quantity -= direction * quantity
        self.realized += gained
        return gained

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        return cls(**{**saved, "side": PositionSide(saved["side"])})
