"""A look at what a job is given before it is taken, by a short process that may load what the server may not."""

import json
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
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


class Checks:
    """Looks, one at a time, as modest as jobs are.

    Args:
        parent: the folder of jobs; a look has one of its own in there while it lasts.
        source_root: where modules are found.
        environment: all that its process gets to see of ours.
        limits: bounds of each job, and `check_s`.
    """

    def __init__(
        self, parent: Path, source_root: Path, environment: Callable[[], Mapping[str, str]], limits: JobLimits
    ) -> None:
        self._parent, self._source_root, self._environment, self._limits = parent, source_root, environment, limits
        self._turn = Lock()

    def refuse_unfit(self, kind: JobKind, parameters: Mapping[str, Any]) -> None:
        """Refuse what is known not to work. What could not be looked at in time passes: the job itself tells.

        Raises:
            InvalidRequest, Conflict: as the kind tells it.
            OSError: if there is no room for its folder, or no process can be made.
        """
        end_s = monotonic() + self._limits.check_s
        if not kind.check or not self._turn.acquire(timeout=self._limits.check_s):
            return
        try:
            left_s = end_s - monotonic()
            refusal = (
                self._refusal(replace(kind, module=kind.check, longest_s=left_s), parameters) if left_s > 0 else None
            )
        finally:
            self._turn.release()
        if refusal is not None:
            raise refusal

    def _refusal(self, check: JobKind, parameters: Mapping[str, Any]) -> InvalidRequest | Conflict | None:
        heard: list[InvalidRequest | Conflict] = []
        last_words = ""

        def hear(line: bytes) -> None:
            nonlocal last_words
            last_words = line.decode("utf-8", "replace").strip()
            if (refusal := read_refusal(last_words)) is not None:
                heard.append(refusal)

        with TemporaryDirectory(prefix=_PREFIX, dir=self._parent) as name:
            folder = Path(name)
            (folder / PARAMETERS).write_text(json.dumps(parameters), "utf-8")
            mark = secrets.token_hex(16)
            process = JobProcess(check, folder, mark, self._limits, self._source_root, self._environment(), hear)
            code = process.wait()
        if heard:
            return heard[0]
        if code:
            log.warning("%s ended with %d before it could tell; the job will: %s", check.module, code, last_words)
        return None
