"""What an edit of a grid at work may hold."""

from decimal import Decimal
from typing import Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from domain.edits import GridChanges
from domain.grids import Spacing
from routes.amounts import Amount, Percent
from routes.mistakes import Strict
from routes.schemas import MOST_LEVELS, MarketQuery


class GridEditShape(Strict):
    """The fields of `config` that a grid at work may change; what is left out stays as it was asked for."""

    initial_levels: int | None = Field(None, strict=True, ge=1, le=MOST_LEVELS, description="price rungs in all")
    lower_price: Amount | None = Field(None, description="lowest rung; the upper bound stays where one was asked for")
    upper_price: Amount | None = Field(None, description="highest rung; the lower bound stays where one was asked for")
    spacing_perc: Percent | None = Field(None, description="percent between neighbouring rungs; instead of bounds")
    spacing_mode: Literal["geometric", "arithmetic"] | None = None
    capital: Amount | None = Field(None, description="the whole grid's capital, in quote")
    capital_usd: Amount | None = Field(None, description="the same as capital")
    quantity_per_level: Amount | None = Field(None, description="base per rung, instead of capital")

    @field_validator("spacing_perc")
    @classmethod
    def _spacing_or_bounds(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        bounded = info.data.get("lower_price") is not None or info.data.get("upper_price") is not None
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


class EditBody(Strict):
    """Body of PATCH /api/grid/{symbol}."""

    model_config = ConfigDict(json_schema_extra={"example": {"config": {"initial_levels": 20, "capital": 1500}}})

    config: GridEditShape

    @property
    def changes(self) -> GridChanges:
        shape = self.config
        return GridChanges(
            levels=shape.initial_levels,
            spacing_percent=shape.spacing_perc,
            spacing=Spacing(shape.spacing_mode) if shape.spacing_mode else None,
            lower=shape.lower_price,
            upper=shape.upper_price,
            capital=shape.capital if shape.capital is not None else shape.capital_usd,
            quantity=shape.quantity_per_level,
        )


class EditQuery(MarketQuery):
    dry_run: bool = Field(False, description="true: only tell what the edit would come to")
