"""USD-M's public wire: shapes, codes, weights, stream groups, update ids, and what unmodified clients ask."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ccxt.pro
import pytest
from binance import AsyncClient, BinanceSocketManager, Client

from fakes import um_market_schemas as um
from fakes import wire_schemas as shape
from fakes.client_addresses import addresses, ccxt_settings, stream_addresses
from fakes.simulator_calls import KEY, SECRET, Caller, Socket
from fakes.venue_process import VenueProcess

STANDING = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max")


@pytest.fixture(scope="module")
def market() -> Iterator[VenueProcess]:
    with VenueProcess(*STANDING, "--messages-per-s", "1000", "--futures-balance", "USDT=100000") as process:
        process.step(200)
        with Caller(process.ready["futures_url"]) as public:
            public.get("/fapi/v1/ticker/bookTicker")
        process.step(200)
        yield process


@pytest.fixture
def public(market: VenueProcess) -> Iterator[Caller]:
    with Caller(market.ready["futures_url"]) as caller:
        yield caller


@pytest.mark.parametrize("path", um.PUBLIC)
def test_public_answers_have_their_shape(public: Caller, path: str) -> None:
    params, schema = um.PUBLIC[path]
    answer = public.get(f"/fapi/{path}", **params)
    assert answer or schema == "{}"
    assert shape.mismatch(schema, answer) is None


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("depth", {"symbol": "BTCUSDT", "limit": 7}, -4021),
        ("depth", {"symbol": "NONEUSDT"}, -1121),
        ("klines", {"symbol": "BTCUSDT", "interval": "1s"}, -1120),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m", "limit": 1501}, -1130),
        ("indexPriceKlines", {"pair": "NONEUSDT", "interval": "1m"}, -4144),
        ("continuousKlines", {"pair": "BTCUSDT", "interval": "1m", "contractType": "CURRENT_QUARTER"}, -4104),
        ("premiumIndex", {"symbol": "NONEUSDT"}, -1121),
        ("aggTrades", {"symbol": "BTCUSDT", "startTime": 1, "endTime": 7_200_000}, -1127),
    ],
)
def test_refusals_carry_the_codes_of_the_venue(public: Caller, path: str, params: dict[str, object], code: int) -> None:
    assert public.get(f"/fapi/v1/{path}", **params)["code"] == code


def test_weights_follow_the_limit_asked_for(public: Caller) -> None:
    def used(path: str, query: str) -> int:
        return int(public.send("GET", f"/fapi/v1/{path}", query=query).headers["x-mbx-used-weight-1m"])

    before = used("ping", "")
    for limit, weight in ((99, 1), (100, 2), (500, 5), (1_001, 10)):
        after = used("klines", f"symbol=BTCUSDT&interval=1m&limit={limit}")
        assert after in {before + weight, weight}, "a new minute may have begun"
        before = after


def test_history_is_long_enough_for_indicators_and_begins_where_asked(public: Caller) -> None:
    candles = public.get("/fapi/v1/klines", symbol="BTCUSDT", interval="5m", limit=500)
    assert len(candles) == 500
    assert all(later[0] - earlier[0] == 300_000 for earlier, later in pairwise(candles))
    assert public.get("/fapi/v1/klines", symbol="BTCUSDT", interval="1d", startTime=0, limit=1)[0][0] > 0
    rates = public.get("/fapi/v1/fundingRate", symbol="BTCUSDT", limit=20)
    assert [row["fundingTime"] % 28_800_000 for row in rates] == [0] * 20


def test_a_contract_stays_near_its_spot_symbol_and_funding_is_due_at_a_whole_interval(
    market: VenueProcess, public: Caller
) -> None:
    with Caller(market.url) as spot:
        index = Decimal(spot.get("/api/v3/ticker/price", symbol="BTCUSDT")["price"])
    row = public.get("/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert Decimal(row["indexPrice"]) == index
    last = Decimal(public.get("/fapi/v1/ticker/price", symbol="BTCUSDT")["price"])
    for price in (last, Decimal(row["markPrice"])):
        assert abs(price / index - 1) < Decimal("0.002")
    assert row["nextFundingTime"] % 28_800_000 == 0
    assert row["nextFundingTime"] > row["time"]


def test_streams_speak_in_their_own_group_alone(market: VenueProcess) -> None:
    names = [*um.PUBLIC_STREAMS, *um.MARKET_STREAMS]
    groups = {"/public": um.PUBLIC_STREAMS, "/market": um.MARKET_STREAMS, "": um.PUBLIC_STREAMS}
    for group, streams in groups.items():
        with Socket(f"{market.ready['futures_ws_url']}{group}/stream?streams={'/'.join(names)}") as socket:
            heard: dict[str, Any] = {}
            while heard.keys() != streams.keys():
                heard |= {frame["stream"]: frame["data"] for frame in frames(socket)}
                market.step(400)
            for name, frame in heard.items():
                assert shape.mismatch(streams[name], frame) is None, name


def test_a_local_book_kept_from_diffs_is_the_book_itself(market: VenueProcess, public: Caller) -> None:
    """By the rule of the documentation: the first event holds the snapshot's id, each next `pu` is the last `u`."""

    def snapshot() -> Any:
        return public.get("/fapi/v1/depth", symbol="BTCUSDT", limit=1000)

    with Socket(f"{market.ready['futures_ws_url']}/public/ws/btcusdt@depth@100ms") as socket:
        frames(socket)
        book = snapshot()
        sides = {"b": dict(book["bids"]), "a": dict(book["asks"])}
        last, first, now = book["lastUpdateId"], True, None
        market.step(300)
        while now is None or last < now["lastUpdateId"]:  # an event may wait for its period: then the market goes on
            now = snapshot()
            for event in frames(socket):
                assert event["U"] <= last <= event["u"] if first else event["pu"] == last
                first, last = False, event["u"]
                for side, levels in sides.items():
                    levels.update(event[side])
            if last < now["lastUpdateId"]:
                market.step(1)
        for side, name in (("b", "bids"), ("a", "asks")):
            kept = {price: size for price, size in sides[side].items() if Decimal(size)}
            assert kept == dict(now[name])


def frames(socket: Socket) -> list[Any]:
    """Return what the server has sent up to now."""
    socket.send({"method": "LIST_SUBSCRIPTIONS", "id": "here"})
    heard: list[Any] = []
    while (frame := socket.receive()).get("id") != "here":
        heard.append(frame)
    return heard


def test_a_print_on_either_market_moves_the_contract(market: VenueProcess, public: Caller) -> None:
    price = Decimal(public.get("/fapi/v1/ticker/price", symbol="ETHUSDT")["price"])
    market.print_trade("ETHUSDT", price * 2 // 1, "5")
    followed = Decimal(public.get("/fapi/v1/ticker/price", symbol="ETHUSDT")["price"])
    assert abs(followed / price - 2) < Decimal("0.01")
    market.admin("print", symbol="ETHUSDT", price=str(price), qty="1", market="um")
    assert Decimal(public.get("/fapi/v1/ticker/price", symbol="ETHUSDT")["price"]) == price
    with Caller(market.url) as spot:
        assert Decimal(spot.get("/api/v3/ticker/price", symbol="ETHUSDT")["price"]) == price * 2 // 1


def test_faults_strike_the_futures_port_by_the_names_of_its_operations(market: VenueProcess, public: Caller) -> None:
    market.fault("fail_before", "fut.depth", code=-1001)
    assert public.get("/fapi/v1/ticker/price", symbol="BTCUSDT")["symbol"] == "BTCUSDT"
    assert public.get("/fapi/v1/depth", symbol="BTCUSDT")["code"] == -1001
    market.fault("gateway", "fut.*", status=502)
    assert public.send("GET", "/fapi/v1/ping").status_code == 502
    market.fault("freeze_stream", "btcusdt@markPrice@1s", count=1)
    with Socket(f"{market.ready['futures_ws_url']}/market/ws/btcusdt@markPrice@1s") as socket:
        frames(socket)
        market.step(400)
        assert socket.receive()["e"] == "markPriceUpdate"
    market.clear_faults()


def test_another_hand_and_other_rules_reach_the_contracts(market: VenueProcess, public: Caller) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "value": "500", "distance_percent": "-2", "market": "um"}
    market.fault("place_order", **order)
    market.fault("place_order", **order)
    market.fault("cancel_order", symbol="BTCUSDT", market="um")
    [resting] = public.signed("GET", "/fapi/v1/openOrders", symbol="BTCUSDT").json()
    assert resting["side"] == "BUY"
    market.fault("balance", asset="USDT", amount="-250", market="um")
    assert public.signed("GET", "/fapi/v3/account").json()["totalWalletBalance"] == "99750.00000000"
    market.fault("symbol", symbol="BTCUSDT", status="PENDING_TRADING", stepSize="0.01", market="um", seconds=3600)
    [contract] = [row for row in public.get("/fapi/v1/exchangeInfo")["symbols"] if row["symbol"] == "BTCUSDT"]
    steps = {row["filterType"]: row.get("stepSize") for row in contract["filters"]}
    assert (contract["status"], steps["LOT_SIZE"]) == ("PENDING_TRADING", "0.010")
    refused = public.signed("POST", "/fapi/v1/order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1")
    assert refused.status_code == 400
    market.clear_faults()
    assert public.get("/fapi/v1/exchangeInfo")["symbols"][0]["status"] == "TRADING"
    public.signed("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")


def test_unmodified_clients_read_the_market(market: VenueProcess) -> None:
    client = type("LocalClient", (Client,), addresses(market))(KEY, SECRET)
    assert client.futures_exchange_info()["symbols"][0]["status"] == "TRADING"
    assert client.futures_mark_price(symbol="BTCUSDT")["symbol"] == "BTCUSDT"
    assert len(client.futures_historical_klines("BTCUSDT", "1h", "100 hours ago UTC")) > 50
    assert client.futures_funding_rate(symbol="BTCUSDT", limit=5)[0]["fundingRate"]
    assert client.futures_orderbook_ticker(symbol="BTCUSDT")["bidPrice"]
    client.close_connection()
    client.loop.close()
    exchange = ccxt.binanceusdm(ccxt_settings(market))
    pair = "BTC/USDT:USDT"
    exchange.load_markets()
    assert exchange.market(pair)["active"]
    assert exchange.fetch_funding_rate(pair)["fundingRate"] is not None
    assert exchange.fetch_order_book(pair)["bids"]
    assert len(exchange.fetch_ohlcv(pair, "1h", limit=100)) == 100
    assert exchange.fetch_ticker(pair)["last"] > 0
    assert exchange.fetch_mark_price(pair)["markPrice"] > 0
    assert exchange.fetch_open_interest(pair)["openInterestAmount"] == 0


def test_unmodified_clients_hear_the_market(market: VenueProcess) -> None:
    asyncio.run(hear(market))


async def hear(market: VenueProcess) -> None:
    pair = "BTC/USDT:USDT"
    exchange = ccxt.pro.binanceusdm(ccxt_settings(market))
    client = await type("LocalClient", (AsyncClient,), addresses(market)).create(KEY, SECRET)
    manager = type("LocalManager", (BinanceSocketManager,), stream_addresses(market))(client)
    driving = asyncio.create_task(drive(market))
    try:
        async with asyncio.timeout(200):
            assert (await exchange.watch_order_book(pair))["bids"]
            assert (await exchange.watch_trades(pair))[0]["symbol"] == pair
            assert (await exchange.watch_ticker(pair))["last"] > 0
            assert (await exchange.watch_ohlcv(pair, "1m"))[-1][4] > 0
            assert (await exchange.watch_mark_price(pair))["markPrice"] > 0
            async with manager.futures_multiplex_socket(["btcusdt@markPrice@1s"]) as socket:
                assert (await socket.recv())["data"]["e"] == "markPriceUpdate"
            async with manager.kline_futures_socket("BTCUSDT") as socket:
                assert (await socket.recv())["e"] == "continuous_kline"
            async with manager.symbol_ticker_futures_socket("BTCUSDT") as socket:
                assert (await socket.recv())["data"]["e"] == "bookTicker"
    finally:
        driving.cancel()
        await exchange.close()
        await client.close_connection()


async def drive(market: VenueProcess) -> None:
    """Let the market go on for as long as somebody listens."""
    while True:
        await asyncio.to_thread(market.step, 100)
