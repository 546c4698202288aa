"""One file's way into the store: read, checked, kept."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from backtest.data import columns
from backtest.data.checks import RowChecks
from backtest.data.reading import Dialect, Source
from backtest.data.series import TRADE_KINDS, Series, refuse
from backtest.data.store import Put, Store
from ports.archives import Recording

_DAY_US: Final = 86_400_000_000
CHECKSUM_ENDING: Final = ".CHECKSUM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What is done with files on their way in. `tidy` sorts and drops equal repeats, `replace` overrules the store."""

    dialect: Dialect = field(default_factory=Dialect)
    tidy: bool = False
    replace: bool = False

    def read(self, source: Source, kind: Recording) -> Iterator[pl.DataFrame]:
        """Yield a file's rows as they stand there: trades in blocks, all else at once.

        Raises:
            InvalidRequest: naming the column, the row and the remedy.
        """
        blocks = source.blocks(kind, self.dialect)
        if kind in TRADE_KINDS:
            yield from blocks
        else:
            yield pl.concat(list(blocks))

    def checked(
        self, source: Source, series: Series, notices: list[str], rows: Iterable[pl.DataFrame] | None = None
    ) -> Iterator[pl.DataFrame]:
        """Yield a file's rows, checked: trades day by day, all else at once. `rows` spares reading it again.

        Raises:
            InvalidRequest: naming the column, the row and the remedy.
        """
        checks = RowChecks(source.path.name, series.kind, series.interval, self.tidy, notices)
        blocks = (checks.check(block) for block in rows or self.read(source, series.kind))
        yield from _by_day(blocks) if series.kind in TRADE_KINDS else blocks

    def keep(
        self,
        store: Store,
        series: Series,
        parts: Iterable[pl.DataFrame],
        archived_days: Sequence[str] = (),
    ) -> Put:
        """Store parts that hold a day each, or everything.

        Raises:
            InvalidRequest: from reading them.
            Conflict: if rows contradict stored ones; of trades the days before are stored then.
        """
        told, left = Put(), list(archived_days)
        for part in parts:
            days = left
            if series.of_days:
                day = part["time_us"].cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d")[0]
                days = [known for known in left if known == day]
            told += store.put(series, part, archived_days=days, replace=self.replace)
            left = [day for day in left if day not in days]
        if left:
            told += store.put(series, columns.empty_frame(series.kind), archived_days=left)
        return told


def check_against_checksum(path: Path) -> bool:
    """Compare a file with the checksum file that lies beside it; return whether there is one.

    Raises:
        InvalidRequest: if they do not agree.
    """
    beside = path.with_name(path.name + CHECKSUM_ENDING)
    if not beside.is_file():
        return False
    expected = beside.read_text("ascii", "replace").split(maxsplit=1)[:1]
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if expected != [found]:
        refuse("file", f"{path.name} does not agree with {beside.name}; get the file anew, or delete the checksum file")
    return True


def _by_day(blocks: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the rows of each day as one frame; nothing but the day under way is held."""
    rest: pl.DataFrame | None = None
    for block in blocks:
        rows = block if rest is None else pl.concat([rest, block])
        dated = rows.with_columns((pl.col("time_us") // _DAY_US).alias("__day"))
        parts = dated.partition_by("__day", maintain_order=True, include_key=False)
        yield from parts[:-1]
        rest = parts[-1] if parts else None
    if rest is not None:
        yield rest
