"""What requests may hold. Numbers that reach money are read from their text; booleans are no numbers."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from domain.futures import MarginType
from domain.grids import Direction, GridRequest, OnStop, PauseKeep, Profit, Spacing
from domain.instrument import Instrument, Market
from routes.amounts import Amount, GrowthPercent, Percent
from routes.exit_schemas import ExitShape
from routes.mistakes import Strict

LONGEST_SYMBOL = 50
MOST_LEVELS = 1000

MarketType = Literal["spot", "futures"]
Interval = Literal[
    "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"
]  # fmt: skip


def check_symbol(text: str) -> str:
    """Return `text` if it is written like BTCUSDT or BTC/USDT.

    Raises:
        PydanticCustomError: `symbol_lower_case` or `symbol_malformed`.
    """
    parts = text.split("/")
    plain = all(part and all(c.isalnum() or c in "-._" for c in part) for part in parts)
    if not plain or len(parts) > 2 or not 2 <= len(text) <= LONGEST_SYMBOL:
        raise PydanticCustomError("symbol_malformed", "malformed symbol")
    if text != text.upper():
        raise PydanticCustomError("symbol_lower_case", "symbol in lower case")
    return text


Symbol = Annotated[
    str,
    Field(strict=True, description="BTCUSDT or BTC/USDT, in capitals (a slash in a path is written %2F or as it is)"),
]


class OfSymbol(Strict):
    symbol: Symbol

    @field_validator("symbol")
    @classmethod
    def _written_as_symbol(cls, value: str) -> str:
        return check_symbol(value)


class GridShape(ExitShape):
    """`config` of a grid request."""

    initial_levels: int = Field(
        strict=True,
        ge=1,
        le=MOST_LEVELS,
        description="price rungs in all, start price in the middle; of an infinity grid counted from lower_price up",
    )
    market_type: MarketType | None = Field(None, description="default: default_market_type of the settings")
    infinity: bool = Field(
        False,
        strict=True,
        description="true, on spot: from lower_price up initial_levels rungs stand spacing_perc apart; of a rise it "
        "sells only what was gained, above the highest rung nothing",
    )
    lower_price: Amount | None = Field(
        None, validate_default=True, description="lowest rung, in quote; with upper_price spacing follows"
    )
    upper_price: Amount | None = Field(None, validate_default=True, description="highest rung, in quote")
    spacing_perc: Percent | None = Field(
        None,
        validate_default=True,
        description="percent between neighbouring rungs (geometric) or of the start price (arithmetic)",
    )
    spacing_mode: Literal["geometric", "arithmetic"] = "geometric"
    capital: Amount | None = Field(None, description="the whole grid's capital, in quote")
    capital_usd: Amount | None = Field(None, description="the same as capital")
    quantity_per_level: Amount | None = Field(None, description="base per rung, instead of capital")
    quantity_growth_perc: GrowthPercent | None = Field(
        None, description="percent by which each cell farther from the start price holds more than the one nearer to it"
    )
    profit: Literal["release", "reinvest"] = Field(
        "release", description="release: what a cycle gains stays in the account; reinvest: its cell buys more with it"
    )
    start_empty: bool = Field(False, strict=True, description="true: do not buy the base for the rungs above the price")
    direction: Literal["neutral", "long", "short"] | None = Field(
        None, description="which positions a futures grid takes; default: by grid.futures.position_side of the settings"
    )
    leverage: int | None = Field(
        None, strict=True, ge=1, le=125, description="of a futures grid; default: grid.futures.leverage of the settings"
    )
    margin_type: Literal["isolated", "cross"] | None = Field(
        None, description="of a futures grid; default: by grid.futures.use_isolated_margin of the settings"
    )
    trail_up_to: Amount | None = Field(
        None, description="price in quote up to which the ladder follows a price that left it above; default: it stays"
    )
    trail_down_to: Amount | None = Field(
        None, description="the same below: what was bought higher is then sold in lower windows; default: it stays"
    )
    resting_levels: int | None = Field(
        None, strict=True, ge=1, le=MOST_LEVELS, description="orders that rest on each side, the nearest; default: all"
    )
    post_only: bool = Field(False, strict=True, description="true: an order of a rung never takes, it waits behind")

    @field_validator("lower_price")
    @classmethod
    def _infinity_begins(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if value is None and info.data.get("infinity"):
            raise PydanticCustomError("infinity_lower", "infinity without its lower end")
        return value

    @field_validator("upper_price")
    @classmethod
    def _both_bounds(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        if info.data.get("infinity"):
            if value is not None:
                raise PydanticCustomError("infinity_upper", "infinity with an upper end")
            return value
        if "lower_price" not in info.data:  # it has a mistake of its own
            return value
        lower = info.data["lower_price"]
        if (value is None) != (lower is None):
            raise PydanticCustomError("bounds_together", "one bound without the other")
        if value is not None and value <= lower:
            raise PydanticCustomError("bounds_order", "bounds in the wrong order")
        return value

    @field_validator("spacing_perc")
    @classmethod
    def _spacing_or_bounds(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        bounded = info.data.get("lower_price") is not None or info.data.get("upper_price") is not None
        bounded = bounded and not info.data.get("infinity")
        broken = not {"lower_price", "upper_price"} <= info.data.keys()
        if value is None and not bounded and not broken:
            raise PydanticCustomError("spacing_needed", "neither spacing nor bounds")
        if value is not None and bounded:
            raise PydanticCustomError("spacing_follows", "spacing and bounds")
        return value

    @field_validator("capital_usd", "quantity_per_level")
    @classmethod
    def _one_size(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        others = (info.data.get("capital"), info.data.get("capital_usd"))
        if value is not None and any(other is not None for other in others):
            raise PydanticCustomError("one_size", "two sizes")
        return value


class GridBody(OfSymbol):
    """Body of /api/grid/config and /api/grid/start."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "BTCUSDT",
                "config": {"initial_levels": 10, "spacing_perc": 0.5, "market_type": "spot"},
            }
        }
    )

    config: GridShape

    def request(self, instrument: Instrument, futures_direction: Direction) -> GridRequest:
        """Return what is asked for, on `instrument`; a futures grid without a direction takes `futures_direction`."""
        shape = self.config
        usual = futures_direction if instrument.market is Market.FUTURES else Direction.LONG
        return GridRequest(
            instrument=instrument,
            levels=shape.initial_levels,
            spacing_percent=shape.spacing_perc,
            spacing=Spacing(shape.spacing_mode),
            lower=shape.lower_price,
            upper=shape.upper_price,
            capital=shape.capital if shape.capital is not None else shape.capital_usd,
            quantity=shape.quantity_per_level,
            infinity=shape.infinity,
            profit=Profit(shape.profit),
            start_empty=shape.start_empty,
            quantity_growth_percent=shape.quantity_growth_perc,
            direction=Direction(shape.direction) if shape.direction else usual,
            leverage=shape.leverage,
            margin_type=MarginType(shape.margin_type) if shape.margin_type else None,
            stop_below=shape.stop_below,
            stop_above=shape.stop_above,
            resting_levels=shape.resting_levels,
            trail_up_to=shape.trail_up_to,
            trail_down_to=shape.trail_down_to,
            exits=shape.exits,
            trigger_price=shape.trigger_price,
            post_only=shape.post_only,
        )


class StopBody(OfSymbol):
    """Body of /api/grid/stop."""

    model_config = ConfigDict(json_schema_extra={"example": {"symbol": "BTCUSDT"}})

    market_type: MarketType | None = Field(None, description="needed only while both markets run the symbol")
    on_stop: Literal["cancel", "keep", "unwind"] = Field(
        "cancel", description="cancel the orders, keep them, or cancel and sell what the grid holds"
    )

    @property
    def ending(self) -> OnStop:
        return OnStop(self.on_stop)


class ResumeBody(OfSymbol):
    """Body of /api/grid/resume."""

    model_config = ConfigDict(json_schema_extra={"example": {"symbol": "BTCUSDT"}})

    market_type: MarketType | None = Field(None, description="needed only while both markets run the symbol")

    @property
    def market(self) -> Market | None:
        return Market(self.market_type) if self.market_type else None


class PauseBody(ResumeBody):
    """Body of /api/grid/pause."""

    keep: Literal["exits", "nothing"] = Field(
        "exits", description="what stays on the book: the orders that close what is held, or nothing"
    )

    @property
    def kept(self) -> PauseKeep:
        return PauseKeep(self.keep)


class ModeBody(Strict):
    """Body of POST /api/operation_mode."""

    model_config = ConfigDict(json_schema_extra={"example": {"mode": "Shadow"}})

    mode: str = Field(strict=True, max_length=20, description="Production, Shadow or Testnet, in any case")
    force: bool = Field(False, strict=True, description="stop running grids by their on_stop first")
    confirm: bool = Field(False, strict=True, description="needed for Production: real money")


class SymbolPath(OfSymbol):
    pass


class RawSymbolPath(Strict):
    """A symbol that may be anything: the validator of symbols answers for it."""

    symbol: str


class MarketQuery(Strict):
    market_type: MarketType | None = Field(
        None, description="which market; without it the symbol's only grid, else spot"
    )

    @property
    def market(self) -> Market | None:
        return Market(self.market_type) if self.market_type else None


class KlinesQuery(MarketQuery):
    interval: Interval = "1h"
    limit: int = Field(100, ge=1, le=1000)
    end_time: int | None = Field(
        None, ge=0, le=10**14, description="only candles that opened up to here, ms since the epoch"
    )


class TickersQuery(MarketQuery):
    symbols: str | None = Field(None, max_length=5000, description="BTCUSDT,ETHUSDT (at most 100)")
    quote: str | None = Field(None, max_length=20, description="every symbol quoted in this asset, e.g. USDT")
    limit: int = Field(500, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=100_000)


class TradesQuery(MarketQuery):
    limit: int = Field(100, ge=1, le=1000)
    before: int | None = Field(None, ge=0, le=2**63 - 1, description="only trades with a smaller id")
