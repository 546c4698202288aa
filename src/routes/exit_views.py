"""How a whole grid ends by itself, as the API shows it."""

from decimal import Decimal
from typing import Self

from pydantic import Field

from domain.exit_terms import ExitAction
from domain.grids import GridPlan, GridSnapshot
from domain.instrument import Market
from domain.money import plain
from grid.core.exit_checks import watched_conditions
from routes.messages import say
from routes.views import View


class ExitsView(View):
    """What ends a grid that the exchange knows nothing of; prices and amounts as decimal texts in quote."""

    stop_below: str | None = Field(description="of a spot grid; a futures grid's stands in contract.stops")
    stop_above: str | None
    take_profit_price: str | None
    take_profit_perc: str | None = Field(description="percent of the grid's capital")
    take_profit_amount: str | None
    stop_loss_perc: str | None = Field(description="percent of the grid's capital")
    stop_loss_amount: str | None
    on_take_profit: str = Field(description="keep, market or limit")
    on_stop_loss: str = Field(description="keep, market or limit")
    ends_below: str | None = Field(description="the price at or below which it would end now; null: none, or not known")
    ends_above: str | None = Field(description="the price at or above which it would end now; null: none, or not known")
    resident_at_exchange: bool = Field(description="always false: this server watches")
    note: str

    @classmethod
    def of(cls, plan: GridPlan, grid: GridSnapshot | None = None) -> Self | None:
        """Show those of a plan, of a running grid beside the prices at which it would end now."""
        request, terms = plan.request, plan.request.exits
        if not watched_conditions(request):
            return None
        is_spot = request.instrument.market is Market.SPOT
        return cls(
            stop_below=_text(request.stop_below if is_spot else None),
            stop_above=_text(request.stop_above if is_spot else None),
            take_profit_price=_text(terms.take_profit_price),
            take_profit_perc=_text(terms.take_profit_percent),
            take_profit_amount=_text(terms.take_profit_amount),
            stop_loss_perc=_text(terms.stop_loss_percent),
            stop_loss_amount=_text(terms.stop_loss_amount),
            on_take_profit=(terms.on_take_profit or ExitAction.MARKET).value,
            on_stop_loss=(terms.on_stop_loss or ExitAction.MARKET).value,
            ends_below=_text(grid.exit_below if grid else None),
            ends_above=_text(grid.exit_above if grid else None),
            resident_at_exchange=False,
            note=say("exits_watched"),
        )


def trigger_of(plan: GridPlan) -> str | None:
    """Return the price that a grid waits, or waited, for."""
    return _text(plan.request.trigger_price)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)
