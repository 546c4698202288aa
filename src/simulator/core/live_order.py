"""The one mutable form of an order, owned by the exchange and never handed out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from simulator.core.orders import (
    OPEN_STATUSES,
    ExpiryReason,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Side,
    StpMode,
    TimeInForce,
)
from simulator.core.symbols import UNIT


@dataclass(slots=True, eq=False, kw_only=True)
class LiveOrder:
    """An order at work.

    `ahead` (UNIT) is the external volume at its price that trades before it; `rests` says it is in the book.
    """

    symbol: str
    order_id: int
    account_id: str
    client_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    quote_quantity: int
    stp_mode: StpMode
    time_ms: int
    update_ms: int
    working_ms: int | None
    executed: int = 0
    executed_quote: int = 0
    prevented: int = 0
    status: OrderStatus = OrderStatus.NEW
    prevented_match_id: int | None = None
    expiry_reason: ExpiryReason | None = None
    ahead: int = 0
    rests: bool = False

    @property
    def remaining(self) -> int:
        return self.quantity - self.executed - self.prevented

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    def lock_for(self, quantity: int) -> int:
        """Return what `quantity` of it holds locked (NOTIONAL_UNIT of the asset it pays with)."""
        if self.type is OrderType.MARKET:
            return 0
        return quantity * (self.price if self.side is Side.BUY else UNIT)

    def execute(self, quantity: int, quote: int, now_ms: int) -> None:
        self.executed += quantity
        self.executed_quote += quote
        self.update_ms = now_ms
        if self.remaining:
            self.status = OrderStatus.PARTIALLY_FILLED
        else:
            filled = self.executed == self.quantity
            self.status = OrderStatus.FILLED if filled else OrderStatus.EXPIRED_IN_MATCH

    def prevent(self, quantity: int, match_id: int, now_ms: int) -> None:
        self.prevented += quantity
        self.prevented_match_id = match_id
        self.update_ms = now_ms
        if not self.remaining:
            self.status = OrderStatus.EXPIRED_IN_MATCH

    def finish(self, status: OrderStatus, reason: ExpiryReason | None, now_ms: int) -> None:
        self.status = status
        self.expiry_reason = reason
        self.update_ms = now_ms

    def snapshot(self, *, fills: tuple[Fill, ...] = (), cancel_client_id: str | None = None) -> Order:
        return Order(
            symbol=self.symbol,
            order_id=self.order_id,
            account_id=self.account_id,
            client_id=self.client_id,
            side=self.side,
            type=self.type,
            time_in_force=self.time_in_force,
            price=self.price,
            quantity=self.quantity,
            quote_quantity=self.quote_quantity,
            executed=self.executed,
            executed_quote=self.executed_quote,
            prevented=self.prevented,
            status=self.status,
            stp_mode=self.stp_mode,
            time_ms=self.time_ms,
            update_ms=self.update_ms,
            working_ms=self.working_ms,
            prevented_match_id=self.prevented_match_id,
            expiry_reason=self.expiry_reason,
            fills=fills,
            cancel_client_id=cancel_client_id,
        )

    def dump(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        reason = saved["expiry_reason"]
        typed = {
            "side": Side(saved["side"]),
            "type": OrderType(saved["type"]),
            "time_in_force": TimeInForce(saved["time_in_force"]),
            "stp_mode": StpMode(saved["stp_mode"]),
            "status": OrderStatus(saved["status"]),
            "expiry_reason": None if reason is None else ExpiryReason(reason),
        }
        return cls(**{**saved, **typed})
