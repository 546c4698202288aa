"""The API in front of the real runtime: bad input starts nothing, good input does what the exchange confirms."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import requests

from fakes.processes import API_ONLY, Exchange, Gridhive, agreed, until, wait_for_orders, write_flat_candles

pytestmark = pytest.mark.e2e

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT")
TABLES = ("grids", "orders", "fills", "equity")
GOOD = {"initial_levels": 10, "spacing_perc": 0.5, "market_type": "spot"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gridhive]:
    """A server without a first grid on a market that stands still; every test leaves it without one."""
    folder = tmp_path_factory.mktemp("api")
    prices = ("50000.00", "2500.00", "600.00")
    recordings = [
        write_flat_candles(folder / f"{name}.csv", price) for name, price in zip(SYMBOLS, prices, strict=True)
    ]
    with Gridhive(
        folder / "data", "--market", "replay", "--replay", *recordings, "--speed", "60", program=API_ONLY
    ) as server:
        yield server


@pytest.fixture
def exchange(house: Gridhive) -> Iterator[Exchange]:
    with house.exchange() as exchange:
        yield exchange


@pytest.fixture
def server(house: Gridhive, exchange: Exchange) -> Iterator[Gridhive]:
    yield house
    for execution in house.get("/api/trading/executions")["executions"]:
        if execution["status"] == "active":
            house.stop_grid(execution["symbol"])
    for symbol in SYMBOLS:
        if exchange.open_orders(symbol):
            assert exchange.signed("DELETE", "/api/v3/openOrders", symbol=symbol).ok


def everything(server: Gridhive, exchange: Exchange) -> Any:
    """Return all that a half started grid would show in: grid list, orders at the exchange, books."""
    grids = [(it["symbol"], it["status"]) for it in server.get("/api/trading/executions")["executions"]]
    orders = [exchange.all_orders(symbol) for symbol in SYMBOLS]
    with sqlite3.connect(f"file:{server.folder / 'gridhive.db'}?mode=ro", uri=True) as books:
        rows = {name: books.execute(f"SELECT * FROM {name}").fetchall() for name in TABLES}  # noqa: S608
    books.close()
    return grids, orders, rows


def with_(name: str, value: object) -> object:
    """Return a good request but for one field of its config."""
    return {"symbol": "BTCUSDT", "config": {**GOOD, name: value}}


BAD_GRIDS: dict[str, tuple[object, int, str]] = {
    # name: (body, status, the field or word that the message names)
    "unknown symbol": ({"symbol": "NOPEUSDT", "config": GOOD}, 422, "symbol"),
    "symbol in lower case": ({"symbol": "btcusdt", "config": GOOD}, 422, "symbol"),
    "symbol of the wrong type": ({"symbol": ["BTCUSDT"], "config": GOOD}, 422, "symbol"),
    "no symbol": ({"config": GOOD}, 422, "symbol"),
    "no config": ({"symbol": "BTCUSDT"}, 422, "config"),
    "malformed JSON": ('{"symbol": "BTCUSDT", "config": {', 400, "JSON"),
    "no JSON at all": ("initial_levels=10", 400, "JSON"),
    "empty body": ("", 400, "JSON"),
    "not an object": ("[1, 2]", 400, "object"),
    "NaN": ('{"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": NaN}}', 400, "NaN"),
    "Infinity": ('{"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": Infinity}}', 400, "Infinity"),
    "NaN as text": (with_("spacing_perc", "NaN"), 422, "spacing_perc"),
    "a name twice": ('{"symbol": "BTCUSDT", "symbol": "ETHUSDT", "config": {"initial_levels": 10}}', 400, "symbol"),
    "boolean for a whole number": (with_("initial_levels", True), 422, "initial_levels"),
    "boolean for an amount": (with_("capital", True), 422, "capital"),
    "number for a boolean": (with_("start_empty", 1), 422, "start_empty"),
    "text for a whole number": (with_("initial_levels", "10"), 422, "initial_levels"),
    "fraction for a whole number": (with_("initial_levels", 10.5), 422, "initial_levels"),
    "negative levels": (with_("initial_levels", -1), 422, "initial_levels"),
    "one level": (with_("initial_levels", 1), 422, "initial_levels"),
    "too many levels": (with_("initial_levels", 10**30), 422, "initial_levels"),
    "spacing of nothing": (with_("spacing_perc", 0), 422, "spacing_perc"),
    "spacing beyond 100 percent": (with_("spacing_perc", 101), 422, "spacing_perc"),
    "negative capital": (with_("capital", -5), 422, "capital"),
    "unknown field": (with_("levels", 10), 422, "levels"),
    "unknown field outside": ({"symbol": "BTCUSDT", "config": GOOD, "now": True}, 422, "now"),
    "unknown market": (with_("market_type", "margin"), 422, "market_type"),
    "futures": (with_("market_type", "futures"), 422, ""),
    "one bound": ({"symbol": "BTCUSDT", "config": {"initial_levels": 10, "lower_price": 49000}}, 422, "upper_price"),
    "bounds in the wrong order": (
        {"symbol": "BTCUSDT", "config": {"initial_levels": 10, "lower_price": 51000, "upper_price": 49000}},
        422,
        "upper_price",
    ),
    "too little balance": (with_("capital", 20000), 422, "capital"),
    "too little capital": (with_("capital", 8), 422, "capital"),
    "spacing that fees eat up": (with_("spacing_perc", 0.15), 422, "spacing_perc"),
    "rungs that round into one": (
        {"symbol": "BTCUSDT", "config": {"initial_levels": 5, "lower_price": 50000, "upper_price": 50000.02}},
        422,
        "lower_price",
    ),
    "a range too wide for the venue": (
        {"symbol": "BTCUSDT", "config": {"initial_levels": 10, "lower_price": 1, "upper_price": 90000}},
        422,
        "lower_price",
    ),
}  # fmt: skip


def test_bad_grids_are_refused_by_name_and_start_nothing(server: Gridhive, exchange: Exchange) -> None:
    before = everything(server, exchange)
    for name, (body, status, named) in BAD_GRIDS.items():
        for path in ("/api/grid/start", "/api/grid/config"):
            answer = server.post(path, body)
            told = answer.json()
            assert answer.status_code == status, (name, path, told)
            assert named in told["message"], (name, told)
            if named and status == 422:
                assert named in [field["field"] for field in told["fields"]], (name, told)
            if path.endswith("config"):
                assert told["valid"] is False
                assert told["errors"]
    assert everything(server, exchange) == before


def test_a_good_grid_is_valid_and_checking_it_starts_nothing(server: Gridhive, exchange: Exchange) -> None:
    before = everything(server, exchange)
    answer = server.post("/api/grid/config", {"symbol": "BTCUSDT", "config": GOOD})
    assert answer.status_code == 200
    assert answer.json()["valid"] is True
    assert everything(server, exchange) == before


def test_a_second_start_is_a_conflict_and_changes_nothing(server: Gridhive, exchange: Exchange) -> None:
    with ThreadPoolExecutor(4) as pool:  # four hands at once: one grid
        codes = list(
            pool.map(
                lambda _: server.post("/api/grid/start", {"symbol": "BTCUSDT", "config": GOOD}).status_code, range(4)
            )
        )
    assert sorted(codes) == [200, 409, 409, 409]
    wait_for_orders(exchange)
    shown = agreed(server, exchange)
    placed = exchange.all_orders()
    answer = server.post("/api/grid/start", with_("initial_levels", 4))
    assert answer.status_code == 409
    assert "BTCUSDT" in answer.json()["message"]
    assert agreed(server, exchange)["grid_id"] == shown["grid_id"]
    assert exchange.all_orders() == placed


def test_more_grids_than_allowed_are_refused_naming_the_setting(server: Gridhive, exchange: Exchange) -> None:
    for symbol in SYMBOLS[:2]:
        server.start_grid(symbol, capital=500)
    answer = server.post("/api/grid/start", {"symbol": SYMBOLS[2], "config": GOOD})
    assert answer.status_code == 409
    assert "trading.max_concurrent_pairs" in answer.json()["message"]
    assert exchange.all_orders(SYMBOLS[2]) == []


def test_stopping_what_does_not_run_is_not_found(server: Gridhive) -> None:
    for symbol in ("BNBUSDT", "NOPEUSDT"):
        answer = server.post("/api/grid/stop", {"symbol": symbol})
        assert answer.status_code == 404
        assert symbol in answer.json()["message"]
    server.start_grid("ETHUSDT")
    server.stop_grid("ETHUSDT")
    assert server.post("/api/grid/stop", {"symbol": "ETHUSDT"}).status_code == 404
    assert server.get("/api/grid/status/ETHUSDT")["status"] == "stopped"


@pytest.mark.parametrize("on_stop", ["cancel", "keep", "unwind"])
def test_a_stop_leaves_at_the_exchange_what_was_asked_for(server: Gridhive, exchange: Exchange, on_stop: str) -> None:
    held = Decimal(exchange.balances().get("BTC", {"free": "0"})["free"])
    server.start_grid()
    wait_for_orders(exchange)
    agreed(server, exchange)
    server.stop_grid(on_stop=on_stop)
    status = until(
        lambda: (shown := server.get("/api/grid/status/BTCUSDT"))["phase"] == "ended" and shown, "the grid to end"
    )
    assert status["status"] == "stopped"
    assert len(exchange.open_orders()) == (9 if on_stop == "keep" else 0)
    row = exchange.balances()["BTC"]
    gained = Decimal(row["free"]) + Decimal(row["locked"]) - held
    assert gained == Decimal(status["books"]["base_held"])
    assert gained < Decimal("0.00001") if on_stop == "unwind" else gained > Decimal("0.001")
    assert status["books"]["residual"] == "0"


def test_an_edit_there_and_back_leaves_what_rested_before(server: Gridhive, exchange: Exchange) -> None:
    def lines() -> set[tuple[str, Decimal, Decimal]]:
        return {(it["side"], Decimal(it["price"]), Decimal(it["origQty"])) for it in exchange.open_orders()}

    server.start_grid(capital=1000)
    wait_for_orders(exchange)
    agreed(server, exchange)
    before = lines()
    told = server.edit_grid(dry_run=True, spacing_perc=0.6)
    assert (told["success"], len(told["orders"]["move"]), told["trade"]) == (True, 9, None)
    assert lines() == before
    server.edit_grid(spacing_perc=0.6)
    agreed(server, exchange)
    assert not {(side, price) for side, price, _ in before} & {(side, price) for side, price, _ in lines()}
    server.edit_grid(spacing_perc=0.5)
    assert agreed(server, exchange)["books"]["residual"] == "0"
    assert lines() == before
    refused = requests.patch(f"{server.url}/api/grid/BTCUSDT", json={"config": {"capital": 50_000}}, timeout=60)
    assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "capital")


def test_modes_that_cannot_run_are_refused_and_the_house_stays(server: Gridhive, exchange: Exchange) -> None:
    server.start_grid()
    wait_for_orders(exchange)
    account = server.get("/api/status")["account_id"]
    for body in ({"mode": "Testnet"}, {"mode": "Testnet", "force": True}, {"mode": "Production", "confirm": True}):
        answer = server.post("/api/operation_mode", body)
        assert answer.status_code == 422
        assert "keys" in answer.json()["message"]
    assert server.post("/api/operation_mode", {"mode": "Paper"}).status_code == 422
    assert server.get("/api/operation_mode")["current_mode"] == "Shadow"
    assert server.get("/api/operation_mode")["available_modes"] == ["Shadow"]
    assert server.get("/api/status")["account_id"] == account
    agreed(server, exchange)


def test_what_the_api_shows_is_what_the_exchange_says(server: Gridhive, exchange: Exchange) -> None:
    # Between bounds 2500 lies on no rung, so that nothing trades but what the print moves.
    bounds = {"initial_levels": 10, "lower_price": 2400, "upper_price": 2600}
    assert server.post("/api/grid/start", {"symbol": "ETHUSDT", "config": bounds}).ok
    wait_for_orders(exchange, symbol="ETHUSDT")
    exchange.print_trade("2460.00", "2000", "ETHUSDT")  # through two buys; the way back sells one of them
    until(lambda: len(exchange.trades("ETHUSDT")) >= 4, "two buys and a sale after the first purchase")
    agreed(server, exchange, "ETHUSDT")

    def same_trades() -> list[tuple[Any, Any]]:
        """Read both sides; the market goes on between the readings."""
        theirs = {trade["id"]: trade for trade in exchange.trades("ETHUSDT")}
        shown = {trade["id"]: trade for trade in server.get("/api/trades/ETHUSDT", limit=1000)}
        return [(shown[number], trade) for number, trade in theirs.items()] if shown.keys() == theirs.keys() else []

    for ours, trade in until(same_trades, "the trades shown are the exchange's"):
        assert ours["order_id"] == str(trade["orderId"])
        assert ours["type"] == ("buy" if trade["isBuyer"] else "sell")
        assert ours["is_maker"] is trade["isMaker"]
        assert ours["commission_asset"] == trade["commissionAsset"]
        for name, theirs in (
            ("price", "price"),
            ("quantity", "qty"),
            ("quote_quantity", "quoteQty"),
            ("commission",) * 2,
        ):
            assert Decimal(str(ours[name])) == Decimal(trade[theirs]), name

    def same_orders() -> list[tuple[Any, Any]]:
        (execution,) = (it for it in server.get("/api/trading/executions")["executions"] if it["symbol"] == "ETHUSDT")
        there = {order["clientOrderId"]: order for order in exchange.open_orders("ETHUSDT")}
        ours = {order["client_order_id"]: order for order in execution["open_orders"]}
        agree = ours.keys() == there.keys() and execution["active_orders"] == len(there)
        return [(order, there[name]) for name, order in ours.items()] if agree else []

    for order, theirs in until(same_orders, "the orders shown are the exchange's"):
        assert order["order_id"] == str(theirs["orderId"])
        assert order["side"] == theirs["side"].lower()
        assert Decimal(str(order["price"])) == Decimal(theirs["price"])
        assert Decimal(str(order["quantity"])) == Decimal(theirs["origQty"])

    def balances_agree() -> bool:
        theirs = {name: (float(row["free"]), float(row["locked"])) for name, row in exchange.balances().items()}
        shown = server.get("/api/balance")["spot"]["balances"]
        return bool(shown) and all((row["free"], row["locked"]) == theirs[row["asset"]] for row in shown)

    until(balances_agree, "the balances shown are the exchange's")
    assert [pair["symbol"] for pair in server.get("/api/trading/pairs")] == ["ETHUSDT"]


def test_queries_out_of_range_are_refused_by_name(server: Gridhive) -> None:
    for path, named in (
        ("/api/klines/BTCUSDT?limit=0", "limit"),
        ("/api/klines/BTCUSDT?limit=true", "limit"),
        ("/api/klines/BTCUSDT?interval=7m", "interval"),
        ("/api/trades/BTCUSDT?limit=1001", "limit"),
        ("/api/market_data?symbol=BTCUSDT", "symbol"),
    ):
        answer = requests.get(server.url + path, timeout=30)
        assert answer.status_code == 422, path
        assert named in [field["field"] for field in answer.json()["fields"]], path
    for path in ("/api/klines/NOPEUSDT", "/api/grid/status/NOPEUSDT", "/api/nothing"):
        assert requests.get(server.url + path, timeout=30).status_code == 404, path


def test_other_hosts_origins_and_content_types_are_refused(server: Gridhive, exchange: Exchange) -> None:
    before = everything(server, exchange)
    body = '{"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": 0.5}}'
    json_type = {"Content-Type": "application/json"}
    for headers, status in (
        ({**json_type, "Host": "evil.example"}, 421),
        ({**json_type, "Origin": "https://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ):
        answer = requests.post(server.url + "/api/grid/start", data=body, headers=headers, timeout=30)
        assert answer.status_code == status
    assert everything(server, exchange) == before
