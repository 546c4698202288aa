from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.binance_signing import encode, signature, signed_query, signed_socket_params, wire_text

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def test_the_venues_own_test_vector() -> None:
    query = signed_query(
        SECRET,
        {
            "symbol": "LTCBTC",
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": Decimal(1),
            "price": Decimal("0.1"),
            "stopPrice": None,
        },
        timestamp_ms=1_499_827_319_559,
        recv_window_ms=5_000,
    )
    payload, _, signed = query.partition("&signature=")
    assert payload == (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
    )
    assert signed == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def test_the_signature_is_over_the_encoded_text() -> None:
    assert encode([("symbols", '["A","B"]'), ("x", None)]) == "symbols=%5B%22A%22%2C%22B%22%5D"


def test_socket_parameters_are_signed_in_the_order_of_their_names() -> None:
    params = signed_socket_params("key", "secret", {}, timestamp_ms=1, recv_window_ms=2)
    assert params["signature"] == signature("secret", "apiKey=key&recvWindow=2&timestamp=1")


@given(st.decimals(min_value=0, max_value=10**12, places=8))
def test_amounts_go_out_exactly_and_never_with_an_exponent(amount: Decimal) -> None:
    text = wire_text(amount)
    assert Decimal(text) == amount
    assert set(text) <= set("0123456789.")


def test_a_float_is_refused() -> None:
    with pytest.raises(TypeError, match="Decimal"):
        wire_text(0.1)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (7, "7"), ("x", "x")])
def test_other_values(value: object, text: str) -> None:
    assert wire_text(value) == text
