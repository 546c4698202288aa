from collections.abc import Iterator

import pytest

from domain.errors import (
    Conflict,
    FieldMistake,
    InvalidRequest,
    KeyRefused,
    NotFound,
    OrderRejected,
    OutcomeUnknown,
    Refused,
    SlowDown,
    TradingError,
    Unreachable,
    VenueError,
)
from fakes.house import House, app_of
from ports.store import StoreFailed
from routes.errors import HTTP_STATUS, status_of


def every_kind(kind: type[TradingError]) -> Iterator[type[TradingError]]:
    """Yield the kinds a server can meet: it never loads the back-test, which other tests may have loaded."""
    yield kind
    for heir in kind.__subclasses__():
        if not heir.__module__.startswith("backtest."):
            yield from every_kind(heir)


def made(kind: type[TradingError]) -> TradingError:
    if issubclass(kind, InvalidRequest):
        return kind([FieldMistake("capital", "must be higher; raise it")])
    if issubclass(kind, SlowDown):
        return kind("the venue asks for a pause", retry_after_s=2.4)
    return kind("a sentence for people")


@pytest.mark.parametrize("kind", list(every_kind(TradingError)))
def test_every_kind_of_error_has_an_answer_in_the_one_shape(kind: type[TradingError]) -> None:
    house = House(failure=made(kind))
    response = app_of(house).test_client().get("/api/market_data")
    assert response.status_code == status_of(made(kind))
    body = response.json
    assert body is not None
    assert {"error", "message", "fields", "trace_id"} <= body.keys()
    assert body["error"] == kind.__name__
    assert body["message"]
    assert body["trace_id"] == response.headers["X-Trace-Id"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidRequest([]), 422),
        (NotFound(""), 404),
        (Conflict(""), 409),
        (Refused(""), 409),
        (OutcomeUnknown(""), 202),
        (Unreachable(""), 503),
        (SlowDown("", retry_after_s=1), 503),
        (OrderRejected(""), 502),
        (KeyRefused(""), 502),
        (VenueError(""), 502),
    ],
)
def test_statuses(error: TradingError, status: int) -> None:
    assert status_of(error) == status


def test_the_table_names_no_kind_twice_by_accident() -> None:
    assert set(HTTP_STATUS) <= set(every_kind(TradingError))


def test_a_pause_asked_by_the_venue_is_told_in_whole_seconds() -> None:
    house = House(failure=SlowDown("too many requests", retry_after_s=2.4))
    assert app_of(house).test_client().get("/api/market_data").headers["Retry-After"] == "3"


def test_the_venues_own_number_is_shown() -> None:
    house = House(failure=KeyRefused("the key may not trade", code=-2015))
    assert app_of(house).test_client().get("/api/market_data").json["venue_code"] == -2015


def test_an_unknown_outcome_names_the_orders_that_are_looked_up() -> None:
    house = House(failure=OutcomeUnknown("the answer did not arrive"))
    response = app_of(house).test_client().post("/api/grid/stop", json={"symbol": "BTCUSDT"})
    assert response.status_code == 404, "no grid runs, so nothing was asked of the house"
    response = app_of(house).test_client().get("/api/market_data")
    assert response.status_code == 202
    assert response.json["status"] == "unknown"
    assert response.json["client_order_ids"] == []


def test_a_store_that_fails_changed_nothing_and_says_so() -> None:
    response = app_of(House(failure=StoreFailed("disk full"))).test_client().get("/api/market_data")
    assert response.status_code == 503
    assert "disk full" in response.json["message"]


def test_what_nobody_expected_is_500_without_its_text() -> None:
    response = app_of(House(failure=RuntimeError("secret inside"))).test_client().get("/api/market_data")
    assert response.status_code == 500
    assert "secret inside" not in response.text
    assert response.json["trace_id"] in response.json["message"]
