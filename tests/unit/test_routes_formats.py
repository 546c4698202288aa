import pytest
from hypothesis import given
from hypothesis import strategies as st

from routes.formats import iso, uptime
from routes.links import page_links


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "0h 0m"), (135, "2h 15m"), (59, "0h 59m"), (24 * 60, "24h 0m"), (-5, "0h 0m")]
)
def test_uptime_is_told_in_hours_and_minutes(minutes: int, text: str) -> None:
    assert uptime(minutes * 60_000) == text


def test_times_are_iso_in_utc() -> None:
    assert iso(1_705_321_800_999) == "2024-01-15T12:30:00Z"


@given(st.integers(0, 4_000_000_000_000))
def test_every_time_ends_in_z(epoch_ms: int) -> None:
    assert len(iso(epoch_ms)) == len("2024-01-15T12:30:00Z")


def test_links_keep_the_query_and_change_one_part() -> None:
    header = page_links("/api/trades/BTCUSDT?limit=2&market_type=spot", {"next": {"before": 41}})
    assert header == {"Link": '</api/trades/BTCUSDT?limit=2&market_type=spot&before=41>; rel="next"'}
    assert page_links("/api/trades/BTCUSDT", {}) == {}
