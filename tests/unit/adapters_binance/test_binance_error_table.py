import pytest

from domain.errors import (
    ClockSkewed,
    KeyRefused,
    OrderRejected,
    OrderUnknown,
    OutcomeUnknown,
    SlowDown,
    Unreachable,
    VenueError,
)
from domain.instrument import Market
from utils.binance_errors import Purpose, translate

SPOT, FUTURES = Market.SPOT, Market.FUTURES
PLACE, CANCEL, READ = Purpose.PLACE, Purpose.CANCEL, Purpose.READ
HTML = b"<html>502 Bad Gateway</html>"


def body(code: int, message: str = "text") -> bytes:
    return f'{{"code":{code},"msg":"{message}"}}'.encode()


def kind(market: Market, status: int, content: bytes, purpose: Purpose = PLACE, **headers: str) -> type[VenueError]:
    return type(translate(market, status, content, headers, purpose))


@pytest.mark.parametrize("market", [SPOT, FUTURES])
@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, body(-1000)),
        (503, body(-1001)),
        (500, body(-1006)),
        (504, body(-1007)),
        (408, body(-1007)),
        (502, HTML),
        (503, HTML),
        (504, b""),
        (503, body(0, "Unknown error, please check your request or try again later.")),
        (520, HTML),
    ],
)
def test_what_may_have_happened_is_unknown_to_orders_and_repeatable_for_reads(
    market: Market, status: int, content: bytes
) -> None:
    assert kind(market, status, content, PLACE) is OutcomeUnknown
    assert kind(market, status, content, CANCEL) is OutcomeUnknown
    assert kind(market, status, content, READ) is Unreachable


@pytest.mark.parametrize(
    ("market", "status", "content"),
    [
        (SPOT, 429, body(-1003)),
        (SPOT, 418, body(-1003)),
        (SPOT, 429, body(-1015)),
        (SPOT, 503, body(-1008)),
        (SPOT, 503, body(-1016)),
        (FUTURES, 503, b"Service Unavailable."),
        (SPOT, 403, HTML),
    ],
)
def test_limits_and_overload_were_not_executed(market: Market, status: int, content: bytes) -> None:
    assert kind(market, status, content, PLACE) is SlowDown


def test_the_pause_is_the_venues_where_it_names_one() -> None:
    def pause_s(status: int, headers: dict[str, str]) -> float:
        error = translate(SPOT, status, body(-1003), headers, READ)
        assert isinstance(error, SlowDown)
        return error.retry_after_s

    assert (pause_s(429, {"Retry-After": "37"}), pause_s(429, {}), pause_s(418, {})) == (37.0, 10.0, 120.0)


def test_post_only_refusals_are_told_apart_from_others() -> None:
    spot = translate(SPOT, 400, body(-2010, "Order would immediately match and take."), {}, PLACE)
    funds = translate(SPOT, 400, body(-2010, "Account has insufficient balance for requested action."), {}, PLACE)
    futures = translate(FUTURES, 400, body(-5022), {}, PLACE)
    assert all(isinstance(error, OrderRejected) for error in (spot, funds, futures))
    assert [error.would_take for error in (spot, funds, futures)] == [True, False, True]  # type: ignore[attr-defined]
    assert spot.code == -2010


def test_a_duplicate_id_proves_that_the_first_arrived() -> None:
    assert kind(SPOT, 400, body(-2010, "Duplicate order sent.")) is OutcomeUnknown
    assert kind(FUTURES, 400, body(-4116)) is OutcomeUnknown


@pytest.mark.parametrize(
    ("market", "code", "expected"),
    [
        (SPOT, -1021, ClockSkewed),
        (FUTURES, -5028, ClockSkewed),
        (SPOT, -5028, OrderRejected),
        (SPOT, -2014, KeyRefused),
        (SPOT, -2015, KeyRefused),
        (SPOT, -2011, OrderUnknown),
        (SPOT, -2013, OrderUnknown),
        (SPOT, -2026, OrderUnknown),
        (FUTURES, -2026, OrderRejected),
        (SPOT, -1013, OrderRejected),
        (SPOT, -1100, OrderRejected),
        (FUTURES, -2019, OrderRejected),
    ],
)
def test_the_table_is_keyed_by_market(market: Market, code: int, expected: type[VenueError]) -> None:
    assert kind(market, 400, body(code)) is expected


def test_a_refused_read_is_no_refused_order() -> None:
    assert kind(SPOT, 400, body(-1121), READ) is VenueError
    assert kind(SPOT, 401, HTML, READ) is KeyRefused


@pytest.mark.parametrize("content", [b"", b"[]", b'{"msg":"x"}', b'{"code":"x"}', b"\xff\xfe"])
def test_any_body_is_survived(content: bytes) -> None:
    assert translate(SPOT, 400, content, {}, READ).code == 0
