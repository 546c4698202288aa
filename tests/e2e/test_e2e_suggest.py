"""A grid suggested by a running server on the simulator's prices, and started as it stands."""

import re
from pathlib import Path
from typing import Any

import pytest

from fakes.processes import Gridhive, until

pytestmark = pytest.mark.e2e

MARKET = ("--market", "synthetic", "--no-autostart")
COLD_S = 300.0
"""The first search compiles the replay, on what nobody else wants of the processor."""


def test_a_neutral_futures_grid_is_suggested_and_started(tmp_path: Path) -> None:
    wish = {"symbol": "ETHUSDT", "market_type": "futures", "capital": 2000, "direction": "neutral", "wait_s": 0}
    with Gridhive(tmp_path, *MARKET) as server:
        refused = server.post("/api/grid/suggest", {**wish, "capital": 1})
        assert (refused.status_code, refused.json()["fields"][0]["field"]) == (422, "capital")
        taken = server.post("/api/grid/suggest", wish)
        assert taken.status_code == 202, taken.text
        address = f"/api/grid/suggest/{taken.json()['job_id']}"

        def ended() -> Any:
            job = server.get(address)
            return job if job["state"] not in ("queued", "running") else None

        job = until(ended, "the search to end", COLD_S)
        assert job["state"] == "succeeded", job
        assert "candles" not in job["parameters"]
        suggested = job["suggestion"]
        assert suggested["market_source"] == "synthetic"
        assert any("synthetic" in warning for warning in suggested["warnings"])
        assert {window["name"] for window in suggested["windows"]} == {
            "chosen_on",
            "held_out",
            "last_7_days",
            "last_30_days",
        }
        assert suggested["start"]["config"]["leverage"] == 1
        started = server.post("/api/grid/start", suggested["start"])
        assert started.status_code == 200, started.text
        loaded = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert not re.search(r"/(numba|llvmlite)/", loaded)
