"""A start that meets a used-up request limit waits for it: others share it, and a life that just ended used it too."""

import logging
from collections.abc import Callable
from threading import Event
from typing import Final, TypeVar

from domain.errors import SlowDown
from ports.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")
LONGEST_S: Final = 130.0
"""Two windows of a minute; a ban, which may last days, is told at once."""


def once_limits_reopen(ask: Callable[[], T], clock: Clock) -> T:
    """Return what `ask` returns, asked again whenever the limit that refused it is open again.

    Raises:
        SlowDown: if it will not be within `LONGEST_S` seconds.
    """
    end_s = clock.monotonic_s() + LONGEST_S
    while True:
        try:
            return ask()
        except SlowDown as error:
            if clock.monotonic_s() + error.retry_after_s > end_s:
                raise
            log.warning("%s; the start waits for that", error)
            clock.wait(Event(), error.retry_after_s)
