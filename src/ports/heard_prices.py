"""The prices a grid heard, kept for comparing it with a replay: who keeps them, where, and how they are written.

One text file per grid and UTC day. A line is a price, `<ms since the line before>,<price>,<quantity>,<lag>;`, or a
mark, `!<word> <ms since the epoch>;`, from whose time the next price counts. A quantity is empty where it is not known;
`lag`, by how many ms our wall clock was ahead of the market's time when it was heard, is left out until it moves by
more than a quarter second. A price that is repeated is not written again but at a rung of the grid, where it may fill;
elsewhere its quantity is added. A line without its semicolon was cut short and counts for nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from domain.events import PriceSeen
from domain.instrument import Instrument
from domain.money import parse_amount, plain
from ports.store import GridRow

FOLDER: Final = "prices"
"""Where the files lie in the data folder."""
ENDING: Final = ".prices"
PACKED: Final = ".prices.gz"
LAG_STEP_MS: Final = 250


class Mark(StrEnum):
    """What is known of a moment besides a price."""

    OPEN = "open"  # listening begins; what was before it was not heard
    DAY = "day"  # the day before went on until here
    LOST = "lost"  # the stream broke off
    DROPPED = "dropped"  # prices came faster than they could be kept
    FULL = "full"  # the day's file is as large as it may be; no more of that day is kept


@dataclass(frozen=True, slots=True)
class Heard:
    """One price; `lag_ms` is wall time less market time."""

    time_ms: int
    price: Decimal
    quantity: Decimal | None
    lag_ms: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A moment worth noting."""

    time_ms: int
    word: Mark


class Ear(Protocol):
    """Hears for one grid. It returns at once and never raises, on whatever thread."""

    def heard(self, event: PriceSeen) -> None: ...

    def lost(self) -> None:
        """Note that the stream broke off."""


class PriceRecorder(Protocol):
    def ear(self, row: GridRow) -> Ear:
        """Return what the grid's prices go to; for the same grid always the same."""


def folder_of(data_dir: Path, account_id: str, grid_id: int, instrument: Instrument) -> Path:
    """Return where a grid's files lie."""
    account = account_id.replace(":", "-")
    return data_dir / FOLDER / account / f"{grid_id}-{instrument.market}-{instrument.base}{instrument.quote}"


class Writer:
    """Turns what is heard into lines, one after the other."""

    def __init__(self, rungs: Iterable[Decimal]) -> None:
        self._rungs = frozenset(rungs)
        self._base_ms = 0
        self._lag_ms: int | None = None
        self._last: Heard | None = None
        self._pending: Heard | None = None

    def mark(self, mark: Marked) -> str:
        """Return the line of a mark, after what was still to be written."""
        line = f"{self.rest()}!{mark.word} {mark.time_ms};\n"
        self._base_ms, self._lag_ms, self._last = mark.time_ms, None, None
        return line

    def price(self, heard: Heard) -> str:
        """Return the lines that are finished by this price; none where it adds nothing."""
        last = self._last
        if last is not None and heard.price == last.price:
            if heard.quantity is None:
                return ""
            if self._pending is not None and heard.price not in self._rungs:
                before = self._pending.quantity or Decimal(0)
                self._pending = Heard(self._pending.time_ms, heard.price, before + heard.quantity, self._pending.lag_ms)
                return ""
        line = self.rest()
        self._last = self._pending = heard
        return line

    def rest(self) -> str:
        """Return the line of the price that was not written yet, if there is one."""
        heard, self._pending = self._pending, None
        if heard is None:
            return ""
        quantity = "" if heard.quantity is None else plain(heard.quantity)
        parts = [str(heard.time_ms - self._base_ms), plain(heard.price), quantity]
        self._base_ms = heard.time_ms
        if self._lag_ms is None or abs(heard.lag_ms - self._lag_ms) > LAG_STEP_MS:
            self._lag_ms = heard.lag_ms
            parts.append(str(heard.lag_ms))
        return f"{','.join(parts)};\n"


def read_lines(lines: Iterable[str]) -> Iterator[Heard | Marked]:
    """Yield what a file's lines tell, in their order; what cannot be read is left out up to the next mark."""
    before: Heard | Marked | None = None
    for line in lines:
        text = line.rstrip("\n")
        if not text:
            continue
        try:
            before = _told(text, before)
        except ValueError:  # the times after it count from it
            before = None
        if before is not None:
            yield before


def _told(text: str, before: Heard | Marked | None) -> Heard | Marked | None:
    if not text.endswith(";"):
        raise ValueError(text)
    if text.startswith("!"):
        word, _, moment = text[1:-1].partition(" ")
        return Marked(int(moment), Mark(word))
    if before is None:
        return None
    since_ms, price, quantity, *lag = text[:-1].split(",")
    lag_ms = before.lag_ms if isinstance(before, Heard) else 0
    return Heard(
        before.time_ms + int(since_ms),
        parse_amount(price),
        parse_amount(quantity) if quantity else None,
        int(lag[0]) if lag else lag_ms,
    )
