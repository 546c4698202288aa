"""Intents, venue reports and fills that tests of orders start from."""

from decimal import Decimal
from typing import Any

from domain.events import Moment
from domain.orders import Fill, Intent, OrderType, Role, Side, Slot, Status, VenueOrder
from fakes.grid_examples import BTC
from orders.client_ids import ClientId

INSTANCE = "t3st"
BUY_SLOT = Slot(1, Role.RUNG, Side.BUY, 5_900_000)
SELL_SLOT = Slot(1, Role.RUNG, Side.SELL, 6_100_000)
ONE = Decimal("0.001")


def moment(seconds: float = 0.0) -> Moment:
    at_ms = 1_722_729_600_000 + int(seconds * 1000)
    return Moment(wall_ms=at_ms, market_ms=at_ms, monotonic_s=seconds)


def intent(slot: Slot = BUY_SLOT, *, cycle: int = 0, attempt: int = 0, **changes: Any) -> Intent:
    values: dict[str, Any] = {
        "client_id": str(ClientId(INSTANCE, 1, slot, cycle, attempt)),
        "slot": slot,
        "cycle": cycle,
        "attempt": attempt,
        "instrument": BTC,
        "type": OrderType.LIMIT_MAKER,
        "time_in_force": None,
        "quantity": ONE,
        "price": Decimal(slot.price_ticks) / 100,
        "reason": "test",
        "created_ms": moment().wall_ms,
    }
    return Intent(**(values | changes))


def venue_order(of: Intent, status: Status = Status.OPEN, executed: Decimal = Decimal(0), **changes: Any) -> VenueOrder:
    values: dict[str, Any] = {
        "instrument": BTC,
        "client_id": of.client_id,
        "venue_order_id": 7_000 + of.slot.price_ticks % 1_000 + 10 * of.cycle + of.attempt,
        "side": of.side,
        "type": of.type,
        "status": status,
        "price": of.price or Decimal(0),
        "quantity": of.quantity,
        "executed_quantity": executed,
        "updated_ms": moment(1).market_ms,
    }
    return VenueOrder(**(values | changes))


def fill(of: Intent, trade_id: int, quantity: Decimal = ONE, **changes: Any) -> Fill:
    price = changes.get("price", of.price or Decimal(60_000))
    values: dict[str, Any] = {
        "instrument": BTC,
        "trade_id": trade_id,
        "client_id": of.client_id,
        "venue_order_id": venue_order(of).venue_order_id,
        "side": of.side,
        "price": price,
        "quantity": quantity,
        "quote_quantity": price * quantity,
        "commission": Decimal(0),
        "commission_asset": "USDT",
        "is_maker": True,
        "time_ms": moment(1).market_ms,
    }
    return Fill(**(values | changes))
