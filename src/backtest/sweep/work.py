"""The rows of a sweep worked off: on this machine's cores, with a way to stop between pieces."""

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from time import perf_counter
from types import FrameType
from typing import Any, Final, NamedTuple

import polars as pl

from backtest.data.series import refuse
from backtest.sweep.task import MOST_KEPT, Part, Task

_PROBED: Final = 16
_PIECE_S: Final = 2.0
_SMALLEST, _LARGEST = 8, 1024
_ROW_BYTES: Final = 700  # of a part and of the result together
_DAY_BYTES: Final = 9
_PAGE_BYTES: Final = 8_000_000
_DAY_MS: Final = 86_400_000

Pieces = Callable[[Sequence[Sequence[int]], Event], Generator[pl.DataFrame, None, None]]
"""Works off pieces, in any order, until told to stop."""


class Estimate(NamedTuple):
    """What a sweep will take."""

    seconds: float
    disk_bytes: int
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
        seconds=each_s * rows,
        disk_bytes=rows * _ROW_BYTES + min(rows, MOST_KEPT) * days * _DAY_BYTES + _PAGE_BYTES,
        piece=int(min(max(_PIECE_S / each_s, _SMALLEST), _LARGEST)),
    )


def check_room(free_bytes: int, needed_bytes: int, place: str, spare_bytes: int) -> None:
    """Refuse a sweep that the disk does not hold.

    Raises:
        InvalidRequest: naming `out`.
    """
    if free_bytes < needed_bytes + spare_bytes:
        refuse(
            "out",
            f"{place} has {free_bytes:,} bytes free and this sweep needs about {needed_bytes:,} besides a spare "
            f"{spare_bytes:,}; vary less, draw some of them (--random 10000), or name a folder on another disk",
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
