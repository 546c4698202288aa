"""User-data events to the subscriptions of the ws-api (protocol sections 1.10 and 1.11)."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import orjson

from simulator.core.events import ExchangeEvent, PublicTrade
from simulator.faults.board import FaultBoard
from simulator.wire import errors
from simulator.wire.event_path import EventPath
from simulator.wire.render import user_event

MAX_SUBSCRIPTION_IDS: Final = 65_535


class Outlet(Protocol):
    """Where frames go."""

    def offer(self, frame: bytes) -> None: ...


class Subscriptions:
    """The subscriptions of one ws-api connection: one per account, numbered from 0."""

    def __init__(self, outlet: Outlet) -> None:
        self.outlet = outlet
        self.accounts: dict[int, str] = {}
        self._next = 0

    def add(self, account_id: str) -> int:
        """Subscribe to an account; -2035 if it already is, -2042 when the numbers are used up."""
        if account_id in self.accounts.values():
            raise errors.ApiError(-2035, "User Data Stream subscription already active.")
        if self._next > MAX_SUBSCRIPTION_IDS:
            raise errors.ApiError(-2042, "Maximum subscription ID reached for this connection.")
        number, self._next = self._next, self._next + 1
        self.accounts[number] = account_id
        return number

    def remove(self, number: int | None) -> None:
        """Drop one subscription, or all; -2036 if there is no such one."""
        if not self.accounts or (number is not None and number not in self.accounts):
            raise errors.ApiError(-2036, "User Data Stream subscription not active.")
        if number is None:
            self.accounts.clear()
        else:
            del self.accounts[number]

    def drop(self, account_id: str) -> None:
        """Forget an account's subscription without a word."""
        self.accounts = {number: held for number, held in self.accounts.items() if held != account_id}


class UserStreams:
    """Sends each account's events to whoever subscribed to it.

    `sent` counts events that reached at least one subscription, repeats by a fault included.
    """

    def __init__(self, faults: FaultBoard, wall_ms: Callable[[], int]) -> None:
        self._wall_ms = wall_ms
        self._path = EventPath(faults, wall_ms, self._deliver, self._drop)
        self._connections: list[Subscriptions] = []
        self.sent = 0

    def join(self, connection: Subscriptions) -> None:
        self._connections.append(connection)

    def leave(self, connection: Subscriptions) -> None:
        self._connections.remove(connection)

    def publish(self, events: Sequence[ExchangeEvent]) -> None:
        """Send the user-data side of one turn, in order."""
        for event in events:
            if isinstance(event, PublicTrade):
                continue
            rendered = user_event(event)
            if rendered is not None:
                self._path.send(event.account_id, str(rendered["e"]), orjson.dumps(rendered))

    def end(self, account_id: str) -> None:
        """End an account's subscriptions with the event that says so (protocol section 1.10)."""
        self._deliver(account_id, orjson.dumps({"e": "eventStreamTerminated", "E": self._wall_ms()}))
        self._drop(account_id)

    def _drop(self, account_id: str) -> None:
        for connection in self._connections:
            connection.drop(account_id)

    def _deliver(self, account_id: str, encoded: bytes) -> None:
        readers: defaultdict[int, list[Outlet]] = defaultdict(list)
        for connection in self._connections:
            for number, held in connection.accounts.items():
                if held == account_id:
                    readers[number].append(connection.outlet)
        for number, outlets in readers.items():
            frame = b'{"subscriptionId":%d,"event":%b}' % (number, encoded)
            for outlet in outlets:
                outlet.offer(frame)
        self.sent += bool(readers)
