"""A server whose exchange is out of reach: with grids that wait for it, it starts, says so and places nothing."""

import json
import socket
from pathlib import Path
from uuid import uuid4

import pytest

from adapters.storage import open_store
from domain.account import Account, Mode
from domain.grids import GridStatus
from fakes.grid_examples import BTC, plan
from fakes.processes import Gridhive, refused, until
from utils.clock import SystemClock

pytestmark = pytest.mark.e2e

ROW = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
        {"filterType": "NOTIONAL", "minNotional": "5", "maxNotional": "9000000"},
    ],
}


@pytest.fixture(autouse=True)
def _no_network() -> None:
    """Real keys of nobody must not be tried at the real test environment."""
    try:
        socket.create_connection(("testnet.binance.vision", 443), timeout=3).close()
    except OSError:
        return
    pytest.skip("this machine reaches Binance's test environment")


@pytest.fixture
def key() -> str:
    """A key of each test's own: an account is one server's, and tests run side by side."""
    return f"dummy-testnet-key-{uuid4().hex}"


def keys(key: str) -> dict[str, str]:
    return {"BINANCE_TESTNET_API_KEY": key, "BINANCE_TESTNET_API_SECRET": "dummy-testnet-secret"}


def a_grid_of_testnet(folder: Path, key: str, *, running: bool) -> None:
    """Leave books in which one grid of Testnet runs, or has ended, and the rules it was started with."""
    folder.mkdir(parents=True)
    clock = SystemClock()
    store = open_store(f"sqlite:///{folder / 'gridhive.db'}", Account.of_key("binance", Mode.TESTNET, key), clock)
    row = store.add_grid(BTC, plan(), clock.market_ms(), clock.wall_ms())
    if not running:
        store.set_grid(
            row.grid_id, status=GridStatus.STOPPED, phase="ended", phase_reason="", ended_ms=clock.market_ms()
        )
    store.close()
    (folder / "rules-testnet.json").write_text(json.dumps({"BTCUSDT": ROW}))


def test_grids_that_wait_for_the_exchange_are_shown_with_the_reason_and_place_nothing(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "data"
    a_grid_of_testnet(folder, key, running=True)
    with Gridhive(folder, "--mode", "testnet", environment=keys(key)) as server:
        reason = "no connection to the exchange yet, attempt"
        shown = until(
            lambda: (grid := server.get("/api/grid/status/BTCUSDT")) and reason in grid["phase_reason"] and grid,
            "the reason to be shown",
        )
        assert (shown["status"], shown["phase"], shown["open_orders"]) == ("running", "starting", [])
        house = server.get("/api/status")
        assert house["venue_connected"] is False
        assert any("does not answer" in notice and "nothing is placed" in notice for notice in house["notices"])
        assert house["streams"]["user"]["live"] is False
        assert house["streams"]["market"]["BTCUSDT"]["live"] is False
        assert set(house["request_weight"]) == {"spot", "futures"}
        until(lambda: "next attempt in 1 s" in server.errors, "growing pauses in the log")
        assert server.stop() == 0
    assert "1 grid(s) wait for it, nothing is placed" in server.errors


def test_without_a_running_grid_it_is_one_sentence(tmp_path: Path, key: str) -> None:
    folder = tmp_path / "data"
    a_grid_of_testnet(folder, key, running=False)
    code, told = refused(folder, "--port", "0", "--mode", "testnet", environment=keys(key))
    assert code != 0
    assert len(told) == 1
    assert "Binance's Testnet does not answer" in told[0]
