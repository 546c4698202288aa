"""Each kind of fault once, at a real venue by real clients."""

import socket
import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
import requests
from websockets.exceptions import InvalidStatus

from fakes.simulator_calls import Caller, Socket
from fakes.venue_process import KEY, VenueProcess

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def struck_venue() -> Iterator[VenueProcess]:
    """One standing market for all of them: nothing here depends on what another test left."""
    with VenueProcess(
        "--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT,BNBUSDT,SOLUSDT", "--speed", "max",
        "--orders-10s", "100000", "--messages-per-s", "1000", "--balance", "USDT=10000", "BTC=1",
    ) as running:  # fmt: skip
        yield running


@pytest.fixture
def venue(struck_venue: VenueProcess) -> Iterator[VenueProcess]:
    yield struck_venue
    struck_venue.clear_faults()


@pytest.fixture
def caller(venue: VenueProcess) -> Iterator[Caller]:
    with Caller(venue.url) as account:
        yield account


def place(caller: Caller, name: str) -> requests.Response:
    return caller.signed("POST", "/api/v3/order", **ORDER, price=f"{caller.price() * 0.9:.2f}", newClientOrderId=name)


def status_of(caller: Caller, name: str) -> object:
    answer = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId=name).json()
    return answer.get("status", answer.get("code"))


def until(fact: Callable[[], object]) -> None:
    for _ in range(int(DEADLINE_S / 0.05)):
        if fact():
            return
        Event().wait(0.05)
    raise AssertionError("it did not become true in time")


def user_socket(venue: VenueProcess) -> Socket:
    return Socket(venue.ready["spot_ws_api_url"])


def trades_socket(venue: VenueProcess) -> Socket:
    return Socket(f"{venue.ready['spot_ws_url']}/ws/bnbusdt@trade")


def events(user: Socket, count: int) -> list[Any]:
    return [user.until(lambda frame: "event" in frame)["event"] for _ in range(count)]


def test_requests_arrive_late_and_answers_leave_late(venue: VenueProcess, caller: Caller) -> None:
    for kind in ("latency", "ack_delay"):
        venue.fault(kind, "spot.ping", delay_ms=200, jitter_ms=50)
        began_s = time.monotonic()
        assert caller.get("/api/v3/ping") == {}
        assert time.monotonic() - began_s >= 0.2
    venue.fault("latency", "spot.account", delay_ms=150)
    answer = caller.signed("GET", "/api/v3/account", recvWindow=100).json()
    assert answer["code"] == -1021


def test_connections_are_refused_and_reset(venue: VenueProcess, caller: Caller) -> None:
    caller.get("/api/v3/ping")
    venue.fault("refuse", "spot", count=1)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{venue.url}/api/v3/ping", timeout=DEADLINE_S)
    assert caller.get("/api/v3/ping") == {}
    venue.fault("lose_request", "spot.ping", reset=True)
    port = int(venue.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), DEADLINE_S) as raw:
        raw.sendall(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(100)
    venue.fault("lose_reply", "spot.order.new", reset=True)
    with pytest.raises(requests.ConnectionError):
        place(caller, "reset-1")
    assert status_of(caller, "reset-1") == "NEW"


def test_an_answer_cut_in_half_was_executed(venue: VenueProcess, caller: Caller) -> None:
    venue.fault("half_answer", "spot.order.new")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        place(caller, "half-1")
    assert status_of(caller, "half-1") == "NEW"
    venue.fault("half_answer", "spot.time")
    with user_socket(venue) as api:
        api.send({"id": 1, "method": "time"})
        text = api._connection.recv(timeout=DEADLINE_S)
        assert str(text).startswith('{"id":1')
        assert not str(text).endswith("}")
        assert api.closing()[0] == 1000


@pytest.mark.parametrize(
    ("kind", "code", "status", "left"),
    [
        ("fail_after", -1006, 500, "NEW"),
        ("fail_after", -1007, 504, "NEW"),
        ("fail_before", -1006, 500, -2013),
        ("fail_before", -1007, 504, -2013),
        ("fail_before", -1008, 503, -2013),
        ("fail_before", -1001, 500, -2013),
    ],
)
def test_what_broke_inside_is_told_whether_it_was_applied_or_not(
    venue: VenueProcess, caller: Caller, kind: str, code: int, status: int, left: object
) -> None:
    name = f"{kind}{code}"
    venue.fault(kind, "spot.order.new", code=code)
    answer = place(caller, name)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert status_of(caller, name) == left


def test_a_ban_holds_for_all_that_the_address_asks_and_its_sockets(venue: VenueProcess, caller: Caller) -> None:
    venue.fault("ban", "spot.depth", ban_s=300)
    assert caller.get("/api/v3/ping") == {}
    for path in ("/api/v3/depth?symbol=BTCUSDT", "/api/v3/ping"):
        banned = caller.send("GET", path)
        assert (banned.status_code, banned.json()["code"]) == (418, -1003)
        assert 290 <= int(banned.headers["Retry-After"]) <= 300
    with pytest.raises(InvalidStatus), trades_socket(venue):
        pass
    venue.clear_faults()
    assert caller.get("/api/v3/ping") == {}
    venue.fault("throttle", "spot.ping", retry_after_s=7)
    assert caller.send("GET", "/api/v3/ping").headers["Retry-After"] == "7"


def test_maintenance_sends_everyone_away_for_a_while(venue: VenueProcess, caller: Caller) -> None:
    with trades_socket(venue) as stream, user_socket(venue) as api:
        stream.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        stream.receive()
        venue.fault("maintenance", seconds=4)  # time enough to look at it
        assert stream.receive()["e"] == api.receive()["event"]["e"] == "serverShutdown"
        assert stream.closing()[0] == api.closing()[0] == 1001
    assert caller.get("/sapi/v1/system/status")["status"] == 1
    assert caller.send("GET", "/api/v3/ping").status_code == 503
    with pytest.raises(InvalidStatus), trades_socket(venue):
        pass
    until(lambda: caller.send("GET", "/api/v3/ping").status_code == 200)
    assert caller.get("/sapi/v1/system/status")["status"] == 0


def test_frames_are_doubled_swapped_and_late_but_in_order(venue: VenueProcess) -> None:
    with trades_socket(venue) as stream:
        stream.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        stream.receive()

        def seen(count: int, *prices: str) -> list[str]:
            for price in prices:
                venue.print_trade("BNBUSDT", price, "0.1")
            return [stream.receive()["p"].removesuffix("000000") for _ in range(count)]

        venue.fault("duplicate_frame", "bnbusdt@trade")
        assert seen(3, "600.00", "600.01") == ["600.00", "600.00", "600.01"]
        venue.fault("reorder_frame", "bnbusdt@trade")
        assert seen(2, "600.02", "600.03") == ["600.03", "600.02"]
        venue.fault("reorder_frame", "bnbusdt@trade", delay_ms=50)
        assert seen(1, "600.04") == ["600.04"]
        venue.fault("lag_stream", "bnbusdt@*", count=1, delay_ms=300)
        began_s = time.monotonic()
        assert seen(2, "600.05", "600.06") == ["600.05", "600.06"]
        assert time.monotonic() - began_s >= 0.3


def test_user_events_are_dropped_swapped_and_behind_the_answers(venue: VenueProcess, caller: Caller) -> None:
    with user_socket(venue) as user:
        user.subscribe_user()
        venue.fault("drop_event", "executionReport")
        place(caller, "untold")
        assert [event["e"] for event in events(user, 1)] == ["outboundAccountPosition"]
        venue.fault("reorder_event", "executionReport")
        place(caller, "swapped")
        assert [event["e"] for event in events(user, 2)] == ["outboundAccountPosition", "executionReport"]
        venue.fault("lag_user_stream", count=2, delay_ms=300, jitter_ms=100)
        place(caller, "late")
        assert status_of(caller, "late") == "NEW"
        late = events(user, 2)
        assert [event["e"] for event in late] == ["executionReport", "outboundAccountPosition"]
        assert late[0]["c"] == "late"


def test_a_user_stream_ends_with_a_word_and_sockets_end_in_three_ways(venue: VenueProcess, caller: Caller) -> None:
    with user_socket(venue) as user:
        user.subscribe_user()
        venue.fault("end_user_stream")
        assert events(user, 1)[0]["e"] == "eventStreamTerminated"
        assert user.ask("session.subscriptions")["result"] == []
    for how, told, code in (("lifetime", False, 1001), ("shutdown", True, 1001), ("reset", False, 1006)):
        with user_socket(venue) as api, trades_socket(venue) as stream:
            assert api.ask("ping")["result"] == {}
            stream.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            stream.receive()
            venue.fault("disconnect", "api", how=how)
            if told:
                assert api.receive()["event"]["e"] == "serverShutdown"
            assert api.closing()[0] == code
            stream.send({"method": "LIST_SUBSCRIPTIONS", "id": 2})
            assert stream.receive()["id"] == 2
    assert caller.get("/api/v3/ping") == {}


def test_another_hand_pays_in_and_out_places_and_cancels(venue: VenueProcess, caller: Caller) -> None:
    caller.signed("DELETE", "/api/v3/openOrders", symbol="ETHUSDT")
    with user_socket(venue) as user:
        user.subscribe_user()
        venue.fault("balance", asset="USDT", amount="-12.5")
        moved, held = events(user, 2)
        assert (moved["e"], moved["d"], held["e"]) == ("balanceUpdate", "-12.50000000", "outboundAccountPosition")
        venue.fault("place_order", symbol="ETHUSDT", side="BUY", distance_percent="-5", value=100)
        placed = events(user, 2)[0]
        assert (placed["x"], placed["S"], placed["o"]) == ("NEW", "BUY", "LIMIT")
        venue.fault("place_order", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.01")
        assert events(user, 3)[1]["x"] == "TRADE"
        venue.fault("cancel_order", symbol="ETHUSDT", orders=5)
        assert events(user, 2)[0]["x"] == "CANCELED"
    assert caller.signed("GET", "/api/v3/openOrders", symbol="ETHUSDT").json() == []


def test_a_symbol_is_halted_for_a_while_gets_other_filters_and_is_delisted(venue: VenueProcess, caller: Caller) -> None:
    def row(symbol: str) -> Any:
        rows = caller.get("/api/v3/exchangeInfo")["symbols"]
        return next((one for one in rows if one["symbol"] == symbol), None)

    venue.fault("symbol", symbol="ETHUSDT", status="HALT", tickSize="0.1", seconds=4)
    assert (row("ETHUSDT")["status"], row("ETHUSDT")["filters"][0]["tickSize"]) == ("HALT", "0.10000000")
    price = caller.price("ETHUSDT")
    venue.step(200)
    assert caller.price("ETHUSDT") == price
    until(lambda: row("ETHUSDT")["status"] == "TRADING")
    assert row("ETHUSDT")["filters"][0]["tickSize"] == "0.01000000"
    order = {**ORDER, "symbol": "SOLUSDT", "quantity": "0.1", "price": f"{caller.price('SOLUSDT') * 0.9:.2f}"}
    assert caller.signed("POST", "/api/v3/order", **order).status_code == 200
    venue.fault("delist", symbol="SOLUSDT")
    assert row("SOLUSDT") is None
    assert caller.signed("POST", "/api/v3/order", **order).json()["code"] == -1121
    past = caller.signed("GET", "/api/v3/allOrders", symbol="SOLUSDT").json()
    assert [one["status"] for one in past] == ["CANCELED"]
    held = {one["asset"]: one for one in caller.signed("GET", "/api/v3/account").json()["balances"]}
    assert "SOL" in held


def test_what_cannot_be_had_is_refused_with_the_remedy(venue: VenueProcess) -> None:
    for body, remedy in (
        ({"kind": "latencey", "delay_ms": 1}, "did you mean latency?"),
        ({"kind": "latency"}, "needs it"),
        ({"kind": "gateway", "match": "spot.ordr.new"}, "did you mean spot.order.new?"),
        ({"kind": "fail_after", "code": -1008}, "one of -1000, -1001, -1006, -1007"),
        ({"kind": "maintenance"}, "how long it lasts"),
        ({"kind": "balance", "asset": "USDT", "amount": 0.1}, "written as text"),
        ({"kind": "balance", "asset": "USDT", "amount": "1", "account": 9}, "counted from 1"),
        ({"kind": "disconnect", "count": 2}, "happens once"),
    ):
        answer = requests.post(
            f"{venue.url}/admin/faults", json=body, headers={"X-MBX-APIKEY": KEY}, timeout=DEADLINE_S
        )
        assert answer.status_code == 400, body
        assert remedy in answer.json()["msg"]
