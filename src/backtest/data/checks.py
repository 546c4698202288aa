"""What rows must be before they are kept: in order, once, and possible."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from backtest.data import columns
from backtest.data.exact import Place
from backtest.data.periods import utc
from backtest.data.series import CANDLE_KINDS, INTERVALS_MS, TRADE_KINDS, refuse
from ports.archives import Recording

_DISORDER = "is earlier than the row before; sort the file, or let `data import --sort` do it"
_REPEAT = "repeats the row before; drop one of the two; `data import --sort` drops equal rows"
_AT_ODDS = "is there a second time with other values; drop the wrong one"


@dataclass(slots=True)
class RowChecks:
    """Checks the blocks of one file, one after the other.

    Args:
        tidy: disorder and equal repeats within a block are put right and told in `notices` instead of being refused.
        interval: of candles; every one must begin where one of this length begins.
    """

    file: str
    kind: Recording
    interval: str = ""
    tidy: bool = False
    notices: list[str] = field(default_factory=list)
    _rows: int = 0
    _last: int | None = None

    def check(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the block as it may be kept.

        Raises:
            InvalidRequest: naming the column, the row and the remedy.
        """
        place, height = Place(self.file, self._rows), rows.height
        if self.kind in CANDLE_KINDS:
            self._candles(rows, place)
        elif self.kind in TRADE_KINDS:
            rows = self._without_nothing(rows) if self.tidy else rows
            self._trades(rows, place)
        self._rows += height
        if rows.is_empty():
            return rows
        rows = self._ordered(rows, place)
        self._last = int(rows[self._key][-1])
        return rows

    @property
    def _key(self) -> str:
        return columns.KEYS[self.kind]

    def _ordered(self, rows: pl.DataFrame, place: Place) -> pl.DataFrame:
        step = rows[self._key].diff().fill_null(1)
        if self._last is not None and rows[self._key][0] <= self._last:
            place.refuse(self._named, 0, _REPEAT if rows[self._key][0] == self._last else _DISORDER)
        if (step > 0).all():
            return rows
        if not self.tidy:
            at = int((step <= 0).arg_true()[0])
            place.refuse(self._named, at, _REPEAT if step[at] == 0 else _DISORDER)
        tidied = rows.unique(maintain_order=True).sort(self._key, maintain_order=True)
        twice = tidied[self._key].is_duplicated()
        if twice.any():
            value = tidied[self._key][int(twice.arg_true()[0])]
            place.refuse(self._named, int((rows[self._key] == value).arg_true()[1]), _AT_ODDS)
        self.notices.append(f"{self.file}: sorted, {rows.height - tidied.height} repeated rows dropped")
        return tidied

    @property
    def _named(self) -> str:
        return {"open_ms": "open_time", "time_ms": "time"}.get(self._key, self._key)

    def _candles(self, rows: pl.DataFrame, place: Place) -> None:
        opened, low, high = rows["open_ms"], rows["low"], rows["high"]
        highest, lowest = rows.select(pl.max_horizontal("open", "close"), b=pl.min_horizontal("open", "close"))
        length = INTERVALS_MS[self.interval]
        rules = (
            ("open_time", opened % length != 0, f"is not where a {self.interval} candle begins; is --interval right?"),
            ("low", low <= 0, "is not above 0; drop the row"),
            ("high", high < low, "is below low: the two columns may be swapped; put them right"),
            ("high", high < highest, "is below open or close; are the columns in the order open, high, low, close?"),
            ("low", low > lowest, "is above open or close; are the columns in the order open, high, low, close?"),
            ("volume", rows["volume"] < 0, "is below 0; mend or drop the row"),
        )
        _judge(rules, place)

    def _without_nothing(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Drop what the venue books at no price or quantity, e.g. against its insurance fund."""
        kept = rows.filter(pl.col("price") > 0, pl.col("quantity") > 0)
        if kept.height < rows.height:
            self.notices.append(f"{self.file}: {rows.height - kept.height} trades without price or quantity dropped")
        return kept

    def _trades(self, rows: pl.DataFrame, place: Place) -> None:
        back = rows["time_us"].diff().fill_null(0) < 0
        rules = (
            ("price", rows["price"] <= 0, "is not above 0; drop the row"),
            ("quantity", rows["quantity"] <= 0, "is not above 0; drop the row"),
            (
                "time",
                back & pl.Series([not self.tidy]),
                "is earlier than the row before, whose id is lower; sort by id",
            ),
        )
        _judge(rules, place)


def infer_interval(opened: pl.Series, file: str, said: str | None) -> str:
    """Return the interval of candles: the smallest step between them, which must be the one that was said.

    Raises:
        InvalidRequest: naming `interval` or `open_time`.
    """
    ordered = opened.unique().sort()
    steps = ordered.diff().drop_nulls()
    if steps.is_empty():
        if said is None:
            refuse("interval", f"{file} has too few rows to tell its interval; say it, e.g. --interval 1m")
        return said
    step = int(steps.min())  # type: ignore[arg-type]
    found = next((name for name, length in INTERVALS_MS.items() if length == step), None)
    if said is not None and INTERVALS_MS[said] == step:
        return said
    if said is not None and found is None and step % INTERVALS_MS[said] == 0:
        return said  # sparse: no two neighbours are there
    if found is None:
        value = ordered[int((steps == step).arg_true()[0]) + 1]
        at = int((opened == value).arg_true()[0])
        refuse("open_time", f"{file}, row {at + 1}: {utc(value)} is {step} ms after the candle before, no interval")
    if said is not None:
        refuse("interval", f"{file} holds candles {found} apart, not {said}; say --interval {found}")
    return found


def _judge(rules: Sequence[tuple[str, pl.Series, str]], place: Place) -> None:
    for name, wrong, remedy in rules:
        if wrong.any():
            place.refuse(name, int(wrong.arg_true()[0]), remedy)
