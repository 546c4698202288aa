"""Answers that say what is so: a stop that is not over, an amount that is none, a market that does not answer."""

from dataclasses import dataclass, field
from decimal import Decimal
from threading import Barrier, Event

import pytest

from domain.events import Balance
from domain.instrument import Market
from fakes.house import House, app_of
from routes.side_by_side import side_by_side

GRID = {"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": 0.5}}


def test_a_stop_that_is_not_over_is_no_success():
    house = House(stop_hangs="the exchange does not answer")
    client = app_of(house).test_client()
    client.post("/api/grid/start", json=GRID)
    told = client.post("/api/grid/stop", json={"symbol": "BTCUSDT"})
    assert told.status_code == 202
    assert (told.json["success"], told.json["status"], told.json["phase"]) == (False, "running", "stopping")
    assert told.json["message"] == (
        "The grid on BTCUSDT is stopping but has not ended yet (the exchange does not answer); "
        "ask for its status until it is stopped"
    )
    house.stop_hangs = ""
    over = client.post("/api/grid/stop", json={"symbol": "BTCUSDT"})
    assert (over.status_code, over.json["success"]) == (200, True)
    assert over.json["message"] == "Grid stopped for BTCUSDT"


@pytest.mark.parametrize(
    "text", ["1_000", "١٠٠٠", "\uff11\uff10", " 1000", "1,000", "0x10", "1e", ".", "", "+-1", "inf"]
)
def test_an_amount_is_written_in_plain_digits(text):
    body = {**GRID, "config": {**GRID["config"], "capital": text}}
    told = app_of(House()).test_client().post("/api/grid/config", json=body)
    assert told.status_code == 422
    assert [mistake["field"] for mistake in told.json["fields"]] == ["capital"]


@pytest.mark.parametrize("text", ["1000", "1000.", "+1000.00", "1e3", "1.0E+3", "10000e-1"])
def test_the_usual_ways_to_write_an_amount_are_read(text):
    body = {**GRID, "config": {**GRID["config"], "capital": text}}
    assert app_of(House()).test_client().post("/api/grid/config", json=body).status_code == 200


@dataclass
class OneMarketHangs(House):
    released: Event = field(default_factory=Event)

    def balances(self, market: Market) -> tuple[Balance, ...]:
        if market is Market.FUTURES:
            self.released.wait(200)
        return super().balances(market)


@dataclass
class BothTogether(House):
    """Answers about balances only while both markets are asked at once."""

    met: Barrier = field(default_factory=lambda: Barrier(2, timeout=60))

    def balances(self, market: Market) -> tuple[Balance, ...]:
        self.met.wait()
        return super().balances(market)


def test_balances_of_both_markets_are_asked_for_at_once():
    told = app_of(BothTogether()).test_client().get("/api/balance/summary").json
    assert told["spot_available"]
    assert told["futures_available"]


def test_a_market_that_hangs_costs_seconds_and_the_other_one_answers():
    house = OneMarketHangs()
    try:
        told = app_of(house, venue_answer_s=2.0).test_client().get("/api/balance").json
    finally:
        house.released.set()
    assert told["spot"]["error"] is None
    assert Decimal(str(told["spot"]["total_usdt"])) > 1000
    assert told["futures"]["error"] == "the exchange did not answer within 2 s; try again"
    assert told["futures"]["balances"] == []


def test_what_a_question_raises_reaches_the_one_who_asked():
    def broken():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        side_by_side([lambda: 1, broken], 20, 0)
    assert side_by_side([lambda: 1, lambda: 2], 20, 0) == [1, 2]
    assert side_by_side([], 20, 0) == []


def test_the_home_page_says_why_a_grid_does_not_trade():
    house = House(stop_hangs="the exchange does not answer")
    client = app_of(house).test_client()
    client.post("/api/grid/start", json=GRID)
    client.post("/api/grid/stop", json={"symbol": "BTCUSDT"})
    page = client.get("/").text
    assert ">the exchange does not answer<" in page
    assert 'title="the exchange' not in page
