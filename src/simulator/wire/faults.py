"""Faults a test arms beforehand; each strikes the next n matching requests, frames or events."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class FaultKind(StrEnum):
    """What goes wrong. The comment names what a fault is matched against."""

    ACK_DELAY = "ack_delay"  # operation: executed at once, answered `delay_ms` later
    LOSE_REPLY = "lose_reply"  # operation: executed, then the connection is cut
    LOSE_REQUEST = "lose_request"  # operation: not executed, the connection is cut
    FAIL_AFTER = "fail_after"  # operation: executed, answered `status` (-1007)
    READ_LAG = "read_lag"  # operation: orders answered as of `delay_ms` of market time ago
    GATEWAY = "gateway"  # operation: not executed, HTML page with `status` (502)
    BAD_KEY = "bad_key"  # operation: -2015 though the key is right
    CLOCK_OFFSET = "clock_offset"  # operation: server clock moved by `delay_ms` (may be negative)
    THROTTLE = "throttle"  # operation: 429 with Retry-After, for `seconds`
    FREEZE_STREAM = "freeze_stream"  # stream name: frames swallowed, pings go on
    DROP_USER_STREAM = "drop_user_stream"  # account's next event: subscription forgotten in silence
    DUPLICATE_EVENT = "duplicate_event"  # user event type: sent twice
    DELAY_EVENT = "delay_event"  # user event type: sent `delay_ms` later


@dataclass(slots=True)
class Fault:
    """One armed fault.

    Attributes:
        match: glob over operation id, stream name or event type, depending on the kind.
        count: how often it still strikes; None means until cleared.
        until_ms: wall time at which it ends by itself; None means never.
    """

    kind: FaultKind
    match: str = "*"
    count: int | None = 1
    delay_ms: int = 0
    status: int = 0
    until_ms: int | None = None
    number: int = 0
    struck: int = field(default=0)

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.number,
            "kind": self.kind.value,
            "match": self.match,
            "count": self.count,
            "delay_ms": self.delay_ms,
            "status": self.status,
            "until_ms": self.until_ms,
            "struck": self.struck,
        }


class FaultBoard:
    """The armed faults, asked at each place where one may strike."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._last_number = 0

    def arm(self, fault: Fault) -> Fault:
        self._last_number += 1
        fault.number = self._last_number
        self._armed.append(fault)
        return fault

    def clear(self, number: int | None = None) -> int:
        """Disarm one fault, or all; return how many were disarmed."""
        kept = [fault for fault in self._armed if number is not None and fault.number != number]
        cleared = len(self._armed) - len(kept)
        self._armed = kept
        return cleared

    def strike(self, kind: FaultKind, subject: str, now_ms: int) -> Fault | None:
        """Return the oldest armed fault that hits `subject`, using up one of its strikes."""
        if not self._armed:
            return None
        self._armed = [fault for fault in self._armed if fault.until_ms is None or now_ms < fault.until_ms]
        for fault in self._armed:
            if fault.kind is kind and fnmatchcase(subject, fault.match):
                self._use(fault)
                return fault
        return None

    def listing(self) -> Sequence[Fault]:
        return tuple(self._armed)

    def _use(self, fault: Fault) -> None:
        fault.struck += 1
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            self._armed.remove(fault)
