"""One market's candles, checked once: what every replay reads."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from backtest.data.periods import utc
from backtest.wording import counted
from domain.instrument import Market

IntColumn = npt.NDArray[np.int64]
FloatColumn = npt.NDArray[np.float64]

_OLDEST_MS: Final = 10**11  # 1973: what lies before it was written in seconds
_NEWEST_MS: Final = 10**14  # the year 5138: what lies after it was written in microseconds


class BadCandles(ValueError):
    """Candles that cannot be replayed; the text names the row and what to do."""


class Gap(NamedTuple):
    """Candles that are missing: `missing` of them from `from_ms` until just before `until_ms`."""

    from_ms: int
    until_ms: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candles:
    """Closed candles of one symbol, oldest first.

    Prices are whole units of 1e-8 of the quote asset, `open_ms` is ms since the epoch (UTC), `volume` is base traded
    (a float: it only ever scales a declared assumption). A gap is no mistake, `gaps` lists it.

    Raises:
        BadCandles: for rows that are empty, unsorted, doubled, not positive, or whose low and high do not enclose
            open and close.
    """

    symbol: str
    market: Market
    interval_ms: int
    open_ms: IntColumn
    open: IntColumn
    high: IntColumn
    low: IntColumn
    close: IntColumn
    volume: FloatColumn

    def __post_init__(self) -> None:
        if self.interval_ms <= 0:
            raise BadCandles(f"interval_ms must be above 0, was {self.interval_ms}")
        self._check_columns()
        self._check_times()
        self._check_prices()
        for name in ("open_ms", "open", "high", "low", "close", "volume"):
            getattr(self, name).flags.writeable = False

    def __len__(self) -> int:
        return len(self.open_ms)

    @property
    def start_ms(self) -> int:
        return int(self.open_ms[0])

    @property
    def end_ms(self) -> int:
        """Return the first millisecond after the last candle."""
        return int(self.open_ms[-1]) + self.interval_ms

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Return where candles are missing."""
        steps = np.diff(self.open_ms)
        return tuple(
            Gap(
                int(self.open_ms[at]) + self.interval_ms,
                int(self.open_ms[at + 1]),
                int(steps[at] // self.interval_ms) - 1,
            )
            for at in np.flatnonzero(steps > self.interval_ms)
        )

    @property
    def missing_share(self) -> float:
        """Return the fraction of the candles from the first to the last that is missing."""
        due = (self.end_ms - self.start_ms) // self.interval_ms
        return (due - len(self)) / due

    def between(self, from_ms: int, until_ms: int) -> "Candles":
        """Return the candles that open in [from_ms, until_ms).

        Raises:
            BadCandles: if there are none.
        """
        first, last = np.searchsorted(self.open_ms, [from_ms, until_ms])
        part = slice(int(first), int(last))
        if part.start >= part.stop:
            raise BadCandles(
                f"{self.symbol} has no candles between {utc(from_ms)} and {utc(until_ms)}; "
                f"the data reaches from {utc(self.start_ms)} to {utc(self.end_ms)}, with "
                f"{counted(len(self.gaps), 'gap')}"
            )
        return replace(
            self,
            open_ms=self.open_ms[part],
            open=self.open[part],
            high=self.high[part],
            low=self.low[part],
            close=self.close[part],
            volume=self.volume[part],
        )

    def _check_columns(self) -> None:
        rows = len(self.open_ms)
        if rows == 0:
            raise BadCandles(f"{self.symbol} has no candles in this window; choose another window or get the data")
        for name in ("open_ms", "open", "high", "low", "close", "volume"):
            column = getattr(self, name)
            wanted = np.float64 if name == "volume" else np.int64
            if column.dtype != wanted or column.ndim != 1:
                raise BadCandles(f"column {name} must be one row of {np.dtype(wanted)}, was {column.dtype}")
            if len(column) != rows:
                raise BadCandles(f"column {name} has {len(column)} rows, open_ms has {rows}; give all the same length")

    def _check_times(self) -> None:
        if not _OLDEST_MS < self.start_ms < _NEWEST_MS:
            raise BadCandles(f"row 0: open_ms {self.start_ms} is not in milliseconds since 1970; convert the column")
        steps = np.diff(self.open_ms)
        row = _first(steps <= 0)
        if row is not None:
            fault = "repeats the row before it" if steps[row] == 0 else "is older than the row before it"
            raise BadCandles(f"row {row + 1}: open_ms {self.open_ms[row + 1]} {fault}; sort the rows and drop doubles")
        row = _first(steps % self.interval_ms != 0)
        if row is not None:
            raise BadCandles(
                f"row {row + 1}: open_ms {self.open_ms[row + 1]} is no whole number of intervals of "
                f"{self.interval_ms} ms after row {row}; give the interval the candles really have"
            )

    def _check_prices(self) -> None:
        row = _first(self.low <= 0)
        if row is not None:
            raise BadCandles(f"row {row}: low is {self.low[row]}; prices must be above 0, drop or repair the row")
        lowest, highest = np.minimum(self.open, self.close), np.maximum(self.open, self.close)
        row = _first((self.low > lowest) | (self.high < highest))
        if row is not None:
            raise BadCandles(
                f"row {row}: open {self.open[row]} and close {self.close[row]} do not lie between low "
                f"{self.low[row]} and high {self.high[row]}; the columns may be swapped"
            )
        row = _first(~(self.volume >= 0))
        if row is not None:
            raise BadCandles(f"row {row}: volume is {self.volume[row]}; use 0 where none is known")


def _first(mistakes: npt.NDArray[np.bool_]) -> int | None:
    """Return the first row that is marked."""
    return int(np.argmax(mistakes)) if mistakes.any() else None
