"""From what a person or a test wrote to a fault: strict, with the field and the remedy in every refusal."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, Final

from simulator.faults.board import Fault
from simulator.faults.kinds import KINDS, SETTLES, SPEC_CHANGES, FaultKind, KindSpec, Lasting, Target

SPOT_EVENTS: Final = ("executionReport", "outboundAccountPosition", "balanceUpdate")
FUTURES_EVENTS: Final = (
    "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "TRADE_LITE", "ALGO_UPDATE", "MARGIN_CALL", "ACCOUNT_CONFIG_UPDATE",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
)  # fmt: skip
USER_EVENTS: Final = (*SPOT_EVENTS, *FUTURES_EVENTS)
PORTS: Final = ("spot", "futures")
SOCKETS: Final = ("streams", "api")
STATUSES: Final = ("TRADING", "HALT", "BREAK", "CANCEL_ONLY", "END_OF_DAY")
CONTRACT_STATUSES: Final = ("PENDING_TRADING", "TRADING", "PRE_SETTLE", "SETTLING", "CLOSE")
MARKETS: Final = ("spot", "um")
WAYS: Final = ("lifetime", "shutdown", "reset")
UNKNOWN_CODES: Final = (-1000, -1001, -1006, -1007)
"""After these nobody knows whether the request was executed."""
OVERLOADED: Final = -1008
LONGEST_BAN_S: Final = 3 * 86_400
_LONGEST_MS: Final = 10**9
_AMOUNT: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,8})?")


class FaultMistake(ValueError):
    """A fault that cannot be had as written: `field` and what to write instead."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(f"{field} {remedy}")
        self.field, self.remedy = field, remedy


Reader = Callable[[str, Any], Any]


def whole(lowest: int, highest: int = _LONGEST_MS) -> Reader:
    """Return a reader of whole numbers."""

    def read(name: str, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= highest:
            raise FaultMistake(name, f"must be a whole number from {lowest} to {highest}, not {value!r}")
        return value

    return read


def one_of(*allowed: object) -> Reader:
    """Return a reader of a choice."""

    def read(name: str, value: Any) -> Any:
        if value not in allowed or isinstance(value, bool):
            raise FaultMistake(name, f"must be one of {', '.join(map(str, allowed))}, not {value!r}")
        return value

    return read


def amount(name: str, value: Any, *, signed: bool = False, zero: bool = False) -> Decimal:
    """Read an exact amount, written as text or as a whole number."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    digits = text.removeprefix("-") if signed else text
    if _AMOUNT.fullmatch(digits) is None or (Decimal(digits) == 0 and not zero):
        kind = "an amount other than 0" if signed else "an amount" if zero else "an amount above 0"
        raise FaultMistake(name, f"must be {kind} with at most 8 decimals, written as text, not {value!r}")
    return Decimal(text)


def seconds(name: str, value: Any) -> int:
    """Read a duration in seconds of wall time; return milliseconds."""
    if isinstance(value, float):
        value = f"{value:f}"
    return int(amount(name, value, zero=True) * 1_000)


def chance(name: str, value: Any) -> float:
    if isinstance(value, float):
        value = f"{value:f}"
    likely = float(amount(name, value))
    if likely > 1:
        raise FaultMistake(name, f"must lie above 0 and not above 1, was {value}")
    return likely


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise FaultMistake(name, f"must be true or false, not {value!r}")
    return value


def _name(name: str, value: Any) -> str:
    if not isinstance(value, str) or re.fullmatch(r"[A-Z0-9]{1,20}", value) is None:
        raise FaultMistake(name, f"must be capitals and digits such as BTCUSDT, not {value!r}")
    return value


def _signed(name: str, value: Any) -> Decimal:
    return amount(name, value, signed=True)


PARAMETERS: Final[Mapping[str, Reader]] = {
    "delay_ms": whole(1),
    "jitter_ms": whole(0),
    "status": whole(400, 599),
    "code": one_of(*UNKNOWN_CODES, OVERLOADED),
    "retry_after_s": whole(1, LONGEST_BAN_S),
    "ban_s": whole(1, LONGEST_BAN_S),
    "reset": _flag,
    "account": whole(1, 1_000),
    "how": one_of(*WAYS),
    "market": one_of(*MARKETS),
    "asset": _name,
    "amount": _signed,
    "symbol": _name,
    "side": one_of("BUY", "SELL"),
    "type": one_of("LIMIT", "MARKET"),
    "price": amount,
    "distance_percent": _signed,
    "quantity": amount,
    "value": amount,
    "orders": whole(1, 1_000),
    "maxNumOrders": whole(1),
    SETTLES: whole(0, _LONGEST_MS // 1_000),
    **dict.fromkeys(SPEC_CHANGES[1:-1], amount),
}
_DEFAULTS: Final[Mapping[FaultKind, Mapping[str, Any]]] = {
    FaultKind.FAIL_BEFORE: {"code": -1007},
    FaultKind.FAIL_AFTER: {"code": -1007},
    FaultKind.GATEWAY: {"status": 502},
    FaultKind.MAINTENANCE: {"status": 503},
    FaultKind.BAN: {"ban_s": 120},
    FaultKind.REORDER_FRAME: {"delay_ms": 1_000},
    FaultKind.REORDER_EVENT: {"delay_ms": 1_000},
    FaultKind.DISCONNECT: {"how": "lifetime"},
    FaultKind.PLACE_ORDER: {"type": "LIMIT", "distance_percent": Decimal(-1)},
    FaultKind.CANCEL_ORDER: {"orders": 1},
}
_OWN_READERS: Final[Mapping[tuple[FaultKind, str], Reader]] = {
    (FaultKind.CLOCK_OFFSET, "delay_ms"): whole(-_LONGEST_MS),
    (FaultKind.FAIL_AFTER, "code"): one_of(*UNKNOWN_CODES),
    (FaultKind.SYMBOL, "status"): one_of(*dict.fromkeys((*STATUSES, *CONTRACT_STATUSES))),
}
_GENERAL: Final = ("kind", "match", "count", "seconds", "chance")


@dataclass(frozen=True, slots=True)
class Order:
    """A fault as asked for: `fault` without number and end, and how long it is to last."""

    fault: Fault
    lasts_ms: int | None

    def begin(self, now_ms: int, **changes: Any) -> Fault:
        """Return a fault of its own that begins now."""
        until_ms = None if self.lasts_ms is None else now_ms + self.lasts_ms
        return replace(self.fault, until_ms=until_ms, **changes)


def read_fault(body: Mapping[str, Any], operations: Collection[str]) -> Order:
    """Check and read one fault; `operations` are the names that kinds about requests may be matched against.

    Raises:
        FaultMistake: unknown kind or field, a value of the wrong shape, something that does not go together.
    """
    kind = _kind(body.get("kind"))
    spec = KINDS[kind]
    _check_names(kind, spec, body)
    read: dict[str, Any] = dict(_DEFAULTS.get(kind, {}))
    for name in (*spec.required, *spec.parameters):
        if body.get(name) is not None:
            reader = _OWN_READERS.get((kind, name)) or PARAMETERS[name]
            read[name] = reader(name, body[name])
    lasts_ms = _lasting(spec, body)
    _check_together(kind, read, lasts_ms)
    fields = {name: read.pop(name) for name in tuple(read) if hasattr(Fault, name) and kind is not FaultKind.SYMBOL}
    fault = Fault(
        kind=kind,
        match=_match(spec, body.get("match", "*"), operations),
        count=_count(spec, body, lasts_ms),
        chance=chance("chance", body["chance"]) if body.get("chance") is not None else 1.0,
        details=read,
        **fields,
    )
    return Order(fault, lasts_ms)


def near(word: object, known: Collection[str]) -> str:
    """Return what was probably meant, else all that is known, for the end of a refusal."""
    close = get_close_matches(str(word), known, 1)
    return f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"


def _kind(word: object) -> FaultKind:
    if word is None:
        raise FaultMistake("kind", f"is missing; known are {', '.join(FaultKind)}")
    try:
        return FaultKind(str(word))
    except ValueError as exc:
        raise FaultMistake("kind", f"{word!r} is unknown; {near(word, list(FaultKind))}") from exc


def _check_names(kind: FaultKind, spec: KindSpec, body: Mapping[str, Any]) -> None:
    takes = [*_GENERAL, *spec.required, *spec.parameters]
    for name in body:
        if name not in takes:
            raise FaultMistake(str(name), f"is unknown to {kind}; {near(name, takes)}")
    for name in spec.required:
        if body.get(name) is None:
            raise FaultMistake(name, f"is missing; {kind} needs it")
    if spec.is_act:
        for name in ("count", "chance"):
            if body.get(name) is not None:
                raise FaultMistake(name, f"has no meaning for {kind}, which happens once each time it is due")


def _lasting(spec: KindSpec, body: Mapping[str, Any]) -> int | None:
    given = body.get("seconds")
    if given is None:
        if spec.lasting is Lasting.MUST:
            raise FaultMistake("seconds", "is missing; write how long it lasts")
        return None
    if spec.lasting is Lasting.NEVER:
        raise FaultMistake("seconds", "has no meaning here: it happens at once and is over")
    lasts_ms = seconds("seconds", given)
    if lasts_ms == 0:
        raise FaultMistake("seconds", "must be above 0")
    return lasts_ms


def _count(spec: KindSpec, body: Mapping[str, Any], lasts_ms: int | None) -> int | None:
    if body.get("count") is not None:
        return int(whole(1)("count", body["count"]))
    unbounded = lasts_ms is not None or body.get("chance") is not None or spec.lasting is Lasting.MUST
    return None if unbounded and not spec.is_act else 1


def _match(spec: KindSpec, glob: Any, operations: Collection[str]) -> str:
    if not isinstance(glob, str) or not glob:
        raise FaultMistake("match", f"must be text such as spot.order.*, not {glob!r}")
    known = {
        Target.OPERATION: operations,
        Target.EVENT: USER_EVENTS,
        Target.PORT: PORTS,
        Target.SOCKET: SOCKETS,
        Target.NOTHING: ("*",),
    }.get(spec.target)
    if known is not None and not any(fnmatchcase(name, glob) for name in known):
        raise FaultMistake("match", f"{glob!r} is no {spec.target} that could be struck; {near(glob, known)}")
    return glob


def _check_together(kind: FaultKind, read: Mapping[str, Any], lasts_ms: int | None) -> None:
    if kind is FaultKind.THROTTLE and lasts_ms is None and "retry_after_s" not in read:
        raise FaultMistake("retry_after_s", "is missing; write it, or `seconds`")
    if kind is FaultKind.SYMBOL and read.keys() <= {"symbol", "market"}:
        raise FaultMistake("status", f"is missing; write what changes: {', '.join(SPEC_CHANGES)}")
    if kind is FaultKind.SYMBOL and "status" in read:
        one_of(*(CONTRACT_STATUSES if read.get("market") == "um" else STATUSES))("status", read["status"])
    if SETTLES in read and read.get("market") != "um":
        raise FaultMistake(SETTLES, "is of contracts alone; write `market: um` too")
    if kind is FaultKind.PLACE_ORDER and ("quantity" in read) == ("value" in read):
        raise FaultMistake("quantity", "or `value` is needed, one of the two")
    if kind is FaultKind.PLACE_ORDER and read["type"] == "MARKET" and "price" in read:
        raise FaultMistake("price", "has no meaning for a MARKET order")
