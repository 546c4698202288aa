"""Which venue answers which call: every operation with the dispatcher that runs it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.wire.calls import Operation
from simulator.wire.dispatch import Dispatcher


@dataclass(frozen=True, slots=True)
class Route:
    """An operation and the dispatcher of its venue."""

    operation: Operation
    dispatcher: Dispatcher


Routes = Mapping[tuple[str, str], Route]
"""Routes by HTTP method and path."""


def routes_of(*served: tuple[Dispatcher, Iterable[Operation]]) -> Routes:
    """Return the routes to the operations that each dispatcher serves; a later one takes an address over."""
    return {
        (operation.method, operation.path): Route(operation, dispatcher)
        for dispatcher, operations in served
        for operation in operations
    }
