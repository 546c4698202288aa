"""Which faults are on right now, and how often each really struck."""

from collections import Counter
from collections.abc import Callable
from random import Random

from chaos.clock import EventHeap
from chaos.points import Fault

NEAR_MS = 30_000
"""A fault and a death belong together when no more virtual time than this lies between them."""


class Weather:
    """Faults that are on strike each thing they can reach with a probability; `strike` counts those that did."""

    def __init__(self, clock: EventHeap, seed: int) -> None:
        self.random = Random(f"weather {seed}")
        self.strikes: Counter[Fault] = Counter()
        self.note: Callable[[str], None] = lambda _text: None
        self._clock = clock
        self._until_ms: dict[Fault, float] = {}
        self._struck_ms: dict[Fault, float] = {}

    def begin(self, fault: Fault, for_ms: int) -> None:
        self._until_ms[fault] = max(self._until_ms.get(fault, 0), self._clock.now_ms + for_ms)

    def clear(self) -> None:
        """End all faults."""
        self._until_ms.clear()

    def is_on(self, fault: Fault) -> bool:
        return self._until_ms.get(fault, 0) > self._clock.now_ms

    def strikes_now(self, fault: Fault, probability: float) -> bool:
        """Draw whether a fault that is on strikes what it is asked about, and count it if so."""
        if not self.is_on(fault) or self.random.random() >= probability:
            return False
        self.strike(fault)
        return True

    def strike(self, fault: Fault) -> None:
        """Note that a fault struck."""
        self.strikes[fault] += 1
        self._struck_ms[fault] = self._clock.now_ms
        self.note(f"fault: {fault}")

    def struck_since(self, at_ms: float) -> list[Fault]:
        """Return the faults that struck at or after that time."""
        return [fault for fault, struck_ms in self._struck_ms.items() if struck_ms >= at_ms]

    def delay_ms(self) -> float:
        """Return a one-way delay of the network."""
        if self.is_on(Fault.LATENCY):
            self.strike(Fault.LATENCY)
            return float(10 ** self.random.uniform(0, 3.6))
        return self.random.uniform(1, 8)
