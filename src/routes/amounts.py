"""Numbers of requests that reach money: read from their text, exactly."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from domain.money import parse_amount

# Narrower than Decimal, which also reads 1_000 and digits of other scripts.
_DECIMAL_TEXT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def read_amount(value: Any) -> Decimal:
    """Read a JSON number or a decimal text exactly."""
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and len(value) <= 64 and _DECIMAL_TEXT.fullmatch(value):
        try:
            return parse_amount(value)
        except ValueError:
            pass  # an exponent beyond what a Decimal holds
    raise PydanticCustomError("finite_number", "not a finite number")


Percent = Annotated[
    Decimal,
    BeforeValidator(read_amount, json_schema_input_type=float),
    Field(gt=0, le=100, decimal_places=4, description="percent"),
]
GrowthPercent = Annotated[
    Decimal,
    BeforeValidator(read_amount, json_schema_input_type=float),
    Field(ge=0, le=100, decimal_places=4, description="percent"),
]
PercentOfGain = Annotated[
    Decimal,
    BeforeValidator(read_amount, json_schema_input_type=float),
    Field(gt=0, le=1000, decimal_places=4, description="percent"),
]
Amount = Annotated[
    Decimal,
    BeforeValidator(read_amount, json_schema_input_type=float),
    Field(gt=0, le=10**15, decimal_places=18),
]
