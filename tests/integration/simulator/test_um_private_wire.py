"""USD-M's private side as it stands on the wire: shapes, codes, batches, listen keys and their streams."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from fakes import um_wire_schemas as shape
from fakes.simulator_calls import KEY, SECRET, Caller, Socket
from fakes.venue_process import VenueProcess
from fakes.wire_schemas import LIMIT_ROW, mismatch
from simulator.wire.signing import sign

BTC, ETH = "BTCUSDT", "ETHUSDT"
EXPECTED: dict[str, tuple[dict[str, object], str]] = {
    "/fapi/v2/account": ({}, shape.ACCOUNT_V2),
    "/fapi/v3/account": ({}, shape.ACCOUNT_V3),
    "/fapi/v2/balance": ({}, f"[{shape.BALANCE}]"),
    "/fapi/v3/balance": ({}, f"[{shape.BALANCE}]"),
    "/fapi/v2/positionRisk": ({}, f"[{shape.RISK_V2}]"),
    "/fapi/v3/positionRisk": ({}, f"[{shape.RISK_V3}]"),
    "/fapi/v1/accountConfig": ({}, shape.ACCOUNT_CONFIG),
    "/fapi/v1/symbolConfig": ({"symbol": BTC}, f"[{shape.SYMBOL_CONFIG}]"),
    "/fapi/v1/leverageBracket": ({}, f"[{shape.BRACKETS}]"),
    "/fapi/v1/commissionRate": ({"symbol": BTC}, shape.COMMISSION),
    "/fapi/v1/income": ({}, f"[{shape.INCOME}]"),
    "/fapi/v1/rateLimit/order": ({}, f"[{{{LIMIT_ROW}}}]"),
    "/fapi/v1/openOrders": ({}, f"[{shape.QUERY}]"),
    "/fapi/v1/allOrders": ({}, f"[{shape.QUERY}]"),
    "/fapi/v1/userTrades": ({"symbol": BTC}, f"[{shape.TRADE}]"),
    "/fapi/v1/orderAmendment": ({"symbol": BTC}, f"[{shape.AMENDMENT}]"),
    "/fapi/v1/openAlgoOrders": ({}, f"[{shape.ALGO_QUERY}]"),
    "/fapi/v1/allAlgoOrders": ({"symbol": BTC}, f"[{shape.ALGO_QUERY}]"),
    "/fapi/v1/positionSide/dual": ({}, "{dualSidePosition:b}"),
    "/fapi/v1/multiAssetsMargin": ({}, "{multiAssetsMargin:b}"),
    "/fapi/v1/feeBurn": ({}, "{feeBurn:b}"),
    "/sapi/v1/asset/transfer": ({"type": "MAIN_UMFUTURE"}, shape.TRANSFERS),
}
EMPTY = ("/fapi/v1/forceOrders", "/fapi/v1/adlQuantile")


@pytest.fixture(scope="module")
def shared_venue() -> Iterator[VenueProcess]:
    """A standing market with two accounts."""
    market = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max")
    accounts = ("--api-key", KEY, "--api-secret", SECRET, "--api-key", "other-key", "--api-secret", "other-secret")
    with VenueProcess(*market, *accounts, "--futures-balance", "USDT=100000", "--messages-per-s", "50") as venue:
        yield venue


@pytest.fixture
def account(venue: VenueProcess) -> Iterator[Caller]:
    with Caller(venue.ready["futures_url"]) as caller:
        yield caller
        for path in ("allOpenOrders", "algoOpenOrders"):
            caller.signed("DELETE", f"/fapi/v1/{path}", symbol=BTC)
        for held in caller.signed("GET", "/fapi/v3/positionRisk", symbol=BTC).json():
            side, size = ("BUY" if held["positionAmt"][0] == "-" else "SELL"), held["positionAmt"].removeprefix("-")
            order(caller, side=side, type="MARKET", quantity=size, price=None)


def order(caller: Caller, **more: object) -> Any:
    """Send a limit order far below the market unless told otherwise; None leaves a parameter out."""
    usual = {
        "symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010",
        "price": away(caller, -3),
    }  # fmt: skip
    if more.get("type") == "MARKET":
        del usual["timeInForce"]
    wanted = {name: value for name, value in {**usual, **more}.items() if value is not None}
    return caller.signed("POST", "/fapi/v1/order", **wanted).json()


def away(caller: Caller, percent: float) -> str:
    mark = float(caller.get("/fapi/v1/premiumIndex", symbol=BTC)["markPrice"])
    return f"{mark * (1 + percent / 100):.1f}"


def fits(schema: str, value: object) -> None:
    assert mismatch(schema, value) is None, value


def test_private_answers_have_their_shape(account: Caller) -> None:
    fits(shape.PLACED, order(account, type="MARKET", price=None))
    resting = order(account)
    fits(shape.PLACED, resting)
    tested = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    fits(shape.QUERY, account.signed("POST", "/fapi/v1/order/test", **tested).json())
    change = {"symbol": BTC, "orderId": resting["orderId"], "side": "BUY", "quantity": "0.020", "price": "90000"}
    fits(shape.PLACED, account.signed("PUT", "/fapi/v1/order", **change).json())
    stop = {"algoType": "CONDITIONAL", "symbol": BTC, "side": "SELL", "quantity": "0.010"}
    waiting = account.signed(
        "POST", "/fapi/v1/algoOrder", **stop, type="STOP_MARKET", triggerPrice=away(account, -5)
    ).json()
    fits(shape.ALGO, waiting)
    trailing = account.signed("POST", "/fapi/v1/algoOrder", **stop, type="TRAILING_STOP_MARKET", callbackRate=1)
    fits(shape.ALGO, trailing.json())
    for path, (params, schema) in EXPECTED.items():
        answer = account.signed("GET", path, **params)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json(), path
        assert mismatch(schema, answer.json()) is None, path
    for path in EMPTY:
        assert account.signed("GET", path).json() == [], path
    for path in ("order", "openOrder"):
        asked = account.signed("GET", f"/fapi/v1/{path}", symbol=BTC, orderId=resting["orderId"]).json()
        assert (asked["origQty"], mismatch(shape.QUERY, asked)) == ("0.020", None)
    fits(shape.ALGO_QUERY, account.signed("GET", "/fapi/v1/algoOrder", algoId=waiting["algoId"]).json())
    gone = account.signed("DELETE", "/fapi/v1/algoOrder", algoId=waiting["algoId"]).json()
    assert gone == {"algoId": waiting["algoId"], "clientAlgoId": waiting["clientAlgoId"], "code": "200",
                    "msg": "success"}  # fmt: skip
    fits(shape.LEVERAGE, account.signed("POST", "/fapi/v1/leverage", symbol=BTC, leverage=20).json())
    fits(shape.PLACED, account.signed("DELETE", "/fapi/v1/order", symbol=BTC, orderId=resting["orderId"]).json())
    fits(shape.OK, account.signed("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC).json())


def test_refusals_carry_the_codes_of_futures(account: Caller) -> None:
    def code(method: str, path: str, **params: object) -> int:
        return int(account.signed(method, f"/fapi/v1/{path}", **params).json()["code"])

    stop = {"symbol": BTC, "side": "SELL", "quantity": "0.010", "stopPrice": "90000"}
    for kind in ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"):
        assert order(account, **stop, type=kind)["code"] == -4120
    assert order(account, newClientOrderId="a b")["code"] == -4015
    assert order(account, newClientOrderId="a" * 37)["msg"].endswith("more than 36 chars")
    assert order(account, newOrderRespType="FULL")["code"] == -1136
    assert order(account, quantity="0.0000000001")["msg"] == "Precision is over the maximum defined for this asset."
    assert order(account, positionSide="LONG")["code"] == -4061
    assert order(account, positionSide="UP")["code"] == -4060
    assert order(account, priceMatch="QUEUE")["code"] == -5037
    assert order(account, timeInForce="GTX", price=away(account, 2))["code"] == -5022
    assert order(account, quantity="500", price=away(account, -1))["code"] == -2019
    assert order(account, symbol="NOSUCH")["code"] == -1121
    assert order(account, newClientOrderId="twice")["status"] == "NEW"
    assert order(account, newClientOrderId="twice")["code"] == -4116
    assert code("DELETE", "order", symbol=BTC, orderId=1) == -2011
    assert code("GET", "openOrder", symbol=BTC, orderId=1) == -2013
    assert code("GET", "allOrders", symbol=BTC, startTime=2, endTime=1) == -1023
    assert code("GET", "userTrades", symbol=BTC, startTime=1, endTime=8 * 86_400_000) == -4165
    assert code("GET", "userTrades", symbol=BTC, startTime=1, fromId=1) == -1128
    assert code("PUT", "listenKey") in {-1125, -1104}
    assert code("POST", "positionMargin", symbol=BTC, amount="-1", type=1) == -4055
    assert code("POST", "positionMargin", symbol=BTC, amount="1", type=1) == -4049
    assert code("POST", "feeBurn", feeBurn="true") == -4084
    assert code("POST", "feeBurn", feeBurn="false") == 200
    assert code("DELETE", "allOpenOrders", symbol=BTC) == 200
    assert code("DELETE", "allOpenOrders", symbol=BTC) == 200, "nothing open is no error"


def test_keys_are_refused_with_the_callers_address_and_weight_is_told_by_the_minute(
    venue: VenueProcess, account: Caller
) -> None:
    with Caller(venue.ready["futures_url"], "unknown-key") as stranger:
        refused = stranger.signed("GET", "/fapi/v3/account")
    assert (refused.status_code, refused.json()["code"]) == (401, -2015)
    assert refused.json()["msg"] == "Invalid API-key, IP, or permissions for action, request ip: 127.0.0.1"
    headers = account.signed("GET", "/fapi/v3/account").headers
    assert int(headers["X-MBX-USED-WEIGHT-1M"]) >= 5
    assert "X-MBX-ORDER-COUNT-10S" not in headers


def test_ack_hides_what_result_shows(account: Caller) -> None:
    seen = [order(account, type="MARKET", price=None, newOrderRespType=kind) for kind in (None, "ACK", "RESULT")]
    assert [(each["status"], each["executedQty"]) for each in seen] == [
        ("NEW", "0.000"), ("NEW", "0.000"), ("FILLED", "0.010"),
    ]  # fmt: skip


def test_a_hedge_has_two_sides(account: Caller) -> None:
    def risk() -> dict[str, str]:
        rows = account.signed("GET", "/fapi/v3/positionRisk", symbol=BTC).json()
        return {row["positionSide"]: row["positionAmt"] for row in rows}

    assert account.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="TRUE").json()["code"] == 200
    for side, held in (("BUY", "LONG"), ("SELL", "SHORT")):
        order(account, side=side, type="MARKET", price=None, positionSide=held)
    assert order(account, type="MARKET", price=None)["code"] == -4061
    assert order(account, type="MARKET", price=None, positionSide="LONG", reduceOnly="false")["code"] == -1106
    assert risk() == {"LONG": "0.010", "SHORT": "-0.010"}
    assert account.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false").json()["code"] == -4068
    for side, held in (("SELL", "LONG"), ("BUY", "SHORT")):
        order(account, side=side, type="MARKET", price=None, positionSide=held)
    assert risk() == {}
    assert account.signed("POST", "/fapi/v1/positionSide/dual", dualSidePosition="false").json()["code"] == 200


def test_a_lagging_replica_knows_less_of_futures_too(venue: VenueProcess, account: Caller) -> None:
    placed = order(account)["orderId"]
    for name in ("fut.order.get", "fut.openOrders"):
        venue.fault("read_lag", name, delay_ms=60_000)
    assert account.signed("GET", "/fapi/v1/order", symbol=BTC, orderId=placed).json()["code"] == -2013
    assert account.signed("GET", "/fapi/v1/openOrders", symbol=BTC).json() == []
    assert account.signed("GET", "/fapi/v1/order", symbol=BTC, orderId=placed).json()["status"] == "NEW"


def test_batches_come_as_clients_send_them(account: Caller) -> None:
    price = away(account, -3)
    item = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010", "price": price}
    text = json.dumps([item, {**item, "quantity": 0.01}, {**item, "type": "STOP_MARKET"}], separators=(",", ":"))

    def signed_body(body: str) -> str:
        stamped = f"timestamp={time.time_ns() // 1_000_000}&{body}"
        return f"{stamped}&signature={sign(SECRET, stamped)}"

    unencoded = account.send("POST", "/fapi/v1/batchOrders", body=signed_body(f"batchOrders={text}"))
    encoded = account.send("POST", "/fapi/v1/batchOrders", body=signed_body(urlencode({"batchOrders": text})))
    for answer in (unencoded, encoded):
        rows = answer.json()
        assert [row.get("code", row.get("status")) for row in rows] == ["NEW", "NEW", -4120]
        fits(shape.PLACED, rows[0])
        assert answer.headers["X-MBX-ORDER-COUNT-10S"].isdigit()
        assert "X-MBX-ORDER-COUNT-1M" in answer.headers
    placed = [row["orderId"] for answer in (unencoded, encoded) for row in answer.json()[:2]]
    changed = json.dumps([{**item, "orderId": number, "quantity": "0.020"} for number in placed[:2]])
    refused = account.signed("PUT", "/fapi/v1/batchOrders", batchOrders=changed).json()
    assert {row["code"] for row in refused} == {-1104}, "type and timeInForce do not belong to a modification"
    change = {"symbol": BTC, "side": "BUY", "quantity": "0.020", "price": price}
    changed = json.dumps([{**change, "orderId": number} for number in placed[:2]])
    modified = account.signed("PUT", "/fapi/v1/batchOrders", batchOrders=changed).json()
    assert [row["origQty"] for row in modified] == ["0.020", "0.020"]
    dropped = account.signed("DELETE", "/fapi/v1/batchOrders", symbol=BTC, orderidlist=json.dumps(placed)).json()
    assert {row["status"] for row in dropped} == {"CANCELED"}
    for wrong, code in (("[]", -4082), (json.dumps([item] * 6), -4082), ("{'a':1}", -1130), ("7", -1130)):
        assert account.signed("POST", "/fapi/v1/batchOrders", batchOrders=wrong).json()["code"] == code
    many = json.dumps(list(range(11)))
    assert account.signed("DELETE", "/fapi/v1/batchOrders", symbol=BTC, orderIdList=many).json()["code"] == -4032


def test_a_countdown_is_told_and_a_batch_cancel_names_client_ids(account: Caller) -> None:
    assert account.signed("POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=0).json() == {
        "symbol": BTC, "countdownTime": "0",
    }  # fmt: skip
    for name in ("one", "two"):
        order(account, newClientOrderId=name)
    named = json.dumps(["one", "three", "two"])
    rows = account.signed("DELETE", "/fapi/v1/batchOrders", symbol=BTC, origClientOrderIdList=named).json()
    assert [row.get("clientOrderId", row.get("code")) for row in rows] == ["one", -2011, "two"]


def test_every_reader_of_the_key_hears_and_the_key_is_one_per_account(venue: VenueProcess, account: Caller) -> None:
    key = account.send("POST", "/fapi/v1/listenKey").json()["listenKey"]
    assert account.send("POST", "/fapi/v1/listenKey").json() == {"listenKey": key}
    assert account.send("PUT", "/fapi/v1/listenKey").json() == {"listenKey": key}
    assert account.send("PUT", "/fapi/v1/listenKey", body=f"listenKey={key}").json() == {"listenKey": key}
    assert account.send("PUT", "/fapi/v1/listenKey", body="listenKey=other").json()["code"] == -1125
    ws = venue.ready["futures_ws_url"]
    with (
        Socket(f"{ws}/private/ws?listenKey={key}") as asked,
        Socket(f"{ws}/private/ws/{key}") as named,
        Socket(f"{ws}/private/stream?streams={key}") as combined,
        Socket(f"{ws}/ws/{key}") as legacy,
    ):
        for socket in (asked, named, combined, legacy):
            socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
            assert socket.receive()["result"] == [key]
        placed = order(account)
        for socket in (asked, named):
            event = socket.receive()
            fits(shape.EVENTS["ORDER_TRADE_UPDATE"], event)
            assert (event["o"]["i"], event["o"]["x"]) == (placed["orderId"], "NEW")
        frame = combined.receive()
        assert (frame["stream"], frame["data"]["o"]["i"]) == (key, placed["orderId"])
        legacy.send({"method": "LIST_SUBSCRIPTIONS", "id": 2})
        assert legacy.receive()["id"] == 2, "addresses without a group carry no user data since 2026-04"
        venue.fault("drop_event", "ORDER_TRADE_UPDATE")
        account.signed("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
        account.signed("POST", "/fapi/v1/leverage", symbol=BTC, leverage=9)
        changed = asked.receive()
        fits(shape.EVENTS["ACCOUNT_CONFIG_UPDATE"], changed)
        assert changed["ac"] == {"s": BTC, "l": 9}
        venue.fault("listen_key_expiry")
        fits(shape.EVENTS["listenKeyExpired"], asked.receive())
    assert account.send("PUT", "/fapi/v1/listenKey").json()["code"] == -1125
    again = account.send("POST", "/fapi/v1/listenKey").json()["listenKey"]
    assert again != key
    assert account.send("DELETE", "/fapi/v1/listenKey").json() == {}
    assert account.send("PUT", "/fapi/v1/listenKey").json()["code"] == -1125
