"""An edit of a grid at work as the API shows it."""

from typing import Self

from pydantic import Field

from domain.edits import EditedGrid, EditTrade, GridEdit, OrderLine
from domain.money import plain
from routes.addressing import symbol_of
from routes.contract_views import TermsView
from routes.grid_views import GridView
from routes.messages import say
from routes.plan_views import CalculatedView
from routes.views import View


class OrderLineView(View):
    """An order; exact decimal texts, price in quote, quantity in base."""

    side: str
    price: str
    quantity: str

    @classmethod
    def of(cls, line: OrderLine) -> Self:
        return cls(side=line.side.lower(), price=plain(line.price), quantity=plain(line.quantity))


class MovedOrderView(View):
    before: OrderLineView
    after: OrderLineView


class EditedOrdersView(View):
    """What becomes of the orders, nearest to the gap first."""

    keep: list[OrderLineView] = Field(description="rest untouched")
    move: list[MovedOrderView] = Field(description="each gives way to another of its side")
    cancel: list[OrderLineView]
    add: list[OrderLineView]

    @classmethod
    def of(cls, edit: GridEdit) -> Self:
        line = OrderLineView.of
        return cls(
            keep=[line(order) for order in edit.keep],
            move=[MovedOrderView(before=line(moved.before), after=line(moved.after)) for moved in edit.move],
            cancel=[line(order) for order in edit.cancel],
            add=[line(order) for order in edit.add],
        )


class EditTradeView(View):
    """The trade that brings what is held to what the new ladder needs."""

    side: str
    quantity: str = Field(description="base, exact")
    limit_price: str = Field(description="worst price in quote by the price of now; it is set anew when it is sent")
    estimated_cost: str = Field(description="quote at the price of now, fee included; below 0 what a sale brings")

    @classmethod
    def of(cls, trade: EditTrade) -> Self:
        return cls(
            side=trade.side.lower(),
            quantity=plain(trade.quantity),
            limit_price=plain(trade.limit_price),
            estimated_cost=plain(trade.cost),
        )


class EditView(View):
    success: bool = Field(description="false while orders stand in the way; the edit is stored and goes on by itself")
    message: str
    dry_run: bool
    symbol: str
    market_type: str
    orders: EditedOrdersView
    trade: EditTradeView | None = Field(description="null: what is held is enough, or the rest too little to trade")
    exposure: str = Field(description="quote, what the risk gate counts when every entry is filled")
    calculated_params: CalculatedView = Field(description="of the new ladder; entry_quantity is that of the start")
    contract: TermsView | None = Field(description="how a futures grid would stand; null on spot")
    warnings: list[str]
    grid: GridView = Field(description="the grid after the edit, with dry_run as it is")

    @classmethod
    def of(cls, edited: EditedGrid, *, dry_run: bool) -> Self:
        edit, grid = edited.edit, edited.grid
        key = "grid_edit_sketched" if dry_run else "grid_edited" if edited.is_done else "grid_editing"
        return cls(
            success=dry_run or edited.is_done,
            message=say(key, symbol=symbol_of(grid.instrument)),
            dry_run=dry_run,
            symbol=symbol_of(grid.instrument),
            market_type=grid.instrument.market.value,
            orders=EditedOrdersView.of(edit),
            trade=EditTradeView.of(edit.trade) if edit.trade else None,
            exposure=plain(edit.exposure),
            calculated_params=CalculatedView.of(edit.plan),
            contract=TermsView.of(edit.plan),
            warnings=list(edit.warnings),
            grid=GridView.of(grid),
        )
