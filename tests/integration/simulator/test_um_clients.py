"""Unmodified clients trade USD-M here: python-binance and ccxt, REST and user streams."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import ccxt
import ccxt.pro
import pytest
from binance import AsyncClient, BinanceSocketManager, Client
from binance.exceptions import BinanceAPIException

from fakes.client_addresses import addresses, ccxt_settings, stream_addresses
from fakes.simulator_calls import DEADLINE_S, KEY, SECRET, Caller
from fakes.venue_process import VenueProcess

BTC, PERPETUAL = "BTCUSDT", "BTC/USDT:USDT"


@pytest.fixture(scope="module")
def shared_venue() -> Iterator[VenueProcess]:
    """A standing market: prices stay where they are, so that every order does what its test says."""
    market = ("--market", "synthetic", "--seed", "7", "--symbols", "BTCUSDT,ETHUSDT", "--speed", "max")
    accounts = ("--api-key", KEY, "--api-secret", SECRET, "--api-key", "other-key", "--api-secret", "other-secret")
    with VenueProcess(*market, *accounts, "--futures-balance", "USDT=100000", "--messages-per-s", "50") as venue:
        yield venue


@pytest.fixture(autouse=True)
def flat_afterwards(venue: VenueProcess) -> Iterator[None]:
    """Leave no orders and no positions to the next test."""
    yield
    with Caller(venue.ready["futures_url"]) as account:
        for path in ("allOpenOrders", "algoOpenOrders"):
            account.signed("DELETE", f"/fapi/v1/{path}", symbol=BTC)
        for held in account.signed("GET", "/fapi/v3/positionRisk", symbol=BTC).json():
            side, size = ("BUY" if held["positionAmt"][0] == "-" else "SELL"), held["positionAmt"].removeprefix("-")
            account.signed("POST", "/fapi/v1/order", symbol=BTC, side=side, type="MARKET", quantity=size)


@pytest.fixture
def client(venue: VenueProcess) -> Iterator[Client]:
    made = type("LocalClient", (Client,), addresses(venue))(KEY, SECRET)
    yield made
    made.close_connection()
    made.loop.close()


def away(client: Client, percent: float) -> str:
    """Return a price so many percent from the mark price, on the tick."""
    mark = float(client.futures_mark_price(symbol=BTC)["markPrice"])
    return f"{mark * (1 + percent / 100):.1f}"


def refused(code: int, call: Callable[..., Any], **params: object) -> None:
    with pytest.raises(BinanceAPIException) as caught:
        call(**params)
    assert caught.value.code == code


def test_python_binance_sets_leverage_margin_and_modes(client: Client) -> None:
    assert client.futures_change_leverage(symbol=BTC, leverage=10)["leverage"] == 10
    refused(-4028, client.futures_change_leverage, symbol=BTC, leverage=500)
    assert client.futures_change_margin_type(symbol=BTC, marginType="ISOLATED")["code"] == 200
    refused(-4046, client.futures_change_margin_type, symbol=BTC, marginType="ISOLATED")
    client.futures_change_margin_type(symbol=BTC, marginType="CROSSED")
    assert client.futures_change_position_mode(dualSidePosition=True)["code"] == 200
    assert client.futures_get_position_mode() == {"dualSidePosition": True}
    refused(-4059, client.futures_change_position_mode, dualSidePosition=True)
    client.futures_change_position_mode(dualSidePosition=False)
    assert client.futures_get_multi_assets_mode() == {"multiAssetsMargin": False}
    refused(-4171, client.futures_change_multi_assets_mode, multiAssetsMargin=False)
    brackets = client.futures_leverage_bracket(symbol=BTC)[0]["brackets"]
    assert brackets[0]["initialLeverage"] > brackets[-1]["initialLeverage"] == 1
    assert client.futures_commission_rate(symbol=BTC)["takerCommissionRate"] == "0.00050000"


def test_python_binance_places_queries_and_cancels(client: Client) -> None:
    order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.010"}
    client.futures_create_test_order(**order, price=away(client, -3))
    resting = client.futures_create_order(**order, price=away(client, -3))
    assert (resting["status"], resting["clientOrderId"][:10]) == ("NEW", "x-Cb7ytekJ")
    assert "avgPrice" not in resting
    asked = client.futures_get_order(symbol=BTC, orderId=resting["orderId"])
    assert (asked["clientOrderId"], asked["avgPrice"]) == (resting["clientOrderId"], "0.00")
    moved = client.futures_modify_order(
        symbol=BTC, orderId=resting["orderId"], side="BUY", quantity="0.011", price=away(client, -4)
    )
    assert (moved["orderId"], moved["origQty"]) == (resting["orderId"], "0.011")
    assert [row["orderId"] for row in client.futures_get_open_orders(symbol=BTC)] == [resting["orderId"]]
    gone = client.futures_cancel_order(symbol=BTC, origClientOrderId=resting["clientOrderId"])
    assert (gone["status"], gone["clientOrderId"]) == ("CANCELED", resting["clientOrderId"])
    refused(-2011, client.futures_cancel_order, symbol=BTC, orderId=resting["orderId"])
    refused(-2013, client.futures_get_order, symbol=BTC, orderId=1)
    batch = [{**order, "price": away(client, percent)} for percent in (-3, -4)]
    answers = client.futures_place_batch_order(batchOrders=[*batch, {**order, "price": "1.23456789"}])
    assert [row.get("code", row.get("status")) for row in answers] == ["NEW", "NEW", -1111]
    dropped = client.futures_cancel_orders(symbol=BTC, orderidlist=[answers[0]["orderId"], 7])
    assert [row.get("code", row.get("status")) for row in dropped] == ["CANCELED", -2011]
    assert client.futures_countdown_cancel_all(symbol=BTC, countdownTime=60_000)["countdownTime"] == "60000"
    client.futures_countdown_cancel_all(symbol=BTC, countdownTime=0)
    assert client.futures_cancel_all_open_orders(symbol=BTC)["code"] == 200
    ended = {row["orderId"] for row in client.futures_get_all_orders(symbol=BTC) if row["status"] == "CANCELED"}
    assert ended >= {resting["orderId"], answers[0]["orderId"], answers[1]["orderId"]}


def test_python_binance_holds_a_position_and_reads_it(client: Client) -> None:
    acknowledged = client.futures_create_order(symbol=BTC, side="BUY", type="MARKET", quantity="0.020")
    assert (acknowledged["status"], acknowledged["executedQty"]) == ("NEW", "0.000")
    bought = client.futures_get_order(symbol=BTC, orderId=acknowledged["orderId"])
    assert (bought["status"], float(bought["avgPrice"]) > 0) == ("FILLED", True)
    held = client.futures_position_information(symbol=BTC)[0]
    assert (held["positionAmt"], float(held["entryPrice"])) == ("0.020", float(bought["avgPrice"]))
    assert any(row["symbol"] == BTC for row in client.futures_account()["positions"])
    assert float(client.futures_account_balance()[0]["balance"]) < 100_000
    sold = client.futures_create_order(
        symbol=BTC, side="SELL", type="MARKET", quantity="0.020", reduceOnly=True, newOrderRespType="RESULT"
    )
    assert (sold["status"], sold["executedQty"]) == ("FILLED", "0.020")
    assert client.futures_position_information(symbol=BTC) == []
    fills = client.futures_account_trades(symbol=BTC)
    assert fills[-1]["orderId"] == sold["orderId"]
    kinds = {row["incomeType"] for row in client.futures_income_history(symbol=BTC)}
    assert kinds >= {"REALIZED_PNL", "COMMISSION"}
    refused(-2022, client.futures_create_order, symbol=BTC, side="SELL", type="MARKET", quantity="0.02",
            reduceOnly=True)  # fmt: skip


def test_python_binance_places_conditional_orders(client: Client) -> None:
    client.futures_create_order(symbol=BTC, side="BUY", type="MARKET", quantity="0.010")
    stop = client.futures_create_order(
        symbol=BTC, side="SELL", type="STOP_MARKET", stopPrice=away(client, -5), closePosition="true"
    )
    assert (stop["algoStatus"], stop["clientAlgoId"][:10]) == ("NEW", "x-Cb7ytekJ")
    profit = client.futures_create_algo_order(
        symbol=BTC, side="SELL", type="TAKE_PROFIT", triggerPrice=away(client, 3), price=away(client, 3),
        quantity="0.010", timeInForce="GTC",
    )  # fmt: skip
    trailing = client.futures_create_order(
        symbol=BTC, side="SELL", type="TRAILING_STOP_MARKET", callbackRate="0.5", quantity="0.010", reduceOnly="true"
    )
    assert trailing["callbackRate"] == "0.5"
    assert client.futures_get_algo_order(algoId=stop["algoId"])["actualOrderId"] == ""
    assert len(client.futures_get_open_algo_orders(symbol=BTC)) == 3
    assert client.futures_get_open_orders(symbol=BTC) == []
    assert client.futures_cancel_order(symbol=BTC, algoId=profit["algoId"])["code"] == "200"
    assert client.futures_cancel_all_algo_open_orders(symbol=BTC)["code"] == 200
    states = {row["algoStatus"] for row in client.futures_get_all_algo_orders(symbol=BTC)}
    assert states == {"CANCELED"}
    refused(-2021, client.futures_create_order, symbol=BTC, side="SELL", type="STOP_MARKET",
            stopPrice=away(client, 5), quantity="0.010")  # fmt: skip


def test_python_binance_moves_margin_and_money(client: Client) -> None:
    client.futures_change_margin_type(symbol=BTC, marginType="ISOLATED")
    client.futures_create_order(symbol=BTC, side="SELL", type="MARKET", quantity="0.010")
    before = float(client.futures_position_information(symbol=BTC)[0]["isolatedWallet"])
    assert client.futures_change_position_margin(symbol=BTC, amount="25.5", type=1)["amount"] == 25.5
    assert float(client.futures_position_information(symbol=BTC)[0]["isolatedWallet"]) == pytest.approx(before + 25.5)
    assert client.futures_position_margin_history(symbol=BTC)[0]["amount"] == "25.50000000"
    client.futures_create_order(symbol=BTC, side="BUY", type="MARKET", quantity="0.010")
    client.futures_change_margin_type(symbol=BTC, marginType="CROSSED")
    moved = client.make_universal_transfer(type="MAIN_UMFUTURE", asset="USDT", amount="100")
    client.make_universal_transfer(type="UMFUTURE_MAIN", asset="USDT", amount="40.25")
    client.futures_account_transfer(asset="USDT", amount="59.75", type=2)
    history = client.query_universal_transfer_history(type="MAIN_UMFUTURE")
    assert history["rows"][0]["tranId"] == moved["tranId"]
    back = client.query_universal_transfer_history(type="UMFUTURE_MAIN")
    assert [row["amount"] for row in back["rows"][:2]] == ["59.75000000", "40.25000000"]
    refused(-5013, client.make_universal_transfer, type="MAIN_UMFUTURE", asset="USDT", amount="99999999")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_python_binance_hears_its_account(venue: VenueProcess) -> None:
    asyncio.run(python_binance_hears(venue))
    gc.collect()  # the client leaves its old socket behind when it changes to a new key


async def python_binance_hears(venue: VenueProcess) -> None:
    client = await type("LocalAsyncClient", (AsyncClient,), addresses(venue)).create(KEY, SECRET)
    manager = type("LocalManager", (BinanceSocketManager,), stream_addresses(venue))(client, user_timeout=0.5)

    async def trade() -> str:
        placed = await client.futures_create_order(symbol=BTC, side="BUY", type="MARKET", quantity="0.002")
        return str(placed["orderId"])

    async def events_until(socket: Any, last: str) -> list[Any]:
        heard = []
        while not heard or heard[-1]["e"] != last:
            heard.append(await asyncio.wait_for(socket.recv(), DEADLINE_S))
        return heard

    try:
        opened = manager.futures_user_socket()
        opened.TIMEOUT = 1  # how long it looks at an idle socket before it closes or changes it
        async with opened as socket:
            await trade()
            assert [event["e"] for event in await events_until(socket, "ACCOUNT_UPDATE")] == [
                "ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE",
            ]  # fmt: skip
            filled = (await events_until(socket, "ORDER_TRADE_UPDATE"))[-1]["o"]
            assert (filled["X"], filled["z"]) == ("FILLED", "0.002")
            await client.futures_change_leverage(symbol=BTC, leverage=12)
            assert (await events_until(socket, "ACCOUNT_CONFIG_UPDATE"))[-1]["ac"] == {"s": BTC, "l": 12}
            venue.fault("listen_key_expiry")
            await events_until(socket, "listenKeyExpired")
            resumed = asyncio.ensure_future(events_until(socket, "ACCOUNT_UPDATE"))
            while not resumed.done():  # the client finds out by its next keep-alive, then reconnects by itself
                await trade()
                await asyncio.wait({resumed}, timeout=1)
            assert (await resumed)[-1]["a"]["m"] == "ORDER"
    finally:
        await client.close_connection()


def test_ccxt_trades_futures_by_rest(venue: VenueProcess) -> None:
    exchange = ccxt.binanceusdm(ccxt_settings(venue))
    market = exchange.load_markets()[PERPETUAL]
    assert (market["active"], market["linear"], market["precision"]["price"]) == (True, True, 0.1)
    exchange.set_leverage(8, PERPETUAL)
    exchange.set_margin_mode("isolated", PERPETUAL)
    with pytest.raises(ccxt.ExchangeError, match="4046"):
        exchange.set_margin_mode("isolated", PERPETUAL)
    exchange.set_margin_mode("cross", PERPETUAL)
    exchange.set_position_mode(True)
    assert exchange.fetch_position_mode(PERPETUAL)["hedged"] is True
    exchange.set_position_mode(False)
    assert exchange.fetch_leverage(PERPETUAL)["longLeverage"] == 8
    assert exchange.fetch_leverage_tiers([PERPETUAL])[PERPETUAL][0]["maxLeverage"] > 20
    assert exchange.fetch_balance()["total"]["USDT"] > 0
    assert exchange.fetch_trading_fees()[PERPETUAL]["maker"] > 0
    price = exchange.fetch_mark_price(PERPETUAL)["markPrice"]
    limit = exchange.create_order(PERPETUAL, "limit", "buy", 0.01, price * 0.97, {"postOnly": True})
    bought = exchange.create_order(PERPETUAL, "market", "buy", 0.01)
    assert (limit["status"], limit["postOnly"], bought["status"]) == ("open", True, "closed")
    moved = exchange.edit_order(limit["id"], PERPETUAL, "limit", "buy", 0.012, price * 0.96)
    assert (moved["id"], moved["amount"]) == (limit["id"], 0.012)
    stop = exchange.create_order(
        PERPETUAL, "market", "sell", 0.01, None, {"stopLossPrice": price * 0.95, "reduceOnly": True}
    )
    assert exchange.fetch_open_orders(PERPETUAL, params={"trigger": True})[0]["id"] == stop["id"]
    assert exchange.fetch_order(stop["id"], PERPETUAL, {"trigger": True})["status"] == "open"
    assert [order["id"] for order in exchange.fetch_open_orders(PERPETUAL)] == [limit["id"]]
    assert exchange.cancel_order(stop["id"], PERPETUAL, {"trigger": True})["id"] == stop["id"]
    held = exchange.fetch_positions([PERPETUAL])[0]
    assert (held["contracts"], held["side"]) == (0.01, "long")
    assert exchange.fetch_positions_risk([PERPETUAL])
    batch = exchange.create_orders(
        [
            {"symbol": PERPETUAL, "type": "limit", "side": "buy", "amount": 0.01, "price": price * (0.95 + step / 100)}
            for step in range(2)
        ]
    )
    assert [order["status"] for order in batch] == ["open", "open"]
    exchange.cancel_orders([order["id"] for order in batch], PERPETUAL)
    exchange.cancel_all_orders(PERPETUAL)
    exchange.cancel_all_orders(PERPETUAL, {"trigger": True})
    sold = exchange.create_order(PERPETUAL, "market", "sell", 0.01, None, {"reduceOnly": True})
    assert sold["id"] in {fill["order"] for fill in exchange.fetch_my_trades(PERPETUAL)}
    assert sold["id"] in {order["id"] for order in exchange.fetch_orders(PERPETUAL)}
    assert exchange.fetch_ledger("USDT") or exchange.fetch_funding_history(PERPETUAL) == []
    with pytest.raises(ccxt.ExchangeError, match="2022"):
        exchange.create_order(PERPETUAL, "market", "sell", 0.01, None, {"reduceOnly": True})
    exchange.session.close()


def test_ccxt_hears_its_account(venue: VenueProcess) -> None:
    asyncio.run(ccxt_hears(venue))


async def ccxt_hears(venue: VenueProcess) -> None:
    exchange = ccxt.pro.binanceusdm(ccxt_settings(venue))

    def soon(watch: Callable[..., Awaitable[Any]], *arguments: object) -> "asyncio.Future[Any]":
        return asyncio.ensure_future(asyncio.wait_for(watch(*arguments), DEADLINE_S))

    try:
        await exchange.load_markets()
        await exchange.fetch_balance()
        orders = soon(exchange.watch_orders, PERPETUAL)
        balance, fills = soon(exchange.watch_balance), soon(exchange.watch_my_trades, PERPETUAL)
        sent = set()
        while not (orders.done() and balance.done() and fills.done()):  # it does not say when its stream stands
            sent.add((await exchange.create_order(PERPETUAL, "market", "buy", 0.002))["id"])
            await asyncio.wait({orders, balance, fills}, timeout=1)
        assert {(await orders)[0]["id"], (await fills)[0]["order"]} <= sent
        assert (await balance)["USDT"]["total"] > 0
    finally:
        await exchange.close()
