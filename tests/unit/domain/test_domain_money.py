"""Money never rounds in silence, and its texts go both ways."""

from decimal import Decimal, Inexact, getcontext
from fractions import Fraction
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.money import exact, from_units, parse_amount, plain, to_units

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=8)


@exact
def product(one: Decimal, other: Decimal) -> Decimal:
    return one * other


@exact
def third(value: Decimal) -> Decimal:
    return value / 3


@given(amounts, amounts)
def test_products_of_venue_amounts_are_exact(one: Decimal, other: Decimal):
    assert Fraction(product(one, other)) == Fraction(one) * Fraction(other)


def test_an_operation_that_would_round_raises_in_any_thread():
    caught: list[bool] = []

    def work() -> None:
        try:
            third(Decimal(1))
        except Inexact:
            caught.append(True)

    thread = Thread(target=work)
    thread.start()
    thread.join()
    with pytest.raises(Inexact):
        third(Decimal(1))
    assert caught == [True]


def test_the_callers_context_is_left_alone():
    before = getcontext().prec
    product(Decimal(2), Decimal(3))
    assert getcontext().prec == before


@given(amounts)
def test_a_plain_text_reads_back_as_the_same_number(value: Decimal):
    text = plain(value)
    assert "E" not in text
    assert parse_amount(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000"), ("1E-8", "0.00000001"), ("45000.00", "45000"), ("-0.0", "0"), ("0.10", "0.1")],
)
def test_plain_by_hand(value: str, text: str):
    assert plain(Decimal(value)) == text


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "-Infinity", "sNaN", "1,5", "0x10", "one", "1 2"])
def test_what_is_no_finite_number_is_refused(text: str):
    with pytest.raises(ValueError, match="number"):
        parse_amount(text)


@given(st.integers(-(10**20), 10**20))
def test_units_go_both_ways(units: int):
    assert to_units(from_units(units)) == units


def test_more_than_eight_decimals_are_no_whole_units():
    with pytest.raises(ValueError, match="8 decimals"):
        to_units(Decimal("0.000000001"))
