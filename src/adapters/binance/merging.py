"""Equal reads that are wanted at the same time are sent once, and the answer serves everyone who asked."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any

from adapters.binance.weights import Urgency

Send = Callable[[Callable[[], None]], Awaitable[Any]]
"""Sends the request and calls what it is given at the moment the request leaves."""


@dataclass(slots=True)
class _Shared:
    urgency: Urgency
    answer: "asyncio.Future[Any]"


class Merging:
    """Lives on the I/O loop.

    Only a request that still waits for its turn is joined: one that has left may have been answered before the second
    asker's own past, and a reading must never be older than the question it answers. Nobody is made to wait behind
    someone less urgent either.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, _Shared] = {}
        self.saved = 0

    async def once(self, key: Hashable, urgency: Urgency, send: Send) -> Any:
        """Send the request, or wait for the answer of an equal one; `key` None shares nothing."""
        if key is None:
            return await send(lambda: None)
        while (shared := self._waiting.get(key)) is not None and shared.urgency <= urgency:
            try:
                answer = await asyncio.shield(shared.answer)
            except asyncio.CancelledError:
                if not shared.answer.cancelled():
                    raise  # it is this asker who gave up
                continue  # the one who was to send gave up
            self.saved += 1
            return answer
        return await self._lead(key, urgency, send)

    async def _lead(self, key: Hashable, urgency: Urgency, send: Send) -> Any:
        shared = _Shared(urgency, asyncio.get_running_loop().create_future())
        self._waiting[key] = shared

        def begun() -> None:
            if self._waiting.get(key) is shared:
                del self._waiting[key]

        try:
            answer = await send(begun)
        except asyncio.CancelledError:
            shared.answer.cancel()
            raise
        except BaseException as e:
            shared.answer.set_exception(e)
            shared.answer.exception()  # whether anyone joined or not, it has been seen
            raise
        else:
            shared.answer.set_result(answer)
            return answer
        finally:
            begun()
