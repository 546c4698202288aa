"""Pairs over the API alone: selected, opened by the autopilot, moved to the other market through a kill, and back."""

import signal
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fakes.processes import SHADOW_KEY, SHADOW_SECRET, Gridhive, until
from fakes.simulator_calls import Caller

pytestmark = pytest.mark.e2e

SETTINGS = """
pair_selection:
  autopilot: true
  min_volume_usd_24h: 1000000
  min_atr_perc_24h: 0.1
  max_adx: 99
  blacklist: [BTCUSDT]
  spot_pairs: {min_liquidity_depth: 1000, preferred_symbols: [ETHUSDT, BTCUSDT]}
  futures_pairs: {min_open_interest_usd: 0, preferred_symbols: [ETHUSDT]}
trading:
  max_concurrent_pairs: 1
  market_allocation: {futures_percentage: 4, spot_percentage: 96}  # too little for a grid: the first one is on spot
  market_switch_cooldown_minutes: 0
simulator: {symbols: [BTCUSDT, ETHUSDT]}
"""


def test_the_autopilots_grid_changes_markets_with_its_funds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(SETTINGS)
    options = ("--config", str(file), "--market", "synthetic", "--no-autostart")
    with Gridhive(tmp_path, *options) as server:
        assert server.get("/api/pairs")["selected_at"] is None
        assert server.post("/api/pairs/refresh", {}).status_code == 202
        shown = until(lambda: trading(server), "the autopilot to start a grid")
        pairs = server.get("/api/pairs")
        found = {(it["symbol"], it["market_type"]): it for it in pairs["pairs"]}
        assert found["ETHUSDT", "spot"]["accepted"], found
        assert found["BTCUSDT", "spot"]["reasons"] == ["it is in pair_selection.blacklist of the settings"]
        assert (shown["asked_by"], shown["market_type"], pairs["autopilot"]) == ("autopilot", "spot", True)
        with Caller(str(server.simulator["futures_url"]), SHADOW_KEY, SHADOW_SECRET) as futures:
            before = wallet(futures)
            told = server.post("/api/pairs/switch", {"symbol": "ETHUSDT", "market_type": "futures"})
            assert (told.status_code, told.json()["phase"]) == (202, "unwinding"), told.text
            server.stop(signal.SIGKILL)
            with Gridhive(tmp_path, *options) as again:
                there = until(lambda: switched(again, 1), "the pair to have moved to futures")
                assert (there["phase"], there["reason"]) == ("done", "")
                shown = until(lambda: trading(again), "the grid on futures")
                assert (shown["asked_by"], shown["market_type"]) == ("autopilot", "futures")
                assert free(again, "ETH") < Decimal("0.01")
                assert wallet(futures) - before == Decimal(there["amount_usd"]) > 950
                assert again.post("/api/pairs/switch", {"symbol": "ETHUSDT", "market_type": "spot"}).ok
                back = until(lambda: switched(again, 2), "the pair to have moved back")
                assert (back["phase"], back["reason"]) == ("done", "")
                assert futures.signed("GET", "/fapi/v3/positionRisk", symbol="ETHUSDT").json() == []
                assert futures.signed("GET", "/fapi/v1/openOrders", symbol="ETHUSDT").json() == []
                assert until(lambda: trading(again), "the grid on spot")["market_type"] == "spot"
                again.stop_grid("ETHUSDT", on_stop="unwind")


def trading(server: Gridhive) -> Any:
    """Return the symbol's only grid once it trades."""
    running = server.get("/api/status")["active_bots"].get("ETHUSDT", {})
    return server.get("/api/grid/status/ETHUSDT") if running.get("phase") == "trading" else None


def switched(server: Gridhive, number: int) -> Any:
    (told,) = [it for it in server.get("/api/pairs")["switches"] if it["number"] == number]
    return told if told["ended_at"] else None


def wallet(futures: Caller) -> Decimal:
    rows = futures.signed("GET", "/fapi/v3/balance").json()
    return Decimal(next(row["balance"] for row in rows if row["asset"] == "USDT"))


def free(server: Gridhive, asset: str) -> Decimal:
    with Caller(str(server.simulator["spot_url"]), SHADOW_KEY, SHADOW_SECRET) as spot:
        rows = spot.signed("GET", "/api/v3/account").json()["balances"]
    return sum((Decimal(row["free"]) + Decimal(row["locked"]) for row in rows if row["asset"] == asset), Decimal(0))
