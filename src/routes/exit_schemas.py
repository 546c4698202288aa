"""What a request may say of how a whole grid begins and ends by itself."""

from typing import Literal

from pydantic import Field

from domain.exit_terms import ExitAction, ExitTerms
from routes.amounts import Amount, Percent, PercentOfGain
from routes.mistakes import Strict

Action = Literal["keep", "market", "limit"]
_ACTIONS = (
    "of what is held then: keep it, close it at market (default), or by one limit order at the price that was reached"
)


class ExitShape(Strict):
    """The part of `config` that names trigger, take profit and stop loss."""

    stop_below: Amount | None = Field(
        None,
        description="price in quote below the range that ends the grid: on futures a mark price at which the exchange "
        "itself ends it, on spot watched by this server",
    )
    stop_above: Amount | None = Field(None, description="the same above the range, for what was sold")
    take_profit_price: Amount | None = Field(
        None, description="price in quote that ends the grid: above the start for a long grid, below for a short one"
    )
    take_profit_perc: PercentOfGain | None = Field(
        None, description="profit of the whole grid that ends it, percent of its capital"
    )
    take_profit_amount: Amount | None = Field(None, description="the same in quote; excludes take_profit_perc")
    stop_loss_perc: Percent | None = Field(
        None, description="loss of the whole grid that ends it, percent of its capital"
    )
    stop_loss_amount: Amount | None = Field(None, description="the same in quote; excludes stop_loss_perc")
    on_take_profit: Action | None = Field(None, description=_ACTIONS)
    on_stop_loss: Action | None = Field(None, description=_ACTIONS)
    trigger_price: Amount | None = Field(
        None, description="price in quote that has to be reached before anything is sent; the ladder is laid around it"
    )

    @property
    def exits(self) -> ExitTerms:
        return ExitTerms(
            take_profit_price=self.take_profit_price,
            take_profit_percent=self.take_profit_perc,
            take_profit_amount=self.take_profit_amount,
            stop_loss_percent=self.stop_loss_perc,
            stop_loss_amount=self.stop_loss_amount,
            on_take_profit=None if self.on_take_profit is None else ExitAction(self.on_take_profit),
            on_stop_loss=None if self.on_stop_loss is None else ExitAction(self.on_stop_loss),
        )
