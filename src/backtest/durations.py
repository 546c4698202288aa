"""Durations as people write them: 90s, 30m, 12h, 7d."""

import re
from collections.abc import Mapping
from typing import Final

from backtest.data.series import refuse

_WRITTEN: Final = re.compile(r"(\d{1,9})(s|m|h|d)")
_MS: Final[Mapping[str, int]] = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_duration_ms(field: str, text: str) -> int:
    """Return milliseconds.

    Raises:
        InvalidRequest: naming `field`.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        refuse(field, f"{text!r} is no duration; write e.g. 90s, 30m, 12h or 7d")
    return int(found[1]) * _MS[found[2]]


def duration_text(seconds: float) -> str:
    """Return a duration for people: 12 s, 4 min, 1.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "less than a second"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
