"""REST: authentication, parameters, orders, queries, limits' headers."""

import time
from decimal import Decimal
from itertools import pairwise
from urllib.parse import quote, urlencode

import pytest

from fakes.simulator_calls import KEY, SECRET, Caller
from fakes.venue_process import VenueProcess
from simulator.wire.signing import sign


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def code_of(answer: object) -> object:
    return answer.get("code") if isinstance(answer, dict) else None


def test_signatures_over_raw_and_over_decoded_text_are_accepted(caller: Caller) -> None:
    rest = f"&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.001&price={caller.price() * 0.9:.2f}"
    for signed in ("symbol=BTC%55SDT", "symbol=BTCUSDT"):
        tail = f"{rest}&timestamp={now_ms()}"
        body = f"symbol=BTC%55SDT{tail}&signature={sign(SECRET, signed + tail)}"
        answer = caller.send("POST", "/api/v3/order/test", body=body)
        assert (answer.status_code, answer.json()) == (200, {})


def test_a_wrong_signature_key_or_clock_is_refused_with_binance_codes(venue: VenueProcess, caller: Caller) -> None:
    cases = [
        (Caller(venue.url, KEY, "wrong"), {}, 400, -1022),
        (Caller(venue.url, "", SECRET), {}, 401, -2014),
        (Caller(venue.url, "bad key!", SECRET), {}, 401, -2014),
        (Caller(venue.url, "nobody", SECRET), {}, 401, -2015),
        (caller, {"timestamp": now_ms() - 6_000}, 400, -1021),
        (caller, {"timestamp": now_ms() + 3_000}, 400, -1021),
        (caller, {"recvWindow": 60_001}, 400, -1102),
    ]
    for account, params, status, code in cases:
        answer = account.signed("GET", "/api/v3/account", **params)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert caller.send("GET", "/api/v3/account", query=f"timestamp={now_ms()}").json()["code"] == -1102
    for account, *_ in cases[:4]:
        account.__exit__()


def test_orders_by_query_by_body_and_mixed_and_the_query_wins(caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
    for split in (0, 3, 5):
        items = list({**order, "price": price, "timestamp": str(now_ms())}.items())
        query, body = urlencode(items[:split]), urlencode(items[split:])
        body += f"&signature={sign(SECRET, query + body)}"
        answer = caller.send("POST", "/api/v3/order", query=query, body=body)
        assert answer.json()["status"] == "NEW", answer.text
    query = urlencode({"quantity": "0.002"})
    body = urlencode({**order, "price": price, "timestamp": now_ms()})
    body += f"&signature={sign(SECRET, query + body)}"
    assert caller.send("POST", "/api/v3/order", query=query, body=body).json()["origQty"] == "0.00200000"


def test_deleting_by_form_body_works_as_python_binance_sends_it(caller: Caller) -> None:
    placed = caller.place(price=f"{caller.price() * 0.9:.2f}")
    body = urlencode({"orderId": placed["orderId"], "symbol": "BTCUSDT", "timestamp": now_ms()})
    answer = caller.send("DELETE", "/api/v3/order", body=f"{body}&signature={sign(SECRET, body)}")
    assert answer.json()["status"] == "CANCELED"


def test_unknown_missing_and_malformed_parameters(caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    assert code_of(caller.place(price=price, foo="1")) == -1104
    assert code_of(caller.get("/api/v3/ping", foo="1")) == -1101
    assert code_of(caller.place(price=price, side="")) == -1102
    assert code_of(caller.place(price="1e-05")) == -1100
    assert code_of(caller.place(price=price, newClientOrderId="a.b")) == -1100
    assert code_of(caller.place(price=price, symbol="NOPEUSDT")) == -1121
    assert code_of(caller.get("/api/v3/klines", symbol="BTCUSDT", interval="7m")) == -1120
    assert code_of(caller.signed("GET", "/api/v3/order", symbol="BTCUSDT").json()) == -1102


def test_an_unknown_path_is_a_404_page_and_the_listen_key_is_gone(venue: VenueProcess, caller: Caller) -> None:
    assert caller.send("GET", "/api/v3/nothing").status_code == 404
    assert caller.send("GET", "/fapi/v1/ping").status_code == 404
    for method in ("POST", "PUT", "DELETE"):
        assert caller.send(method, "/api/v3/userDataStream").status_code == 410


def test_a_resting_order_lives_through_query_and_cancel(caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    placed = caller.place(price=price, newClientOrderId="life-1")
    assert (placed["status"], placed["fills"], placed["clientOrderId"]) == ("NEW", [], "life-1")
    asked = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="life-1").json()
    assert (asked["orderId"], asked["isWorking"]) == (placed["orderId"], True)
    assert [o["orderId"] for o in caller.signed("GET", "/api/v3/openOrders").json()] == [placed["orderId"]]
    cancelled = caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"],
                              newClientOrderId="cancel-1").json()  # fmt: skip
    assert (cancelled["clientOrderId"], cancelled["origClientOrderId"]) == ("cancel-1", "life-1")
    again = caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert (again.status_code, again.json()) == (400, {"code": -2011, "msg": "Unknown order sent."})
    missing = caller.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=10**9)
    assert missing.json() == {"code": -2013, "msg": "Order does not exist."}
    last = caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT").json()[-1]
    assert (last["orderId"], last["status"]) == (placed["orderId"], "CANCELED")


def test_answers_are_full_for_limit_and_market_and_ack_for_the_rest(caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    assert "fills" in caller.place(price=price)
    assert "fills" in caller.place(type="MARKET")
    assert "status" not in caller.place(type="LIMIT_MAKER", price=price)
    assert "fills" not in caller.place(price=price, newOrderRespType="RESULT")
    assert "status" not in caller.place(price=price, newOrderRespType="ACK")


def test_a_market_order_pays_commission_and_shows_in_balances_and_trades(caller: Caller) -> None:
    before = balances(caller)
    order = caller.place(type="MARKET", quantity="0.002")
    assert order["status"] == "FILLED"
    quote = sum(Decimal(fill["price"]) * Decimal(fill["qty"]) for fill in order["fills"])
    commission = sum(Decimal(fill["commission"]) for fill in order["fills"])
    after = balances(caller)
    assert Decimal(order["cummulativeQuoteQty"]) == quote
    assert after["USDT"] == before["USDT"] - quote
    assert after["BTC"] == before["BTC"] + Decimal("0.002") - commission
    mine = caller.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT", orderId=order["orderId"]).json()
    assert [trade["id"] for trade in mine] == [fill["tradeId"] for fill in order["fills"]]


def balances(caller: Caller) -> dict[str, Decimal]:
    rows = caller.signed("GET", "/api/v3/account").json()["balances"]
    return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in rows}


def test_post_only_at_or_through_the_market_is_refused(caller: Caller) -> None:
    ask = caller.get("/api/v3/ticker/bookTicker", symbol="BTCUSDT")["askPrice"]
    assert caller.place(type="LIMIT_MAKER", price=ask) == {
        "code": -2010,
        "msg": "Order would immediately match and take.",
    }


def test_immediate_orders_expire_as_states(caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    ioc = caller.place(price=price, timeInForce="IOC")
    assert (ioc["status"], ioc["expiryReason"]) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
    fok = caller.place(price=price, timeInForce="FOK")
    assert (fok["status"], fok["expiryReason"]) == ("EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")


def test_kinds_of_orders_not_offered_say_so(caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    stop = caller.place(type="STOP_LOSS", trailingDelta="100")
    assert stop == {"code": -1013, "msg": "Trailing stop orders are not supported for this symbol."}
    assert code_of(caller.place(price=price, icebergQty="0.0001")) == -1013


def test_order_test_checks_and_places_nothing(caller: Caller) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001",
             "price": f"{caller.price() * 0.9:.2f}"}  # fmt: skip
    assert caller.signed("POST", "/api/v3/order/test", **order).json() == {}
    rates = caller.signed("POST", "/api/v3/order/test", **order, computeCommissionRates="true").json()
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert caller.signed("POST", "/api/v3/order/test", **{**order, "price": "0.001"}).json()["code"] == -1013
    assert caller.signed("GET", "/api/v3/openOrders").json() == []


def test_cancel_replace_answers_both_legs(caller: Caller) -> None:
    price = caller.price()
    placed = caller.place(price=f"{price * 0.9:.2f}")
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001",
             "price": f"{price * 0.89:.2f}", "cancelReplaceMode": "STOP_ON_FAILURE"}  # fmt: skip
    done = caller.signed("POST", "/api/v3/order/cancelReplace", **order, cancelOrderId=placed["orderId"])
    assert done.status_code == 200
    assert (done.json()["cancelResult"], done.json()["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    failed = caller.signed("POST", "/api/v3/order/cancelReplace", **order, cancelOrderId=placed["orderId"])
    assert (failed.status_code, failed.json()["code"]) == (400, -2022)
    assert failed.json()["data"] == {
        "cancelResult": "FAILURE",
        "newOrderResult": "NOT_ATTEMPTED",
        "cancelResponse": {"code": -2011, "msg": "Unknown order sent."},
        "newOrderResponse": None,
    }
    half = caller.signed("POST", "/api/v3/order/cancelReplace", **{**order, "cancelReplaceMode": "ALLOW_FAILURE"},
                         cancelOrderId=placed["orderId"])  # fmt: skip
    assert (half.status_code, half.json()["code"]) == (409, -2021)
    assert half.json()["data"]["newOrderResponse"]["status"] == "NEW"


def test_accounts_are_strangers_to_each_other(caller: Caller, other: Caller) -> None:
    placed = caller.place(price=f"{caller.price() * 0.9:.2f}")
    assert other.signed("GET", "/api/v3/openOrders").json() == []
    stolen = other.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
    assert stolen.json()["code"] == -2011
    assert caller.signed("GET", "/api/v3/account").json()["uid"] != other.signed("GET", "/api/v3/account").json()["uid"]


def test_one_account_can_trade_with_another(venue: VenueProcess, caller: Caller, other: Caller) -> None:
    venue.admin("deposit", asset="USDT", amount="10000000")
    price = f"{caller.price() * 1.2:.2f}"
    sold = other.place(side="SELL", price=price, quantity="0.001")
    asks = caller.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)["asks"]
    assert asks[-1] == [price + "000000", "0.00100000"]
    swept = sum(Decimal(quantity) for _, quantity in asks)
    taken = caller.place(timeInForce="IOC", quantity=str(swept), price=price)
    assert taken["status"] == "FILLED"
    found = other.signed("GET", "/api/v3/order", symbol="BTCUSDT", orderId=sold["orderId"]).json()
    assert (found["status"], found["price"]) == ("FILLED", price + "000000")


def test_the_weight_of_failed_orders_counts_and_of_placed_ones_does_not(caller: Caller) -> None:
    def used() -> int:
        return int(caller.send("GET", "/api/v3/ping").headers["X-MBX-USED-WEIGHT-1M"])

    price = f"{caller.price() * 0.9:.2f}"
    before, minute = used(), now_ms() // 60_000
    placed = caller.signed("POST", "/api/v3/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC",
                           quantity="0.001", price=price)  # fmt: skip
    assert {"X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1D"} <= set(placed.headers)
    middle = used()
    caller.place(price="0.001")
    after = used()
    if now_ms() // 60_000 == minute:
        assert (middle - before, after - middle) == (1, 2)


def test_symbols_change_at_run_time(venue: VenueProcess, caller: Caller) -> None:
    def filters() -> dict[str, dict[str, str]]:
        row = caller.get("/api/v3/exchangeInfo", symbol="ETHUSDT")["symbols"][0]
        return {item["filterType"]: item for item in row["filters"]} | {"status": row["status"]}

    venue.admin("symbol", symbol="ETHUSDT", tickSize="0.1", minNotional="20")
    assert filters()["PRICE_FILTER"]["tickSize"] == "0.10000000"
    refusal = caller.place(symbol="ETHUSDT", price=f"{caller.price('ETHUSDT') * 0.9:.1f}5", quantity="0.1")
    assert refusal == {"code": -1013, "msg": "Filter failure: PRICE_FILTER"}
    venue.admin("symbol", symbol="ETHUSDT", tickSize="0.01", status="HALT")
    assert filters()["status"] == "HALT"
    halted = caller.place(symbol="ETHUSDT", price=f"{caller.price('ETHUSDT') * 0.9:.2f}", quantity="0.1")
    assert halted["msg"] == "Market is closed."
    venue.admin("symbol", symbol="ETHUSDT", status="TRADING", minNotional="5")


@pytest.mark.parametrize("path", ["exchangeInfo", "ticker/price", "ticker/bookTicker", "ticker/24hr"])
def test_one_some_and_all_symbols(caller: Caller, path: str) -> None:
    def names(**params: object) -> list[str]:
        answer = caller.get(f"/api/v3/{path}", **params)
        rows = answer["symbols"] if path == "exchangeInfo" else answer
        return [row["symbol"] for row in (rows if isinstance(rows, list) else [rows])]

    assert names(symbol="ETHUSDT") == ["ETHUSDT"]
    assert names(symbols='["ETHUSDT","BTCUSDT"]') == ["ETHUSDT", "BTCUSDT"]
    assert names() == ["BTCUSDT", "ETHUSDT"]
    assert code_of(caller.get(f"/api/v3/{path}", symbol="NOPEUSDT")) == -1121
    raw = caller.send("GET", f"/api/v3/{path}", query="symbols=" + quote('["ETHUSDT"]', safe='[]",'))
    assert raw.status_code == 200


def test_candles_reach_back_and_begin_where_they_are_asked_to(caller: Caller) -> None:
    for interval in ("1s", "1m", "1h", "1d"):
        rows = caller.get("/api/v3/klines", symbol="BTCUSDT", interval=interval, limit=500)
        assert len(rows) == 500
        assert all(later[0] == row[6] + 1 for row, later in pairwise(rows))
    first = caller.get("/api/v3/klines", symbol="BTCUSDT", interval="1d", startTime=0, limit=1)
    assert len(first) == 1
    tail = caller.get("/api/v3/klines", symbol="BTCUSDT", interval="1h", startTime=rows[0][0], limit=2)
    assert len(tail) == 2


def test_deposits_by_admin_are_seen(venue: VenueProcess, caller: Caller) -> None:
    before = balances(caller)
    venue.admin("deposit", asset="USDT", amount="12.5")
    assert balances(caller)["USDT"] == before["USDT"] + Decimal("12.5")


def test_admin_needs_a_known_key(venue: VenueProcess) -> None:
    with Caller(venue.url, "nobody") as stranger:
        assert stranger.send("GET", "/admin/state").status_code == 401
