"""The one thread on which all network input and output happens, with an asyncio loop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import CancelledError, Future, InvalidStateError
from concurrent.futures import TimeoutError as DeadlinePassed
from contextlib import suppress
from threading import Event, Thread, current_thread
from typing import Any, Final, TypeVar

from domain.errors import Unreachable

_new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
with suppress(ImportError):  # not published for every platform; asyncio's own loop does the same, slower
    import uvloop

    _new_event_loop = uvloop.new_event_loop

T = TypeVar("T")
LOG: Final = logging.getLogger(__name__)


class IoThread:
    """Owns the loop: coroutines may be given to it from any thread until `stop`."""

    def __init__(self, name: str = "binance-io") -> None:
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self._ready = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._closing = False

    def start(self) -> None:
        """Start the thread and wait until its loop runs."""
        self._thread.start()
        self._ready.wait()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive() and not self._closing

    def on_stop(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Have `closer` awaited on the loop when the thread stops, last given first."""
        self._closers.append(closer)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Begin `work` on the loop, from any thread; return False, having begun nothing, once stopping."""
        loop = self._loop
        if loop is None or self._closing:
            work.close()
            return False
        try:
            loop.call_soon_threadsafe(self._begin, loop, work)
        except RuntimeError:  # the loop closed meanwhile
            work.close()
            return False
        return True

    def run(self, work: Coroutine[Any, Any, T], deadline_s: float) -> T:
        """Run `work` on the loop and wait for its result; not for use on the loop itself.

        Raises:
            Unreachable: after `deadline_s` seconds, or when the thread is stopping.
        """
        if current_thread() is self._thread:
            work.close()
            raise RuntimeError("the I/O thread must not wait for itself")
        done: Future[T] = Future()
        if not self.spawn(_deliver(work, done)):
            work.close()
            raise Unreachable("the connection to the venue is closed")
        try:
            return done.result(deadline_s)
        except DeadlinePassed:
            done.cancel()
            raise Unreachable(f"no answer within {deadline_s:g} s") from None
        except CancelledError:
            raise Unreachable("the connection to the venue was closed meanwhile") from None

    def stop(self, timeout_s: float = 5.0) -> None:
        """Cancel what runs, close what was registered, end the loop; safe to call twice."""
        loop = self._loop
        if loop is None or self._closing:
            return
        self._closing = True
        loop.call_soon_threadsafe(loop.stop)
        if current_thread() is not self._thread:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                LOG.error("the I/O thread did not end within %g s", timeout_s)

    def _serve(self) -> None:
        loop = _new_event_loop()
        asyncio.set_event_loop(loop)
        self._loop = loop
        loop.call_soon(self._ready.set)
        try:
            loop.run_forever()
            loop.run_until_complete(self._wind_up())
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()

    async def _wind_up(self) -> None:
        # Work that was handed over just before the stop still begins, is cancelled, and so gets its answer.
        for _ in range(3):
            await asyncio.sleep(0)
        running = list(self._tasks)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        for closer in reversed(self._closers):
            try:
                await closer()
            except Exception:
                LOG.exception("closing failed")

    def _begin(self, loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> None:
        task = loop.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            LOG.error("a task of the I/O thread failed", exc_info=task.exception())


async def _deliver(work: Coroutine[Any, Any, T], done: "Future[T]") -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def give_up(given: "Future[T]") -> None:
        if given.cancelled() and task is not None:
            with suppress(RuntimeError):  # the loop closed meanwhile
                loop.call_soon_threadsafe(task.cancel)

    done.add_done_callback(give_up)
    try:
        result = await work
    except asyncio.CancelledError:
        done.cancel()
        raise
    except BaseException as e:  # noqa: BLE001 - handed to the thread that waits
        with suppress(InvalidStateError):  # it may have given up waiting
            done.set_exception(e)
    else:
        with suppress(InvalidStateError):
            done.set_result(result)
