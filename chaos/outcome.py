"""What one run came to."""

from collections import Counter
from dataclasses import dataclass, field

from chaos.points import Boundary, Fault


@dataclass(slots=True)
class Outcome:
    """`reason` is empty where everything held; `hits` counts deaths at a boundary with a fault near them."""

    seed: int
    reason: str = ""
    hits: Counter[tuple[Boundary, Fault]] = field(default_factory=Counter)
    deaths: Counter[Boundary] = field(default_factory=Counter)
    strikes: Counter[Fault] = field(default_factory=Counter)
    trades: int = 0
    orders: int = 0
    twin: bool = False
    on_contract: bool = False
    payments: int = 0
