"""A keeper that waits for its next attempt makes it at once when the venue is known to be back."""

import asyncio

from adapters.binance.sockets import FrameSocket, SocketKeeper
from fakes.clock import FakeClock


class AwayUntilTold:
    """A channel whose venue refuses connections; counts the attempts."""

    kind = "user"

    def __init__(self) -> None:
        self.attempts = 0
        self.failed = asyncio.Event()

    async def connect(self) -> FrameSocket:
        self.attempts += 1
        raise ConnectionRefusedError("nobody there")

    async def subscribe(self, socket: FrameSocket) -> None:
        raise AssertionError(f"{socket} was never open")

    def lost(self, _reason: str) -> None:
        self.failed.set()

    def resumed(self) -> None:
        raise AssertionError("it never was")

    moved = resumed


async def never(_seconds: float) -> None:
    await asyncio.Event().wait()


def test_hurry_ends_the_pause_and_only_this_one() -> None:
    async def work() -> int:
        channel = AwayUntilTold()
        keeper = SocketKeeper(channel, FakeClock(), never)
        running = asyncio.create_task(keeper.run())
        for _attempt in range(3):
            await asyncio.wait_for(channel.failed.wait(), 60)
            channel.failed.clear()
            keeper.hurry()
        await asyncio.wait_for(channel.failed.wait(), 60)
        channel.failed.clear()
        for _turn in range(100):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return channel.attempts

    assert asyncio.run(work()) == 4
