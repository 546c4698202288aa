"""Numbers and times keep their exact value from the text to the store and back."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backtest.data.exact import Place, amounts, microseconds, truths, units, whole_numbers
from domain.errors import InvalidRequest
from domain.money import from_units, plain

PLACE = Place("f.csv", 10)
UNITS = st.integers(min_value=0, max_value=2**63 - 1)


def column(values: list[object], name: str = "open") -> pl.Series:
    return pl.Series(name, values)


def written(whole: int, style: int) -> str:
    exact = from_units(whole)
    return (plain(exact), f"{exact:.8f}", f" {exact:.12f}", f"{exact:e}")[style]


@given(st.lists(st.tuples(UNITS, st.integers(0, 3)), min_size=1, max_size=8))
def test_prices_survive_every_way_of_writing_them(pairs: list[tuple[int, int]]) -> None:
    texts = [written(whole, style) for whole, style in pairs]
    assert units(column(texts), PLACE).to_list() == [whole for whole, _ in pairs]


@given(st.lists(st.integers(0, 10**28 - 1), min_size=1, max_size=5))
def test_volumes_beyond_64_bits_survive(wholes: list[int]) -> None:
    texts = [f"{whole // 10**8}.{whole % 10**8:08}" for whole in wholes]
    assert amounts(column(texts), PLACE).to_list() == [Decimal(text) for text in texts]


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=8))
@example([2999690000000, 1, 123456789012345])
def test_floats_with_up_to_15_digits_come_back_as_what_was_written(wholes: list[int]) -> None:
    floats = [float(from_units(whole)) for whole in wholes]
    assert units(column(floats), PLACE).to_list() == wholes


@given(st.integers(1, 10**7), st.sampled_from(["0.01", "0.1", "0.0005", "1"]))
def test_coarse_floats_snap_to_the_tick(ticks: int, tick: str) -> None:
    coarse = pl.Series("open", [float(ticks * Decimal(tick)) * (1 + 1e-9)])
    assert units(coarse, PLACE, tick=Decimal(tick)).to_list() == [int(ticks * Decimal(tick) * 10**8)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,5", "decimal point"),
        ("abc", "not a number"),
        ("nan", "not a number"),
        ("", "not a number"),
        (None, "is empty"),
        ("0.123456789", "more than 8 decimals"),
        ("0.1000000000000000000000001", "more than 8 decimals"),
        ("1e-30", "more than 8 decimals"),
        ("92233720369", "too large"),
    ],
)
def test_what_cannot_be_kept_exactly_is_told_with_its_row(text: str | None, told: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"open: f\.csv, row 12: .*{told}"):
        units(column(["1.5", text]), PLACE)


@given(st.integers(10**11, 4 * 10**12))
def test_times_are_told_apart_by_their_size(at_ms: int) -> None:
    for given_as in (at_ms, at_ms * 1_000, at_ms * 1_000_000):
        assert microseconds(column([given_as, str(given_as)][:1]), PLACE).to_list() == [at_ms * 1_000]
        assert microseconds(column([str(given_as)]), PLACE).to_list() == [at_ms * 1_000]
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)
    assert microseconds(column([moment.isoformat()]), PLACE).to_list() == [at_ms * 1_000]
    assert microseconds(column([moment]), PLACE).to_list() == [at_ms * 1_000]
    assert microseconds(column([float(at_ms)]), PLACE).to_list() == [at_ms * 1_000]


def test_seconds_are_refused_unless_somebody_says_so() -> None:
    with pytest.raises(
        InvalidRequest, match=r"open_time: f\.csv, row 11: 1672531200 looks like seconds.*--time-unit s"
    ):
        microseconds(column([1672531200], "open_time"), PLACE)
    assert microseconds(column([1672531200]), PLACE, "s").to_list() == [1672531200 * 10**6]


@pytest.mark.parametrize("text", ["01/02/2023", "yesterday", "2023-13-01"])
def test_times_that_could_be_several_or_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="is no time"):
        microseconds(column([text]), PLACE)


def test_counts_and_truths() -> None:
    assert whole_numbers(column(["7", "7.0"]), PLACE).to_list() == [7, 7]
    assert whole_numbers(column([7.0]), PLACE).to_list() == [7]
    assert truths(column(["True", "false", "1"]), PLACE).to_list() == [True, False, True]
    for bad, read in (("7.5", whole_numbers), ("yes", truths)):
        with pytest.raises(InvalidRequest, match="row 11"):
            read(column([bad]), PLACE)
