"""The two ways into a grid's thread: a latest-value slot for prices, a queue that never drops for the rest."""

from queue import Empty, SimpleQueue
from threading import Lock

from domain.events import ContractStands, CountdownStands, FeeEvent, FundingEvent, PriceSeen, StreamEvent, StreamLost
from grid.stops import StopTold
from grid.worker_events import Word, WorkerEvent
from ports.heard_prices import Ear


class _Marker:
    """Stands in the queue for what is kept elsewhere."""


_PRICE = _Marker()
_WAKE = _Marker()


class GridInbox:
    """Thread-safe. `pending` counts what was put in and not yet reported as handled by `done`.

    An `ear` gets every price, also those that are overwritten before they are taken.
    """

    def __init__(self, ear: Ear | None = None) -> None:
        self._ear = ear
        self._queue: SimpleQueue[WorkerEvent | _Marker] = SimpleQueue()
        self._lock = Lock()
        self._latest: PriceSeen | None = None
        self._pending = 0

    def price(self, event: PriceSeen) -> None:
        """Set the latest price; one that was not taken yet gives way, and leaves its span."""
        if self._ear is not None:
            self._ear.heard(event)
        with self._lock:
            if self._latest is not None:
                self._latest = event.in_place_of(self._latest)
                return
            self._latest = event
            self._pending += 1
        self._queue.put(_PRICE)

    def order(self, event: StreamEvent | FeeEvent | FundingEvent | ContractStands | CountdownStands | StopTold) -> None:
        """Put in what became known of orders, rules, fees, funding or the contract; it is never dropped."""
        if self._ear is not None and isinstance(event, StreamLost) and event.kind == "market":
            self._ear.lost()
        self._put(event)

    def command(self, event: Word) -> None:
        """Put in what a person or the house asks for."""
        self._put(event)

    def wake(self) -> None:
        """Make a waiting `take` return."""
        self._queue.put(_WAKE)

    def take(self, timeout_s: float) -> WorkerEvent | None:
        """Return the next event, None if none came within `timeout_s` or on `wake`. Report it by `done` afterwards."""
        try:
            item = self._queue.get(timeout=max(timeout_s, 0.0))
        except Empty:
            return None
        if item is _PRICE:
            with self._lock:
                latest, self._latest = self._latest, None
            return latest
        return None if isinstance(item, _Marker) else item

    def done(self) -> None:
        """Report that a taken event has been handled and everything it led to was sent."""
        with self._lock:
            self._pending -= 1

    @property
    def pending(self) -> int:
        with self._lock:
            return self._pending

    def _put(self, event: WorkerEvent) -> None:
        with self._lock:
            self._pending += 1
        self._queue.put(event)
