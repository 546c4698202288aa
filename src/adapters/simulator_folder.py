"""The folder of a simulator that may outlive its server, and what tells the next server of it.

`simulator.lock` is held by the simulator's own process for as long as it lives, because it inherits the handle with the
operating system's lock on it; so no moment of either process's death leaves a simulator behind that nobody knows of.
The file says with which options it was started. `ready.json` is the simulator's standard output: the one line it says
as soon as it answers. `running.json` repeats both, for whoever looks from outside.
"""

import fcntl
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

RECORD: Final = "running.json"
_LOCK: Final = "simulator.lock"
_READY: Final = "ready.json"


class SimulatorFolder:
    """One folder; of use to one server at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def lock(self) -> int | None:
        """Return the handle of the lock, None while a simulator lives that was started here.

        Whoever gets it starts one that inherits it, or closes it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        return handle

    def begin(self, handle: int, arguments: Sequence[str]) -> int:
        """Note the options of the next simulator; return the handle of its output."""
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps(list(arguments)).encode(), 0)
        return os.open(self.path / _READY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)

    def arguments(self) -> list[str] | None:
        """Return the options of the newest simulator, None where they are not known."""
        try:
            noted: list[str] = json.loads((self.path / _LOCK).read_text())
        except (OSError, ValueError):
            return None
        return noted

    def ready(self) -> dict[str, Any] | None:
        """Return what the newest simulator said, None before it said it."""
        try:
            line, end, _ = (self.path / _READY).read_text().partition("\n")
            told: dict[str, Any] = json.loads(line)
        except (OSError, ValueError):
            return None
        return told if end else None

    def note(self, ready: dict[str, Any], arguments: Sequence[str]) -> None:
        """Tell whoever looks from outside which simulator runs; never half of it."""
        draft = self.path / f"{RECORD}.new"
        draft.write_text(json.dumps({"ready": ready, "arguments": list(arguments)}))
        draft.replace(self.path / RECORD)

    def forget(self) -> None:
        (self.path / RECORD).unlink(missing_ok=True)
