"""Parameters that USD-M reads in its own way (protocol sections 0.2, 1.7 and 2.9)."""

import json
from collections.abc import Sequence
from typing import Any, Final

from simulator.core.symbols import UNIT
from simulator.um.core.contracts import FUTURES_STP_MODES
from simulator.um.core.errors import refused
from simulator.um.core.orders import (
    FuturesOrderType,
    FuturesTimeInForce,
    PositionSide,
    WorkingType,
)
from simulator.wire import errors
from simulator.wire.numbers import parse_scaled
from simulator.wire.parameters import Param, Parser, boolean, integer, one_of, symbol, text

MAX_BATCH: Final = 5
MAX_BATCH_CANCEL: Final = 10
NO_STP: Final = "NONE"
_UNITS_PER_PPM: Final = UNIT // 10_000


def decimal(name: str, value: str) -> int:
    """Return an amount scaled by UNIT; futures have their own words for too many decimals."""
    try:
        return parse_scaled(name, value)
    except errors.ApiError as error:
        if error.code == -1111:
            raise refused(-1111) from error
        raise


def signed_decimal(name: str, value: str) -> int:
    """Return an amount that may be below 0, so that it can be refused in the words of its own rule."""
    return -decimal(name, value[1:]) if value.startswith("-") else decimal(name, value)


def callback_ppm(name: str, value: str) -> int:
    """Return callbackRate, which is in percent, in parts per million."""
    scaled = decimal(name, value)
    if scaled % _UNITS_PER_PPM:
        raise refused(-1111)
    return scaled // _UNITS_PER_PPM


def working_type(_name: str, value: str) -> str:
    if value not in tuple(WorkingType):
        raise errors.ApiError(-4031, f"Invalid parameter working type: {value}")
    return value


def id_list(name: str, value: str) -> tuple[int, ...]:
    """Return `[1,2]`."""
    return tuple(integer(name, str(item)) for item in _array(name, value))


def text_list(name: str, value: str) -> tuple[str, ...]:
    """Return `["a","b"]`."""
    return tuple(str(item) for item in _array(name, value))


def batch(name: str, value: str) -> tuple[dict[str, Any], ...]:
    """Return the orders of a batch; decimals keep the digits they were sent with."""
    items = _array(name, value)
    if not all(isinstance(item, dict) for item in items):
        raise errors.invalid_data(name)
    if not 1 <= len(items) <= MAX_BATCH:
        raise errors.ApiError(-4082, f"Invalid number of batch place orders: {len(items)}")
    return tuple(items)


def _array(name: str, value: str) -> list[Any]:
    try:
        items = json.loads(value, parse_float=str)
    except json.JSONDecodeError as exc:
        raise errors.invalid_data(name) from exc
    if not isinstance(items, list):
        raise errors.invalid_data(name)
    return items


def _words(name: str, allowed: Sequence[str], code: int, message: str) -> Param:
    return Param(name, one_of(allowed, errors.refusal(code, message)))


def _required(param: Param) -> Param:
    return Param(param.name, param.parse, required=True)


def _each(*names: str, parse: Parser) -> tuple[Param, ...]:
    return tuple(Param(name, parse) for name in names)


_KNOWN_TYPES: Final = tuple(kind for kind in FuturesOrderType if kind is not FuturesOrderType.LIQUIDATION)

SYMBOL: Final = Param("symbol", symbol, required=True)
ANY_SYMBOL: Final = Param("symbol", symbol)
LIMIT: Final = Param("limit", integer)
TIMES: Final = _each("startTime", "endTime", parse=integer)
SIDE: Final = _required(_words("side", ("BUY", "SELL"), -1117, "Invalid side."))
TYPE: Final = _required(_words("type", _KNOWN_TYPES, -1116, "Invalid orderType."))
POSITION_SIDE: Final = _words("positionSide", tuple(PositionSide), -4060, "Invalid position side.")
PRICE_MATCH: Final = _words("priceMatch", ("NONE",), -5037, "Invalid price match")
_RESPONSE: Final = _words("newOrderRespType", ("ACK", "RESULT"), -1136, "Invalid newOrderRespType.")
_TIME_IN_FORCE: Final = _words("timeInForce", tuple(FuturesTimeInForce), -1115, "Invalid timeInForce.")
_STP: Final = _words(
    "selfTradePreventionMode", (*FUTURES_STP_MODES, NO_STP), -5039, "Invalid self trade prevention mode"
)
_TERMS: Final = (
    SYMBOL, SIDE, TYPE, POSITION_SIDE, _TIME_IN_FORCE, Param("reduceOnly", boolean), Param("quantity", decimal),
    Param("price", decimal), _RESPONSE, PRICE_MATCH, _STP, Param("goodTillDate", integer),
)  # fmt: skip

ONE_ORDER: Final = (SYMBOL, Param("orderId", integer), Param("origClientOrderId", text))
NEW_ORDER: Final = (*_TERMS, Param("newClientOrderId", text), Param("stopPrice", decimal),
                    Param("closePosition", boolean), Param("activationPrice", decimal),
                    Param("callbackRate", decimal), Param("workingType", working_type),
                    Param("priceProtect", boolean))  # fmt: skip
MODIFY: Final = (
    *ONE_ORDER, SIDE, Param("quantity", decimal, required=True), Param("price", decimal, required=True),
    PRICE_MATCH, Param("modifyId", integer), Param("reduceOnly", boolean),
)  # fmt: skip
NEW_ALGO: Final = (
    *_TERMS,
    _required(_words("algoType", ("CONDITIONAL",), -1130, "Data sent for parameter 'algoType' is not valid.")),
    *_each("triggerPrice", "activatePrice", parse=decimal),
    Param("callbackRate", callback_ppm),
    Param("workingType", working_type),
    *_each("closePosition", "priceProtect", parse=boolean),
    Param("clientAlgoId", text),
)
BATCH: Final = (Param("batchOrders", batch, required=True),)
BATCH_CANCEL: Final = (
    SYMBOL,
    *_each("orderIdList", "orderidlist", parse=id_list),
    *_each("origClientOrderIdList", "origclientorderidlist", parse=text_list),
)
