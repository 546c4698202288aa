"""Unmodified clients trade here: python-binance and ccxt, REST and sockets, and freqtrade's start-up calls."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import ccxt
import ccxt.pro
import pytest
from binance import AsyncClient, BinanceSocketManager, Client

from fakes.client_addresses import addresses, ccxt_settings, stream_addresses
from fakes.simulator_calls import DEADLINE_S, KEY, SECRET, Caller
from fakes.venue_process import VenueProcess

SPOT, FUTURES = "BTC/USDT", "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def shared_venue() -> Iterator[VenueProcess]:
    """A market that runs by itself, fast, so that streams speak soon."""
    options = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "10")
    accounts = ("--api-key", KEY, "--api-secret", SECRET, "--api-key", "other-key", "--api-secret", "other-secret")
    with VenueProcess(*options, *accounts, "--messages-per-s", "50") as venue:
        yield venue


def test_python_binance_trades_by_rest(venue: VenueProcess) -> None:
    client = type("LocalClient", (Client,), addresses(venue))(KEY, SECRET)
    try:
        assert client.get_symbol_info("BTCUSDT")["status"] == "TRADING"
        price = float(client.get_symbol_ticker(symbol="BTCUSDT")["price"])
        limit = client.order_limit_buy(symbol="BTCUSDT", quantity="0.001", price=f"{price * 0.9:.2f}")
        maker = client.create_order(
            symbol="BTCUSDT", side="BUY", type="LIMIT_MAKER", quantity="0.001", price=f"{price * 0.89:.2f}"
        )
        market = client.order_market_buy(symbol="BTCUSDT", quantity="0.001")
        assert (limit["status"], market["status"]) == ("NEW", "FILLED")
        asked = client.get_order(symbol="BTCUSDT", orderId=limit["orderId"])
        assert asked["clientOrderId"] == limit["clientOrderId"]
        resting = {limit["orderId"], maker["orderId"]}
        assert {order["orderId"] for order in client.get_open_orders(symbol="BTCUSDT")} == resting
        cancelled = client.cancel_order(symbol="BTCUSDT", origClientOrderId=limit["clientOrderId"])
        assert cancelled["origClientOrderId"] == limit["clientOrderId"]
        client.cancel_all_open_orders(symbol="BTCUSDT")
        assert client.get_my_trades(symbol="BTCUSDT")[-1]["orderId"] == market["orderId"]
        assert {order["orderId"] for order in client.get_all_orders(symbol="BTCUSDT")} >= resting
        assert float(client.get_asset_balance("BTC")["free"]) > 0
        assert len(client.get_klines(symbol="BTCUSDT", interval="1h", limit=300)) == 300
        assert len(client.get_historical_klines("BTCUSDT", "1h", "2 days ago UTC")) >= 47
        assert client.get_aggregate_trades(symbol="BTCUSDT", limit=5)
        assert client.get_trade_fee(symbol="BTCUSDT")[0]["makerCommission"] == "0.00100000"
        assert client.futures_exchange_info()["symbols"][0]["contractType"] == "PERPETUAL"
        assert client.get_account_status()["data"] == "Normal"
    finally:
        client.close_connection()
        client.loop.close()


def test_python_binance_streams_and_user_data(venue: VenueProcess) -> None:
    asyncio.run(python_binance_async(venue))


async def python_binance_async(venue: VenueProcess) -> None:
    urls = addresses(venue)
    client = await type("LocalAsyncClient", (AsyncClient,), urls).create(KEY, SECRET)
    manager = type("LocalManager", (BinanceSocketManager,), stream_addresses(venue))(client, max_queue_size=10_000)
    try:
        async with manager.user_socket() as user:
            order = await client.order_market_buy(symbol="BTCUSDT", quantity="0.001")
            events = [await asyncio.wait_for(user.recv(), DEADLINE_S) for _ in range(3)]
        assert [event["e"] for event in events] == ["executionReport", "executionReport", "outboundAccountPosition"]
        assert events[1]["i"] == order["orderId"]
        wanted = {
            "kline": manager.kline_socket("BTCUSDT", "1m"),
            "trade": manager.trade_socket("BTCUSDT"),
            "depthUpdate": manager.depth_socket("BTCUSDT"),
            "24hrTicker": manager.symbol_ticker_socket("BTCUSDT"),
        }
        for name, opened in wanted.items():
            async with opened as socket:
                assert (await asyncio.wait_for(socket.recv(), DEADLINE_S))["e"] == name
        async with manager.multiplex_socket(["btcusdt@bookTicker", "ethusdt@bookTicker"]) as socket:
            assert (await asyncio.wait_for(socket.recv(), DEADLINE_S))["stream"].endswith("@bookTicker")
        async with manager.miniticker_socket() as socket:
            assert (await asyncio.wait_for(socket.recv(), DEADLINE_S))[0]["e"] == "24hrMiniTicker"
        placed = await client.ws_create_order(
            symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.001", price="50000.00"
        )
        assert placed["status"] == "NEW"
    finally:
        await client.close_connection()


def test_ccxt_trades_by_rest(venue: VenueProcess) -> None:
    exchange = ccxt.binance(ccxt_settings(venue))
    markets = exchange.load_markets()
    assert {SPOT, FUTURES} <= set(markets)
    assert (markets[SPOT]["active"], markets[FUTURES]["active"]) == (True, True)
    assert (markets[SPOT]["precision"]["price"], markets[SPOT]["limits"]["cost"]["min"]) == (0.01, 5.0)
    assert exchange.fetch_balance()["total"]["USDT"] > 0
    price = exchange.fetch_ticker(SPOT)["last"]
    limit = exchange.create_order(SPOT, "limit", "buy", 0.001, price * 0.9)
    maker = exchange.create_order(SPOT, "limit", "buy", 0.001, price * 0.89, {"postOnly": True})
    market = exchange.create_order(SPOT, "market", "buy", 0.001)
    assert (limit["status"], maker["status"], market["status"]) == ("open", "open", "closed")
    with pytest.raises(ccxt.OrderImmediatelyFillable):
        exchange.create_order(SPOT, "limit", "buy", 0.001, price * 1.05, {"postOnly": True})
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(SPOT, "limit", "buy", 1, price * 0.9)
    assert exchange.fetch_order(limit["id"], SPOT)["status"] == "open"
    assert {order["id"] for order in exchange.fetch_open_orders(SPOT)} == {limit["id"], maker["id"]}
    moved = exchange.edit_order(limit["id"], SPOT, "limit", "buy", 0.001, price * 0.88)
    assert moved["id"] != limit["id"]
    assert exchange.cancel_order(moved["id"], SPOT)["status"] == "canceled"
    exchange.cancel_all_orders(SPOT)
    assert exchange.fetch_my_trades(SPOT)[-1]["order"] == market["id"]
    assert len(exchange.fetch_ohlcv(SPOT, "1m", limit=200)) == 200
    assert exchange.fetch_trades(SPOT, limit=5)
    assert exchange.fetch_order_book(SPOT, 10)["bids"]
    assert exchange.fetch_trading_fees()[SPOT]["maker"] == 0.001
    assert exchange.fetch_status()["status"] == "ok"
    exchange.session.close()


def test_ccxt_streams_and_user_data(venue: VenueProcess) -> None:
    asyncio.run(ccxt_pro(venue))


async def ccxt_pro(venue: VenueProcess) -> None:
    exchange = ccxt.pro.binance(ccxt_settings(venue))

    async def soon(watch: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        return await asyncio.wait_for(watch(*arguments), DEADLINE_S)

    try:
        await exchange.load_markets()
        assert (await soon(exchange.watch_ohlcv, SPOT, "1m"))[-1][4] > 0
        assert (await soon(exchange.watch_trades, SPOT))[0]["symbol"] == SPOT
        assert (await soon(exchange.watch_ticker, SPOT))["last"] > 0
        book = await soon(exchange.watch_order_book, SPOT)
        first = book["nonce"]
        while book["nonce"] < first + 10:
            book = await soon(exchange.watch_order_book, SPOT)
        orders = asyncio.ensure_future(soon(exchange.watch_orders, SPOT))
        balance = asyncio.ensure_future(soon(exchange.watch_balance))
        sent = set()
        while not orders.done():  # ccxt does not say when its subscription stands
            sent.add((await exchange.create_order(SPOT, "market", "buy", 0.0005))["id"])
            await asyncio.wait({orders}, timeout=1)
        assert (await orders)[0]["id"] in sent
        assert (await balance)["USDT"]["total"] > 0
        placed = await exchange.create_order_ws(SPOT, "limit", "buy", 0.001, 50_000)
        assert placed["status"] == "open"
        assert (await exchange.cancel_order_ws(placed["id"], SPOT))["status"] == "canceled"
    finally:
        await exchange.close()


def test_freqtrade_start_up_calls_are_answered(venue: VenueProcess, caller: Caller) -> None:
    """Its start-up sequence as section 5.3 of the protocol lists it, dry-run and live, spot."""
    assert "serverTime" in caller.get("/api/v3/time")
    assert caller.get("/api/v3/exchangeInfo")["symbols"]
    with Caller(venue.ready["futures_url"]) as futures:
        assert futures.get("/fapi/v1/exchangeInfo")["symbols"]
        assert futures.get("/dapi/v1/exchangeInfo")["symbols"] == []
        assert futures.signed("GET", "/fapi/v1/positionSide/dual").json() == {"dualSidePosition": False}
        assert futures.signed("GET", "/fapi/v1/multiAssetsMargin").json() == {"multiAssetsMargin": False}
        assert len(futures.signed("GET", "/fapi/v1/leverageBracket").json()) == 2
    assert caller.signed("GET", "/sapi/v1/capital/config/getall").json() == []
    assert caller.signed("GET", "/sapi/v1/margin/allPairs").json() == []
    assert caller.signed("GET", "/sapi/v1/margin/isolated/allPairs").json() == []
    assert len(caller.signed("GET", "/sapi/v1/asset/tradeFee").json()) == 2
    assert caller.signed("GET", "/sapi/v1/spot/delist-schedule").json() == []
    assert caller.signed("GET", "/api/v3/account").json()["canTrade"] is True
    assert len(caller.get("/api/v3/klines", symbol="BTCUSDT", interval="5m", limit=1000)) >= 500
    for limit in (5, 20, 100):
        assert caller.get("/api/v3/depth", symbol="BTCUSDT", limit=limit)["bids"]
    assert caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT", limit=1000).status_code == 200
