"""The one mutable form of a spot order, owned by the exchange and never handed out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from simulator.core.orders import (
    MARKET_TYPES,
    NO_LIST,
    TAKE_PROFIT_TYPES,
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
from simulator.core.triggers import does_trigger_upwards
from simulator.core.working_order import WorkingOrder


@dataclass(slots=True, eq=False, kw_only=True)
class LiveOrder(WorkingOrder):
    """A spot order at work, or waiting for its trigger (`working_ms` None).

    What an `is_covered` leg of an order list needs is locked by the list's other leg.
    """

    type: OrderType
    time_in_force: TimeInForce
    quote_quantity: int
    working_ms: int | None
    prevented_match_id: int | None = None
    expiry_reason: ExpiryReason | None = None
    stop_price: int = 0
    list_id: int = NO_LIST
    is_covered: bool = False

    @property
    def is_market(self) -> bool:
        return self.type in MARKET_TYPES

    @property
    def is_working(self) -> bool:
        return self.working_ms is not None

    @property
    def triggers_upwards(self) -> bool:
        return does_trigger_upwards(self.side, takes_profit=self.type in TAKE_PROFIT_TYPES)

    def lock_for(self, quantity: int) -> int:
        """Return what `quantity` of it holds locked (NOTIONAL_UNIT of the asset it pays with).

        An order that is to execute as MARKET locks its worth at the stop price until it is triggered.
        """
        if self.is_covered or (self.type in MARKET_TYPES and self.working_ms is not None):
            return 0
        return self.need_for(quantity)

    def need_for(self, quantity: int) -> int:
        """Return what `quantity` costs at its limit, or at its stop price without one (NOTIONAL_UNIT)."""
        return quantity * ((self.price or self.stop_price) if self.side is Side.BUY else UNIT)

    def prevent(self, quantity: int, match_id: int, now_ms: int) -> None:
        self.lose(quantity, now_ms)
        self.prevented_match_id = match_id

    def finish(self, status: OrderStatus, reason: ExpiryReason | None, now_ms: int) -> None:
        self.end(status, now_ms)
        self.expiry_reason = reason

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
            stop_price=self.stop_price,
            list_id=self.list_id,
            fills=fills,
            cancel_client_id=cancel_client_id,
        )

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
