"""What is being traded, as the API shows it."""

from typing import Self

from pydantic import Field, RootModel

from domain.grids import GridSnapshot, GridStatus
from domain.instrument import Market
from domain.money import plain
from routes.addressing import symbol_of
from routes.formats import number_or_none
from routes.grid_views import GridView
from routes.money_views import BooksView
from routes.order_views import LastTradeView, OpenOrderView
from routes.plan_views import spacing_percent
from routes.services import services
from routes.views import View


class GridConfigView(View):
    levels: int
    spacing: str = Field(description="percent, as text")
    leverage: int


class ExecutionView(View):
    symbol: str
    status: str = Field(description="active or stopped")
    market_type: str
    current_price: float | None
    grid_levels: int
    active_orders: int
    total_trades: int
    realized_pnl: float
    unrealized_pnl: float
    last_trade: LastTradeView | None
    open_orders: list[OpenOrderView]
    grid_config: GridConfigView
    uptime: str
    last_update: str
    phase: str
    phase_reason: str
    books: BooksView

    @classmethod
    def of(cls, grid: GridSnapshot) -> Self:
        shown = GridView.of(grid)
        spot = grid.instrument.market is Market.SPOT
        same = cls.model_fields.keys() & GridView.model_fields.keys() - {"status"}
        return cls(
            **{name: getattr(shown, name) for name in same},
            status="active" if grid.status is GridStatus.RUNNING else "stopped",
            last_trade=LastTradeView.of(grid.last_fill) if grid.last_fill else None,
            grid_config=GridConfigView(
                levels=len(grid.plan.prices),
                spacing=plain(spacing_percent(grid.plan)),
                leverage=1 if spot else services().futures_leverage,
            ),
        )


class ExecutionsView(View):
    executions: list[ExecutionView]
    total_active: int
    timestamp: int
    market_source: str


class PairView(View):
    symbol: str
    price: str | None = Field(description="exact")
    current_price: float | None
    market_type: str
    status: str

    @classmethod
    def of(cls, grid: GridSnapshot) -> Self:
        return cls(
            symbol=symbol_of(grid.instrument),
            price=None if grid.current_price is None else plain(grid.current_price),
            current_price=number_or_none(grid.current_price),
            market_type=grid.instrument.market.value,
            status=grid.status.value,
        )


class PairsView(RootModel[list[PairView]]):
    pass
