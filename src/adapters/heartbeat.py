"""A dead man's file: it is written anew every few seconds, and only while every part of the house is alive.

Whoever watches the server from outside needs no network for it: a file that is missing or older than a few times its
own `every_s` means that nobody is at the wheel. One JSON object:

- format: 1
- pid: the server's process id
- written_at, written_ms: wall time of this beat, as ISO text and in ms since the epoch
- every_s: seconds between beats
- ready: whether trading can go on (what /ready answers)
- waiting_for: one sentence for each part that is alive but not ready

A clean stop removes the file.
"""

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ports.clock import Clock
from ports.control import PartState
from ports.store import StoreFailed
from utils.worker_loop import WorkerLoop

log = logging.getLogger(__name__)

EVERY_S: Final = 5.0
NAME: Final = "heartbeat.json"


class Heartbeat:
    """Beats in a thread of its own.

    Args:
        folder: the data folder.
        parts: asks every part.
        clock: wall time and a wait.
        before: what is done before each beat, such as trying again what failed.
    """

    def __init__(
        self, folder: Path, parts: Callable[[], tuple[PartState, ...]], clock: Clock, before: Callable[[], None]
    ) -> None:
        self._file, self._parts, self._clock, self._before = folder / NAME, parts, clock, before
        self._silent_for = ""
        self._loop = WorkerLoop(
            "heartbeat",
            self.beat,
            clock=clock,
            every_s=EVERY_S,
            on_fault=lambda _name, _error: None,
            max_failures=10**9,
            first_pause_s=EVERY_S,
            longest_pause_s=EVERY_S,
            patient=(OSError, StoreFailed),
        )

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        self._loop.stop()
        self._loop.join(2 * EVERY_S)
        self._file.unlink(missing_ok=True)

    def beat(self) -> None:
        """Write the file if every part is alive."""
        self._before()
        parts = self._parts()
        dead = "; ".join(f"{part.name}: {part.reason}" for part in parts if not part.alive)
        if dead != self._silent_for:
            if dead:
                log.error("the heartbeat stops: %s", dead)
            else:
                log.info("the heartbeat goes on")
            self._silent_for = dead
        if not dead:
            self._write(parts)

    def _write(self, parts: tuple[PartState, ...]) -> None:
        now_ms = self._clock.wall_ms()
        waiting_for = [f"{part.name}: {part.reason}" for part in parts if not part.ready]
        beat = {
            "format": 1,
            "pid": os.getpid(),
            "written_at": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            "written_ms": now_ms,
            "every_s": EVERY_S,
            "ready": not waiting_for,
            "waiting_for": waiting_for,
        }
        fresh = self._file.with_name(f"{NAME}.part")
        fresh.write_text(json.dumps(beat, ensure_ascii=False) + "\n", "utf-8")
        fresh.replace(self._file)


def read_heartbeat(folder: Path) -> dict[str, Any] | None:
    """Return the last beat, None where there is none that can be read."""
    try:
        beat = json.loads((folder / NAME).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return beat if isinstance(beat, dict) else None
