import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.grids import Direction, GridStatus
from domain.instrument import Market
from fakes.house import BTC, BTC_FUTURES, House, app_of

CONFIG: dict[str, Any] = {"initial_levels": 10, "spacing_perc": 0.5, "market_type": "spot"}


def body(symbol: object = "BTCUSDT", **changes: object) -> dict[str, Any]:
    return {"symbol": symbol, "config": {**CONFIG, **changes}}


@pytest.fixture
def client() -> FlaskClient:
    return app_of(House()).test_client()


@pytest.mark.parametrize(
    ("changes", "field", "portuguese"),
    [
        ({"initial_levels": 0}, "initial_levels", "initial_levels deve ser um número inteiro positivo"),
        ({"initial_levels": -3}, "initial_levels", "initial_levels deve ser um número inteiro positivo"),
        ({"initial_levels": 2.5}, "initial_levels", "initial_levels deve ser um número inteiro positivo"),
        ({"initial_levels": "10"}, "initial_levels", "initial_levels deve ser um número inteiro positivo"),
        ({"initial_levels": True}, "initial_levels", "initial_levels deve ser um número inteiro positivo"),
        ({"initial_levels": None}, "initial_levels", "initial_levels deve ser um número inteiro positivo"),
        ({"initial_levels": 1001}, "initial_levels", "initial_levels deve ser menor ou igual a 1000"),
        ({"spacing_perc": 101}, "spacing_perc", "spacing_perc deve ser menor ou igual a 100"),
        ({"spacing_perc": 0}, "spacing_perc", "spacing_perc deve ser maior que 0"),
        ({"spacing_perc": True}, "spacing_perc", "spacing_perc deve ser um número finito, por exemplo 0.5"),
        ({"spacing_perc": "NaN"}, "spacing_perc", "spacing_perc deve ser um número finito, por exemplo 0.5"),
        ({"market_type": "margin"}, "market_type", "market_type deve ser um de: spot, futures"),
        ({"market_type": "futures", "direction": "up"}, "direction", "direction deve ser um de: neutral, long, short"),
        ({"market_type": "futures", "leverage": 0}, "leverage", "leverage deve ser um número inteiro positivo"),
        ({"market_type": "futures", "leverage": 126}, "leverage", "leverage deve ser menor ou igual a 125"),
        ({"market_type": "futures", "margin_type": "crossed"}, "margin_type", None),
        ({"direction": "short"}, "direction", None),
        ({"leverage": 1}, "leverage", None),
        ({"margin_type": "cross"}, "margin_type", None),
        ({"spacing_pct": 1}, "spacing_pct", "spacing_pct não é um campo conhecido; você quis dizer spacing_perc?"),
        ({"capital": 10, "capital_usd": 10}, "capital_usd", None),
        ({"lower_price": 1}, "upper_price", None),
        ({"lower_price": 40000, "upper_price": 50000}, "spacing_perc", None),
        ({"spacing_perc": None}, "spacing_perc", None),
        ({"start_empty": 1}, "start_empty", "start_empty deve ser true ou false"),
        ({"quantity_growth_perc": -1}, "quantity_growth_perc", None),
        ({"quantity_growth_perc": 101}, "quantity_growth_perc", None),
        ({"quantity_growth_perc": "0.00001"}, "quantity_growth_perc", None),
    ],
)
def test_each_mistake_names_its_field(
    client: FlaskClient, changes: dict[str, Any], field: str, portuguese: str | None
) -> None:
    response = client.post("/api/grid/config", json=body(**changes), headers={"Accept-Language": "pt-BR,pt;q=0.9"})
    answer = response.json
    assert response.status_code == 422
    assert answer["valid"] is False
    assert field in [mistake["field"] for mistake in answer["fields"]]
    assert all(any(mistake["message"] in error for error in answer["errors"]) for mistake in answer["fields"])
    if portuguese is not None:
        assert portuguese in answer["errors"]


def test_all_mistakes_are_told_at_once(client: FlaskClient) -> None:
    wrong = {"symbol": "btcusdt", "config": {"initial_levels": 0, "spacing_perc": 500, "colour": 1}, "extra": 1}
    fields = {mistake["field"] for mistake in client.post("/api/grid/config", json=wrong).json["fields"]}
    assert fields == {"symbol", "initial_levels", "spacing_perc", "colour", "extra"}


def test_a_misspelt_field_is_answered_with_the_nearest(client: FlaskClient) -> None:
    answer = client.post("/api/grid/start", json=body(inital_levels=5)).json
    assert answer["fields"] == [
        {"field": "inital_levels", "message": "inital_levels is not a known field; did you mean initial_levels?"}
    ]


def test_an_unknown_symbol_is_a_mistake_of_the_field(client: FlaskClient) -> None:
    response = client.post("/api/grid/config", json=body("NIXUSDT"))
    assert response.status_code == 422
    assert response.json["fields"][0]["field"] == "symbol"
    assert response.json["valid"] is False


def test_what_preflight_finds_is_shown_the_same_way(client: FlaskClient) -> None:
    response = client.post("/api/grid/config", json=body(capital=8))
    assert response.status_code == 422
    assert response.json["fields"][0]["field"] == "capital"
    assert response.json["errors"][0].startswith("capital")


def test_a_ladder_without_a_rung_to_buy_at_is_refused_not_a_fault(client: FlaskClient) -> None:
    config = {"initial_levels": 5, "lower_price": 46000, "upper_price": 48000, "start_empty": True}
    response = client.post("/api/grid/config", json={"symbol": "BTCUSDT", "config": config})
    assert response.status_code == 422
    assert [mistake["field"] for mistake in response.json["fields"]] == ["start_empty"]


def test_malformed_bodies_are_invalid_too(client: FlaskClient) -> None:
    nan = '{"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": NaN}}'
    response = client.post("/api/grid/config", data=nan, content_type="application/json")
    assert response.status_code == 400
    assert response.json["valid"] is False
    assert "NaN" in response.json["errors"][0]


def test_a_number_may_be_written_as_text_to_stay_exact(client: FlaskClient) -> None:
    assert client.post("/api/grid/config", json=body(spacing_perc="0.5", capital="1000.10")).status_code == 200


def test_the_default_market_fills_a_missing_one() -> None:
    house = House()
    client = app_of(house, default_market=Market.FUTURES).test_client()
    assert client.post("/api/grid/start", json={"symbol": "BTCUSDT", "config": {**CONFIG}}).status_code == 200
    without = {name: value for name, value in CONFIG.items() if name != "market_type"}
    assert client.post("/api/grid/start", json={"symbol": "BTCUSDT", "config": without}).status_code == 200
    assert set(house.history) == {BTC, BTC_FUTURES}


def test_a_futures_grid_shows_how_it_stands_and_takes_the_settings_direction() -> None:
    client = app_of(House(), futures_direction=Direction.SHORT).test_client()
    usual = client.post("/api/grid/config", json=body(market_type="futures", capital=5000)).json["contract"]
    assert (usual["direction"], usual["leverage"], usual["margin_type"]) == ("short", 1, "cross")
    client.post("/api/grid/start", json=body(market_type="futures", direction="neutral", capital=5000))
    shown = client.get("/api/grid/status/BTCUSDT").json
    assert (shown["contract"]["direction"], shown["contract"]["hedge_mode"]) == ("neutral", False)
    assert shown["contract"]["position"] == shown["books"]["base_held"]
    assert client.post("/api/grid/config", json=body()).json["contract"] is None


def test_a_market_that_is_switched_off_is_refused() -> None:
    client = app_of(House(), supported_markets=(Market.SPOT,)).test_client()
    response = client.post("/api/grid/config", json=body(market_type="futures"))
    assert response.status_code == 422
    assert response.json["fields"][0]["field"] == "market_type"


def test_starting_twice_is_a_conflict(client: FlaskClient) -> None:
    assert client.post("/api/grid/start", json=body()).status_code == 200
    assert client.post("/api/grid/start", json=body()).status_code == 409


def test_with_both_markets_writes_ask_and_reads_give_spot() -> None:
    house = House()
    client = app_of(house).test_client()
    client.post("/api/grid/start", json=body(market_type="futures"))
    assert set(client.get("/api/status").json["active_bots"]) == {"BTCUSDT"}
    assert client.get("/api/grid/status/BTCUSDT").json["market_type"] == "futures", "the symbol's only grid"
    client.post("/api/grid/start", json=body(market_type="spot"))
    assert set(client.get("/api/status").json["active_bots"]) == {"BTCUSDT", "BTCUSDT:futures"}
    assert client.get("/api/grid/status/BTCUSDT").json["market_type"] == "spot"
    assert client.get("/api/grid/status/BTCUSDT?market_type=futures").json["market_type"] == "futures"

    refused = client.post("/api/grid/stop", json={"symbol": "BTC/USDT"})
    assert refused.status_code == 409
    assert "market_type" in refused.json["message"]

    stopped = client.post("/api/grid/stop", json={"symbol": "BTC/USDT", "market_type": "futures", "on_stop": "unwind"})
    assert stopped.status_code == 200
    assert house.calls[-1] == f"stop_grid {BTC_FUTURES} unwind"
    assert client.post("/api/grid/stop", json={"symbol": "BTCUSDT"}).status_code == 200, "only spot runs now"
    assert house.history[BTC].status is GridStatus.STOPPED
    assert client.post("/api/grid/stop", json={"symbol": "BTCUSDT"}).status_code == 404


def test_pausing_twice_and_resuming_twice_succeed_and_say_so(client: FlaskClient) -> None:
    assert client.post("/api/grid/pause", json={"symbol": "BTCUSDT"}).status_code == 404
    client.post("/api/grid/start", json=body())

    def ask(what: str, **fields: object) -> tuple[int, bool, str, str | None]:
        answer = client.post(f"/api/grid/{what}", json={"symbol": "BTC/USDT", "market_type": "spot", **fields})
        told = answer.json
        return answer.status_code, told["success"], told["message"], told["paused_by_request"]

    assert ask("pause") == (200, True, "Grid paused for BTCUSDT", "exits")
    assert ask("pause") == (200, True, "The grid on BTCUSDT is paused already", "exits")
    assert ask("pause", keep="nothing") == (200, True, "Grid paused for BTCUSDT", "nothing")
    assert client.get("/api/grid/status/BTCUSDT").json["phase"] == "paused"
    assert ask("resume") == (200, True, "Grid resumed for BTCUSDT", None)
    assert ask("resume") == (200, True, "The grid on BTCUSDT was not paused by request", None)
    refused = client.post("/api/grid/pause", json={"symbol": "BTCUSDT", "keep": "entries"})
    assert (refused.status_code, refused.json["fields"][0]["field"]) == (422, "keep")


def test_a_pause_that_is_not_stored_yet_is_no_success() -> None:
    client = app_of(House(stop_hangs="the disk is full")).test_client()
    client.post("/api/grid/start", json=body())
    answer = client.post("/api/grid/pause", json={"symbol": "BTCUSDT"})
    assert (answer.status_code, answer.json["success"], answer.json["paused_by_request"]) == (202, False, None)


def test_an_edit_names_what_changes_and_says_how_far_it_is(client: FlaskClient) -> None:
    assert client.patch("/api/grid/BTCUSDT", json={"config": {"initial_levels": 8}}).status_code == 404
    client.post("/api/grid/start", json=body())
    sketch = client.patch("/api/grid/BTC%2FUSDT?dry_run=true", json={"config": {"initial_levels": 8}}).json
    assert (sketch["success"], sketch["dry_run"], sketch["grid"]["grid_levels"]) == (True, True, 10)
    assert len(sketch["calculated_params"]["levels_preview"]) == 8
    assert sketch["orders"]["keep"][0]["side"] == "buy"
    done = client.patch("/api/grid/BTCUSDT", json={"config": {"initial_levels": 8}})
    assert (done.status_code, done.json["message"]) == (200, "Grid edited for BTCUSDT")
    assert done.json["grid"]["grid_levels"] == 8
    for config, field in (
        ({}, "config"),
        ({"direction": "short"}, "direction"),
        ({"capital": 5, "quantity_per_level": 1}, "quantity_per_level"),
        ({"spacing_perc": 1, "lower_price": 5}, "spacing_perc"),
    ):
        refused = client.patch("/api/grid/BTCUSDT", json={"config": config})
        assert (refused.status_code, refused.json["fields"][0]["field"]) == (422, field)


def test_an_edit_whose_orders_are_still_on_the_way_is_no_success_yet() -> None:
    client = app_of(House(stop_hangs="the exchange is slow")).test_client()
    client.post("/api/grid/start", json=body())
    answer = client.patch("/api/grid/BTCUSDT?market_type=spot", json={"config": {"capital": "900"}})
    assert (answer.status_code, answer.json["success"], answer.json["grid"]["editing"]) == (202, False, True)


def test_a_stopped_grid_still_answers_with_its_books(client: FlaskClient) -> None:
    assert client.get("/api/grid/status/BTCUSDT").status_code == 404
    client.post("/api/grid/start", json=body())
    client.post("/api/grid/stop", json={"symbol": "BTCUSDT"})
    answer = client.get("/api/grid/status/BTC%2FUSDT").json
    assert answer["status"] == "stopped"
    assert answer["books"]["grid_profit"] == "126.1"
    assert client.get("/api/status").json["active_bots"] == {}
    execution = client.get("/api/trading/executions").json
    assert (execution["total_active"], execution["executions"][0]["status"]) == (0, "stopped")


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False, allow_infinity=False).map(str)
    | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
amounts = st.integers(40_000, 50_000) | st.decimals("1e-9", "1e9", allow_nan=False).map(str) | st.integers(0, 10**9)
configs = st.fixed_dictionaries(
    {},
    optional={
        "initial_levels": st.integers(-2, 1100) | anything,
        "spacing_perc": st.decimals("0.0001", "120", places=4).map(str) | anything,
        "market_type": st.sampled_from(["spot", "futures", "margin", None]),
        "lower_price": amounts | anything,
        "upper_price": amounts | anything,
        "capital": amounts | anything,
        "capital_usd": amounts,
        "quantity_per_level": amounts | anything,
        "spacing_mode": st.sampled_from(["geometric", "arithmetic", "log"]),
        "quantity_growth_perc": st.decimals("-1", "120", places=4).map(str) | anything,
        "infinity": st.booleans() | st.integers(),
        "profit": st.sampled_from(["release", "reinvest"]) | anything,
        "start_empty": st.booleans() | st.integers(),
        "inital_levels": anything,
    },
)
bodies = st.fixed_dictionaries(
    {"symbol": st.sampled_from(["BTCUSDT", "ETH/USDT", "NIX"]) | anything, "config": configs | anything}
) | st.dictionaries(st.text(max_size=8), anything, max_size=3)


@settings(max_examples=300, deadline=None)
@given(wanted=bodies, path=st.sampled_from(["/api/grid/config", "/api/grid/start"]))
def test_no_body_brings_the_server_down(wanted: dict[str, Any], path: str) -> None:
    client = app_of(House()).test_client()
    response = client.post(path, data=json.dumps(wanted), content_type="application/json")
    answer = json.loads(response.data, parse_constant=pytest.fail)
    assert response.status_code < 500, answer
    if response.status_code >= 300:
        assert {"error", "message", "fields", "trace_id"} <= answer.keys()
        assert answer["message"]


@settings(max_examples=150, deadline=None)
@given(text=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_bring_the_server_down(text: bytes) -> None:
    response = app_of(House()).test_client().post("/api/grid/start", data=text, content_type="application/json")
    assert response.status_code in (400, 422)
    assert {"error", "message", "fields", "trace_id"} <= response.json.keys()


@settings(max_examples=150, deadline=None)
@given(symbol=st.text(min_size=1, max_size=60), where=st.sampled_from(["klines", "grid/status", "trades"]))
def test_no_symbol_brings_the_server_down(symbol: str, where: str) -> None:
    client = app_of(House()).test_client()
    response = client.get(f"/api/{where}/" + symbol.encode("utf-8", "replace").hex(), query_string={"limit": symbol})
    assert response.status_code in (404, 422)
