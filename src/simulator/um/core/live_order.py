"""The mutable forms of a futures order and of a conditional order; never handed out."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from simulator.core.orders import OrderStatus, Side, StpMode
from simulator.core.working_order import WorkingOrder
from simulator.um.core.orders import (
    AlgoOrder,
    AlgoStatus,
    FuturesFill,
    FuturesOrder,
    FuturesOrderType,
    FuturesTimeInForce,
    PositionSide,
    WorkingType,
)

_ENUMS = {
    "side": Side,
    "position_side": PositionSide,
    "type": FuturesOrderType,
    "original_type": FuturesOrderType,
    "time_in_force": FuturesTimeInForce,
    "working_type": WorkingType,
    "stp_mode": StpMode,
}


def _typed(saved: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _ENUMS[name](value) if name in _ENUMS else value for name, value in saved.items()}


@dataclass(slots=True, eq=False, kw_only=True)
class LiveFuturesOrder(WorkingOrder):
    """A futures order at work; `liquidates` marks one of the liquidation engine."""

    position_side: PositionSide
    type: FuturesOrderType
    original_type: FuturesOrderType
    time_in_force: FuturesTimeInForce
    reduce_only: bool
    close_position: bool = False
    stop_price: int = 0
    working_type: WorkingType = WorkingType.CONTRACT_PRICE
    price_protect: bool = False
    good_till_ms: int = 0
    modifications: int = 0
    algo_id: int | None = None
    liquidates: bool = False

    @property
    def is_closing(self) -> bool:
        """Say whether it may only make a position smaller."""
        return closes(self.side, self.position_side, reduce_only=self.reduce_only)

    def snapshot(self, *, fills: tuple[FuturesFill, ...] = ()) -> FuturesOrder:
        values = {field.name: getattr(self, field.name) for field in fields(FuturesOrder) if field.name != "fills"}
        return FuturesOrder(**values, fills=fills)

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        return cls(**{**_typed(saved), "status": OrderStatus(saved["status"])})


@dataclass(slots=True, eq=False, kw_only=True)
class LiveAlgo:
    """A conditional order at work.

    `is_active` and `extreme` belong to a trailing stop: whether it follows the price, and the best price
    since then (UNIT).
    """

    symbol: str
    algo_id: int
    account_id: str
    client_id: str
    side: Side
    position_side: PositionSide
    type: FuturesOrderType
    time_in_force: FuturesTimeInForce
    quantity: int
    price: int
    trigger_price: int
    activate_price: int
    callback_ppm: int
    working_type: WorkingType
    price_protect: bool
    close_position: bool
    reduce_only: bool
    stp_mode: StpMode
    good_till_ms: int
    time_ms: int
    update_ms: int
    status: AlgoStatus = AlgoStatus.NEW
    trigger_ms: int = 0
    actual_order_id: int | None = None
    failure: str = ""
    is_active: bool = False
    extreme: int = 0

    def snapshot(self) -> AlgoOrder:
        return AlgoOrder(**{field.name: getattr(self, field.name) for field in fields(AlgoOrder)})

    def dump(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def load(cls, saved: Mapping[str, Any]) -> Self:
        return cls(**{**_typed(saved), "status": AlgoStatus(saved["status"])})


def closes(side: Side, position_side: PositionSide, *, reduce_only: bool) -> bool:
    """Say whether such an order may only reduce: reduceOnly, or the closing side of a hedge position."""
    if position_side is PositionSide.BOTH:
        return reduce_only
    return (position_side is PositionSide.LONG) != (side is Side.BUY)
