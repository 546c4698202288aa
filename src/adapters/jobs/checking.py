"""A look at what jobs are given before they are taken, by a short process that may load what the server may not."""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic
from typing import Any, Final

from adapters.jobs.folder import PARAMETERS
from adapters.jobs.kinds import JobKind, JobLimits
from adapters.jobs.processes import JobProcess
from domain.errors import Conflict, InvalidRequest
from ports.jobs import read_refusal

log = logging.getLogger(__name__)

_PREFIX: Final = ".check-"


@dataclass(slots=True, eq=False)
class _Asked:
    """One submission that waits for the look at it, until `end_s` of the monotonic clock."""

    kind: JobKind
    parameters: Mapping[str, Any]
    end_s: float
    refusal: InvalidRequest | Conflict | None = None


class Checks:
    """Looks, one process at a time, as modest as jobs are. What comes in meanwhile shares the next one.

    Args:
        parent: the folder of jobs; a look has one of its own in there while it lasts.
        source_root: where modules are found.
        environment: all that its process gets to see of ours.
        limits: bounds of each process, and `check_s`.
    """

    def __init__(
        self, parent: Path, source_root: Path, environment: Callable[[], Mapping[str, str]], limits: JobLimits
    ) -> None:
        self._parent, self._source_root, self._environment, self._limits = parent, source_root, environment, limits
        self._turn, self._lock = Lock(), Lock()
        self._waiting: list[_Asked] = []

    def refuse_unfit(self, kind: JobKind, parameters: Mapping[str, Any]) -> None:
        """Refuse what is known not to work. What could not be looked at in time passes: the job itself tells.

        Raises:
            InvalidRequest, Conflict: as the kind tells it.
            OSError: if there is no room for its folder, or no process can be made.
        """
        if not kind.check:
            return
        asked = _Asked(kind, parameters, monotonic() + self._limits.check_s)
        with self._lock:
            self._waiting.append(asked)
        if self._turn.acquire(timeout=self._limits.check_s):
            try:
                self._look(self._together_with(asked))
            finally:
                self._turn.release()
        with self._lock:
            if asked in self._waiting:
                self._waiting.remove(asked)
        if asked.refusal is not None:
            raise asked.refusal

    def _together_with(self, asked: _Asked) -> list[_Asked]:
        """Take all that wait for a look of this kind; none where another look has taken `asked`."""
        with self._lock:
            if asked not in self._waiting:
                return []
            found = [other for other in self._waiting if other.kind.check == asked.kind.check]
            self._waiting = [other for other in self._waiting if other not in found]
            return found

    def _look(self, batch: Sequence[_Asked]) -> None:
        left_s = min((asked.end_s for asked in batch), default=0.0) - monotonic()
        if left_s <= 0:
            return
        check = replace(batch[0].kind, module=batch[0].kind.check, longest_s=left_s)
        last_words = ""

        def hear(line: bytes) -> None:
            nonlocal last_words
            last_words = line.decode("utf-8", "replace").strip()
            told = read_refusal(last_words)
            if told is not None and told.number < len(batch):
                batch[told.number].refusal = told.refusal

        with TemporaryDirectory(prefix=_PREFIX, dir=self._parent) as name:
            folder = Path(name)
            (folder / PARAMETERS).write_text(json.dumps([asked.parameters for asked in batch]), "utf-8")
            mark = secrets.token_hex(16)
            process = JobProcess(check, folder, mark, self._limits, self._source_root, self._environment(), hear)
            code = process.wait()
        if code:
            log.warning("%s ended with %d before it could tell all; the jobs will: %s", check.module, code, last_words)
