"""Stops, take-profits and OCOs at the spot door: plain calls, the ws-api, events, and unmodified clients."""

from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
from binance import Client
from binance.exceptions import BinanceAPIException

from fakes import wire_schemas as shape
from fakes.client_addresses import addresses, ccxt_settings
from fakes.simulator_calls import KEY, SECRET, Caller, Socket, signed_params
from fakes.venue_process import VenueProcess

SPOT = "BTC/USDT"
WAITING = {"isWorking": False, "workingTime": -1, "status": "NEW", "orderListId": -1}


@pytest.fixture(scope="module")
def shared_venue() -> Iterator[VenueProcess]:
    """One standing market: prices move by prints alone, and every test goes by the price it finds."""
    with VenueProcess("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT", "--speed", "max", "--api-key",
                      KEY, "--api-secret", SECRET, "--api-key", "other-key", "--api-secret", "other-secret",
                      "--balance", "USDT=100000", "BTC=2", "--orders-10s", "100000") as venue:  # fmt: skip
        venue.step(5)
        yield venue


@pytest.fixture
def caller(venue: VenueProcess) -> Iterator[Caller]:
    with Caller(venue.url) as account:
        yield account


def away(caller: Caller, percent: float) -> str:
    return f"{caller.price() * (1 + percent / 100):.2f}"


def trade_at(venue: VenueProcess, price: str) -> None:
    venue.admin("print", symbol="BTCUSDT", price=price, qty="0.00001")


def sell_stop(caller: Caller, percent: float = -1, **more: object) -> Any:
    stop = {"side": "SELL", "type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "price": away(caller, percent * 0.9)}
    return caller.place(**{**stop, "stopPrice": away(caller, percent), **more})


def oco(caller: Caller, **more: object) -> dict[str, object]:
    return {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.001", "aboveType": "LIMIT_MAKER",
        "abovePrice": away(caller, 1), "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": away(caller, -1),
        "belowPrice": away(caller, -1.1), "belowTimeInForce": "GTC", **more,
    }  # fmt: skip


def query(caller: Caller, placed: Any) -> Any:
    return caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"]).json()


def test_a_stop_waits_out_of_the_book_and_works_from_its_trigger_on(venue: VenueProcess, caller: Caller) -> None:
    with Socket(venue.ready["spot_ws_api_url"]) as socket:
        socket.subscribe_user()
        placed = sell_stop(caller, newOrderRespType="RESULT")
        assert shape.mismatch(f"{{{shape.RESULT}}}", placed) is None
        assert (placed["workingTime"], placed["type"]) == (-1, "STOP_LOSS_LIMIT")
        shown = query(caller, placed)
        assert {name: shown[name] for name in WAITING} == WAITING
        assert shown["stopPrice"] == placed["stopPrice"]
        assert caller.signed("GET", "/api/v3/openOrders", symbol="BTCUSDT").json() == [shown]
        first = socket.until(lambda frame: "event" in frame)["event"]
        assert shape.mismatch(shape.REPORT, first) is None
        assert (first["x"], first["w"], first["P"]) == ("NEW", False, placed["stopPrice"])
        assert "W" not in first
        trade_at(venue, placed["stopPrice"])
        works = socket.until(lambda frame: frame.get("event", {}).get("e") == "executionReport")["event"]
        assert (works["x"], works["X"], works["w"], works["i"]) == ("NEW", "NEW", True, placed["orderId"])
        shown = query(caller, placed)
        assert (shown["isWorking"], shown["workingTime"]) == (True, works["W"])
        cancelled = caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"]).json()
        assert shape.mismatch(shape.CANCEL, cancelled) is None


def test_a_stop_loss_sells_at_the_market(venue: VenueProcess, caller: Caller) -> None:
    stop = caller.place(side="SELL", type="STOP_LOSS", stopPrice=away(caller, -0.01))
    assert shape.mismatch(f"{{{shape.ACK}}}", stop) is None
    trade_at(venue, away(caller, -0.01))
    venue.step(1)  # prints of other tests may have used the book up: then it sells into the next one
    assert (query(caller, stop)["status"], query(caller, stop)["executedQty"]) == ("FILLED", "0.00100000")


def test_what_is_wrong_with_a_stop_is_said_in_binances_words(caller: Caller) -> None:
    assert sell_stop(caller, 1) == {"code": -2010, "msg": "Stop price would trigger immediately."}
    assert sell_stop(caller, trailingDelta=100)["msg"] == "Trailing stop orders are not supported for this symbol."
    assert caller.place(price=away(caller, -5), stopPrice="1")["code"] == -1106
    stop = {"symbol": "BTCUSDT", "side": "SELL", "type": "TAKE_PROFIT", "quantity": "0.001"}
    missing = caller.signed("POST", "/api/v3/order/test", **stop).json()
    assert missing["msg"] == "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"
    assert caller.signed("POST", "/api/v3/order/test", **stop, stopPrice=away(caller, 1)).json() == {}
    info = caller.get("/api/v3/exchangeInfo", symbol="BTCUSDT")["symbols"][0]
    assert {"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"} <= set(info["orderTypes"])
    assert (info["ocoAllowed"], info["allowTrailingStop"]) == (True, False)
    limits = {row["filterType"]: row for row in info["filters"]}
    assert limits["MAX_NUM_ALGO_ORDERS"]["maxNumAlgoOrders"] == 5


def test_an_oco_is_answered_told_and_found_as_a_list(venue: VenueProcess, caller: Caller) -> None:
    with Socket(venue.ready["spot_ws_api_url"]) as socket:
        socket.subscribe_user()
        sent = caller.signed("POST", "/api/v3/orderList/oco", **oco(caller, listClientOrderId="pair"))
        placed = sent.json()
        reports = f"orderReports:[{{{shape.RESULT}}}]"
        assert shape.mismatch(f"{{{shape.LIST} {reports}}}", placed) is None
        assert int(sent.headers["X-MBX-ORDER-COUNT-10S"]) >= 2
        assert (placed["contingencyType"], placed["listStatusType"]) == ("OCO", "EXEC_STARTED")
        assert [report["type"] for report in placed["orderReports"]] == ["STOP_LOSS_LIMIT", "LIMIT_MAKER"]
        told = socket.until(lambda frame: frame.get("event", {}).get("e") == "listStatus")["event"]
        assert shape.mismatch(shape.LIST_STATUS, told) is None
        assert (told["l"], told["L"], told["C"]) == ("EXEC_STARTED", "EXECUTING", "pair")
        bare = {name: value for name, value in placed.items() if name != "orderReports"}
        for path, params in (("openOrderList", {}), ("allOrderList", {"fromId": placed["orderListId"]})):
            assert caller.signed("GET", f"/api/v3/{path}", **params).json() == [bare]
        assert caller.signed("GET", "/api/v3/orderList", origClientOrderId="pair").json() == bare
        assert {query(caller, order)["orderListId"] for order in placed["orders"]} == {placed["orderListId"]}
        trade_at(venue, away(caller, -1))
        told = socket.until(lambda frame: frame.get("event", {}).get("X") == "EXPIRED")["event"]
        assert (told["o"], told["eR"], told["g"]) == ("LIMIT_MAKER", "OCO_TRIGGER", placed["orderListId"])
        everything = caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
        assert shape.mismatch(f"[{{{shape.LIST} orderReports:[{shape.CANCEL}]}}]", everything) is None
        told = socket.until(lambda frame: frame.get("event", {}).get("l") == "ALL_DONE")["event"]
        assert told["g"] == placed["orderListId"]


def test_the_older_oco_call_and_the_cancel_of_a_list(caller: Caller) -> None:
    old = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.001", "price": away(caller, -1),
           "stopPrice": away(caller, 1)}  # fmt: skip
    placed = caller.signed("POST", "/api/v3/order/oco", **old, newOrderRespType="ACK").json()
    assert [sorted(report) for report in placed["orderReports"]] == [
        ["clientOrderId", "orderId", "orderListId", "symbol", "transactTime"]
    ] * 2
    shown = query(caller, placed["orders"][0])
    assert (shown["type"], shown["side"]) == ("STOP_LOSS", "BUY")
    cancel = {"symbol": "BTCUSDT", "orderListId": placed["orderListId"]}
    cancelled = caller.signed("DELETE", "/api/v3/orderList", **cancel).json()
    assert (cancelled["listOrderStatus"], len(cancelled["orderReports"])) == ("ALL_DONE", 2)
    again = caller.signed("DELETE", "/api/v3/orderList", **cancel).json()
    assert again == {"code": -2011, "msg": "Unknown order sent."}
    limited = caller.signed("POST", "/api/v3/order/oco", **old, stopLimitPrice=away(caller, 1)).json()
    assert limited["code"] == -1102


def test_a_refused_oco_counts_no_orders(caller: Caller) -> None:
    def count() -> int:
        return int(caller.signed("GET", "/api/v3/rateLimit/order").json()[1]["count"])

    before = count()
    wrong = caller.signed("POST", "/api/v3/orderList/oco", **oco(caller, abovePrice=away(caller, -2))).json()
    assert wrong == {"code": -2010, "msg": "The relationship of the prices for the orders is not correct."}
    assert count() == before


def test_the_ws_api_places_shows_and_cancels_lists(venue: VenueProcess, caller: Caller) -> None:
    with Socket(venue.ready["spot_ws_api_url"]) as socket:
        placed = socket.ask("orderList.place.oco", 1, **signed_params(**oco(caller)))["result"]
        listed = {"orderListId": placed["orderListId"]}
        assert socket.ask("orderList.status", 2, **signed_params(**listed))["result"]["orders"] == placed["orders"]
        assert len(socket.ask("openOrderLists.status", 3, **signed_params())["result"]) == 1
        cancelled = socket.ask("orderList.cancel", 4, **signed_params(symbol="BTCUSDT", **listed))
        assert cancelled["result"]["listStatusType"] == "ALL_DONE"


def test_stops_and_lists_survive_a_kill(tmp_path: Any) -> None:
    options = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT", "--speed", "max", "--state",
               str(tmp_path), "--api-key", KEY, "--api-secret", SECRET, "--balance", "USDT=1000", "BTC=1")  # fmt: skip
    with VenueProcess(*options) as venue, Caller(venue.url) as caller:
        venue.step(5)
        stop = sell_stop(caller)
        pair = caller.signed("POST", "/api/v3/orderList/oco", **oco(caller)).json()
        shown = query(caller, stop)
        below = away(caller, -1.01)
        venue.kill()
    with VenueProcess(*options) as venue, Caller(venue.url) as caller:
        assert query(caller, stop) == shown
        assert caller.signed("GET", "/api/v3/openOrderList").json()[0]["orders"] == pair["orders"]
        trade_at(venue, below)
        assert query(caller, stop)["isWorking"] is True
        states = [query(caller, order) for order in pair["orders"]]
        assert [(order["status"], order["isWorking"]) for order in states] == [("NEW", True), ("EXPIRED", True)]


def test_python_binance_places_stops_and_ocos(venue: VenueProcess, caller: Caller) -> None:
    client = type("LocalClient", (Client,), addresses(venue))(KEY, SECRET)
    try:
        stop = client.create_order(
            symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC", quantity="0.001",
            price=away(caller, -2), stopPrice=away(caller, -1),
        )  # fmt: skip
        assert client.get_open_orders(symbol="BTCUSDT")[0]["orderId"] == stop["orderId"]
        client.cancel_order(symbol="BTCUSDT", orderId=stop["orderId"])
        placed = client.create_oco_order(**oco(caller))
        assert client.get_open_oco_orders()[0]["orderListId"] == placed["orderListId"]
        assert client.v3_get_order_list(orderListId=placed["orderListId"])["listOrderStatus"] == "EXECUTING"
        client.v3_delete_order_list(symbol="BTCUSDT", orderListId=placed["orderListId"])
        assert client.v3_get_all_order_list()[-1]["listOrderStatus"] == "ALL_DONE"
        bought = client.order_oco_buy(
            symbol="BTCUSDT", quantity="0.001", aboveType="STOP_LOSS", aboveStopPrice=away(caller, 1),
            belowType="LIMIT_MAKER", belowPrice=away(caller, -1),
        )  # fmt: skip
        client.cancel_order(symbol="BTCUSDT", orderId=bought["orders"][0]["orderId"])
        assert client.get_open_orders(symbol="BTCUSDT") == []
        with pytest.raises(BinanceAPIException, match="-1166"):
            client.order_oco_sell(
                symbol="BTCUSDT", quantity="0.001", aboveType="STOP_LOSS", aboveStopPrice=away(caller, 1),
                belowType="LIMIT_MAKER", belowPrice=away(caller, -1),
            )  # fmt: skip
    finally:
        client.close_connection()
        client.loop.close()


def test_ccxt_places_stop_losses_and_take_profits(venue: VenueProcess) -> None:
    exchange = ccxt.binance(ccxt_settings(venue))
    exchange.load_markets()
    price = exchange.fetch_ticker(SPOT)["last"]
    kinds = {
        "stop_loss_limit": exchange.create_order(
            SPOT, "limit", "sell", 0.001, price * 0.98, {"stopLossPrice": price * 0.99}
        ),
        "take_profit_limit": exchange.create_order(
            SPOT, "limit", "sell", 0.001, price * 1.02, {"takeProfitPrice": price * 1.01}
        ),
        "stop_loss": exchange.create_order(SPOT, "market", "sell", 0.001, None, {"stopLossPrice": price * 0.99}),
        "take_profit": exchange.create_order(SPOT, "market", "buy", 0.001, None, {"takeProfitPrice": price * 0.99}),
    }
    for kind, placed in kinds.items():
        found = exchange.fetch_order(placed["id"], SPOT)
        assert (found["info"]["type"].lower(), found["status"]) == (kind, "open")
        assert found["triggerPrice"] in (round(price * 0.99, 2), round(price * 1.01, 2))
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        exchange.create_order(SPOT, "market", "sell", 0.001, None, {"stopLossPrice": price * 1.01})
    exchange.cancel_all_orders(SPOT)
    assert exchange.fetch_open_orders(SPOT) == []
    exchange.session.close()
