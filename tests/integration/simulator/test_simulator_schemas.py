"""Golden shapes: every answer and event has exactly Binance's fields and types."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

import pytest

from fakes import wire_schemas as shape
from fakes.simulator_calls import Caller, Socket
from fakes.venue_process import VenueProcess

INFO = f"{{timezone:s serverTime:i rateLimits:[{{{shape.LIMIT_ROW}}}] exchangeFilters:[*] symbols:[{shape.SYMBOL}]}}"
PUBLIC = {
    "ping": ({}, "{}"),
    "time": ({}, "{serverTime:i}"),
    "exchangeInfo": ({}, INFO),
    "executionRules": ({}, "{symbolRules:[{symbol:s rules:[*]}]}"),
    "depth": ({"symbol": "BTCUSDT"}, "{lastUpdateId:i bids:[(d d)] asks:[(d d)]}"),
    "trades": ({"symbol": "BTCUSDT"}, f"[{shape.TRADE}]"),
    "historicalTrades": ({"symbol": "BTCUSDT", "fromId": 1}, f"[{shape.TRADE}]"),
    "aggTrades": ({"symbol": "BTCUSDT", "fromId": 1}, "[{a:i p:d q:d f:i l:i T:i m:b M:b}]"),
    "klines": ({"symbol": "BTCUSDT", "interval": "1m"}, f"[{shape.KLINE}]"),
    "uiKlines": ({"symbol": "BTCUSDT", "interval": "1M"}, f"[{shape.KLINE}]"),
    "avgPrice": ({"symbol": "BTCUSDT"}, "{mins:i price:d closeTime:i}"),
    "ticker/24hr": ({"symbol": "BTCUSDT"}, shape.DAY),
    "ticker/price": ({}, "[{symbol:s price:d}]"),
    "ticker/bookTicker": ({}, "[{symbol:s bidPrice:d bidQty:d askPrice:d askQty:d}]"),
}
SIGNED = {
    "/api/v3/account": ({}, shape.ACCOUNT),
    "/api/v3/openOrders": ({}, f"[{shape.QUERY}]"),
    "/api/v3/allOrders": ({"symbol": "BTCUSDT"}, f"[{shape.QUERY}]"),
    "/api/v3/myTrades": ({"symbol": "BTCUSDT"}, f"[{shape.MY_TRADE}]"),
    "/api/v3/account/commission": (
        {"symbol": "BTCUSDT"},
        shape.COMMISSION,
    ),
    "/api/v3/rateLimit/order": ({}, f"[{{{shape.LIMIT_ROW} count:i}}]"),
    "/api/v3/myFilters": ({"symbol": "BTCUSDT"}, "{exchangeFilters:[*] symbolFilters:[*] assetFilters:[*]}"),
    "/sapi/v1/asset/tradeFee": ({}, "[{symbol:s makerCommission:d takerCommission:d}]"),
    "/sapi/v1/account/status": ({}, "{data:s}"),
    "/sapi/v1/bnbBurn": ({}, "{spotBNBBurn:b interestBNBBurn:b}"),
    "/sapi/v1/account/apiRestrictions": (
        {},
        shape.RESTRICTIONS,
    ),
    "/sapi/v1/account/apiTradingStatus": (
        {},
        "{data:{isLocked:b plannedRecoverTime:i triggerCondition:{GCR:i IFER:i UFR:i} updateTime:i}}",
    ),
    "/sapi/v1/asset/transfer": ({"type": "MAIN_UMFUTURE"}, "{total:i rows:[*]}"),
}


@pytest.fixture(scope="module")
def shared_venue() -> Iterator[VenueProcess]:
    """One venue for all tests here: shapes do not depend on prices."""
    with VenueProcess("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max",
                      "--api-key", "simulator-key", "--api-secret", "simulator-secret", "--api-key", "other-key",
                      "--api-secret", "other-secret", "--balance", "USDT=1000000", "BTC=0.5", "--orders-10s", "100000",
                      "--request-weight-limit", "1000000") as venue:  # fmt: skip
        yield venue


@pytest.fixture(autouse=True)
def some_life(venue: VenueProcess, caller: Caller) -> None:
    """Let there be prints, a fill, a cancelled and an open order to show."""
    venue.step(5)
    caller.place(type="MARKET")
    price = f"{caller.price() * 0.9:.2f}"
    gone = caller.place(price=price)
    caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=gone["orderId"])
    caller.place(price=price)


@pytest.mark.parametrize("path", PUBLIC)
def test_public_answers_have_their_shape(caller: Caller, path: str) -> None:
    params, schema = PUBLIC[path]
    answer = caller.get(f"/api/v3/{path}", **params)
    assert answer or schema == "{}"
    assert shape.mismatch(schema, answer) is None


@pytest.mark.parametrize("path", SIGNED)
def test_private_answers_have_their_shape(caller: Caller, path: str) -> None:
    params, schema = SIGNED[path]
    answer = caller.signed("GET", path, **params)
    assert answer.status_code == 200
    assert shape.mismatch(schema, answer.json()) is None


def test_orders_have_their_shape_from_placement_to_cancel(caller: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    placed = caller.place(price=price)
    assert shape.mismatch(shape.FULL, placed) is None
    assert shape.mismatch(shape.FULL, caller.place(type="MARKET")) is None
    assert shape.mismatch(f"{{{shape.RESULT}}}", caller.place(price=price, newOrderRespType="RESULT")) is None
    assert shape.mismatch(f"{{{shape.ACK}}}", caller.place(price=price, newOrderRespType="ACK")) is None
    ids = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    assert shape.mismatch(shape.QUERY, caller.signed("GET", "/api/v3/order", **ids).json()) is None
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001", "price": price}
    replaced = caller.signed("POST", "/api/v3/order/cancelReplace", symbol="BTCUSDT", **order,
                             cancelOrderId=placed["orderId"], cancelReplaceMode="STOP_ON_FAILURE").json()  # fmt: skip
    both = f"{{cancelResult:s newOrderResult:s cancelResponse:{shape.CANCEL} newOrderResponse:{shape.FULL}}}"
    assert shape.mismatch(both, replaced) is None
    everything = caller.signed("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").json()
    assert shape.mismatch(f"[{shape.CANCEL}]", everything) is None
    fills = caller.signed("POST", "/sapi/v3/asset/getUserAsset").json()
    asset = "{asset:s free:d locked:d freeze:d withdrawing:d ipoable:d btcValuation:d}"
    assert shape.mismatch(f"[{asset}]", fills) is None


def test_mini_tickers_and_several_symbols(caller: Caller) -> None:
    mini = caller.get("/api/v3/ticker/24hr", symbols='["BTCUSDT","ETHUSDT"]', type="MINI")
    assert shape.mismatch(f"[{{{shape.MINI}}}]", mini) is None


@pytest.mark.parametrize("name", shape.STREAMS)
def test_market_events_have_their_shape(venue: VenueProcess, name: str) -> None:
    with Socket(f"{venue.ready['spot_ws_url']}/ws/btcusdt@{name}") as socket:
        socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
        socket.receive()
        venue.step(200)  # of twenty, each hundredth time all are of the other symbol
        assert shape.mismatch(shape.STREAMS[name], socket.receive()) is None


def test_user_events_have_their_shape(venue: VenueProcess, caller: Caller, other: Caller) -> None:
    price = f"{caller.price() * 0.9:.2f}"
    with Socket(venue.ready["spot_ws_api_url"]) as socket:
        socket.subscribe_user()
        caller.place(type="MARKET")
        placed = caller.place(price=price)
        caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=placed["orderId"])
        caller.place(price=price, timeInForce="IOC")
        venue.admin("deposit", asset="USDT", amount="1")
        events = [socket.receive()["event"]]
        while events[-1]["e"] != "balanceUpdate":
            events.append(socket.receive()["event"])
    schemas = {
        "executionReport": shape.REPORT,
        "outboundAccountPosition": "{e:s E:i u:i B:[{a:s f:d l:d}]}",
        "balanceUpdate": "{e:s E:i a:s d:d T:i}",
    }
    assert {event["e"] for event in events} == set(schemas)
    for event in events:
        assert shape.mismatch(schemas[event["e"]], event) is None, event
    kinds = [kind for kind, _ in groupby(event["x"] for event in events if "x" in event)]  # one trade or several
    assert kinds == ["NEW", "TRADE", "NEW", "CANCELED", "NEW", "EXPIRED"]


def test_a_prevented_self_trade_tells_of_it(caller: Caller, venue: VenueProcess) -> None:
    venue.admin("deposit", asset="USDT", amount="10000000")
    price = f"{caller.price() * 1.2:.2f}"
    with Socket(venue.ready["spot_ws_api_url"]) as socket:
        socket.subscribe_user()
        resting = caller.place(side="SELL", price=price)
        asks = caller.get("/api/v3/depth", symbol="BTCUSDT", limit=5000)["asks"]
        swept = sum(Decimal(quantity) for _, quantity in asks)
        taker = caller.place(price=price, quantity=str(swept), timeInForce="IOC")
        report = socket.until(lambda frame: frame.get("event", {}).get("x") == "TRADE_PREVENTION")["event"]
    assert shape.mismatch(shape.REPORT, report) is None
    assert (report["i"], report["X"], report["U"]) == (resting["orderId"], "EXPIRED_IN_MATCH", taker["orderId"])
    assert shape.mismatch(shape.FULL, taker) is None
