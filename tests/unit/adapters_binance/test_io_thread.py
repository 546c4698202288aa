import asyncio
import time
from collections.abc import Iterator
from threading import Event, Thread, current_thread

import pytest

from adapters.binance.io_thread import IoThread
from domain.errors import Unreachable


@pytest.fixture
def io() -> Iterator[IoThread]:
    thread = IoThread("test-io")
    thread.start()
    yield thread
    thread.stop()


async def name_of_thread() -> str:
    return current_thread().name


def test_work_runs_on_the_one_thread_whoever_asks(io: IoThread) -> None:
    names: list[str] = []
    threads = [Thread(target=lambda: names.append(io.run(name_of_thread(), 60))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert names == ["test-io"] * 8


def test_an_error_reaches_who_waits(io: IoThread) -> None:
    async def fail() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        io.run(fail(), 60)


def test_a_deadline_is_kept(io: IoThread) -> None:
    started_s = time.monotonic()
    with pytest.raises(Unreachable, match="within"):
        io.run(asyncio.sleep(60), 0.05)
    assert time.monotonic() - started_s < 30


def test_stopping_cancels_what_runs_and_then_closes_what_was_opened() -> None:
    io, order, begun = IoThread(), [], Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            order.append("cancelled")
            raise

    async def close() -> None:
        order.append("closed")

    async def fail() -> None:
        order.append("failed")
        raise OSError("closing went wrong")

    io.start()
    io.on_stop(close)
    io.on_stop(fail)
    assert io.spawn(work())
    assert begun.wait(60)
    io.stop()
    io.stop()
    assert order == ["cancelled", "failed", "closed"]


def test_after_the_stop_nothing_begins_and_who_asks_is_told() -> None:
    io = IoThread()
    io.start()
    io.stop()
    assert not io.spawn(asyncio.sleep(0))
    with pytest.raises(Unreachable):
        io.run(asyncio.sleep(0), 1)


def test_work_handed_over_just_before_the_stop_still_hears_of_it() -> None:
    io, told = IoThread(), []

    async def work(number: int) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            told.append(number)

    io.start()
    accepted = [number for number in range(200) if io.spawn(work(number))]
    io.stop()
    assert sorted(told) == accepted


def test_the_thread_never_waits_for_itself(io: IoThread) -> None:
    async def inner() -> str:
        with pytest.raises(RuntimeError, match="wait for itself"):
            io.run(name_of_thread(), 1)
        return "refused"

    assert io.run(inner(), 60) == "refused"
