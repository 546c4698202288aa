import pytest

from simulator.wire.errors import ApiError
from simulator.wire.operations import BY_ADDRESS, OPERATIONS
from simulator.wire.parameters import boolean, parse, read_form, read_json, symbol_list

ORDER = BY_ADDRESS["POST", "/api/v3/order"].params
PING = BY_ADDRESS["GET", "/api/v3/ping"].params


def refused(query: str, body: str = "", *, wanted: object = ORDER) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse(wanted, read_form(query, body))  # type: ignore[arg-type]
    return caught.value


def test_the_query_wins_over_the_body_and_both_may_be_mixed() -> None:
    fields = read_form("symbol=BTCUSDT&side=BUY", "side=SELL&type=LIMIT&price=1.5")
    values = parse(ORDER, fields)
    assert values == {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": 150_000_000}


def test_encoded_and_plain_json_both_reach_an_operation() -> None:
    raw = read_form("", 'batchOrders=[{"symbol":"BTCUSDT"}]&timestamp=1')
    encoded = read_form("", "batchOrders=%5B%7B%22symbol%22%3A%22BTCUSDT%22%7D%5D&timestamp=1")
    assert raw.values == encoded.values


@pytest.mark.parametrize("word", ["true", "True", "TRUE"])
def test_booleans_in_any_case_count(word: str) -> None:
    assert boolean("x", word) is True
    assert boolean("x", word.replace("rue", "alse").replace("RUE", "ALSE").replace("t", "f").replace("T", "F")) is False


def test_what_is_missing_is_named() -> None:
    error = refused("symbol=BTCUSDT&side=BUY")
    assert (error.code, error.message) == (
        -1102,
        "Mandatory parameter 'type' was not sent, was empty/null, or malformed.",
    )


def test_surplus_parameters_are_counted() -> None:
    error = refused("symbol=BTCUSDT&side=BUY&type=LIMIT&foo=1&timestamp=1&signature=a")
    assert (error.code, error.message) == (
        -1104,
        "Not all sent parameters were read; read '5' parameter(s) but was sent '6'.",
    )
    error = refused("foo=1", wanted=PING)
    assert (error.code, error.message) == (-1101, "Too many parameters; expected '0' and received '1'.")


def test_leniency_ignores_surplus_parameters() -> None:
    assert parse(PING, read_form("foo=1", ""), lenient=True) == {}


def test_a_name_twice_in_one_place_is_refused() -> None:
    error = refused("symbol=BTCUSDT&symbol=BTCUSDT")
    assert (error.code, error.message) == (-1101, "Duplicate values for a parameter detected.")


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("quantity=1e-05", -1100),
        ("quantity=", -1105),
        ("newClientOrderId=a.b", -1100),
        ("newClientOrderId=" + "a" * 37, -1100),
        ("timeInForce=GTX", -1115),
        ("side=HOLD", -1117),
        ("type=NONSENSE", -1116),
        ("strategyId=x", -1100),
        ("selfTradePreventionMode=MAYBE", -1130),
        ("symbol=btcusdt", -1100),
        ("symbol=", -1102),
    ],
)
def test_malformed_values_get_binance_codes(item: str, code: int) -> None:
    base = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT"}
    name, _, value = item.partition("=")
    assert refused("&".join(f"{k}={v}" for k, v in {**base, name: value}.items())).code == code


def test_socket_parameters_keep_their_digits() -> None:
    fields = read_json({"quantity": "0.10", "orderId": 8389765739703625592, "flag": True, "none": None})
    assert fields.values == {"quantity": "0.10", "orderId": "8389765739703625592", "flag": "true"}


def test_symbol_lists_are_json() -> None:
    assert symbol_list("symbols", '["BTCUSDT","BNBUSDT"]') == ("BTCUSDT", "BNBUSDT")
    for text, code in (("BTCUSDT", -1100), ("[]", -1100), ('["BTCUSDT","BTCUSDT"]', -1151)):
        with pytest.raises(ApiError) as caught:
            symbol_list("symbols", text)
        assert caught.value.code == code


def test_every_operation_has_its_own_address_and_name() -> None:
    assert len({(o.method, o.path) for o in OPERATIONS}) == len(OPERATIONS)
