"""The armed faults; each strikes the next matching requests, frames or events."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from simulator.faults.kinds import KINDS, FaultKind


@dataclass(slots=True)
class Fault:
    """One fault.

    Attributes:
        match: glob over what the kind is matched against.
        count: how often it still strikes; None means until cleared.
        chance: how likely a match is struck.
        until_ms: wall time at which it ends by itself; None means never.
        entry: the plan's entry it came from; None where it was armed at run time.
        details: what only an act takes, by name.
        random: where chance and jitter are drawn from.
    """

    kind: FaultKind
    match: str = "*"
    count: int | None = 1
    chance: float = 1.0
    until_ms: int | None = None
    delay_ms: int = 0
    jitter_ms: int = 0
    status: int = 0
    code: int = 0
    retry_after_s: int = 0
    ban_s: int = 0
    reset: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    entry: int | None = None
    random: Random = field(default_factory=lambda: Random(0), repr=False)  # noqa: S311 - repeatable on purpose
    number: int = 0
    struck: int = 0

    def drawn_delay_s(self) -> float:
        """Return the delay of one strike: `delay_ms` and up to `jitter_ms` more."""
        return (self.delay_ms + (self.random.randint(0, self.jitter_ms) if self.jitter_ms else 0)) / 1_000

    def as_json(self) -> dict[str, object]:
        spec = KINDS[self.kind]
        names = (*spec.required, *spec.parameters)
        own = {name: getattr(self, name) for name in names if hasattr(self, name)}
        return {
            "id": self.number,
            "kind": self.kind.value,
            "match": self.match,
            "count": self.count,
            "chance": self.chance,
            "until_ms": self.until_ms,
            **own,
            **{name: str(value) for name, value in self.details.items()},
            "struck": self.struck,
            "entry": self.entry,
        }


class FaultBoard:
    """The armed faults, asked at each place where one may strike."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._last_number = 0
        self.struck: Counter[int | None] = Counter()
        """Strikes and acts so far by the plan's entry; None counts what was armed at run time."""

    def arm(self, fault: Fault) -> Fault:
        self.number(fault)
        self._armed.append(fault)
        return fault

    def number(self, fault: Fault) -> None:
        """Give a fault its number."""
        self._last_number += 1
        fault.number = self._last_number

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
        self._drop_ended(now_ms)
        for fault in self._armed:
            if fault.kind is kind and fnmatchcase(subject, fault.match) and _hits(fault):
                self._use(fault)
                return fault
        return None

    def is_armed(self, kind: FaultKind, now_ms: int) -> bool:
        """Tell whether a fault of a kind waits for its match; nothing is used up."""
        self._drop_ended(now_ms)
        return any(fault.kind is kind for fault in self._armed)

    def listing(self) -> Sequence[Fault]:
        return tuple(self._armed)

    def count(self, fault: Fault) -> None:
        """Count one strike, or one act that happened."""
        fault.struck += 1
        self.struck[fault.entry] += 1

    def _drop_ended(self, now_ms: int) -> None:
        self._armed = [fault for fault in self._armed if fault.until_ms is None or now_ms < fault.until_ms]

    def _use(self, fault: Fault) -> None:
        self.count(fault)
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count <= 0:
            self._armed.remove(fault)


def _hits(fault: Fault) -> bool:
    return fault.chance >= 1 or fault.random.random() < fault.chance
