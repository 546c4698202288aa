"""Events in a few words, for the log of a run."""

from domain.events import (
    CancelRefused,
    FundingNotRead,
    FundingRead,
    OpenOrdersRead,
    OrderAbsent,
    OrderNotSent,
    OrderRefused,
    OrderReported,
    OutcomeUnknown,
)
from domain.money import plain


def told(event: object) -> str:
    """Return an event in a few words for the log."""
    match event:
        case OrderReported(order=order, fills=fills):
            trades = f", trades {', '.join(str(fill.trade_id) for fill in fills)}" if fills else ""
            return f"{order.client_id} {order.status}, executed {plain(order.executed_quantity)}{trades}"
        case OpenOrdersRead(orders=orders, fills=fills):
            trades = ", ".join(str(fill.trade_id) for fill in fills)
            return f"{len(orders)} open: {', '.join(order.client_id for order in orders)}; trades {trades or 'none'}"
        case OrderRefused() | OutcomeUnknown() | OrderNotSent() | CancelRefused():
            return f"{type(event).__name__} {event.client_id}: {event.message}"
        case FundingRead(payments=payments, settled=settled):
            ids = ", ".join(str(payment.id) for payment in payments)
            return f"funding: {len(settled)} settled, payments {ids or 'none'}"
        case FundingNotRead(message=message):
            return f"funding not read: {message}"
        case OrderAbsent(client_id=client_id):
            return f"absent: {client_id}"
        case _:
            return str(event)
