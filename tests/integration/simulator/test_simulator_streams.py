"""Sockets: market streams, control messages, ws-api, user data, and how connections end."""

import asyncio
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed

from fakes.simulator_calls import DEADLINE_S, KEY, Caller, Socket, signed_params
from fakes.venue_process import VenueProcess

STANDING = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max")


def ws(venue: VenueProcess, path: str) -> Socket:
    return Socket(f"{venue.ready['spot_ws_url']}{path}")


def api(venue: VenueProcess) -> Socket:
    return Socket(venue.ready["spot_ws_api_url"])


def test_every_market_stream_speaks_singly(venue: VenueProcess) -> None:
    events = {
        "trade": "trade",
        "aggTrade": "aggTrade",
        "bookTicker": None,
        "kline_1m": "kline",
        "kline_1s": "kline",
        "miniTicker": "24hrMiniTicker",
        "ticker": "24hrTicker",
        "avgPrice": "avgPrice",
        "depth": "depthUpdate",
        "depth@100ms": "depthUpdate",
        "depth5": None,
        "depth20@100ms": None,
    }
    for name, event in events.items():
        with ws(venue, f"/ws/btcusdt@{name}") as socket:
            socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert socket.receive() == {"result": [f"btcusdt@{name}"], "id": 1}
            venue.step(200)
            frame = socket.receive()
            assert frame.get("e") == event, (name, frame)
            assert frame.get("s", "BTCUSDT") == "BTCUSDT"


def test_the_day_tickers_of_all_symbols_come_as_one_array(venue: VenueProcess) -> None:
    with ws(venue, "/ws/!miniTicker@arr@1000ms") as socket:
        settle(socket)
        venue.step(200)
        assert {row["s"] for row in socket.receive()} <= {"BTCUSDT", "ETHUSDT"}


def settle(socket: Socket) -> None:
    """Wait until the server has taken the connection in."""
    socket.send({"method": "LIST_SUBSCRIPTIONS", "id": "here"})
    socket.until(lambda frame: isinstance(frame, dict) and frame.get("id") == "here")


def test_combined_frames_name_their_stream(venue: VenueProcess) -> None:
    with ws(venue, "/stream?streams=btcusdt@trade/ethusdt@trade") as socket:
        settle(socket)
        venue.step(200)
        frame = socket.receive()
        assert frame["stream"] == f"{frame['data']['s'].lower()}@trade"


def test_several_names_in_one_path_give_raw_frames(venue: VenueProcess) -> None:
    with ws(venue, "/ws/btcusdt@trade/ethusdt@trade") as socket:
        settle(socket)
        venue.step(200)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            assert socket.until(lambda frame, each=symbol: frame.get("s") == each)["t"]  # type: ignore[misc]


def test_control_messages(venue: VenueProcess) -> None:
    with ws(venue, "/ws/0") as socket:

        def ask(method: str, *params: object, number: object = 1) -> Any:
            socket.send({"method": method, "params": list(params), "id": number})
            return socket.until(lambda frame: "result" in frame or "code" in frame)

        assert ask("SUBSCRIBE", "btcusdt@trade", "nonsense@nothing") == {"result": None, "id": 1}
        assert ask("LIST_SUBSCRIPTIONS", number="abc") == {
            "result": ["0", "btcusdt@trade", "nonsense@nothing"],
            "id": "abc",
        }
        assert ask("GET_PROPERTY", "combined", number=None) == {"result": False, "id": None}
        assert ask("SET_PROPERTY", "combined", True)["result"] is None
        assert ask("GET_PROPERTY", "combined")["result"] is True
        assert ask("GET_PROPERTY", "color")["msg"] == "Unknown property"
        assert ask("SET_PROPERTY", "combined", "yes")["msg"] == "Invalid value type: expected Boolean"
        assert ask("DANCE")["msg"].startswith("Invalid request: unknown variant `DANCE`, expected one of `SUBSCRIBE`")
        socket.send("{not json")
        assert socket.receive()["msg"] == "Invalid JSON: expected value at line 1 column 2"
        assert ask("UNSUBSCRIBE", "btcusdt@trade")["result"] is None
        assert ask("LIST_SUBSCRIPTIONS")["result"] == ["0", "nonsense@nothing"]


def test_the_depth_chain_has_no_break_and_rebuilds_the_book(venue: VenueProcess, caller: Caller) -> None:
    with ws(venue, "/ws/btcusdt@depth@100ms") as socket:
        settle(socket)
        venue.step(20)
        snapshot = caller.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)
        placed = caller.place(price=f"{caller.price() * 0.9:.2f}")
        sides = {"b": dict(snapshot["bids"]), "a": dict(snapshot["asks"])}
        last = snapshot["lastUpdateId"]
        compared = 0
        for _ in range(60):
            venue.step(3)
            last = follow(socket, sides, last, first=last == snapshot["lastUpdateId"])
            now = caller.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)
            if now["lastUpdateId"] == last:
                assert sides == {"b": dict(now["bids"]), "a": dict(now["asks"])}
                compared += 1
        assert compared > 10
        assert placed["price"] in sides["b"]


def test_a_level_that_came_and_went_between_two_frames_is_named(venue: VenueProcess, caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    with ws(venue, "/ws/btcusdt@depth") as socket:
        settle(socket)
        venue.print_trade("BTCUSDT", caller.price(), "0.1")
        placed = caller.place(price=price)
        snapshot = caller.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)
        assert [placed["price"], "0.00100000"] in snapshot["bids"]
        caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
        venue.step(200)
        frame = socket.until(lambda frame: frame["u"] > snapshot["lastUpdateId"])
    assert frame["U"] <= snapshot["lastUpdateId"] + 1
    assert [placed["price"], "0.00000000"] in frame["b"]


def follow(socket: Socket, sides: dict[str, dict[str, str]], last: int, *, first: bool) -> int:
    """Apply the frames that have arrived to a local book; return the last update id."""
    socket.send({"method": "LIST_SUBSCRIPTIONS", "id": "here"})
    while (frame := socket.receive()).get("id") != "here":
        if frame["u"] <= last:
            continue
        assert (frame["U"] <= last + 1 <= frame["u"]) if first else (frame["U"] == last + 1)
        first, last = False, frame["u"]
        for side, levels in sides.items():
            for price, quantity in frame[side]:
                levels[price] = quantity
                if float(quantity) == 0:
                    del levels[price]
    return last


def test_candles_close_once_each_and_agree_with_rest(venue: VenueProcess, caller: Caller) -> None:
    with ws(venue, "/ws/btcusdt@kline_1m") as socket:
        settle(socket)
        four_minutes_on = venue.state()["market_ms"] + 240_000
        while venue.step(200)["market_ms"] < four_minutes_on:
            pass
        closed = [socket.until(lambda frame: frame["k"]["x"])["k"] for _ in range(3)]
    opens = [candle["t"] for candle in closed]
    assert opens == [opens[0], opens[0] + 60_000, opens[0] + 120_000]
    rows = caller.get("/api/v3/klines", symbol="BTCUSDT", interval="1m", startTime=opens[0], limit=3)
    for candle, row in zip(closed, rows, strict=True):
        assert [candle[name] for name in "tohlcvTqnVQ"] == row[:11]


def test_an_order_is_told_in_order_and_a_cancel_swaps_its_ids(venue: VenueProcess, caller: Caller) -> None:
    with api(venue) as socket:
        subscribed = socket.subscribe_user()
        assert subscribed["result"] == {"subscriptionId": 0}
        caller.place(type="MARKET", newClientOrderId="told-1")
        caller.place(price=f"{caller.price() * 0.9:.2f}", newClientOrderId="told-2")
        caller.signed(
            "DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="told-2", newClientOrderId="told-3"
        )
        frames = [socket.receive() for _ in range(7)]
    assert {frame["subscriptionId"] for frame in frames} == {0}
    events = [frame["event"] for frame in frames]
    assert [(e["e"], e.get("x")) for e in events] == [
        ("executionReport", "NEW"),
        ("executionReport", "TRADE"),
        ("outboundAccountPosition", None),
        ("executionReport", "NEW"),
        ("outboundAccountPosition", None),
        ("executionReport", "CANCELED"),
        ("outboundAccountPosition", None),
    ]
    new, trade, _, placed, _, cancelled, _ = events
    assert (new["c"], new["C"], trade["N"], trade["t"] > 0, new["t"]) == ("told-1", "", "BTC", True, -1)
    assert (placed["c"], placed["C"]) == ("told-2", "")
    assert (cancelled["c"], cancelled["C"], cancelled["X"]) == ("told-3", "told-2", "CANCELED")
    ids = [event["I"] for event in events if "I" in event]
    assert ids == sorted(set(ids))


def test_a_print_fills_a_resting_order_and_both_sides_hear_of_it(venue: VenueProcess, caller: Caller) -> None:
    price = caller.price() * 0.99
    placed = caller.place(price=f"{price:.2f}")
    with api(venue) as user, ws(venue, "/ws/btcusdt@trade") as market:
        user.subscribe_user()
        settle(market)
        venue.print_trade("BTCUSDT", f"{price - 1:.2f}", "0.5")
        report = user.until(lambda frame: frame.get("event", {}).get("x") == "TRADE")["event"]
        trades = [market.receive() for _ in range(2)]
    assert (report["i"], report["X"], report["m"], report["L"]) == (placed["orderId"], "FILLED", True, placed["price"])
    assert [(trade["p"], trade["q"]) for trade in trades] == [
        (placed["price"], "0.00100000"),
        (f"{price - 1:.2f}000000", "0.50000000"),
    ]
    assert trades[0]["t"] == report["t"]


def test_orders_by_socket_use_the_same_table(venue: VenueProcess, caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
    with api(venue) as socket:
        assert socket.ask("ping")["result"] == {}
        assert "serverTime" in socket.ask("time")["result"]
        placed = socket.ask("order.place", "a", **signed_params(**order, price=price))
        assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
        assert [row["rateLimitType"] for row in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
        number = placed["result"]["orderId"]
        listed = socket.ask("openOrders.status", 7, **signed_params(symbol="BTCUSDT"))
        assert [row["orderId"] for row in listed["result"]] == [number]
        gone = socket.ask("order.cancel", **signed_params(symbol="BTCUSDT", orderId=number, returnRateLimits="false"))
        assert gone["result"]["status"] == "CANCELED"
        assert "rateLimits" not in gone
        again = socket.ask("order.cancel", **signed_params(symbol="BTCUSDT", orderId=number))
        assert (again["status"], again["error"]) == (400, {"code": -2011, "msg": "Unknown order sent."})
        assert socket.ask("no.such.method")["error"]["code"] == -1020
        assert socket.ask("userDataStream.start")["status"] == 410
        socket.send("[]")
        assert socket.receive()["error"]["code"] == -1135


def test_subscriptions_are_one_per_account_and_connection(venue: VenueProcess) -> None:
    with api(venue) as socket:
        assert socket.ask("session.subscriptions")["result"] == []
        assert socket.subscribe_user()["result"] == {"subscriptionId": 0}
        assert socket.subscribe_user()["error"]["code"] == -2035
        assert socket.subscribe_user("other-key", "other-secret")["result"] == {"subscriptionId": 1}
        assert socket.ask("session.subscriptions")["result"] == [{"subscriptionId": 0}, {"subscriptionId": 1}]
        assert socket.ask("userDataStream.unsubscribe", subscriptionId=0)["result"] == {}
        assert socket.ask("userDataStream.unsubscribe", subscriptionId=0)["error"]["code"] == -2036
        assert socket.ask("userDataStream.unsubscribe")["result"] == {}
        assert socket.subscribe_user()["result"] == {"subscriptionId": 2}
        assert socket.subscribe_user("nobody", "x")["error"]["code"] == -2015
        assert socket.subscribe_user(KEY, "wrong")["error"]["code"] == -1022


def test_deposits_are_balance_updates(venue: VenueProcess) -> None:
    with api(venue) as socket:
        socket.subscribe_user()
        venue.admin("deposit", asset="ETH", amount="1.5")
        moved, position = socket.receive()["event"], socket.receive()["event"]
    assert (moved["e"], moved["a"], moved["d"]) == ("balanceUpdate", "ETH", "1.50000000")
    assert position["B"][0]["a"] == "ETH"


@pytest.mark.parametrize("path", ["/ws/btcusdt@trade", "/ws-api/v3"])
def test_connections_end_at_their_lifetime(path: str) -> None:
    with VenueProcess(*STANDING, "--connection-lifetime-s", "0.3") as venue, ws(venue, path) as socket:
        assert socket.closing()[0] == 1001


def test_a_silent_peer_is_closed_and_a_ponging_one_is_not() -> None:
    with VenueProcess(*STANDING, "--ping-s", "0.3", "--pong-s", "1.7", "--connection-lifetime-s", "4") as venue:
        with ws(venue, "/ws/btcusdt@trade") as socket:
            assert socket.closing()[0] == 1001
        assert asyncio.run(deaf_peer(f"{venue.ready['spot_ws_url']}/ws/btcusdt@trade")) == (1008, "Pong timeout")


async def deaf_peer(url: str) -> tuple[int, str]:
    """Read pings without answering; return the close code and reason."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoping=False, autoclose=False) as socket:
        message = await socket.receive(DEADLINE_S)
        while message.type is not aiohttp.WSMsgType.CLOSE:
            assert message.type is aiohttp.WSMsgType.PING
            message = await socket.receive(DEADLINE_S)
        return message.data, message.extra


def test_too_many_messages_close_the_socket(venue: VenueProcess) -> None:
    with VenueProcess(*STANDING) as strict, ws(strict, "/ws") as socket:
        with suppress(ConnectionClosed):
            for number in range(20):
                socket.send({"method": "LIST_SUBSCRIPTIONS", "id": number})
        assert socket.closing() == (1008, "Too many requests")


def test_a_stop_says_goodbye_on_every_kind_of_socket() -> None:
    combined_path = "/stream?streams=btcusdt@trade"
    with (
        VenueProcess(*STANDING) as venue,
        ws(venue, "/ws/btcusdt@trade") as raw,
        ws(venue, combined_path) as combined,
        api(venue) as user,
    ):
        for socket in (raw, combined):
            settle(socket)
        user.ask("ping")
        venue.stop()
        assert raw.receive()["e"] == "serverShutdown"
        assert combined.receive()["stream"] == "!serverShutdown"
        assert user.receive()["event"]["e"] == "serverShutdown"
        assert raw.closing()[0] == 1001
