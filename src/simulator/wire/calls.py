"""What an operation is, and what one call of it carries; REST and ws-api share both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from simulator.wire.parameters import Param


class Security(Enum):
    """Who may call an operation."""

    NONE = auto()
    KEY = auto()
    SIGNED = auto()


@dataclass(frozen=True, slots=True)
class Call:
    """One checked call.

    Attributes:
        params: parsed parameters; absent ones are missing.
        account_id: the caller's account, empty for operations open to all.
        server_ms: wall time of the call.
        lag_ms: how old, in market time, the orders shown may be (a fault's doing; 0 is true).
    """

    params: Mapping[str, Any]
    account_id: str
    server_ms: int
    lag_ms: int = 0

    def get(self, name: str, default: Any = None) -> Any:
        return self.params.get(name, default)


Handler = Callable[[Any, Call], object]
"""Answers a call on its market's venue with something that can be encoded as JSON.

Raises ApiError or ExchangeError.
"""

Weight = Callable[[Mapping[str, Any]], int]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        name: stable id, as in faults and logs.
        method, path: its REST address.
        socket_method: its name on the ws-api, empty if it has none.
        orders: how much a call adds to the unfilled order count.
        free_on_success: whether success refunds the weight (spot orders since 2026-04-02).
        lenient: whether surplus parameters are ignored, for calls that are refused whatever they say.
    """

    name: str
    method: str
    path: str
    handler: Handler
    socket_method: str = ""
    security: Security = Security.NONE
    weight: Weight = lambda _params: 1
    params: Sequence[Param] = ()
    orders: int = 0
    free_on_success: bool = False
    lenient: bool = False


def fixed(weight: int) -> Weight:
    """Return a weight that does not depend on the parameters."""
    return lambda _params: weight
