"""Request parameters: reading them from query and body, and checking them against an operation."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

import orjson

from simulator.wire import errors
from simulator.wire.numbers import parse_scaled

Parser = Callable[[str, str], object]
"""Takes a parameter's name and text, returns its value or raises ApiError."""

AUTHENTICATION: Final = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})
CLIENT_ID_RANGE: Final = "^[a-zA-Z0-9-_]{1,36}$"
SYMBOL_RANGE: Final = "^[A-Z0-9-_.]{1,20}$"
ID_RANGE: Final = "^[0-9]{1,20}$"
_CLIENT_ID: Final = re.compile(r"[a-zA-Z0-9_-]{1,36}")
_SYMBOL: Final = re.compile(r"[A-Z0-9_.-]{1,20}")
_ID: Final = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of an operation."""

    name: str
    parse: Parser
    required: bool = False


def text(_name: str, value: str) -> str:
    return value


def decimal(name: str, value: str) -> int:
    return parse_scaled(name, value)


def integer(name: str, value: str) -> int:
    if _ID.fullmatch(value) is None:
        raise errors.illegal_characters(name, ID_RANGE)
    if int(value) >= 2**63:
        raise errors.overflow(name)
    return int(value)


def boolean(name: str, value: str) -> bool:
    """Clients send true, True, TRUE: all count."""
    if value.lower() not in {"true", "false"}:
        raise errors.invalid_data(name)
    return value.lower() == "true"


def client_id(name: str, value: str) -> str:
    if _CLIENT_ID.fullmatch(value) is None:
        raise errors.illegal_characters(name, CLIENT_ID_RANGE)
    return value


def symbol(name: str, value: str) -> str:
    if _SYMBOL.fullmatch(value) is None:
        raise errors.illegal_characters(name, SYMBOL_RANGE)
    return value


def symbol_list(name: str, value: str) -> tuple[str, ...]:
    """Return the names of `["BTCUSDT","BNBUSDT"]`."""
    try:
        names = orjson.loads(value)
    except orjson.JSONDecodeError as exc:
        raise errors.illegal_characters(name, SYMBOLS_RANGE) from exc
    if not isinstance(names, list) or not names or not all(isinstance(item, str) for item in names):
        raise errors.illegal_characters(name, SYMBOLS_RANGE)
    if len(set(names)) != len(names):
        raise errors.ApiError(-1151, "Symbol is present multiple times in the list.")
    return tuple(symbol(name, item) for item in names)


SYMBOLS_RANGE: Final = r'^\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\]$'


def one_of(allowed: Sequence[str], refusal: Callable[[], errors.ApiError]) -> Parser:
    """Return a parser that accepts exactly the words given."""
    words = frozenset(allowed)

    def parse(_name: str, value: str) -> str:
        if value not in words:
            raise refusal()
        return value

    return parse


@dataclass(frozen=True, slots=True)
class Fields:
    """The parameters of one request as texts, and how many were sent in all."""

    values: Mapping[str, str]
    sent: int


def read_form(query: str, body: str) -> Fields:
    """Merge query string and form body; the query's copy of a name wins.

    JSON may stand unencoded in the body (ccxt's batches), so items split at `&` alone.

    Raises:
        ApiError: -1101 if one place names a parameter twice.
    """
    if not query and not body:
        return Fields({}, 0)
    first, second = _items(query), _items(body)
    merged = {**second, **first}
    return Fields(merged, len(merged))


def _items(encoded: str) -> dict[str, str]:
    items: dict[str, str] = {}
    for item in encoded.split("&"):
        if not item:
            continue
        name, _, value = item.partition("=")
        name = unquote_plus(name)
        if name in items:
            raise errors.duplicate_parameter()
        items[name] = unquote_plus(value)
    return items


def read_json(params: Mapping[str, object]) -> Fields:
    """Return ws-api parameters as texts; numbers keep the digits they were sent with."""
    values = {name: _as_text(value) for name, value in params.items() if value is not None}
    return Fields(values, len(values))


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return orjson.dumps(value).decode()
    return str(value)


def parse(wanted: Sequence[Param], fields: Fields, *, lenient: bool = False) -> dict[str, object]:
    """Return the parsed parameters of an operation; absent ones are left out.

    Args:
        wanted: the operation's parameters.
        fields: what was sent.
        lenient: ignore parameters the operation does not know.

    Raises:
        ApiError: -1102 missing, -1105 empty, -1101/-1104 surplus, else what the parser says.
    """
    values: dict[str, object] = {}
    for param in wanted:
        given = fields.values.get(param.name)
        if given:
            values[param.name] = param.parse(param.name, given)
        elif param.required:
            raise errors.mandatory(param.name)
        elif given is not None:
            raise errors.empty_parameter(param.name)
    if not lenient:
        _refuse_surplus(wanted, fields)
    return values


def _refuse_surplus(wanted: Sequence[Param], fields: Fields) -> None:
    known = {param.name for param in wanted} | AUTHENTICATION
    surplus = sum(name not in known for name in fields.values)
    if not surplus:
        return
    if not wanted:
        raise errors.too_many_parameters(0, fields.sent)
    raise errors.unread_parameters(fields.sent - surplus, fields.sent)
