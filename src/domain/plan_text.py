"""Plans of grids as JSON text with every decimal as a string.

Fields and their types are taken from the dataclasses. A field absent from an old text keeps the dataclass's default;
one that is not known was written by a newer version and is refused.
"""

import json
from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any, get_type_hints

from domain.exit_terms import ExitAction, ExitTerms
from domain.futures import MarginType
from domain.grids import AskedBy, ContractTerms, Direction, GridPlan, GridRequest, Profit, Reinvesting, Spacing
from domain.instrument import Instrument, InstrumentRules
from domain.money import parse_amount, plain


def encode_plan(plan: GridPlan) -> str:
    """Write a plan as one line of JSON.

    Raises:
        ValueError: if a field holds what the codec does not know, or an amount that is not finite.
    """
    return json.dumps(_written(plan), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def decode_plan(text: str) -> GridPlan:
    """Read what `encode_plan` wrote.

    Raises:
        ValueError: if `text` is no plan, naming what is wrong.
    """
    plan: GridPlan = _plan(json.loads(text))
    return plan


def encode_request(request: GridRequest) -> str:
    """Write a request as one line of JSON; for what `encode_plan` may raise."""
    return json.dumps(_written(request), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def decode_request(text: str) -> GridRequest:
    """Read what `encode_request` wrote.

    Raises:
        ValueError: if `text` is no request, naming what is wrong.
    """
    request: GridRequest = _READERS[GridRequest](json.loads(text))
    return request


def _written(value: object) -> Any:
    match value:
        case None | bool() | int():
            return value
        case Decimal() if value.is_finite():
            return plain(value)
        case Instrument():
            return value.id
        case str():
            return str(value)
        case tuple():
            return [_written(item) for item in value]
        case GridPlan() | GridRequest() | InstrumentRules() | ContractTerms() | ExitTerms() | Reinvesting():
            return {field.name: _written(getattr(value, field.name)) for field in fields(value)}
    raise ValueError(f"a plan cannot be stored with {value!r} in it")


def _just(kind: type) -> Callable[[Any], Any]:
    def read(told: Any) -> Any:
        if type(told) is not kind:
            raise ValueError(f"the stored plan has {told!r} where a {kind.__name__} belongs")
        return told

    return read


_text, _list, _dict = _just(str), _just(list), _just(dict)


def _amount(told: Any) -> Decimal:
    return parse_amount(_text(told))


def _maybe(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda told: None if told is None else read(told)


def _tuple(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda told: tuple(read(item) for item in _list(told))


def _record(kind: type) -> Callable[[Any], Any]:
    def read(told: Any) -> Any:
        unknown = sorted(_dict(told).keys() - readers.keys())
        if unknown:
            raise ValueError(f"the stored plan has fields of a newer version: {', '.join(unknown)}")
        try:
            return kind(**{name: readers[name](value) for name, value in told.items()})
        except TypeError as error:
            raise ValueError(f"the stored plan is not whole: {error}") from error

    readers = {name: _READERS[told_type] for name, told_type in get_type_hints(kind).items()}
    return read


_READERS: dict[Any, Callable[[Any], Any]] = {
    int: _just(int),
    bool: _just(bool),
    str: _text,
    Decimal: _amount,
    Decimal | None: _maybe(_amount),
    tuple[Decimal, ...]: _tuple(_amount),
    tuple[str, ...]: _tuple(_text),
    int | None: _maybe(_just(int)),
    Spacing: Spacing,
    AskedBy: AskedBy,
    Profit: Profit,
    Direction: Direction,
    MarginType: MarginType,
    MarginType | None: _maybe(MarginType),
    ExitAction | None: _maybe(ExitAction),
    Instrument: Instrument.parse,
}
_READERS[ExitTerms] = _record(ExitTerms)
_READERS[GridRequest] = _record(GridRequest)
_READERS[InstrumentRules | None] = _maybe(_record(InstrumentRules))
_READERS[ContractTerms | None] = _maybe(_record(ContractTerms))
_READERS[Reinvesting | None] = _maybe(_record(Reinvesting))
_plan = _record(GridPlan)
