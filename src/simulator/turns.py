"""The end of a turn: what happened goes to disk first, then to the streams, then to whoever waits."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from simulator.core.events import PublicTrade
from simulator.state import Position, StateStore
from simulator.um.core.events import FuturesEvent
from simulator.um.state import NOTHING, FuturesChange
from simulator.um.wire.user_streams import FuturesUserStreams
from simulator.venues import Venues
from simulator.wire.publisher import Publisher
from simulator.wire.user_streams import UserStreams


class Turns:
    """Ends turns. Requests of one turn of the event loop share one commit.

    `on_failure` is told when the state cannot be written; nothing of that turn is told to anyone.
    """

    def __init__(
        self,
        venues: Venues,
        store: StateStore | None,
        spot: tuple[UserStreams, Publisher],
        futures: tuple[FuturesUserStreams, Publisher],
        on_failure: Callable[[BaseException], None],
        *,
        is_resumed: bool,
    ) -> None:
        self._venues, self._store = venues, store
        self._users, self._publisher = spot
        self._futures_users, self._futures_publisher = futures
        self._journal = venues.futures.exchange.journal()
        self._is_resumed = is_resumed
        if is_resumed:
            self._journal.skip_known()
        self._on_failure = on_failure
        self._finishing: asyncio.Task[None] | None = None
        self.position: Position | None = None

    def adopt(self) -> None:
        """Write both exchanges once, when accounts are open; what a state knows already is not written again."""
        if self._store is None:
            return
        rows = self._journal.standing(self._venues.futures.tapes) if self._is_resumed else self._journal.everything()
        change = FuturesChange(rows, self._listen_keys())
        self._store.adopt(self._venues.spot.exchange, self._market_state(), change)

    def finish(self) -> None:
        """Commit and tell what happened since the last turn.

        Raises:
            StateError: the state cannot be written.
        """
        spot, futures = self._venues.spot, self._venues.futures
        has_futures_news = futures.has_news()
        if not has_futures_news and not spot.has_news():
            return
        is_written = futures.is_written
        events, touched = spot.take_turn()
        futures_events, futures_touched = futures.take_turn() if has_futures_news else ([], set())
        if self._store is not None:
            change = self._change(futures_events, futures_touched, is_written=is_written)
            self._store.record(spot.exchange, events, self.position, change)
        self._users.publish(events)
        self._publisher.publish(events, touched)
        if has_futures_news:
            self._futures_users.publish(futures_events)
            self._futures_publisher.publish(futures_events, futures_touched)

    async def settle(self) -> None:
        """Wait until everything that happened so far is on disk and on its way.

        Raises:
            StateError: the state cannot be written.
        """
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._finish_soon())
            self._finishing.add_done_callback(self._check)
        await asyncio.shield(self._finishing)

    def checkpoint(self, *, clean: bool = False) -> None:
        """Write how far the market has come."""
        if self._store is not None:
            awake = self._venues.futures.awake
            change = FuturesChange(self._journal.standing(awake), self._listen_keys()) if awake else NOTHING
            self._store.checkpoint(self._venues.spot.exchange, self._market_state(), self.position, change, clean=clean)

    def _change(self, events: Sequence[FuturesEvent], touched: Iterable[str], *, is_written: bool) -> FuturesChange:
        """Return what one turn writes of the futures side: nothing where only the market moved."""
        if not is_written and all(isinstance(event, PublicTrade) for event in events):
            return NOTHING
        return FuturesChange(chain(self._journal.changes(events), self._journal.standing(touched)), self._listen_keys())

    def _listen_keys(self) -> Mapping[str, Any]:
        return self._venues.futures.listen_keys.dump()

    def _market_state(self) -> dict[str, Any]:
        return {**self._venues.spot.market.state(), "futures": self._venues.futures.feed.state()}

    async def _finish_soon(self) -> None:
        self._finishing = None
        self.finish()

    def _check(self, finishing: asyncio.Task[None]) -> None:
        if not finishing.cancelled() and (failure := finishing.exception()) is not None:
            self._on_failure(failure)
