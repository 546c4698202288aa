"""The two ends of the log, neither of which may ever hold up whoever logs or flood a terminal with its own troubles."""

import contextlib
import logging
import logging.handlers
import os
import select
import sys
import time
from collections.abc import Callable
from queue import Full, Queue
from threading import Event, Thread
from typing import Final, TextIO

log = logging.getLogger("log")

WAITING_LINES: Final = 1_000
LAST_LINES_S: Final = 1.0
TOLD_EVERY_S: Final = 60.0


class ConsoleHandler(logging.Handler):
    """Writes lines to a stream from a thread of its own; a line for which there is no room is dropped and counted.

    A terminal that is held (Ctrl-S) or a pipe that nobody reads blocks its writer for as long as it likes. Here it
    blocks this one thread.

    Args:
        stream: where lines go. One with a file descriptor is written past its buffer, whose lock a write that hangs
            would keep from everybody else, the interpreter's end included.
        waiting_lines: how many may wait.
    """

    def __init__(self, stream: TextIO, waiting_lines: int = WAITING_LINES) -> None:
        super().__init__()
        self.dropped = 0
        self._unread = False
        self._silent_until_s = 0.0
        self._lines: Queue[str] = Queue(waiting_lines)
        self._closing = Event()
        self._thread = Thread(target=self._write_all, args=(stream,), name="console", daemon=True)
        self._thread.start()

    def handle(self, record: logging.LogRecord) -> bool:
        handled = super().handle(record)
        # Told here and not in `emit`, under the lock: two handlers that log to each other would wait for each other.
        if self._unread and time.monotonic() > self._silent_until_s:
            self._silent_until_s = time.monotonic() + TOLD_EVERY_S
            log.warning("nobody reads the console, or not fast enough: lines are dropped there, the log file has them")
        return handled

    def emit(self, record: logging.LogRecord) -> None:
        if self._lines.full():  # asked first: a line nobody will see is not worth its rendering
            self.dropped += 1
            self._unread = True
            return
        try:
            self._lines.put_nowait(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - a line that cannot be formatted is told where its author sees it
            self.handleError(record)

    def close(self) -> None:
        """Wait a moment for the last lines, then leave them to whoever holds up the stream."""
        if not self._closing.is_set():
            self._closing.set()
            with contextlib.suppress(Full):
                self._lines.put_nowait("")
            self._thread.join(LAST_LINES_S)
        super().close()

    def _write_all(self, stream: TextIO) -> None:
        write, end = _writer(stream)
        while not (self._closing.is_set() and self._lines.empty()):
            write(self._lines.get())
            if self._unread and self._lines.empty():
                write(f"({self._take_dropped()} log lines are missing here: nobody read the console)\n")
        end()

    def _take_dropped(self) -> int:
        self.acquire()
        try:
            dropped, self.dropped, self._unread = self.dropped, 0, False
        finally:
            self.release()
        return dropped


def _writer(stream: TextIO) -> tuple[Callable[[str], None], Callable[[], None]]:
    """Return what writes a line, and what is called after the last one."""
    try:
        own = os.dup(stream.fileno())
    except (OSError, ValueError):  # no descriptor: a stream in memory

        def write(line: str) -> None:
            stream.write(line)
            stream.flush()

        return write, lambda: None
    return lambda line: _write_whole(own, line.encode("utf-8", "replace")), lambda: os.close(own)


def _write_whole(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
        except OSError:
            return  # the terminal or the reader is gone: there is nobody left to tell


class SteadyFileHandler(logging.handlers.RotatingFileHandler):
    """A rotated file that tells of an outage (a full disk) in one sentence as it begins and one when it is over."""

    lost = 0
    _reason = ""

    def handle(self, record: logging.LogRecord) -> bool:
        lost = self.lost
        handled = super().handle(record)
        # Told here and not in `emit`, under the lock: two handlers that log to each other would wait for each other.
        if self.lost and not lost:
            log.error("the log file %s cannot be written (%s); make room for it", self.baseFilename, self._reason)
        if lost and not self.lost:
            log.warning("the log file %s can be written again; about %d lines are missing", self.baseFilename, lost)
        return handled

    def emit(self, record: logging.LogRecord) -> None:
        lost = self.lost
        super().emit(record)
        if self.lost == lost:
            self.lost = 0

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
            return
        self._reason = error.strerror or str(error)
        self.lost += 1

    def close(self) -> None:
        try:
            super().close()
        except OSError as error:
            self._reason = error.strerror or str(error)
            log.error("the end of the log file %s could not be written: %s", self.baseFilename, self._reason)  # noqa: TRY400
