"""Turns pydantic's findings into our own sentences: each names the field and the remedy."""

import difflib
from collections.abc import Mapping
from types import UnionType
from typing import Any, ClassVar, NoReturn, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from domain.errors import FieldMistake, InvalidRequest
from routes.messages import CATALOGUE, say

_KEY_BY_TYPE: Mapping[str, str] = {
    "missing": "missing",
    "int_type": "whole_number",
    "int_parsing": "whole_number",
    "int_parsing_size": "whole_number",
    "int_from_float": "whole_number",
    "greater_than_equal": "at_least",
    "less_than_equal": "at_most",
    "greater_than": "more_than",
    "decimal_max_places": "decimal_places",
    "decimal_whole_digits": "finite_number",
    "decimal_max_digits": "finite_number",
    "literal_error": "one_of",
    "enum": "one_of",
    "string_type": "text",
    "bool_type": "boolean",
    "bool_parsing": "boolean",
    "model_type": "object",
    "model_attributes_type": "object",
    "dict_type": "object",
}


class Strict(BaseModel):
    """What comes in: unknown fields are refused, so that a misspelt one never starts a grid with a default.

    Mistakes name a field by its own name, which is unique in a body, or where the object that holds it is
    `named_in_full` by its way from the body on: `fees.maker_perc`.
    """

    named_in_full: ClassVar[bool] = False
    model_config = ConfigDict(extra="forbid", frozen=True)


def refuse(error: ValidationError) -> NoReturn:
    """Raise what `error` found as InvalidRequest, all fields at once."""
    schema = _schema_named(error.title)
    mistakes = [
        FieldMistake(_name(found, schema), _sentence(found, schema))
        for found in error.errors(include_url=False, include_input=False)
    ]
    raise InvalidRequest(mistakes)


def _schema_named(title: str) -> type[BaseModel] | None:
    waiting: list[type[BaseModel]] = [Strict]
    while waiting:
        schema = waiting.pop()
        if schema.__name__ == title:
            return schema
        waiting.extend(schema.__subclasses__())
    return None


def _name(found: Mapping[str, Any], schema: type[BaseModel] | None) -> str:
    location = found["loc"]
    if not location:
        return "body"
    owner = _owner(schema, location)
    if owner is not None and issubclass(owner, Strict) and owner.named_in_full:
        return ".".join(map(str, location))[:60]
    return str(location[-1])[:60]


def _sentence(found: Mapping[str, Any], schema: type[BaseModel] | None) -> str:
    name = _name(found, schema)
    values = {key: str(value).replace("'", "").replace(" or ", ", ") for key, value in found.get("ctx", {}).items()}
    if found["type"] == "extra_forbidden":
        return _unknown(name, str(found["loc"][-1]), _owner(schema, found["loc"]))
    key = found["type"] if found["type"] in CATALOGUE else _KEY_BY_TYPE.get(found["type"])
    if key in ("whole_number", "at_least") and _is_count(schema, found["loc"]):
        key = "positive_int"
    if key is None:
        return f"{name}: {found['msg']}"
    return say(key, **{**values, "field": name})


def _unknown(name: str, key: str, owner: type[BaseModel] | None) -> str:
    known = [field.alias or own for own, field in owner.model_fields.items()] if owner else []
    nearest = difflib.get_close_matches(key[:60], known, n=1)
    if nearest:
        return say("unknown_field_nearest", field=name, nearest=nearest[0])
    return say("unknown_field", field=name, known=", ".join(known) or "-")


def _owner(schema: type[BaseModel] | None, location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that holds the last part of `location`."""
    for part in location[:-1]:
        field = schema.model_fields.get(str(part)) if schema else None
        schema = _model_in(field.annotation) if field else None
    return schema


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) in (Union, UnionType):
        return next((model for model in map(_model_in, get_args(annotation)) if model), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _is_count(schema: type[BaseModel] | None, location: tuple[int | str, ...]) -> bool:
    """Return whether the field counts things from one on."""
    owner = _owner(schema, location)
    field = owner.model_fields.get(str(location[-1])) if owner and location else None
    return field is not None and any(getattr(limit, "ge", None) == 1 for limit in field.metadata)
