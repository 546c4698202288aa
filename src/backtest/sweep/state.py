"""A folder in which long work is begun and gone on with: what it was begun with, and whose results lie in it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from filelock import FileLock, Timeout

from backtest.sweep.task import differing
from backtest.whole_files import write_text
from domain.errors import Conflict, NotFound

FORMAT: Final = 1
_NAMES: Final = {"program": "version of the program", "account": "capital, fees, fill, path, delays or limit"}


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """The folder of one `noun`: a sweep or a search."""

    folder: Path
    noun: str

    @property
    def file(self) -> Path:
        return self.folder / f"{self.noun}.json"

    @property
    def exists(self) -> bool:
        return self.file.exists()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Keep other processes out meanwhile.

        Raises:
            Conflict: if one is at it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / ".lock", timeout=0):
                yield
        except Timeout:
            raise Conflict(f"another command works on {self.folder}; wait until it has ended") from None

    def check_unused(self) -> None:
        """Refuse to begin where something was begun already.

        Raises:
            Conflict: saying how to go on with it.
        """
        if self.exists:
            raise Conflict(
                f"{self.folder} holds a {self.noun}; go on with it: --resume {self.folder}, or name another --out"
            )

    def begin(self, words: Mapping[str, Any], identity: Mapping[str, str]) -> None:
        """Note what is begun.

        Raises:
            Conflict: if something was begun there already.
        """
        self.check_unused()
        self.folder.mkdir(parents=True, exist_ok=True)
        told = {"format": FORMAT, "identity": dict(identity), "words": dict(words)}
        write_text(self.file, json.dumps(told, indent=1) + "\n")

    def words(self) -> dict[str, Any]:
        """Return the words that it was begun with.

        Raises:
            NotFound: if nothing was.
            Conflict: if what is noted cannot be read.
        """
        words: dict[str, Any] = self._noted()["words"]
        return words

    def check(self, identity: Mapping[str, str]) -> None:
        """Refuse to go on with what is not the same.

        Raises:
            NotFound, Conflict: as of `words`; naming what differs.
        """
        other = [_NAMES.get(name, name) for name in differing(identity, self._noted()["identity"])]
        if other:
            raise Conflict(
                f"{self.folder} holds another {self.noun}: other {', '.join(other)}. "
                "Results of both would be mixed; begin anew in another folder, --out"
            )

    def _noted(self) -> dict[str, Any]:
        try:
            told = json.loads(self.file.read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(f"{self.folder} holds no {self.noun} ({self.file.name} is missing)") from None
        except (OSError, ValueError) as error:
            raise Conflict(f"{self.file} cannot be read: {error}; begin anew in another folder") from None
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise Conflict(f"{self.file} was written by another version of the program; begin anew in another folder")
        return told
