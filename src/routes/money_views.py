"""A grid's books as the API shows them."""

from decimal import Decimal
from typing import Self

from pydantic import Field

from domain.grids import Books
from domain.money import plain
from routes.views import View


class BooksView(View):
    """The grid's money, exact, as decimal texts in quote unless the name says otherwise.

    equity_change = grid_profit + (inventory_value - inventory_cost) - fees + funding + fee_asset_revaluation
                    + quote_rounding + residual
    """

    base_held: str = Field(description="in base; a short position and what it brought are below 0")
    inventory_cost: str
    inventory_value: str
    grid_profit: str = Field(description="closed cycles, before fees")
    fees: str = Field(description="valued at their fill")
    fees_by_asset: dict[str, str]
    fees_unvalued: dict[str, str] = Field(
        description="amounts whose price at the fill is not known yet; they count nowhere but in fees_by_asset"
    )
    funding: str = Field(description="what funding brought, below 0 what it cost; 0 on spot")
    realized_profit: str = Field(description="of closed futures positions, by the exchange's own count")
    fee_asset_revaluation: str
    fee_prices: dict[str, str] = Field(description="quote per unit, at which valued fees are revalued")
    quote_rounding: str = Field(description="what the venue rounded off price times quantity")
    cash_flow: str
    equity_change: str
    residual: str = Field(description="what the identity leaves over; 0 unless something is wrong")
    mark_price: str
    dust: str = Field(description="base below one lot, kept in the cells; part of base_held")
    hold_change: str = Field(description="what the base of the start would have gained by being held")
    versus_hold: str = Field(description="equity_change - hold_change; against cash it is equity_change")
    buys: int
    sells: int
    trades: int
    cycles: int

    @classmethod
    def of(cls, books: Books) -> Self:
        return cls.model_validate({name: _exactly(getattr(books, name)) for name in cls.model_fields})


def _exactly(value: Decimal | int | dict[str, Decimal]) -> object:
    if isinstance(value, dict):
        return {asset: plain(amount) for asset, amount in value.items()}
    return plain(value) if isinstance(value, Decimal) else value


def realized(books: Books) -> Decimal:
    """Return what closed cycles earned after all fees, funding included, in quote."""
    return books.grid_profit - books.fees + books.funding


def unrealized(books: Books) -> Decimal:
    """Return what the held base and the fee assets gained since bought; with `realized` and residual: the equity."""
    return books.inventory_value - books.inventory_cost + books.fee_asset_revaluation
