"""The end of a turn: what happened goes to disk first, then to the streams, then to whoever waits."""

import asyncio
from collections.abc import Callable

from simulator.state import Position, StateStore
from simulator.wire.publisher import Publisher
from simulator.wire.user_streams import UserStreams
from simulator.wire.venue import Venue


class Turns:
    """Ends turns. Requests of one turn of the event loop share one commit.

    `on_failure` is told when the state cannot be written; nothing of that turn is told to anyone.
    """

    def __init__(
        self,
        venue: Venue,
        store: StateStore | None,
        users: UserStreams,
        publisher: Publisher,
        on_failure: Callable[[BaseException], None],
    ) -> None:
        self._venue, self._store, self._users, self._publisher = venue, store, users, publisher
        self._on_failure = on_failure
        self._finishing: asyncio.Task[None] | None = None
        self.position: Position | None = None

    def finish(self) -> None:
        """Commit and tell what happened since the last turn.

        Raises:
            sqlite3.Error: the state cannot be written.
        """
        if not self._venue.has_news():
            return
        events, touched = self._venue.take_turn()
        if self._store is not None:
            self._store.record(self._venue.exchange, events, self.position)
        self._users.publish(events)
        self._publisher.publish(events, touched)

    async def settle(self) -> None:
        """Wait until everything that happened so far is on disk and on its way.

        Raises:
            sqlite3.Error: the state cannot be written.
        """
        if self._finishing is None:
            self._finishing = asyncio.create_task(self._finish_soon())
            self._finishing.add_done_callback(self._check)
        await asyncio.shield(self._finishing)

    def checkpoint(self, *, clean: bool = False) -> None:
        """Write how far the market has come."""
        if self._store is not None:
            self._store.checkpoint(self._venue.exchange, self._venue.market.state(), self.position, clean=clean)

    async def _finish_soon(self) -> None:
        self._finishing = None
        self.finish()

    def _check(self, finishing: asyncio.Task[None]) -> None:
        if not finishing.cancelled() and (failure := finishing.exception()) is not None:
            self._on_failure(failure)
