"""What the commands print, line by line."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from backtest.data.coverage import Coverage, Extent, gap_text
from backtest.data.getting import Outcome
from backtest.data.importing import Imported
from backtest.data.periods import utc
from backtest.data.room import size_text
from backtest.data.series import WORD_OF_MARKET, Series
from backtest.data.store import Put
from backtest.wording import counted

_SHOWN: int = 20


def series_words(series: Series) -> dict[str, Any]:
    """Return a series as the words that name it on the command line."""
    return {
        "market": WORD_OF_MARKET[series.market],
        "kind": str(series.kind),
        "symbol": series.symbol,
        "interval": series.interval or None,
    }


def outcome_lines(series: Series, told: Outcome, folder: Path) -> list[str]:
    """Describe what came of a download."""
    lines = [f"{series}: {len(told.fetched)} files fetched, {_put(told.put)}, in {folder}"]
    remarks = (
        ("stored before", told.stored_before),
        ("not listed then", told.not_listed),
        ("the archive has no file of", told.missing),
        ("not published yet", told.not_yet),
    )
    lines += [f"  {remark}: {_spans(periods)}" for remark, periods in remarks if periods]
    lines += [f"  note: {notice}" for notice in told.notices]
    return [*lines, *(f"  FAILED {period}: {why}" for period, why in sorted(told.failed.items()))]


def import_lines(done: Sequence[Imported], folder: Path) -> list[str]:
    """Describe what became of files."""
    lines = [f"{one.file}: {one.series}, {_put(one.put)}" for one in done]
    notes = {note: [one.file for one in done if note in one.notices] for one in done for note in one.notices}
    lines += [f"  note, {files[0]}{_more(len(files) - 1)}: {note}" for note, files in notes.items()]
    return [*lines, f"stored in {folder}"]


def extent_lines(extents: Sequence[Extent], folder: Path) -> list[str]:
    """Describe all that is stored."""
    if not extents:
        return [f"nothing is stored in {folder}; begin with: python -m backtest data get BTCUSDT --from 2023-01"]
    rows = [
        (str(one.series), utc(one.first_ms), utc(one.end_ms), f"{one.rows:,}", size_text(one.bytes_on_disk))
        for one in extents
    ]
    table = [("recording", "from", "until", "rows", "size"), *rows]
    widths = [max(len(row[at]) for row in table) for at in range(5)]
    lines = [
        "  ".join(
            cell.rjust(width) if at > 2 else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    ]
    return [*lines, f"in {folder}; times are UTC"]


def coverage_lines(found: Coverage) -> list[str]:
    """Describe one recording and its gaps."""
    reach = f"{found.series}: {found.rows:,} rows from {utc(found.first_ms)} until {utc(found.end_ms)}"
    if not found.gaps:
        return [f"{reach}, nothing is missing"]
    shown = [f"  {gap_text(gap)}" for gap in found.gaps[:_SHOWN]]
    more = [f"  and {len(found.gaps) - _SHOWN} more; --json lists them all"] if len(found.gaps) > _SHOWN else []
    return [f"{reach}, {found.missing:,} missing in {counted(len(found.gaps), 'gap')}", *shown, *more]


def _put(put: Put) -> str:
    parts = [f"{put.added:,} rows added"]
    if put.same:
        parts.append(f"{put.same:,} were there")
    if put.replaced:
        parts.append(f"{put.replaced:,} replaced")
    return ", ".join(parts)


def _spans(periods: Sequence[str]) -> str:
    """Return `2017-01 to 2017-07` for a long list; its order is time's."""
    ordered = sorted(periods)
    return ", ".join(ordered) if len(ordered) <= 3 else f"{ordered[0]} to {ordered[-1]} ({len(ordered)})"


def _more(files: int) -> str:
    return f" and {files} more" if files > 0 else ""
