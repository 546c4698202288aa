"""JSON in and out without surprises: numbers read from their text, nothing that JSON does not have, no name twice."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

import orjson
from flask import Response
from flask.json.provider import JSONProvider

from domain.money import plain

_LONGEST_NUMBER = 64


class NotStrictJson(Exception):
    """The text is no strict JSON; the message says what to change. No ValueError: Flask would swallow its text."""


def loads(text: str | bytes) -> Any:
    """Read strict JSON; numbers with a fraction or exponent become Decimal, whole numbers int.

    Raises:
        NotStrictJson: for malformed text, NaN and Infinity, a name used twice, absurd numbers, broken Unicode.
    """
    try:
        return json.loads(
            text,
            parse_float=_decimal,
            parse_int=_whole,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except NotStrictJson:
        raise
    except RecursionError:
        raise NotStrictJson("the body is nested too deeply") from None
    except UnicodeDecodeError:
        raise NotStrictJson("the body is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        if not text.strip():
            raise NotStrictJson("it is empty; where nothing is to be said, send {}") from None
        raise NotStrictJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from None


def _decimal(text: str) -> Decimal:
    _refuse_long(text)
    try:
        return Decimal(text)
    except InvalidOperation:
        raise NotStrictJson(f"{text} is out of range") from None


def _whole(text: str) -> int:
    _refuse_long(text)
    return int(text)


def _refuse_long(text: str) -> None:
    if len(text) > _LONGEST_NUMBER:
        raise NotStrictJson(f"a number has {len(text)} characters; at most {_LONGEST_NUMBER} are read")


def _refuse_constant(word: str) -> NoReturn:
    raise NotStrictJson(f"{word} is not JSON; send a finite number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotStrictJson(f"the name {twice[:60]!a} appears twice in one object; send it once")
    for name, value in pairs:
        _refuse_surrogates(name)
        if isinstance(value, str):
            _refuse_surrogates(value)
    return result


def _refuse_surrogates(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise NotStrictJson("a text holds half of a surrogate pair; send whole characters")


def _exact_text(value: object) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps_bytes(value: Any) -> bytes:
    """Write JSON; Decimals become texts in plain notation."""
    return orjson.dumps(value, default=_exact_text)


class StrictJson(JSONProvider):
    """Flask's way into the two functions above."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        return dumps_bytes(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        return loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(dumps_bytes(self._prepare_response_obj(args, kwargs)), mimetype="application/json")
