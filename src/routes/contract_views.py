"""Contracts as the API shows them, planned and held."""

from typing import Self

from pydantic import Field

from domain.grids import GridPlan, GridSnapshot, StopView
from domain.money import plain
from routes.formats import iso_or_none, text_or_none
from routes.views import View


class TermsView(View):
    """How a futures grid stands at the exchange."""

    direction: str = Field(description="neutral, long or short")
    leverage: int
    margin_type: str = Field(description="isolated or cross")
    hedge_mode: bool = Field(description="whether long and short positions are held apart, as the account has it")
    liquidation_below: str | None = Field(
        description="where the position would end under the range, by the plan; null: nowhere"
    )
    liquidation_above: str | None = Field(description="where it would end above the range, by the plan; null: nowhere")
    margin_worst: str = Field(description="quote, largest initial margin of position and orders inside the range")
    funding_reserve: str = Field(description="quote, kept for funding over horizon_days")
    horizon_days: int

    @classmethod
    def of(cls, plan: GridPlan) -> Self | None:
        terms = plan.terms
        if terms is None:
            return None
        return cls(
            direction=plan.request.direction.value,
            leverage=terms.leverage,
            margin_type=terms.margin_type.value,
            hedge_mode=terms.hedge_mode,
            liquidation_below=text_or_none(plan.liquidation_below),
            liquidation_above=text_or_none(plan.liquidation_above),
            margin_worst=plain(plan.margin_worst),
            funding_reserve=plain(plan.funding_reserve),
            horizon_days=plan.horizon_days,
        )


class GridStopView(View):
    """A stop that the exchange holds for a grid."""

    side: str
    price: str = Field(description="mark price, in quote, at which the position is closed at market")
    status: str = Field(description="placing, waiting, triggered, finished, canceled, expired or rejected")
    client_order_id: str
    trouble: str = Field(description="why it does not stand; empty if nothing is to be said")

    @classmethod
    def of(cls, stop: StopView) -> Self:
        return cls(
            side=stop.side.value,
            price=plain(stop.trigger_price),
            status=stop.status,
            client_order_id=stop.client_id,
            trouble=stop.trouble,
        )


class ContractView(TermsView):
    """What a futures grid holds, besides; amounts are exact decimal texts."""

    position: str = Field(description="in base, below 0 for a short one")
    funding: str
    realized_profit: str
    liquidation_price: str | None = Field(description="the exchange's, read twice a minute; null while it names none")
    stops: list[GridStopView] = Field(description="what the exchange itself holds to end the grid")
    countdown_until: str | None = Field(
        description="when the exchange cancels what rests here unless this server renews it; null: not armed"
    )

    @classmethod
    def of_grid(cls, grid: GridSnapshot) -> Self | None:
        terms, books = TermsView.of(grid.plan), grid.books
        if terms is None:
            return None
        return cls(
            **terms.model_dump(),
            position=plain(books.base_held),
            funding=plain(books.funding),
            realized_profit=plain(books.realized_profit),
            liquidation_price=text_or_none(grid.liquidation_price) if books.base_held else None,
            stops=[GridStopView.of(stop) for stop in grid.stops],
            countdown_until=iso_or_none(grid.countdown_ms),
        )
