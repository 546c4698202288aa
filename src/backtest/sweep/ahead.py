"""The look ahead: what long work will take, refused before anything of it is left behind."""

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from backtest.data.room import SPARE_BYTES, size_text
from backtest.data.series import refuse
from backtest.durations import duration_text, parse_duration_ms
from backtest.sweep.space import Space
from backtest.sweep.trials import Ground
from domain.errors import InvalidRequest

ROW_BYTES: Final = 700  # of a row while it is worked on and in the result
PAGE_BYTES: Final = 8_000_000
_REASONS: Final = 3


class Needs(NamedTuple):
    """What the work will take on this machine."""

    seconds: float
    disk_bytes: int

    def __str__(self) -> str:
        return f"about {duration_text(self.seconds)} on this machine, {size_text(self.disk_bytes)} on disk"


def refuse_too_much(needs: Needs, folder: Path, max_time: str | None, *, less: str) -> None:
    """Refuse what the disk of `folder` does not hold, or what takes longer than `max_time`; `less` is the remedy.

    Raises:
        InvalidRequest: naming `out` or `max-time`.
    """
    there = next(place for place in (folder.resolve(), *folder.resolve().parents) if place.exists())
    check_room(shutil.disk_usage(there).free, needs.disk_bytes, str(there), SPARE_BYTES, less=less)
    if max_time is not None and needs.seconds > parse_duration_ms("max-time", max_time) / 1000:
        refuse(
            "max-time",
            f"this would take about {duration_text(needs.seconds)}, longer than {max_time}; {less}, "
            "take longer candles, or allow more",
        )


def check_room(free_bytes: int, needed_bytes: int, place: str, spare_bytes: int, *, less: str) -> None:
    """Refuse work that the disk does not hold.

    Raises:
        InvalidRequest: naming `out`.
    """
    if free_bytes < needed_bytes + spare_bytes:
        refuse(
            "out",
            f"{place} has {free_bytes:,} bytes free and this needs about {needed_bytes:,} besides a spare "
            f"{spare_bytes:,}; {less}, or name a folder on another disk",
        )


def refuse_unstartable(ground: Ground, space: Space, where: str = "") -> None:
    """Refuse a space of which nothing can be started; it is looked through in mixed order until one can.

    Raises:
        InvalidRequest: naming `vary`, with the commonest reasons.
    """
    reasons: Counter[str] = Counter()
    for row in Random(0).sample(range(len(space)), len(space)):  # noqa: S311 - neighbours fail alike; no secret
        reason = _why_not(ground, space.values(row))
        if reason is None:
            return
        reasons[reason] += 1
    told = "; ".join(f"{count:,} times {reason}" for reason, count in reasons.most_common(_REASONS))
    refuse("vary", f"not one could be started{where}: {told}")


def _why_not(ground: Ground, keys: Mapping[str, object]) -> str | None:
    try:
        ground.scenario(keys)
    except InvalidRequest as refused:
        return str(refused)
    return None
