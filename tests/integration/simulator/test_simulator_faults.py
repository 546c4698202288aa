"""Faults, armed by count and route, and the limits: what breaks bots, on demand."""

import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import requests

from fakes.processes import until
from fakes.simulator_calls import Caller, Socket
from fakes.venue_process import KEY, VenueProcess

STANDING = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max")


def user_socket(venue: VenueProcess) -> Socket:
    return Socket(venue.ready["spot_ws_api_url"])


def far_below(caller: Caller) -> str:
    return f"{caller.price() * 0.9:.2f}"


def status_of(caller: Caller, client_id: str) -> object:
    answer = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId=client_id).json()
    return answer.get("status", answer.get("code"))


def test_a_lost_reply_leaves_an_order_behind_and_a_lost_request_none(venue: VenueProcess, caller: Caller) -> None:
    price = far_below(caller)
    for kind, client_id, expected in (("lose_reply", "lost-1", "NEW"), ("lose_request", "lost-2", -2013)):
        venue.fault(kind, "spot.order.new")
        with pytest.raises(requests.ConnectionError):
            caller.place(price=price, newClientOrderId=client_id)
        assert status_of(caller, client_id) == expected


def test_a_5xx_after_execution(venue: VenueProcess, caller: Caller) -> None:
    venue.fault("fail_after", "spot.order.*", status=503, count=2)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
    answer = caller.signed("POST", "/api/v3/order", **order, price=far_below(caller), newClientOrderId="late-1")
    assert (answer.status_code, answer.json()["code"]) == (503, -1007)
    answer = caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="late-1")
    assert answer.status_code == 503
    assert status_of(caller, "late-1") == "CANCELED"


def test_an_event_overtakes_a_delayed_ack(venue: VenueProcess, caller: Caller) -> None:
    price = far_below(caller)
    with user_socket(venue) as user, ThreadPoolExecutor(1) as pool:
        user.subscribe_user()
        venue.fault("ack_delay", "spot.order.new", delay_ms=4_000)
        placed = pool.submit(caller.place, price=price, newClientOrderId="slow-1")
        assert user.receive()["event"]["c"] == "slow-1"
        assert not placed.done()
        assert placed.result(60)["clientOrderId"] == "slow-1"


def test_an_event_comes_after_the_ack(venue: VenueProcess, caller: Caller) -> None:
    with user_socket(venue) as user:
        user.subscribe_user()
        venue.fault("delay_event", "executionReport", delay_ms=300)
        caller.place(price=far_below(caller), newClientOrderId="late-event")
        events = [user.receive()["event"]["e"] for _ in range(2)]
    assert events == ["outboundAccountPosition", "executionReport"]


def test_duplicate_events_and_a_subscription_that_dies_in_silence(venue: VenueProcess, caller: Caller) -> None:
    price = far_below(caller)
    with user_socket(venue) as user:
        user.subscribe_user()
        venue.fault("duplicate_event", "executionReport")
        caller.place(price=price)
        first, second, third = (user.receive()["event"] for _ in range(3))
        assert first == second
        assert third["e"] == "outboundAccountPosition"
        venue.fault("drop_user_stream")
        caller.place(price=price)
        assert user.ask("ping")["result"] == {}
        assert user.ask("session.subscriptions")["result"] == []


def test_the_counts_of_events_follow_what_was_sent(venue: VenueProcess, caller: Caller) -> None:
    def sent() -> int:
        return int(caller.send("GET", "/admin/state").json()["user_events"])

    with user_socket(venue) as user:
        user.subscribe_user()
        before = sent()
        caller.place(price=far_below(caller))
        received = [user.receive() for _ in range(2)]
        assert sent() - before == len(received)


def test_a_frozen_stream_keeps_its_socket(venue: VenueProcess) -> None:
    with Socket(f"{venue.ready['spot_ws_url']}/ws/btcusdt@trade") as socket:
        socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        socket.receive()
        venue.fault("freeze_stream", "btcusdt@*", count=2)
        for price in ("96000.00", "96001.00", "96002.00"):
            venue.print_trade("BTCUSDT", price, "0.1")
        assert socket.receive()["p"] == "96002.00000000"


def test_clock_offset_bad_key_throttle_and_maintenance(venue: VenueProcess, caller: Caller) -> None:
    venue.fault("clock_offset", "spot.*", delay_ms=10_000, count=2)
    assert caller.get("/api/v3/time")["serverTime"] > time.time_ns() // 1_000_000 + 9_000
    assert caller.signed("GET", "/api/v3/account").json()["code"] == -1021
    venue.fault("bad_key", "spot.account")
    assert caller.signed("GET", "/api/v3/account").status_code == 401
    venue.fault("throttle", "spot.*", seconds=10)
    throttled = caller.send("GET", "/api/v3/ping")
    assert (throttled.status_code, throttled.json()["code"]) == (429, -1003)
    assert 1 <= int(throttled.headers["Retry-After"]) <= 10
    venue.clear_faults()
    venue.fault("gateway", "spot.*", count=1)
    assert caller.get("/sapi/v1/system/status")["status"] == 1
    page = caller.send("GET", "/api/v3/ping")
    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (502, "text/html")
    assert caller.get("/sapi/v1/system/status")["status"] == 0
    assert caller.get("/api/v3/ping") == {}


def test_a_lagging_replica_knows_less(venue: VenueProcess, caller: Caller) -> None:
    price = caller.price()
    caller.place(price=f"{price * 0.99:.2f}", newClientOrderId="lag-1")
    venue.step(30)
    venue.print_trade("BTCUSDT", f"{price * 0.985:.2f}", "1")
    assert status_of(caller, "lag-1") == "FILLED"
    venue.fault("read_lag", "spot.order.get", delay_ms=1)
    seen = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="lag-1").json()
    assert (seen["status"], seen["executedQty"]) == ("NEW", "0.00000000")
    caller.place(price=f"{price * 0.9:.2f}", newClientOrderId="lag-2")
    venue.fault("read_lag", "spot.*", delay_ms=1, count=2)
    assert status_of(caller, "lag-2") == -2013
    assert caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT").json() == []
    assert status_of(caller, "lag-2") == "NEW"


def test_faults_are_listed_and_misspelt_ones_refused(venue: VenueProcess, caller: Caller) -> None:
    venue.fault("lose_reply", "spot.order.new", count=3)
    listed = caller.send("GET", "/admin/faults").json()["armed"]
    assert [(fault["kind"], fault["count"], fault["struck"]) for fault in listed] == [("lose_reply", 3, 0)]
    for body in ({"kind": "nonsense"}, {"kind": "gateway", "cuont": 1}, {"kind": "gateway", "count": 0}):
        answer = requests.post(f"{venue.url}/admin/faults", json=body, headers={"X-MBX-APIKEY": KEY}, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (400, -1130)


def begin_early_in_a_minute() -> None:
    """Wait for the next minute where this one is nearly over: weight is counted by the minute."""
    until(lambda: time.time() % 60 < 45, "a new minute")


def test_the_weight_limit_answers_429_then_418() -> None:
    with VenueProcess(*STANDING, "--request-weight-limit", "100") as venue, Caller(venue.url) as caller:
        statuses = []
        begin_early_in_a_minute()
        for _ in range(25):
            answer = caller.send("GET", "/api/v3/exchangeInfo")
            statuses.append(answer.status_code)
        assert statuses[0] == 200
        assert 429 in statuses
        assert statuses[-1] == 418
        assert int(answer.headers["Retry-After"]) > 60
        assert "IP banned until" in answer.json()["msg"]
        assert statuses == sorted(statuses, key=[200, 429, 418].index)


def test_the_order_count_limit_and_its_credits() -> None:
    with VenueProcess(*STANDING, "--orders-10s", "5", "--orders-day", "6") as venue, Caller(venue.url) as caller:
        price = far_below(caller)
        answers = [caller.place(price=price) for _ in range(9)]
        refused = [answer for answer in answers if answer.get("code") == -1015]
        assert refused
        assert "Too many new orders; current limit is" in refused[0]["msg"]
        rows = caller.signed("GET", "/api/v3/rateLimit/order").json()
        assert [row["limit"] for row in rows] == [5, 6]
        before = rows[1]["count"]
        venue.print_trade("BTCUSDT", Decimal(price) - 1, "5")
        assert caller.signed("GET", "/api/v3/rateLimit/order").json()[1]["count"] == 0 < before


def test_a_slow_reader_is_closed_when_the_market_runs_by_itself() -> None:
    options = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "500")
    with VenueProcess(*options, "--queue-frames", "50") as venue, stalled(venue) as socket:
        assert socket.closing() == (1008, "Too slow to read")


def stalled(venue: VenueProcess) -> Socket:
    """A reader of everything that asks for nothing until it is asked to close."""
    names = "/".join(f"{symbol}@{kind}" for symbol in ("btcusdt", "ethusdt") for kind in ("trade", "depth20@100ms"))
    return Socket(f"{venue.ready['spot_ws_url']}/ws/{names}", max_queue=1)
