"""Whether the disk has room for what is about to be written."""

import shutil
from pathlib import Path
from typing import Final

from backtest.data.series import refuse

SPARE_BYTES: Final = 64 << 20
"""Left free whatever happens: the server's books may lie on the same disk."""


def check_room(folder: Path, needed_bytes: int) -> None:
    """Refuse work that would fill the disk `folder` lies on; it need not exist yet.

    Raises:
        InvalidRequest: naming `data-dir`.
    """
    there = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed_bytes + SPARE_BYTES:
        refuse(
            "data-dir",
            f"{there} has {size_text(free)} free, and this needs {size_text(needed_bytes + SPARE_BYTES)}; "
            "ask for less, make room, or name a folder on another disk with --data-dir",
        )


def size_text(size: float) -> str:
    """Return bytes for people: 1.4 GB."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
