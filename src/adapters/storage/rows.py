"""Domain values to rows of the tables and back."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Row

from domain.futures import FundingPayment
from domain.grids import GridStatus
from domain.instrument import Instrument
from domain.orders import Fill, Intent, OrderType, PositionSide, Role, Side, Slot, Status, TimeInForce
from domain.plan_text import decode_plan
from ports.store import EquityRow, GridRow, OrderRow

instrument_of = lru_cache(maxsize=1024)(Instrument.parse)


def grid_of(row: Row[Any]) -> GridRow:
    return GridRow(
        grid_id=row.grid_id,
        instrument=instrument_of(row.instrument),
        plan=decode_plan(row.plan),
        status=GridStatus(row.status),
        phase=row.phase,
        phase_reason=row.phase_reason,
        on_stop=row.on_stop,
        started_ms=row.started_ms,
        started_wall_ms=row.started_wall_ms,
        ended_ms=row.ended_ms,
    )


def intent_values(account: str, intent: Intent) -> dict[str, object]:
    """Return the columns of a fresh order, status created."""
    return {
        "account": account,
        "client_id": intent.client_id,
        "instrument": intent.instrument.id,
        "grid_id": intent.slot.grid,
        "role": intent.slot.role.value,
        "side": intent.slot.side.value,
        "price_ticks": intent.slot.price_ticks,
        "cycle": intent.cycle,
        "attempt": intent.attempt,
        "type": intent.type.value,
        "time_in_force": intent.time_in_force.value if intent.time_in_force else None,
        "quantity": intent.quantity,
        "price": intent.price,
        "reason": intent.reason,
        "created_ms": intent.created_ms,
        "status": Status.CREATED.value,
        "venue_order_id": None,
        "updated_ms": intent.created_ms,
        "position_side": intent.position_side.value,
        "reduce_only": intent.reduce_only,
    }


def order_values(account: str, order: OrderRow) -> dict[str, object]:
    return intent_values(account, order.intent) | {
        "status": order.status.value,
        "venue_order_id": order.venue_order_id,
        "updated_ms": order.updated_ms,
    }


def order_of(row: Row[Any]) -> OrderRow:
    intent = Intent(
        client_id=row.client_id,
        slot=Slot(row.grid_id, Role(row.role), Side(row.side), row.price_ticks),
        cycle=row.cycle,
        attempt=row.attempt,
        instrument=instrument_of(row.instrument),
        type=OrderType(row.type),
        time_in_force=TimeInForce(row.time_in_force) if row.time_in_force else None,
        quantity=row.quantity,
        price=row.price,
        reason=row.reason,
        created_ms=row.created_ms,
        position_side=PositionSide(row.position_side),
        reduce_only=row.reduce_only,
    )
    return OrderRow(
        intent=intent,
        status=Status(row.status),
        venue_order_id=row.venue_order_id,
        updated_ms=row.updated_ms,
    )


def fill_values(account: str, fill: Fill) -> dict[str, object]:
    return {
        "account": account,
        "instrument": fill.instrument.id,
        "trade_id": fill.trade_id,
        "client_id": fill.client_id,
        "venue_order_id": fill.venue_order_id,
        "side": fill.side.value,
        "price": fill.price,
        "quantity": fill.quantity,
        "quote_quantity": fill.quote_quantity,
        "commission": fill.commission,
        "commission_asset": fill.commission_asset,
        "is_maker": fill.is_maker,
        "time_ms": fill.time_ms,
        "realized_profit": fill.realized_profit,
        "position_side": fill.position_side.value,
    }


def fill_of(row: Row[Any]) -> Fill:
    return Fill(
        instrument=instrument_of(row.instrument),
        trade_id=row.trade_id,
        client_id=row.client_id,
        venue_order_id=row.venue_order_id,
        side=Side(row.side),
        price=row.price,
        quantity=row.quantity,
        quote_quantity=row.quote_quantity,
        commission=row.commission,
        commission_asset=row.commission_asset,
        is_maker=row.is_maker,
        time_ms=row.time_ms,
        realized_profit=row.realized_profit,
        position_side=PositionSide(row.position_side),
    )


def payment_of(row: Row[Any]) -> FundingPayment:
    return FundingPayment(
        instrument=instrument_of(row.instrument),
        id=row.payment_id,
        amount=row.amount,
        asset=row.asset,
        at_ms=row.at_ms,
    )


def equity_of(row: Row[Any]) -> EquityRow:
    return EquityRow(
        grid_id=row.grid_id,
        time_ms=row.time_ms,
        equity_change=row.equity_change,
        grid_profit=row.grid_profit,
        mark_price=row.mark_price,
    )
