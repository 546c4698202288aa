"""An end that comes even if an orderly one does not."""

import logging
import os
from collections.abc import Callable
from threading import Event, Thread
from typing import Final

log = logging.getLogger(__name__)

DEADLINE_S: Final = 45.0
"""Longer than every orderly stop: requests 5 s, threads and orders 10 s each."""
LAST_WORD_S: Final = 1.0
EXIT_CODE: Final = 70  # EX_SOFTWARE


class ExitDeadline:
    """Ends the process `seconds` after `start`, whatever still hangs then; `cancel` takes it back.

    Nothing is lost by it: intents are stored before they are sent, and the next start settles what was under way.

    Args:
        seconds: from `start` to the end.
        end: ends the process at once, without any clean-up.
    """

    def __init__(self, seconds: float = DEADLINE_S, end: Callable[[int], None] = os._exit) -> None:
        self._seconds, self._end = seconds, end
        self._started, self._cancelled = Event(), Event()
        # Made now and not in `start`: a signal handler must not make threads.
        Thread(target=self._wait, name="exit-deadline", daemon=True).start()

    def start(self) -> None:
        """Let the time run; a second call does nothing. Safe in a signal handler."""
        self._started.set()

    def cancel(self) -> None:
        """Take it back: the end was reached in order."""
        self._cancelled.set()
        self._started.set()

    def _wait(self) -> None:
        self._started.wait()
        if self._cancelled.wait(self._seconds):
            return
        # A thread of its own: writing the last word may be the very thing that hangs.
        word = Thread(target=self._last_word, daemon=True)
        word.start()
        word.join(LAST_WORD_S)
        self._end(EXIT_CODE)

    def _last_word(self) -> None:
        log.critical(
            "not stopped %.0f s after it was asked to; the process ends now. Orders stay as the exchange has them and "
            "are taken up again at the next start",
            self._seconds,
        )
