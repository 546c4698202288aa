"""A replay at full speed, in step with its reader: the feed moves only while nothing is in flight here."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

from adapters.binance.request_limits import Cost
from adapters.binance.transport import Call, Transport
from domain.instrument import Market

LOG: Final = logging.getLogger(__name__)

DEADLINE_S: Final = 30.0
_PAUSE_S: Final = 0.05
_ALIKE: Final = 5  # looks, a pause apart, that must agree; an event may be on its way for longer than one
_POLL_S: Final = 0.0005  # between looks at what another thread holds


class LockstepBroken(Exception):
    """The replay and its reader fell out of step: what was promised did not arrive in time."""


class LockstepDriver:
    """Steps the feed of an exchange that offers `POST /admin/step`, until it is finished.

    Args:
        idle: tells whether the reader has nothing in flight and nothing unread; asked from the I/O thread.
        user_events: the user stream's count of events received so far.
        carry_market_ms: takes the market time each step reached.
        points: feed steps per request at most; a step that changes an order of the account ends it early.
        paused: tells that the market shall stand still, for as long as it likes; asked before each step.
        deadline_s: how long events or idleness may take in wall time before the run fails loudly.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        idle: Callable[[], bool],
        user_events: Callable[[], int],
        carry_market_ms: Callable[[int], None],
        points: int = 500,
        deadline_s: float = DEADLINE_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._paused = paused
        self._transport, self._idle, self._user_events = transport, idle, user_events
        self._carry_market_ms, self._points, self._deadline_s = carry_market_ms, points, deadline_s
        self._sleep = sleep
        self.steps = 0
        self.played = 0

    async def run(self) -> None:
        """Play to the end of the feed; run it as a task on the I/O loop.

        Raises:
            LockstepBroken: if the user stream or the reader does not keep up within the deadline.
            VenueError: if the exchange does not step.
        """
        answer = await read_market_state(self._transport)
        ahead: int | None = None
        while not answer["finished"]:
            if self._paused() or ahead is None:
                answer, ahead = await self._settle()
                continue
            await self._until(self._idle, f"the reader was not idle at market time {answer['market_ms']}")
            answer = await self._step()
            wanted = int(answer["user_events"]) + ahead
            await self._until(
                lambda wanted=wanted: self._user_events() >= wanted,  # type: ignore[misc]
                f"the user stream did not deliver event {wanted}",
            )
        await self._until(self._idle, f"the reader was not idle at market time {answer['market_ms']}")
        LOG.info("the replay is finished after %d points in %d steps", self.played, self.steps)

    async def _settle(self) -> tuple[dict[str, Any], int]:
        """Wait until the market may move and all it told has arrived; return its state and how far our count is ahead.

        The two counts began at different moments. Their difference stands once nothing is on its way any more.
        """
        seen: list[int] = []
        while True:
            while self._paused():
                await self._sleep(_PAUSE_S)
            await self._until(self._idle, "the reader was not idle before the market moved")
            answer = await read_market_state(self._transport)
            seen = [*seen[1 - _ALIKE :], self._user_events() - int(answer["user_events"])]
            if len(seen) == _ALIKE and len(set(seen)) == 1 and not self._paused():
                return answer, seen[-1]
            await self._sleep(_PAUSE_S)

    async def _step(self) -> dict[str, Any]:
        answer: dict[str, Any] = await self._transport.send(
            Call(
                market=Market.SPOT,
                method="POST",
                path="/admin/step",
                cost=Cost(0),
                body={"points": self._points, "until": "account"},
                keyed=True,
            )
        )
        self._carry_market_ms(int(answer["market_ms"]))
        self.steps += 1
        self.played += int(answer["played"])
        return answer

    async def _until(self, condition: Callable[[], bool], failure: str) -> None:
        try:
            async with asyncio.timeout(self._deadline_s):
                while not condition():
                    await self._sleep(_POLL_S)
        except TimeoutError:
            raise LockstepBroken(f"{failure} within {self._deadline_s:g} s (received {self._user_events()})") from None


async def read_market_state(transport: Transport) -> dict[str, Any]:
    """Return `GET /admin/state` of our own exchange: market_source, speed, market_ms, finished, event counts.

    Raises:
        VenueError: where the venue has no such thing or does not answer.
    """
    state: dict[str, Any] = await transport.send(
        Call(market=Market.SPOT, method="GET", path="/admin/state", cost=Cost(0), keyed=True)
    )
    return state
