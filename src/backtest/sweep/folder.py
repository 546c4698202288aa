"""The parts of a sweep that are done, and at the end one table.

Every file appears whole or not at all, so a sweep that was stopped, or killed, goes on with what is missing.
"""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from backtest.sweep.state import WorkFolder
from backtest.sweep.task import RETURNS, ROW
from backtest.whole_files import write_table

PARTS: Final = "parts"
RESULTS: Final = "results.parquet"
_ROWS_PER_GROUP: Final = 100_000


@dataclass(frozen=True, slots=True)
class SweepFolder:
    """The folder of one sweep."""

    folder: Path

    @property
    def state(self) -> WorkFolder:
        return WorkFolder(self.folder, "sweep")

    @property
    def is_finished(self) -> bool:
        """Return whether everything was written: parts are dropped last, after table and report."""
        return (self.folder / RESULTS).exists() and not (self.folder / PARTS).exists()

    def write(self, table: pl.DataFrame) -> None:
        """Keep a part; its rows are one stretch."""
        first, last = table[ROW][0], table[ROW][-1]
        file = self.folder / PARTS / f"{first:07}-{last:07}.parquet"
        write_table(file, table, row_group_size=_ROWS_PER_GROUP)

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
        write_table(self.folder / RESULTS, table.drop(RETURNS), row_group_size=_ROWS_PER_GROUP)
        return table

    def tidy(self) -> None:
        """Drop the parts of a finished sweep."""
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)

    def done(self) -> pl.DataFrame | None:
        """Return what is done so far."""
        tables = [pl.read_parquet(file) for file in self._parts()]
        return pl.concat(tables) if tables else None

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
