"""The rows of a sweep worked off: on this machine's cores, with a way to stop between pieces."""

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from time import perf_counter
from types import FrameType
from typing import Any, Final, NamedTuple

import polars as pl

from backtest.sweep.ahead import PAGE_BYTES, ROW_BYTES, Needs
from backtest.sweep.task import MOST_KEPT, Part, Task

_PROBED: Final = 16
_PIECE_S: Final = 2.0
_SMALLEST, _LARGEST = 8, 1024
_DAY_BYTES: Final = 9
_DAY_MS: Final = 86_400_000

Pieces = Callable[[Sequence[Sequence[int]], Event], Generator[pl.DataFrame, None, None]]
"""Works off pieces, in any order, until told to stop."""


class Estimate(NamedTuple):
    """What a sweep will take."""

    needs: Needs
    piece: int  # rows to be worked off in one go


def estimate(task: Task, rows: int, threads: int) -> Estimate:
    """Try a few configurations and tell what `rows` of them take on this machine.

    Raises:
        BadCandles: for candles that the rules do not fit.
    """
    part = Part(task, threads)
    some = sorted({index * len(task.space) // _PROBED for index in range(_PROBED)})
    part.table(some)  # loads or compiles the engine
    began = perf_counter()
    part.table(some)
    each_s = (perf_counter() - began) / len(some)
    candles = task.ground.candles
    days = (candles.end_ms - candles.start_ms) // _DAY_MS + 1
    return Estimate(
        needs=Needs(
            seconds=each_s * rows,
            disk_bytes=rows * ROW_BYTES + min(rows, MOST_KEPT) * days * _DAY_BYTES + PAGE_BYTES,
        ),
        piece=int(min(max(_PIECE_S / each_s, _SMALLEST), _LARGEST)),
    )


def on_this_machine(task: Task, threads: int) -> Pieces:
    """Return a worker that uses this machine's cores."""

    def work(pieces: Sequence[Sequence[int]], stopping: Event) -> Generator[pl.DataFrame, None, None]:
        part = Part(task, threads)
        for rows in pieces:
            if stopping.is_set():
                return
            yield part.table(rows)

    return work


@contextmanager
def stoppable() -> Iterator[Event]:
    """Set the event at the first Ctrl-C or TERM, so that what is under way is saved; a second one ends at once."""
    stopping = Event()
    before: dict[signal.Signals, Any] = {}

    def stop(number: int, _frame: FrameType | None) -> None:
        if stopping.is_set():
            signal.signal(number, before[signal.Signals(number)])
            raise KeyboardInterrupt
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
