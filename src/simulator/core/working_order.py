"""What every order at work has, whatever market it belongs to: its place in the book and how it trades."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

from simulator.core.orders import OPEN_STATUSES, OrderStatus, Side, StpMode


@dataclass(slots=True, eq=False, kw_only=True)
class WorkingOrder:
    """The mutable form of an order, owned by its exchange and never handed out.

    Prices and quantities are scaled by UNIT, `executed_quote` by NOTIONAL_UNIT. `ahead` (UNIT) is the
    external volume at its price that trades before it; `rests` says it is in the book.
    """

    symbol: str
    order_id: int
    account_id: str
    client_id: str
    side: Side
    price: int
    quantity: int
    stp_mode: StpMode
    time_ms: int
    update_ms: int
    executed: int = 0
    executed_quote: int = 0
    prevented: int = 0
    status: OrderStatus = OrderStatus.NEW
    ahead: int = 0
    rests: bool = False

    @property
    def remaining(self) -> int:
        return self.quantity - self.executed - self.prevented

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def execute(self, quantity: int, quote: int, now_ms: int) -> None:
        self.executed += quantity
        self.executed_quote += quote
        self.update_ms = now_ms
        if self.remaining:
            self.status = OrderStatus.PARTIALLY_FILLED
        else:
            filled = self.executed == self.quantity
            self.status = OrderStatus.FILLED if filled else OrderStatus.EXPIRED_IN_MATCH

    def lose(self, quantity: int, now_ms: int) -> None:
        """Take out what self-trade prevention kept from trading."""
        self.prevented += quantity
        self.update_ms = now_ms
        if not self.remaining:
            self.status = OrderStatus.EXPIRED_IN_MATCH

    def end(self, status: OrderStatus, now_ms: int) -> None:
        self.status = status
        self.update_ms = now_ms

    def dump(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


OrderT = TypeVar("OrderT", bound=WorkingOrder)
