"""What the server tells the process that looks for a grid, and what it gets back."""

from decimal import Decimal
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from domain.futures import Bracket, MarginType
from domain.grids import Direction
from domain.instrument import InstrumentRules

SUGGEST: Final = "suggest"
"""The kind's name."""
PARAMETERS: Final = "parameters.json"
RESULT: Final = "result.json"
RESULTS: Final = (RESULT,)
CANDLES: Final = "candles"
SETTLEMENTS: Final = "settlements"
UNSHOWN: Final = (CANDLES, SETTLEMENTS)
"""Parameters that are too long to be shown."""
FEWEST_LEVELS: Final = 4


class GivenCandle(NamedTuple):
    """A closed candle: prices in quote, volume in base."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Settlement(NamedTuple):
    """One settlement of funding: longs paid shorts `rate` of the notional; `mark` 0 where it is not known."""

    at_ms: int
    rate: Decimal
    mark: Decimal


class SuggestParameters(BaseModel):
    """One instrument with its recent candles, and the account that a grid is looked for.

    Attributes:
        symbol: the venue's own text.
        interval: of the candles, e.g. `15m`; `interval_ms` the same in ms.
        market_source: where prices come from, as `MarketData.market_source` has it.
        price: the present one, in quote.
        capital: the grid's, in quote.
        direction, leverage, margin_type: of the grid; the last two None on spot.
        maker_rate, taker_rate: commission, as fractions.
        min_order_value, max_order_notional: the settings' bounds of one order, in quote.
        max_price_distance: how far a rung may lie from the price, as a fraction of it.
        rules: the venue's order filters.
        brackets: the account's leverage brackets, of futures alone.
        settlements: of funding, oldest first, of futures alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    symbol: str
    interval: str
    interval_ms: int = Field(gt=0)
    market_source: str
    price: Decimal = Field(gt=0)
    capital: Decimal = Field(gt=0)
    direction: Direction
    leverage: int | None = None
    margin_type: MarginType | None = None
    maker_rate: Decimal = Field(ge=0, lt=1)
    taker_rate: Decimal = Field(ge=0, lt=1)
    min_order_value: Decimal
    max_order_notional: Decimal
    max_price_distance: Decimal
    rules: InstrumentRules
    brackets: tuple[Bracket, ...] = ()
    candles: tuple[GivenCandle, ...]
    settlements: tuple[Settlement, ...] = ()
