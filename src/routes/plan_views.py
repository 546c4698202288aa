"""Plans of grids as the API shows them."""

from decimal import Decimal
from typing import Self

from pydantic import Field

from domain.grids import GridPlan, Spacing
from domain.money import plain
from routes.addressing import symbol_of
from routes.contract_views import TermsView
from routes.exit_views import ExitsView, trigger_of
from routes.formats import number
from routes.messages import say
from routes.views import View


def spacing_percent(plan: GridPlan) -> Decimal:
    """Return the spacing asked for, else the one that follows from the bounds (percent, four decimals)."""
    request = plan.request
    if request.spacing_percent is not None:
        return request.spacing_percent
    if len(plan.prices) < 2:
        return Decimal(0)
    low, high, steps = min(plan.prices), max(plan.prices), len(plan.prices) - 1
    if request.spacing is Spacing.GEOMETRIC:
        step = (high / low) ** (Decimal(1) / steps) - 1
    else:
        step = (high - low) / steps / plan.start_price
    return (step * 100).quantize(Decimal("0.0001"))


class CalculatedView(View):
    estimated_capital_needed: float
    grid_range: str
    levels_preview: list[float]
    start_price: float
    spacing_percentage: float
    quantity_per_level: str = Field(description="base, exact; where levels differ, next to the start price")
    quantities: list[str] = Field(description="base that each cell buys and sells, the lowest first, exact")
    reserve_quantity: str = Field(description="base of an infinity grid that no rung sells, exact; else 0")
    entry_quantity: str = Field(description="base bought first for the rungs above the price, exact")
    profit_per_cycle: str = Field(description="quote after two maker fees at the ladder's middle, exact")
    capital_needed: str = Field(description="quote, exact")

    @classmethod
    def of(cls, plan: GridPlan) -> Self:
        prices = sorted(plan.prices)
        return cls(
            estimated_capital_needed=number(plan.capital_needed),
            grid_range=f"{plain(prices[0])} - {plain(prices[-1])}",
            levels_preview=[number(price) for price in prices],
            start_price=number(plan.start_price),
            spacing_percentage=number(spacing_percent(plan)),
            quantity_per_level=plain(plan.quantity_per_rung),
            quantities=[plain(quantity) for quantity in plan.quantities],
            reserve_quantity=plain(plan.reserve_quantity),
            entry_quantity=plain(plan.entry_quantity),
            profit_per_cycle=plain(plan.profit_per_cycle),
            capital_needed=plain(plan.capital_needed),
        )


class CheckedView(View):
    valid: bool
    message: str
    calculated_params: CalculatedView
    symbol: str
    market_type: str
    contract: TermsView | None = Field(description="how a futures grid would stand; null on spot")
    exits: ExitsView | None = Field(description="what this server would watch to end the grid by itself; null: nothing")
    trigger_price: str | None = Field(description="price that it would wait for before its first order")
    warnings: list[str]

    @classmethod
    def of(cls, plan: GridPlan) -> Self:
        instrument = plan.request.instrument
        return cls(
            valid=True,
            message=say("config_valid"),
            calculated_params=CalculatedView.of(plan),
            symbol=symbol_of(instrument),
            market_type=instrument.market.value,
            contract=TermsView.of(plan),
            exits=ExitsView.of(plan),
            trigger_price=trigger_of(plan),
            warnings=list(plan.warnings),
        )
