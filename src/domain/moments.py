"""Moments as people read them."""

from datetime import UTC, datetime


def shown_utc(at_ms: int) -> str:
    """Return a moment, ms since the epoch, to the minute."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
