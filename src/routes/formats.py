"""How numbers and times are written at the edge of the API. Exact values end here; nothing is computed from them."""

from datetime import UTC, datetime
from decimal import Decimal

from domain.money import plain


def number(value: Decimal) -> float:
    """Return the JSON number of an exact amount, for display only."""
    return float(value)


def number_or_none(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def iso(epoch_ms: int) -> str:
    """Return `epoch_ms` as ISO 8601 in UTC, whole seconds: '2024-01-15T12:30:00Z'."""
    return datetime.fromtimestamp(epoch_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def uptime(duration_ms: int) -> str:
    """Return a duration as '2h 15m'; hours go on counting past a day, a negative duration is none."""
    minutes = max(duration_ms, 0) // 60_000
    return f"{minutes // 60}h {minutes % 60}m"


def text_or_none(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)


def iso_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
