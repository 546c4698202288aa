"""A sweep on disk: what it is, the parts that are done, and at the end one table.

Every file appears whole or not at all, so a sweep that was stopped, or killed, goes on with what is missing.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from filelock import FileLock, Timeout

from backtest.report.document import write_whole
from backtest.sweep.task import RETURNS, ROW, differing
from domain.errors import Conflict, NotFound

FORMAT: Final = 1
STATE: Final = "sweep.json"
PARTS: Final = "parts"
RESULTS: Final = "results.parquet"
_ROWS_PER_GROUP: Final = 100_000


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """The folder of one sweep."""

    folder: Path

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

    @property
    def exists(self) -> bool:
        return (self.folder / STATE).exists()

    @property
    def is_finished(self) -> bool:
        return (self.folder / RESULTS).exists()

    def begin(self, words: Mapping[str, Any], identity: Mapping[str, str], rows: int) -> None:
        """Note what is swept.

        Raises:
            Conflict: if the folder holds a sweep already.
        """
        if self.exists:
            raise Conflict(f"{self.folder} holds a sweep; go on with it: --resume {self.folder}, or name another --out")
        (self.folder / PARTS).mkdir(parents=True, exist_ok=True)
        told = {"format": FORMAT, "rows": rows, "identity": dict(identity), "words": dict(words)}
        write_whole(self.folder / STATE, json.dumps(told, indent=1) + "\n")

    def words(self) -> dict[str, Any]:
        """Return the words that the sweep was begun with.

        Raises:
            NotFound: if the folder holds none.
            Conflict: if what it holds cannot be read.
        """
        words: dict[str, Any] = self._state()["words"]
        return words

    def check(self, identity: Mapping[str, str]) -> None:
        """Refuse to go on with what is not the same sweep.

        Raises:
            NotFound, Conflict: as of `words`; naming what differs.
        """
        other = differing(identity, self._state()["identity"])
        if other:
            named = {"program": "this version of the program", "account": "capital, fees, fill or path"}
            raise Conflict(
                f"{self.folder} holds another sweep: other {', '.join(named.get(name, name) for name in other)}. "
                "Results of both would be mixed; begin anew in another folder, --out"
            )

    def write(self, table: pl.DataFrame) -> None:
        """Keep a part; its rows are one stretch."""
        first, last = table[ROW][0], table[ROW][-1]
        file = self.folder / PARTS / f"{first:07}-{last:07}.parquet"
        fresh = file.with_suffix(".writing")
        table.write_parquet(fresh)
        fresh.replace(file)

    def missing(self, rows: int) -> list[range]:
        """Return the stretches of rows that no part holds. A damaged part is dropped."""
        done = sorted(self._ends(file) for file in self._parts() if self._is_whole(file))
        missing, at = [], 0
        for first, last in done:
            if first > at:
                missing.append(range(at, first))
            at = max(at, last + 1)
        return [*missing, range(at, rows)] if at < rows else missing

    def finish(self) -> pl.DataFrame:
        """Put the parts together, drop them, and return the table with the daily returns that were kept."""
        table = pl.concat([pl.read_parquet(file) for file in self._parts()]).unique(ROW).sort(ROW).rechunk()
        fresh = self.folder / f"{RESULTS}.writing"
        table.drop(RETURNS).write_parquet(fresh, row_group_size=_ROWS_PER_GROUP)
        fresh.replace(self.folder / RESULTS)
        return table

    def tidy(self) -> None:
        """Drop the parts of a finished sweep."""
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    def done(self) -> pl.DataFrame | None:
        """Return what is done so far."""
        tables = [pl.read_parquet(file) for file in self._parts()]
        return pl.concat(tables) if tables else None

    def _state(self) -> dict[str, Any]:
        file = self.folder / STATE
        try:
            told = json.loads(file.read_text("utf-8"))
        except FileNotFoundError:
            raise NotFound(f"{self.folder} holds no sweep ({STATE} is missing)") from None
        except (OSError, ValueError) as error:
            raise Conflict(f"{file} cannot be read: {error}; begin anew in another folder") from None
        if not isinstance(told, dict) or told.get("format") != FORMAT:
            raise Conflict(f"{file} was written by another version of the program; begin anew in another folder")
        return told

    def _parts(self) -> list[Path]:
        return sorted((self.folder / PARTS).glob("*.parquet"))

    def _ends(self, file: Path) -> tuple[int, int]:
        first, _, last = file.stem.partition("-")
        return int(first), int(last)

    def _is_whole(self, file: Path) -> bool:
        try:
            first, last = self._ends(file)
            if pl.read_parquet(file, columns=[ROW]).height == last - first + 1:
                return True
        except (OSError, ValueError, pl.exceptions.PolarsError):
            pass
        file.unlink(missing_ok=True)
        return False


def cut(missing: Iterable[range], size: int) -> list[Sequence[int]]:
    """Return the rows in pieces of at most `size`."""
    return [rows[at : at + size] for rows in missing for at in range(0, len(rows), size)]
