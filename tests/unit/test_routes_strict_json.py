import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routes.strict_json import NotStrictJson, dumps_bytes, loads


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_words_that_json_lacks_are_refused(word: str) -> None:
    with pytest.raises(NotStrictJson, match=word):
        loads(f'{{"spacing_perc": {word}}}')


def test_a_name_that_appears_twice_is_refused() -> None:
    with pytest.raises(NotStrictJson, match="capital"):
        loads('{"capital": 1, "capital": 1000}')


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=8))
def test_numbers_are_read_from_their_text(value: Decimal) -> None:
    assert loads(f'{{"n": {value:f}}}') == {"n": value}


def test_no_number_passes_through_a_binary_float() -> None:
    assert loads("[0.1, 1e-8, 3]") == [Decimal("0.1"), Decimal("1e-8"), 3]
    assert all(not isinstance(value, float) for value in loads("[0.1, 1e-8, 3]"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        b"\xff\xfe\xfd",
        "[" * 100_000,
        '{"a": "\\ud800"}',
        '{"\\ud800": 1}',
        "1" * 5000,
        "1." + "1" * 99,
    ],
)
def test_what_is_no_strict_json_is_refused_in_words(text: str | bytes) -> None:
    with pytest.raises(NotStrictJson, match=r"\w+"):
        loads(text if isinstance(text, bytes) or not text.startswith("1") else f'{{"n": {text}}}')


def test_exponents_out_of_range_are_refused() -> None:
    with pytest.raises(NotStrictJson, match="out of range"):
        loads('{"n": 1e99999999999999999999}')


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
        max_leaves=12,
    )
)
def test_what_is_written_is_strict_and_reads_back(value: object) -> None:
    written = dumps_bytes(value)
    assert loads(written) == value
    assert json.loads(written, parse_constant=pytest.fail) == value


def test_amounts_are_written_as_plain_text() -> None:
    assert dumps_bytes({"n": Decimal("1E-8"), "inf": float("inf")}) == b'{"n":"0.00000001","inf":null}'
