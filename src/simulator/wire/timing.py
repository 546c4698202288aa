"""The window in which a signed request is accepted (protocol section 0.4)."""

import re
from typing import Final

from simulator.wire import errors

DEFAULT_WINDOW_MS: Final = 5_000
MAX_WINDOW_MS: Final = 60_000
AHEAD_MS: Final = 1_000
_MICROSECONDS_FROM: Final = 10**14
_WINDOW: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,3})?")
_STAMP: Final = re.compile(r"[0-9]{1,20}")


def check_timestamp(stamp: str | None, window: str | None, server_ms: int) -> None:
    """Accept a timestamp less than 1 s ahead and at most recvWindow behind the server.

    Args:
        stamp: the request's `timestamp` in ms, or in microseconds.
        window: the request's `recvWindow` in ms, up to 3 decimals.
        server_ms: the server's wall clock.

    Raises:
        ApiError: -1102 missing or window above 60000, -1100 malformed, -1021 outside the window.
    """
    if not stamp:
        raise errors.mandatory("timestamp")
    if _STAMP.fullmatch(stamp) is None:
        raise errors.illegal_characters("timestamp", "^[0-9]{1,20}$")
    sent_us = int(stamp) if int(stamp) >= _MICROSECONDS_FROM else int(stamp) * 1_000
    window_us = _window_us(window)
    if sent_us >= (server_ms + AHEAD_MS) * 1_000:
        raise errors.early_timestamp()
    if server_ms * 1_000 - sent_us > window_us:
        raise errors.stale_timestamp()


def _window_us(window: str | None) -> int:
    if window is None:
        return DEFAULT_WINDOW_MS * 1_000
    if _WINDOW.fullmatch(window) is None:
        raise errors.illegal_characters("recvWindow", r"^[0-9]{1,20}(\.[0-9]{1,3})?$")
    whole, _, part = window.partition(".")
    window_us = int(whole) * 1_000 + int(part.ljust(3, "0"))
    if window_us > MAX_WINDOW_MS * 1_000:
        raise errors.too_great("recvWindow", MAX_WINDOW_MS)
    return window_us
