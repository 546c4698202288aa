"""When a whole grid is to end by itself, and what becomes of what it holds then."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class ExitAction(StrEnum):
    """What becomes of the inventory of a grid that ends by itself; its orders are cancelled first."""

    KEEP = "keep"
    MARKET = "market"
    LIMIT = "limit"  # one order for all of it at the price that ended the grid, which rests until it is filled


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitTerms:
    """When a whole grid ends by itself, besides at its stops. Prices and amounts in quote, percent of its capital.

    None: not at all; of what becomes of the inventory: closed at market. Profit is what the whole grid has made, held
    base at market, all fees and funding counted.
    """

    take_profit_price: Decimal | None = None
    take_profit_percent: Decimal | None = None
    take_profit_amount: Decimal | None = None
    stop_loss_percent: Decimal | None = None
    stop_loss_amount: Decimal | None = None
    on_take_profit: ExitAction | None = None
    on_stop_loss: ExitAction | None = None
