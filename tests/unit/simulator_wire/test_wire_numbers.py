from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.wire.errors import ApiError
from simulator.wire.numbers import MONEY_UNIT, UNIT, parse_scaled, render, render_money, render_ppm


@given(scaled=st.integers(min_value=0, max_value=2**63 - 1))
def test_prices_and_quantities_survive_the_wire_exactly(scaled: int) -> None:
    assert parse_scaled("price", render(scaled)) == scaled
    assert Decimal(render(scaled)) * UNIT == scaled


@given(scaled=st.integers(min_value=-(10**30), max_value=10**30))
def test_money_is_rendered_to_its_last_digit(scaled: int) -> None:
    text = render_money(scaled)
    whole, _, fraction = text.lstrip("-").partition(".")
    assert int(whole + fraction.ljust(16, "0")) == abs(scaled)
    assert text.startswith("-") == (scaled < 0)
    assert len(fraction) == 8 or (len(fraction) > 8 and fraction[-1] != "0")


@pytest.mark.parametrize("text", ["1e-05", "1,5", "+1", "-1", "", " 1", "1.", ".5", "1" * 21, "NaN", "١"])
def test_anything_but_plain_decimals_is_illegal(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_scaled("quantity", text)
    assert refused.value.code == -1100
    assert refused.value.message == (
        "Illegal characters found in parameter 'quantity'; "
        r"legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'."
    )


def test_more_than_eight_decimals_is_too_much_precision() -> None:
    with pytest.raises(ApiError) as refused:
        parse_scaled("price", "0.123456789")
    assert (refused.value.code, refused.value.message) == (-1111, "Parameter 'price' has too much precision.")
    assert parse_scaled("price", "0.1234567800000") == 12_345_678


def test_a_number_beyond_64_bits_overflows() -> None:
    with pytest.raises(ApiError) as refused:
        parse_scaled("price", "99999999999999999999")
    assert refused.value.code == -1108


def test_rates_are_rendered_as_fractions() -> None:
    assert render_ppm(1_000) == "0.00100000"
    assert render_money(MONEY_UNIT) == "1.00000000"
