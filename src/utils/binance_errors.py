"""The one table that turns Binance's refusals into domain errors, keyed by market (error codes of 2026-10)."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final

import orjson

from domain.errors import (
    ClockSkewed,
    KeyRefused,
    OrderRejected,
    OrderUnknown,
    OutcomeUnknown,
    SlowDown,
    Unreachable,
    VenueError,
)
from domain.instrument import Market


class Purpose(Enum):
    """What a request was for; the same answer means something else to each."""

    PLACE = auto()
    CANCEL = auto()
    READ = auto()


class _Kind(Enum):
    UNKNOWN = auto()
    SKEWED = auto()
    SLOW = auto()
    KEY = auto()
    NO_ORDER = auto()
    DUPLICATE = auto()


_BOTH: Final[Mapping[int, _Kind]] = {
    -1000: _Kind.UNKNOWN,
    -1001: _Kind.UNKNOWN,
    -1002: _Kind.KEY,
    -1003: _Kind.SLOW,
    -1006: _Kind.UNKNOWN,
    -1007: _Kind.UNKNOWN,
    -1008: _Kind.SLOW,
    -1015: _Kind.SLOW,
    -1016: _Kind.SLOW,
    -1021: _Kind.SKEWED,
    -2011: _Kind.NO_ORDER,
    -2013: _Kind.NO_ORDER,
    -2014: _Kind.KEY,
    -2015: _Kind.KEY,
}
_BY_MARKET: Final[Mapping[Market, Mapping[int, _Kind]]] = {
    Market.SPOT: {**_BOTH, -1034: _Kind.SLOW, -2026: _Kind.NO_ORDER},
    Market.FUTURES: {
        **_BOTH,
        -1011: _Kind.KEY,
        -1109: _Kind.KEY,
        -2012: _Kind.NO_ORDER,
        -2017: _Kind.KEY,
        -4116: _Kind.DUPLICATE,
        -4192: _Kind.KEY,
        -5028: _Kind.SKEWED,
    },
}

DEFAULT_PAUSE_S: Final = 10.0
"""How long to wait where the venue says slow down and not how long."""
BUSY_PAUSE_S: Final = 1.0
BAN_PAUSE_S: Final = 120.0
"""The shortest ban (protocol section 3), for a 418 that does not say how long it lasts."""
_BUSY: Final = frozenset({-1008, -1016})
_MARKET_CLOSED: Final = "Market is closed"
_FUTURES_CLOSED: Final = frozenset({-4108, -4140, -4141})
_NO_SUCH_SYMBOL: Final = -1121
"""Of a symbol that was listed once: it is closed for good, or for long."""
_UNKNOWN_STATUSES: Final = frozenset({408, 500, 502, 503, 504})


def translate(
    market: Market,
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    purpose: Purpose,
) -> VenueError:
    """Return the domain error for an answer outside 2xx.

    Args:
        market: where it was asked; some codes mean different things on spot and futures.
        status: HTTP status, or the status of a WebSocket API reply.
        body: `{"code", "msg"}`, or anything a gateway in between answers with.
        headers: of the reply; `Retry-After` counts.
        purpose: a read whose outcome is not known may simply be tried again, an order may not.
    """
    code, message = _read_body(body)
    return translate_code(market, status, code, message, headers, purpose)


def translate_code(
    market: Market, status: int, code: int, message: str, headers: Mapping[str, str], purpose: Purpose
) -> VenueError:
    """Do as `translate` does, for an answer whose code and text are already read."""
    text = f"{message} (HTTP {status}, code {code})"
    kind = _kind_of(market, status, code, message)
    if kind is _Kind.SLOW:
        return SlowDown(text, code=code, retry_after_s=_pause_s(status, code, headers))
    if kind in (_Kind.UNKNOWN, _Kind.DUPLICATE):
        return Unreachable(text, code=code) if purpose is Purpose.READ else OutcomeUnknown(text, code=code)
    if kind is _Kind.SKEWED:
        return ClockSkewed(text, code=code)
    if kind is _Kind.KEY:
        return KeyRefused(text, code=code)
    if kind is _Kind.NO_ORDER:
        return OrderUnknown(text, code=code)
    if purpose is Purpose.PLACE:
        return OrderRejected(
            text,
            code=code,
            would_take=_would_take(market, code, message),
            market_closed=_market_closed(market, code, message),
            off_band=_off_band(market, code, message),
        )
    return VenueError(text, code=code)


def _kind_of(market: Market, status: int, code: int, message: str) -> _Kind | None:
    if status in (418, 429):
        return _Kind.SLOW
    if code == 0 and status == 403:  # the firewall in front, mostly a rate it did not like; nothing was executed
        return _Kind.SLOW
    if status == 503 and message.startswith("Service Unavailable"):  # futures: certainly not executed
        return _Kind.SLOW
    if market is Market.SPOT and code == -2010 and message.startswith("Duplicate order sent"):
        return _Kind.DUPLICATE
    known = _BY_MARKET[market].get(code)
    if known is not None:
        return known
    if status == 401:
        return _Kind.KEY
    return _Kind.UNKNOWN if status in _UNKNOWN_STATUSES or status > 504 else None


def _market_closed(market: Market, code: int, message: str) -> bool:
    if code == _NO_SUCH_SYMBOL:
        return True
    if market is Market.FUTURES:
        return code in _FUTURES_CLOSED
    return message.startswith(_MARKET_CLOSED)


def _off_band(market: Market, code: int, message: str) -> bool:
    if market is Market.FUTURES:
        return code in (-4016, -4024)
    return code == -1013 and message.startswith("Filter failure: PERCENT_PRICE")


def _would_take(market: Market, code: int, message: str) -> bool:
    if market is Market.FUTURES:
        return code == -5022
    return code == -2010 and message.startswith("Order would immediately match and take")


def _pause_s(status: int, code: int, headers: Mapping[str, str]) -> float:
    try:
        return max(float(headers["Retry-After"]), 0.0)
    except (KeyError, ValueError):
        if status == 418:
            return BAN_PAUSE_S
        return BUSY_PAUSE_S if code in _BUSY else DEFAULT_PAUSE_S


def _read_body(body: bytes) -> tuple[int, str]:
    try:
        answer = orjson.loads(body)
        return int(answer["code"]), str(answer.get("msg", ""))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return 0, body[:120].decode(errors="replace") or "empty answer"
