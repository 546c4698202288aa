"""A futures grid as a person runs it: checked, started, killed, taken up again and unwound, over the API alone."""

import signal
from pathlib import Path
from typing import Any

import pytest

from fakes.processes import SHADOW_KEY, SHADOW_SECRET, Gridhive, until
from fakes.simulator_calls import Caller

pytestmark = pytest.mark.e2e

MARKET = ("--market", "synthetic", "--no-autostart")
SHAPE: dict[str, Any] = {
    "initial_levels": 6,
    "spacing_perc": 2,
    "market_type": "futures",
    "direction": "short",
    "leverage": 2,
    "margin_type": "isolated",
    "capital": 2000,
}


def resting(futures: Caller) -> set[str]:
    orders = futures.signed("GET", "/fapi/v1/openOrders", symbol="ETHUSDT").json()
    return {order["clientOrderId"] for order in orders}


def held(futures: Caller) -> list[dict[str, str]]:
    return list(futures.signed("GET", "/fapi/v3/positionRisk", symbol="ETHUSDT").json())


def test_a_short_grid_outlives_a_kill_and_is_unwound(tmp_path: Path) -> None:
    with Gridhive(tmp_path, *MARKET) as server:
        on_spot = {**SHAPE, "market_type": "spot"}
        refused = server.post("/api/grid/config", {"symbol": "ETHUSDT", "config": on_spot})
        named = [wrong["field"] for wrong in refused.json()["fields"]]
        assert (refused.status_code, named) == (422, ["direction", "leverage", "margin_type"])
        checked = server.post("/api/grid/config", {"symbol": "ETHUSDT", "config": SHAPE}).json()
        assert checked["contract"]["liquidation_above"] is not None
        server.start_grid("ETHUSDT", **SHAPE)
        with Caller(str(server.simulator["futures_url"]), SHADOW_KEY, SHADOW_SECRET) as futures:
            until(lambda: len(resting(futures)) == 5, "five resting orders")
            (began,) = held(futures)
            told = server.edit_grid("ETHUSDT", initial_levels=8)
            assert (told["trade"]["side"], told["contract"]["liquidation_above"]) != ("", None)
            until(lambda: len(resting(futures)) == 7, "seven resting orders")
            server.edit_grid("ETHUSDT", initial_levels=6)
            kept = until(lambda: found if len(found := resting(futures)) == 5 else set(), "five resting orders")
            (position,) = held(futures)
            assert position["positionAmt"] == began["positionAmt"]
            server.stop(signal.SIGKILL)
            with Gridhive(tmp_path, *MARKET) as again:
                shown = until(lambda: taken_up(again), "the grid to be taken up again")
                assert resting(futures) == kept
                assert shown["books"]["residual"] == "0"
                contract = shown["contract"]
                terms = (contract["direction"], contract["leverage"], contract["margin_type"], contract["hedge_mode"])
                assert terms == ("short", 2, "isolated", False)
                assert float(contract["position"]) == float(position["positionAmt"]) < 0
                assert list(again.get("/api/status")["streams"]["market"]) == ["ETHUSDT:futures"]
                again.stop_grid("ETHUSDT", on_stop="unwind")
                ended = again.get("/api/grid/status/ETHUSDT")
                assert (ended["status"], ended["contract"]["position"]) == ("stopped", "0")
                assert (resting(futures), held(futures)) == (set(), [])


def taken_up(server: Gridhive) -> Any:
    shown = server.get("/api/grid/status/ETHUSDT")
    return shown if shown["phase"] == "trading" and shown["active_orders"] == 5 else None
