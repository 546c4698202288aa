from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.market.feed import MarketError
from simulator.market.intervals import INTERVALS, epoch_ms, interval_bounds


def at(*parts: int) -> int:
    return epoch_ms(datetime(*parts, tzinfo=UTC))


@pytest.mark.parametrize(
    ("interval", "opens", "next_opens"),
    [
        ("1s", at(2024, 8, 8, 23, 55, 7), at(2024, 8, 8, 23, 55, 8)),
        ("3m", at(2024, 8, 8, 23, 54), at(2024, 8, 8, 23, 57)),
        ("8h", at(2024, 8, 8, 16), at(2024, 8, 9)),
        ("3d", at(2024, 8, 6), at(2024, 8, 9)),
        ("1w", at(2024, 8, 5), at(2024, 8, 12)),
        ("1M", at(2024, 8, 1), at(2024, 9, 1)),
    ],
)
def test_intervals_begin_where_binance_begins_them(interval: str, opens: int, next_opens: int) -> None:
    assert interval_bounds(interval, at(2024, 8, 8, 23, 55, 7)) == (opens, next_opens - 1)


def test_months_have_their_own_length() -> None:
    assert interval_bounds("1M", at(2024, 2, 29, 12)) == (at(2024, 2, 1), at(2024, 3, 1) - 1)
    assert interval_bounds("1M", at(2023, 12, 31, 23, 59, 59)) == (at(2023, 12, 1), at(2024, 1, 1) - 1)


@given(st.sampled_from(INTERVALS), st.integers(0, 4_000_000_000_000))
def test_every_moment_lies_in_its_interval_and_intervals_touch(interval: str, time_ms: int) -> None:
    opens, closes = interval_bounds(interval, time_ms)
    assert opens <= time_ms <= closes
    assert interval_bounds(interval, closes) == (opens, closes)
    assert interval_bounds(interval, closes + 1)[0] == closes + 1


def test_an_unknown_interval_is_refused_with_the_known_ones() -> None:
    with pytest.raises(MarketError, match="interval '7m' is unknown; use one of 1s 1m"):
        interval_bounds("7m", 0)
