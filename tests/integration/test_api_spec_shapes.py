"""Every answer against the spec's examples: field names, types and formats, transcribed from the document by hand."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient

from domain.errors import Unreachable
from domain.instrument import Market
from fakes.house import House, app_of

GRID = {"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": 0.5, "market_type": "spot"}}


class Text:
    """A text in a format."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def __repr__(self) -> str:
        return f"text like {self.pattern}"


class Maybe:
    """A value that may be null."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


DECIMAL = Text(r"-?\d+(\.\d+)?")
ISO = Text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
UPTIME = Text(r"\d+h \d{1,2}m")
SIDE = Text("buy|sell")
MODE = Text("Production|Shadow|Testnet")
ANY = Text(r"(?s).*")

TRADE = {"type": SIDE, "price": float, "quantity": float, "timestamp": int}
ORDER = {
    "order_id": Text(r"\S+"),
    "type": Text("limit|market"),
    "side": SIDE,
    "price": float,
    "quantity": float,
    "status": Text("new|partially_filled|filled|cancelled"),
    "timestamp": int,
}
ACTIVE_BOT = {
    "status": Text("running|stopped|error"),
    "current_price": float,
    "grid_levels": int,
    "active_orders": int,
    "uptime": UPTIME,
}
GRID_STATUS = {
    **ACTIVE_BOT,
    "symbol": "BTCUSDT",
    "total_trades": int,
    "realized_pnl": float,
    "unrealized_pnl": float,
    "last_update": ISO,
    "spacing_percentage": float,
    "market_type": Text("spot|futures"),
}
BALANCE = {"asset": ANY, "free": float, "locked": float, "total": float, "usdt_value": float}
CONNECTION = {"connected": True, "ping_ms": int, "server_time": ISO}

SHAPES: Mapping[str, Any] = {
    "/api/status": {"api_status": "online", "active_bots": {"BTCUSDT": ACTIVE_BOT}},
    "/api/operation_mode": {
        "current_mode": MODE,
        "available_modes": [MODE],
        "description": {"Production": "Real mode - executes real trades on Binance"},
    },
    "/api/market_data": [
        {
            "symbol": Text("[A-Z]+"),
            "price": DECIMAL,
            "volume": DECIMAL,
            "change_24h": DECIMAL,
            "high_24h": DECIMAL,
            "low_24h": DECIMAL,
            "quote_volume": DECIMAL,
        }
    ],
    "/api/klines/BTCUSDT?interval=1h&limit=3": {
        "symbol": "BTCUSDT",
        "interval": "1h",
        "data": [
            {
                "timestamp": int,
                "open": float,
                "high": float,
                "low": float,
                "close": float,
                "volume": float,
                "close_time": int,
                "quote_volume": float,
                "trades": int,
            }
        ],
    },
    "/api/grid/status/BTCUSDT": GRID_STATUS,
    "/api/grid/recovery_status/BTCUSDT": {"symbol": "BTCUSDT", "recovered": False},
    "/api/balance": {
        "spot": {"balances": [BALANCE], "total_usdt": float, "error": None},
        "futures": {
            "balances": [BALANCE],
            "total_usdt": float,
            "margin_balance": float,
            "available_balance": float,
            "error": None,
        },
        "timestamp": ISO,
    },
    "/api/balance/summary": {
        "spot_usdt": float,
        "futures_usdt": float,
        "total_usdt": float,
        "spot_available": True,
        "futures_available": True,
        "last_updated": ISO,
    },
    "/api/trading/executions": {
        "executions": [
            {
                **{name: shape for name, shape in GRID_STATUS.items() if name != "spacing_percentage"},
                "status": Text("active|stopped"),
                "last_trade": TRADE,
                "open_orders": [ORDER],
                "grid_config": {"levels": int, "spacing": DECIMAL, "leverage": int},
            }
        ],
        "total_active": 1,
        "timestamp": int,
    },
    "/api/trading/pairs": [{"symbol": "BTCUSDT", "price": DECIMAL}],
    "/api/trades/BTCUSDT": [TRADE],
    "/api/test/connection": {
        "binance_spot": {**CONNECTION, "api_limits": {"spot_orders_per_second": 10, "spot_orders_per_day": 200000}},
        "binance_futures": {**CONNECTION, "api_limits": {"futures_orders_per_minute": 1200}},
        "operation_mode": MODE,
    },
    "/api/validate/symbol/BTCUSDT?market_type=spot": {
        "symbol": "BTCUSDT",
        "valid": True,
        "market_type": "spot",
        "symbol_info": {
            "status": "TRADING",
            "base_asset": "BTC",
            "quote_asset": "USDT",
            "min_order_size": DECIMAL,
            "tick_size": DECIMAL,
            "min_notional": DECIMAL,
        },
        "current_price": float,
        "24h_volume": DECIMAL,
        "suitable_for_grid": True,
        "grid_recommendations": {"suggested_levels": int, "suggested_spacing": float, "min_capital_needed": float},
    },
}


def check(value: Any, shape: Any, where: str) -> None:
    match shape:
        case type():
            assert type(value) is shape, f"{where} is {value!r}, no {shape.__name__}"
        case Text():
            assert isinstance(value, str), f"{where} is {value!r}, no text"
            assert re.fullmatch(shape.pattern, value), f"{where} is {value!r}, not {shape}"
        case dict():
            assert isinstance(value, dict), f"{where} is {value!r}, no object"
            for name, part in shape.items():
                assert name in value, f"{where} lacks {name}"
                check(value[name], part, f"{where}.{name}")
        case list():
            assert isinstance(value, list), f"{where} is {value!r}, no bare array"
            assert value, f"{where} is empty"
            for index, part in enumerate(value):
                check(part, shape[0], f"{where}[{index}]")
        case _:
            assert value == shape, f"{where} is {value!r}, not {shape!r}"


@pytest.fixture
def client() -> FlaskClient:
    client = app_of(House(), min_order_value=Decimal(10)).test_client()
    assert client.post("/api/grid/start", json=GRID).status_code == 200
    return client


@pytest.mark.parametrize("path", SHAPES)
def test_answers_have_the_shape_of_the_spec(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    check(response.json, SHAPES[path], path)


def test_a_valid_configuration_in_portuguese(client: FlaskClient) -> None:
    response = client.post("/api/grid/config", json=GRID, headers={"Accept-Language": "pt"})
    shape = {
        "valid": True,
        "message": "Configuração válida",
        "calculated_params": {
            "estimated_capital_needed": float,
            "grid_range": Text(r"[\d.]+ - [\d.]+"),
            "levels_preview": [float],
        },
    }
    assert response.status_code == 200
    check(response.json, shape, "config")
    preview = response.json["calculated_params"]["levels_preview"]
    assert len(preview) == 10
    assert preview == sorted(preview)


def test_an_invalid_configuration_in_portuguese(client: FlaskClient) -> None:
    wrong = {"symbol": "BTCUSDT", "config": {"initial_levels": -1, "spacing_perc": 101, "market_type": "spot"}}
    response = client.post("/api/grid/config", json=wrong, headers={"Accept-Language": "pt"})
    assert response.status_code == 422
    assert response.json["valid"] is False
    assert response.json["errors"] == [
        "initial_levels deve ser um número inteiro positivo",
        "spacing_perc deve ser menor ou igual a 100",
    ]


def test_the_language_of_the_settings_serves_who_names_none() -> None:
    client = app_of(House(), language="pt").test_client()
    assert client.post("/api/grid/config", json=GRID).json["message"] == "Configuração válida"
    english = client.post("/api/grid/config", json=GRID, headers={"Accept-Language": "en-GB"})
    assert english.json["message"] == "Configuration is valid"
    german = client.post("/api/grid/config", json=GRID, headers={"Accept-Language": "de"})
    assert german.json["message"] == "Configuração válida"


def test_start_and_stop_confirm(client: FlaskClient) -> None:
    stopped = client.post("/api/grid/stop", json={"symbol": "BTCUSDT"}).json
    check(stopped, {**GRID_STATUS, "status": "stopped", "success": True, "message": "Grid stopped for BTCUSDT"}, "stop")
    started = client.post("/api/grid/start", json=GRID).json
    check(started, {**GRID_STATUS, "success": True, "message": "Grid started for BTCUSDT"}, "start")


def test_the_mode_is_read_in_any_case_and_confirmed(client: FlaskClient) -> None:
    changed = client.post("/api/operation_mode", json={"mode": "test", "force": True}).json
    check(changed, {"success": True, "current_mode": "Testnet", "message": ANY}, "mode")
    refused = client.post("/api/operation_mode", json={"mode": "Production"})
    assert refused.status_code == 422
    assert refused.json["fields"][0]["field"] == "confirm"
    assert client.post("/api/operation_mode", json={"mode": "Paper"}).json["fields"][0]["field"] == "mode"


def test_books_add_up(client: FlaskClient) -> None:
    status = client.get("/api/grid/status/BTCUSDT").json
    books = {name: Decimal(text) for name, text in status["books"].items() if isinstance(text, str)}
    inventory = books["inventory_value"] - books["inventory_cost"]
    earned = books["grid_profit"] + inventory - books["fees"] + books["fee_asset_revaluation"] + books["residual"]
    assert books["equity_change"] == earned
    assert status["realized_pnl"] + status["unrealized_pnl"] == pytest.approx(float(earned))


def test_trades_are_paged_by_links(client: FlaskClient) -> None:
    seen, address = [], "/api/trades/BTCUSDT?limit=10"
    while address:
        response = client.get(address)
        seen += [trade["id"] for trade in response.json]
        link = response.headers.get("Link")
        address = re.match(r'<([^>]+)>; rel="next"', link).group(1) if link else ""
    assert seen == list(range(42, 0, -1))


def test_market_data_by_symbols_and_by_quote(client: FlaskClient) -> None:
    named = client.get("/api/market_data?symbols=ETHUSDT,BTC/USDT").json
    assert [ticker["symbol"] for ticker in named] == ["ETHUSDT", "BTCUSDT"]
    first = client.get("/api/market_data?quote=USDT&limit=2")
    assert [ticker["symbol"] for ticker in first.json] == ["BTCUSDT", "ETHUSDT"]
    assert 'offset=2>; rel="next"' in first.headers["Link"]
    assert client.get("/api/market_data?symbols=NIXUSDT").status_code == 404
    assert client.get("/api/market_data?symbols=btcusdt").json["fields"][0]["field"] == "symbols"
    assert client.get("/api/market_data?symbol=BTCUSDT").status_code == 422, "a misspelt parameter is never ignored"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "interval=2s", "market_type=margin", "end_time=-1"]
)
def test_bad_parameters_are_named(client: FlaskClient, query: str) -> None:
    response = client.get(f"/api/klines/BTCUSDT?{query}")
    assert response.status_code == 422
    assert response.json["fields"][0]["field"] == query.split("=", maxsplit=1)[0]


def test_a_market_that_cannot_be_read_says_so_and_the_other_answers() -> None:
    house = House(futures_failure=Unreachable("futures did not answer"))
    client = app_of(house).test_client()
    balance = client.get("/api/balance").json
    assert balance["futures"]["error"] == "futures did not answer"
    assert balance["futures"]["balances"] == []
    assert balance["spot"]["error"] is None
    summary = client.get("/api/balance/summary").json
    assert (summary["spot_available"], summary["futures_available"]) == (True, False)


def test_balances_are_valued_whichever_way_the_pair_is_quoted(client: FlaskClient) -> None:
    rows = {row["asset"]: row for row in client.get("/api/balance").json["spot"]["balances"]}
    assert rows["BTC"]["usdt_value"] == pytest.approx(450.005)
    assert rows["BRL"]["usdt_value"] == 20.0
    assert (rows["NOPRICE"]["usdt_value"], rows["NOPRICE"]["valued"]) == (0.0, False)
    assert "DUST" not in rows


@pytest.mark.parametrize(
    ("symbol", "word"), [("NIXUSDT", "not listed"), ("btcusdt", "capitals"), ("%", "written like")]
)
def test_a_symbol_that_does_not_exist_is_answered_not_refused(client: FlaskClient, symbol: str, word: str) -> None:
    response = client.get(f"/api/validate/symbol/{symbol}")
    assert response.status_code == 200
    assert response.json["valid"] is False
    assert word in response.json["reasons"][0]


def test_a_halted_symbol_exists_but_does_not_suit(client: FlaskClient) -> None:
    answer = client.get("/api/validate/symbol/OLDUSDT").json
    assert (answer["valid"], answer["suitable_for_grid"], answer["grid_recommendations"]) == (True, False, None)


def test_the_recommended_grid_passes_preflight_with_the_recommended_capital(client: FlaskClient) -> None:
    advice = client.get("/api/validate/symbol/BTCUSDT").json["grid_recommendations"]
    config = {
        "initial_levels": advice["suggested_levels"],
        "spacing_perc": advice["suggested_spacing"],
        "market_type": "spot",
    }
    enough = client.post(
        "/api/grid/config", json={"symbol": "BTCUSDT", "config": config | {"capital": advice["min_capital_needed"]}}
    )
    assert enough.json["valid"] is True, enough.json
    less = client.post(
        "/api/grid/config", json={"symbol": "BTCUSDT", "config": config | {"capital": advice["min_capital_needed"] - 1}}
    )
    assert less.json["valid"] is False


def test_a_market_switched_off_says_so_everywhere() -> None:
    client = app_of(House(), supported_markets=(Market.SPOT,)).test_client()
    assert "supported_markets" in client.get("/api/balance").json["futures"]["error"]
    connection = client.get("/api/test/connection").json["binance_futures"]
    assert connection["connected"] is False
    assert "supported_markets" in connection["error"]


def test_health_lives_while_the_venue_is_away() -> None:
    client = app_of(House(venue_connected=False)).test_client()
    response = client.get("/health")
    assert response.status_code == 200
    assert response.json["status"] == "degraded"


def test_pages_open_without_anything_from_outside(client: FlaskClient) -> None:
    home = client.get("/", headers={"Accept-Language": "pt"}, buffered=True)
    assert "synthetic" in home.text
    assert "BTCUSDT" in home.text
    assert "/api/grid/start" in home.text
    test_page = client.get("/test", buffered=True)
    assert test_page.mimetype == "text/html"
    for text in (home.text, test_page.text):
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text)
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), "scripts live in static/*.js"
        assert " style=" not in text
        for asset in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", text):
            assert client.get(asset, buffered=True).status_code == 200
