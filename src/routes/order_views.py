"""Orders and trades as the API shows them."""

from typing import Self

from pydantic import Field, RootModel

from domain.grids import OrderView
from domain.money import plain
from domain.orders import Fill, Status
from routes.addressing import symbol_of
from routes.formats import number, number_or_none
from routes.views import View

_ORDER_WORDS = {
    Status.CREATED: "pending",
    Status.SENT: "pending",
    Status.UNKNOWN: "unknown",
    Status.OPEN: "new",
    Status.FILLED: "filled",
    Status.CANCELED: "cancelled",
    Status.EXPIRED: "expired",
    Status.REJECTED: "rejected",
}


class OpenOrderView(View):
    order_id: str = Field(description="the venue's number; our client id until the venue has given one")
    type: str = Field(description="limit or market")
    side: str
    price: float | None
    quantity: float
    status: str = Field(description="new, partially_filled, filled, cancelled, expired, rejected, pending, unknown")
    timestamp: int
    client_order_id: str
    executed_quantity: float
    post_only: bool
    reason: str

    @classmethod
    def of(cls, order: OrderView) -> Self:
        partly = order.status is Status.OPEN and order.executed_quantity > 0
        return cls(
            order_id=order.client_id if order.venue_order_id is None else str(order.venue_order_id),
            type="market" if order.type.upper() == "MARKET" else "limit",
            side=order.side.value.lower(),
            price=number_or_none(order.price),
            quantity=number(order.quantity),
            status="partially_filled" if partly else _ORDER_WORDS[order.status],
            timestamp=order.created_ms,
            client_order_id=order.client_id,
            executed_quantity=number(order.executed_quantity),
            post_only=order.type.upper() == "LIMIT_MAKER",
            reason=order.reason,
        )


class LastTradeView(View):
    type: str = Field(description="buy or sell")
    price: float
    quantity: float
    timestamp: int

    @classmethod
    def of(cls, fill: Fill) -> Self:
        return cls(
            type=fill.side.value.lower(),
            price=number(fill.price),
            quantity=number(fill.quantity),
            timestamp=fill.time_ms,
        )


class TradeView(LastTradeView):
    """One trade of ours; amounts that are texts are the venue's own, exact."""

    id: int = Field(description="unique per account, market and symbol")
    symbol: str
    market_type: str
    order_id: str
    client_order_id: str
    quote_quantity: str
    commission: str
    commission_asset: str
    is_maker: bool

    @classmethod
    def of(cls, fill: Fill) -> Self:
        return cls(
            **LastTradeView.of(fill).model_dump(),
            id=fill.trade_id,
            symbol=symbol_of(fill.instrument),
            market_type=fill.instrument.market.value,
            order_id=str(fill.venue_order_id),
            client_order_id=fill.client_id,
            quote_quantity=plain(fill.quote_quantity),
            commission=plain(fill.commission),
            commission_asset=fill.commission_asset,
            is_maker=fill.is_maker,
        )


class TradesView(RootModel[list[TradeView]]):
    """Newest first."""
