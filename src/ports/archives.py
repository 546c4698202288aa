"""Getting recorded markets from where the venue publishes them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from domain.instrument import Market


class Recording(StrEnum):
    """What is recorded."""

    KLINES = "klines"
    MARK = "mark"
    TRADES = "trades"
    AGG_TRADES = "aggTrades"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFile:
    """One file of an archive: a whole month, or one of its days.

    `symbol` is the venue's own text; `interval` is empty but for candles.
    """

    market: Market
    kind: Recording
    symbol: str
    interval: str
    year: int
    month: int
    day: int | None = None

    @property
    def period(self) -> str:
        text = f"{self.year:04}-{self.month:02}"
        return text if self.day is None else f"{text}-{self.day:02}"


class Archives(Protocol):
    """A place of archived recordings. Errors: Unreachable (it does not answer, or breaks off again and again)."""

    @property
    def address(self) -> str:
        """Return the address it is reached by, for messages."""
        ...

    def url(self, file: ArchiveFile) -> str:
        """Return where the file would lie."""
        ...

    async def size(self, file: ArchiveFile) -> int | None:
        """Return the file's bytes, None if there is no such file."""
        ...

    async def fetch(self, file: ArchiveFile, folder: Path, arrived: Callable[[int], None]) -> Path:
        """Bring the file into `folder`, check it against its checksum and return it; `arrived` hears its bytes so far.

        What an earlier call left unfinished is continued.

        Raises:
            NotFound: if there is no such file.
            Corrupt: if it does not match its checksum; nothing of it is kept.
        """
        ...

    async def close(self) -> None: ...
