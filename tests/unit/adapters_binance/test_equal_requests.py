"""One request serves everyone who asked for it while it waited."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.binance.merging import Merging
from adapters.binance.weights import Urgency
from domain.errors import VenueError

Begun = Callable[[], None]


class Venue:
    """Answers with the number of the request, once `gate` opens; each request leaves when it is told to."""

    def __init__(self) -> None:
        self.sent = 0
        self.leave = asyncio.Event()
        self.answer = asyncio.Event()
        self.failure: Exception | None = None

    async def send(self, begun: Begun) -> int:
        await self.leave.wait()
        begun()
        self.sent += 1
        number = self.sent
        await self.answer.wait()
        if self.failure is not None:
            raise self.failure
        return number


def run(work: Callable[[Venue, Merging], Awaitable[None]]) -> None:
    async def with_venue() -> None:
        await asyncio.wait_for(work(Venue(), Merging()), 60)  # type: ignore[arg-type]

    asyncio.run(with_venue())


def ask(merging: Merging, venue: Venue, urgency: Urgency = Urgency.DATA, key: object = "k") -> "asyncio.Task[Any]":
    return asyncio.create_task(merging.once(key, urgency, venue.send))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_all_who_ask_before_it_leaves_share_one_answer() -> None:
    async def work(venue: Venue, merging: Merging) -> None:
        tasks = [ask(merging, venue) for _ in range(5)]
        await settle()
        venue.leave.set()
        venue.answer.set()
        assert await asyncio.gather(*tasks) == [1] * 5
        assert merging.saved == 4

    run(work)


def test_one_who_asks_after_it_left_gets_an_answer_of_his_own() -> None:
    async def work(venue: Venue, merging: Merging) -> None:
        first = ask(merging, venue)
        venue.leave.set()
        await settle()
        second = ask(merging, venue)
        await settle()
        venue.answer.set()
        assert await asyncio.gather(first, second) == [1, 2]

    run(work)


def test_nobody_waits_behind_one_less_urgent_and_orders_are_never_shared() -> None:
    async def work(venue: Venue, merging: Merging) -> None:
        tasks = [
            ask(merging, venue, Urgency.DATA),
            ask(merging, venue, Urgency.RECONCILE),
            ask(merging, venue, Urgency.CURIOSITY),
            ask(merging, venue, key=None),
            ask(merging, venue, key=None),
        ]
        await settle()
        venue.leave.set()
        venue.answer.set()
        await asyncio.gather(*tasks)
        assert venue.sent == 4, "the curious one joined the urgent"

    run(work)


def test_a_failure_is_everyones() -> None:
    async def work(venue: Venue, merging: Merging) -> None:
        venue.failure = VenueError("no")
        tasks = [ask(merging, venue) for _ in range(3)]
        await settle()
        venue.leave.set()
        venue.answer.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(answer) for answer in answers] == [VenueError] * 3
        assert venue.sent == 1

    run(work)


@pytest.mark.parametrize("who", [0, 1])
def test_one_who_gives_up_takes_nobody_with_him(who: int) -> None:
    async def work(venue: Venue, merging: Merging) -> None:
        tasks = [ask(merging, venue) for _ in range(3)]
        await settle()
        tasks[who].cancel()
        await settle()
        venue.leave.set()
        venue.answer.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert [answer for index, answer in enumerate(answers) if index != who] == [1, 1]

    run(work)
