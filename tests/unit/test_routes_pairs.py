"""What GET /api/pairs shows, and in which language."""

from dataclasses import replace
from decimal import Decimal

from domain.grids import GridRequest
from domain.instrument import Instrument, Market
from domain.pairs import MarketLook, Selection
from domain.switches import Switch
from fakes.house import BTC, NOW_MS, House, app_of
from fakes.pair_examples import facts_of, limits_of, pair
from grid.selection.judging import judge
from ports.pairs import PairsShown

POOR = facts_of(pair("POOR"), volume_usd=Decimal("12345.678"))


class SomePairs:
    """Implements ports.pairs.Pairs with what a test gives it."""

    def __init__(self, selection: Selection | None) -> None:
        self._selection, self.asked = selection, 0

    def shown(self) -> PairsShown:
        return PairsShown(
            selection=self._selection,
            age_s=12.34 if self._selection else None,
            stale=self._selection is None,
            next_ms=NOW_MS + 3_600_000 if self._selection else None,
            is_looking=False,
            trouble="" if self._selection else "not yet",
        )

    def refresh(self) -> None:
        self.asked += 1

    def switch(self, source: Instrument, to: Market) -> Switch:
        request = GridRequest(instrument=replace(source, market=to), levels=5)
        return Switch(number=1, source=source, request=request, grid_id=1, began_ms=NOW_MS, amount=Decimal(987))


def selected() -> SomePairs:
    candidates = tuple(judge(facts, limits_of(preferred=("BTCUSDT",)), 1.0) for facts in (facts_of(BTC), POOR))
    looks = (MarketLook(market=Market.SPOT, listed=2, looked_at=1, unlisted=("GONEUSDT",)),)
    return SomePairs(Selection(taken_ms=NOW_MS, read_s=0.0, candidates=candidates, markets=looks))


def test_every_candidate_is_shown_with_its_figures_and_its_reasons_in_two_languages() -> None:
    client = app_of(House(), pairs=selected()).test_client()
    told = client.get("/api/pairs").json
    assert (told["selected_at"], told["age_seconds"], told["stale"], told["total"]) == (
        "2024-01-15T12:30:00Z",
        12.3,
        False,
        2,
    )
    assert told["pairs"][0] == {
        "symbol": "BTCUSDT",
        "market_type": "spot",
        "accepted": True,
        "rank": 1,
        "score": 43.82,
        "preferred": True,
        "running": False,
        "price": "100",
        "volume_24h_usd": "500000000",
        "spread_percent": 0.01,
        "atr_percent": 4.0,
        "adx": 15.0,
        "liquidity_usd": "3000000",
        "liquidity": "depth",
        "reasons": [],
    }
    assert told["pairs"][1]["reasons"] == ["24 h volume of 12346 USD is below min_volume_usd_24h 100000000"]
    assert told["markets"] == [
        {
            "market_type": "spot",
            "listed": 2,
            "looked_at": 1,
            "accepted": 1,
            "reasons": ["GONEUSDT is preferred but not listed here"],
        }
    ]
    portuguese = client.get("/api/pairs?accepted=false", headers={"Accept-Language": "pt"}).json
    assert (portuguese["total"], portuguese["pairs"][0]["reasons"]) == (
        1,
        ["volume de 24 h de 12346 USD abaixo de min_volume_usd_24h 100000000"],
    )
    page = client.get("/api/pairs?limit=1")
    assert [it["symbol"] for it in page.json["pairs"]] == ["BTCUSDT"]
    assert page.headers["Link"] == '</api/pairs?limit=1&offset=1>; rel="next"'


def test_a_pair_is_told_to_move_from_the_market_where_it_runs() -> None:
    house = House()
    client = app_of(house, pairs=selected()).test_client()
    asked = {"symbol": "BTCUSDT", "market_type": "futures"}
    assert client.post("/api/pairs/switch", json=asked).status_code == 404
    house.start_grid(GridRequest(instrument=BTC, levels=5, spacing_percent=Decimal(1)))
    told = client.post("/api/pairs/switch", json=asked)
    assert (told.status_code, told.json["from_market"], told.json["to_market"]) == (202, "spot", "futures")
    assert (told.json["phase"], told.json["amount_usd"], told.json["ended_at"]) == ("unwinding", "986.99000011", None)
    assert client.post("/api/pairs/switch", json={"symbol": "BTCUSDT"}).status_code == 422


def test_a_checked_symbol_is_told_what_the_selection_found() -> None:
    found = app_of(House(), pairs=selected()).test_client().get("/api/validate/symbol/BTCUSDT").json
    assert found["pair_selection"] == {"accepted": True, "score": 43.82, "reasons": [], "age_seconds": 12.3}
    assert app_of(House()).test_client().get("/api/validate/symbol/BTCUSDT").json["pair_selection"] is None


def test_before_the_first_selection_there_is_none_and_one_can_be_asked_for() -> None:
    waiting = SomePairs(None)
    client = app_of(House(), pairs=waiting).test_client()
    told = client.get("/api/pairs").json
    assert (told["selected_at"], told["stale"], told["pairs"], told["reason"]) == (None, True, [], "not yet")
    assert (client.post("/api/pairs/refresh", json={}).status_code, waiting.asked) == (202, 1)
    assert app_of(House()).test_client().get("/api/pairs").status_code == 409
