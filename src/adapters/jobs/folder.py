"""A job's folder: what it was asked, how it stands, what it said, what it yields.

- job.json: the job's `Record`, replaced as a whole on every change; a folder without it is no job
- parameters.json: what its process reads
- log.txt, log.1.txt: the newest of what its processes said, and what came before
- the result files of its kind
"""

import contextlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ports.jobs import JobState

PARAMETERS: Final = "parameters.json"
_RECORD: Final = "job.json"
_LOG: Final = "log.txt"
_OLDER_LOG: Final = "log.1.txt"
_LOG_BYTES: Final = 256 * 1024  # each of the two
_GONE: Final = ".gone-"


@dataclass(slots=True, kw_only=True)
class Record:
    """What of a job is stored. `mark` is a random text in the environment of its processes, by which they are known.

    `parameters` are those that are shown.
    """

    job_id: str
    kind: str
    state: JobState
    created_ms: int
    started_ms: int | None = None
    ended_ms: int | None = None
    reason: str = ""
    mark: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


class JobFolder:
    """One job's files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, record: Record, given: Mapping[str, Any]) -> None:
        """Make the folder with everything a job needs; `given` is what its process reads.

        Raises:
            OSError: if there is no room; nothing of it is left.
        """
        self.path.mkdir(mode=0o700, parents=True)
        try:
            _write(self.path / PARAMETERS, json.dumps(given))
            self.store(record)
        except BaseException:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def store(self, record: Record) -> None:
        _write(self.path / _RECORD, json.dumps(asdict(record)))

    def record(self) -> Record:
        """Read the record back.

        Raises:
            FileNotFoundError: if there is none.
            ValueError: if it is none.
        """
        try:
            told = json.loads((self.path / _RECORD).read_text("utf-8"))
            return Record(**{**told, "state": JobState(told["state"])})
        except (TypeError, KeyError) as error:
            raise ValueError(str(error)) from error

    def lacks(self, names: tuple[str, ...]) -> list[str]:
        """Return those of the result files that are not there."""
        return [name for name in names if not (self.path / name).is_file()]

    def size(self) -> int:
        """Return the bytes of all its files that can be seen."""
        total = 0
        for parent, _, names in os.walk(self.path):
            for name in names:
                with contextlib.suppress(OSError):  # removed meanwhile
                    total += (Path(parent) / name).lstat().st_size
        return total

    def remove(self) -> None:
        """Remove it; a crash in between leaves nothing that looks like a job."""
        gone = self.path.with_name(f"{_GONE}{self.path.name}")
        self.path.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    # --- its log ---

    def log(self) -> str:
        parts = [self.path / _OLDER_LOG, self.path / _LOG]
        return "".join(file.read_text("utf-8", "replace") for file in parts if file.exists())

    def last_words(self) -> str:
        """Return the last line that its processes said."""
        lines = self.log().rstrip().splitlines()
        return lines[-1].strip() if lines else ""


class JobLog:
    """The log while it is written: of a long one, the beginning is dropped."""

    def __init__(self, folder: Path) -> None:
        self._file, self._older = folder / _LOG, folder / _OLDER_LOG
        self._stream = self._file.open("ab")

    def say(self, line: bytes) -> None:
        """Add a line; where the disk is full, it is lost and the job goes on."""
        try:
            if self._stream.tell() >= _LOG_BYTES:
                self._stream.close()
                self._file.replace(self._older)
                self._stream = self._file.open("ab")
            self._stream.write(line)
            self._stream.flush()
        except OSError:
            return

    def close(self) -> None:
        self._stream.close()


def sweep(parent: Path) -> None:
    """Remove what a crash left of jobs that were just beginning, or just being removed."""
    for folder in parent.iterdir() if parent.is_dir() else ():
        if folder.is_dir() and (folder.name.startswith(_GONE) or not (folder / _RECORD).exists()):
            shutil.rmtree(folder, ignore_errors=True)


def _write(file: Path, text: str) -> None:
    """Replace a file as a whole, so that a crash leaves the old one or the new one, also when power is lost."""
    fresh = file.with_name(f"{file.name}.part")
    with fresh.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(file)
