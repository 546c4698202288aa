"""Bad candles are refused by name and row; gaps are listed."""

from typing import Any

import numpy as np
import pytest

from backtest.candles import BadCandles, Gap
from fakes.replay_examples import CENT, MINUTE_MS, START_MS, candles

ROWS = [(100, 110, 90, 105), (105, 106, 100, 101), (101, 120, 101, 119)]


def with_times(*minutes: int) -> dict[str, Any]:
    return {"open_ms": START_MS + MINUTE_MS * np.array(minutes, dtype=np.int64)}


@pytest.mark.parametrize(
    ("rows", "changes", "message"),
    [
        ([(100, 110, 101, 105)], {}, r"row 0: open .* do not lie between low"),
        ([(100, 104, 90, 105)], {}, r"row 0: open .* do not lie between low"),
        ([(100, 110, 0, 105)], {}, r"row 0: low is 0; prices must be above 0"),
        (ROWS, with_times(0, 2, 1), r"row 2: .* is older than the row before it; sort the rows"),
        (ROWS, with_times(0, 1, 1), r"row 2: .* repeats the row before it; sort the rows and drop doubles"),
        (ROWS, {"interval_ms": 7_000}, r"row 1: .* no whole number of intervals of 7000 ms"),
        (ROWS, {"open_ms": np.array([1, 2, 3]) + 1_722_729_600}, "is not in milliseconds since 1970"),
        (ROWS, {"volume": np.array([1.0, float("nan"), 2.0])}, "row 1: volume is nan; use 0 where none is known"),
        (ROWS, {"volume": np.array([1.0, 2.0])}, "column volume has 2 rows, open_ms has 3"),
        (ROWS, {"close": np.array([1.0, 2.0, 3.0])}, "column close must be one row of int64, was float64"),
        (ROWS, {"interval_ms": 0}, "interval_ms must be above 0"),
    ],
)
def test_bad_candles_are_refused_by_row_and_remedy(rows: Any, changes: dict[str, Any], message: str):
    with pytest.raises(BadCandles, match=message):
        candles(rows, **changes)


def test_gaps_are_listed_and_not_refused():
    found = candles(ROWS, **with_times(0, 1, 5)).gaps
    assert found == (Gap(START_MS + 2 * MINUTE_MS, START_MS + 5 * MINUTE_MS, 3),)


def test_a_window_without_candles_says_how_far_the_data_reaches():
    market = candles(ROWS)
    assert len(market.between(START_MS + 1, START_MS + 3 * MINUTE_MS)) == 2
    told = "between 2024-08-04 00:03 and 2024-08-04 00:09; the data reaches from 2024-08-04 00:00 to 2024-08-04 00:03"
    with pytest.raises(BadCandles, match=told):
        market.between(START_MS + 3 * MINUTE_MS, START_MS + 9 * MINUTE_MS)


def test_candles_cannot_be_changed_after_they_were_checked():
    market = candles(ROWS)
    with pytest.raises(ValueError, match="read-only"):
        market.low[0] = 95 * CENT
