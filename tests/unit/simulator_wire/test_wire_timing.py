import pytest

from simulator.wire.errors import ApiError
from simulator.wire.timing import check_timestamp

NOW = 1_795_000_000_000


@pytest.mark.parametrize("stamp", [NOW, NOW + 999, NOW - 5_000, NOW * 1_000, (NOW + 999) * 1_000 + 999])
def test_a_timestamp_inside_the_window_is_accepted(stamp: int) -> None:
    check_timestamp(str(stamp), None, NOW)


@pytest.mark.parametrize(
    ("stamp", "window", "code", "text"),
    [
        (str(NOW + 1_000), None, -1021, "1000ms ahead"),
        (str(NOW - 5_001), None, -1021, "outside of the recvWindow"),
        (str(NOW - 1_001), "1000", -1021, "outside of the recvWindow"),
        (str(NOW * 1_000 - 1_501), "1.5", -1021, "outside of the recvWindow"),
        (None, None, -1102, "'timestamp'"),
        ("", None, -1102, "'timestamp'"),
        ("-5", None, -1100, "'timestamp'"),
        (str(NOW), "60001", -1102, "Cannot be greater than 60000."),
        (str(NOW), "60000.001", -1102, "Cannot be greater than 60000."),
        (str(NOW), "5.0001", -1100, "'recvWindow'"),
    ],
)
def test_a_timestamp_outside_is_refused_both_ways(stamp: str | None, window: str | None, code: int, text: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_timestamp(stamp, window, NOW)
    assert refused.value.code == code
    assert text in refused.value.message


def test_the_widest_window_is_a_minute() -> None:
    check_timestamp(str(NOW - 60_000), "60000", NOW)
