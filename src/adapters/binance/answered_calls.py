"""Calls that return at once and are answered exactly once, whatever becomes of them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from adapters.binance.io_thread import IoThread

E = TypeVar("E")
LOG: Final = logging.getLogger(__name__)


class AnsweredCalls(Generic[E]):
    """Begins work on the I/O loop, from any thread, and gives its event to whoever asked."""

    def __init__(self, io: IoThread) -> None:
        self._io = io
        self._in_flight = 0
        self._count = Lock()

    @property
    def in_flight(self) -> int:
        """Return how many calls have not been answered yet."""
        return self._in_flight

    def begin(
        self,
        work: Coroutine[Any, Any, E],
        answer: Callable[[E], None],
        *,
        never: E,
        broken: Callable[[str], E],
    ) -> None:
        """Begin `work`; its result is the answer.

        Args:
            work: what is to be done.
            answer: takes the event, from any thread.
            never: the event where nothing can be begun any more.
            broken: makes the event of work that was cut off or failed, from a sentence that says how.
        """
        with self._count:
            self._in_flight += 1
        if not self._io.spawn(self._answered(work, answer, broken)):
            work.close()
            self._finish(answer, never)

    async def _answered(
        self, work: Coroutine[Any, Any, E], answer: Callable[[E], None], broken: Callable[[str], E]
    ) -> None:
        """Give exactly one answer, whatever becomes of the work."""
        try:
            event = await work
        except asyncio.CancelledError:
            event = broken("the connection to the venue was closed meanwhile")
        except Exception as e:
            LOG.exception("an answer of the venue could not be understood")
            event = broken(f"an answer of the venue could not be understood: {type(e).__name__}")
        self._finish(answer, event)

    def _finish(self, answer: Callable[[E], None], event: E) -> None:
        try:
            answer(event)
        finally:
            with self._count:
                self._in_flight -= 1
