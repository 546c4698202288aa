from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.wire.signing import is_signed_by, rest_payload, sign, socket_payloads

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PAYLOAD = (
    "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
)
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def test_the_documented_vector_verifies_in_either_case() -> None:
    assert sign(SECRET, PAYLOAD) == SIGNATURE
    assert is_signed_by(SECRET, PAYLOAD, SIGNATURE)
    assert is_signed_by(SECRET, PAYLOAD, SIGNATURE.upper())


@given(value=st.text(min_size=1, max_size=20))
def test_a_signature_over_the_raw_or_the_decoded_text_is_accepted(value: str) -> None:
    sent = f"newClientOrderId={quote(value, safe='')}"
    assert is_signed_by(SECRET, sent, sign(SECRET, sent))
    assert is_signed_by(SECRET, sent, sign(SECRET, f"newClientOrderId={value}"))


@given(tampered=st.sampled_from(["quantity=2", "price=0.2", "symbol=BTCUSDT"]))
def test_a_changed_payload_is_refused(tampered: str) -> None:
    name = tampered.partition("=")[0]
    items = [tampered if item.startswith(f"{name}=") else item for item in PAYLOAD.split("&")]
    assert not is_signed_by(SECRET, "&".join(items), SIGNATURE)


@pytest.mark.parametrize("signature", ["", "zz", "é" * 64])
def test_a_malformed_signature_is_refused(signature: str) -> None:
    assert not is_signed_by(SECRET, PAYLOAD, signature)


@pytest.mark.parametrize(
    ("query", "body", "payload"),
    [
        (f"{PAYLOAD}&signature=ab", "", PAYLOAD),
        ("", f"{PAYLOAD}&signature=ab", PAYLOAD),
        ("symbol=LTCBTC&side=BUY", "quantity=1&signature=ab", "symbol=LTCBTC&side=BUYquantity=1"),
        ("signature=ab&symbol=LTCBTC", "", "symbol=LTCBTC"),
    ],
)
def test_query_and_body_are_joined_without_a_separator(query: str, body: str, payload: str) -> None:
    assert rest_payload(query, body) == payload


def test_a_socket_request_signs_its_parameters_by_name() -> None:
    encoded, plain = socket_payloads({"timestamp": "1", "apiKey": "k", "signature": "x", "b": "a/b"})
    assert encoded == "apiKey=k&b=a%2Fb&timestamp=1"
    assert plain == "apiKey=k&b=a/b&timestamp=1"
