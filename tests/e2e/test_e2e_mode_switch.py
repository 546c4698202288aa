"""A mode that cannot be entered, asked for by force, leaves a running server as it was."""

from pathlib import Path

import pytest

from fakes.processes import Gridhive, agreed, wait_for_orders, write_flat_candles

pytestmark = pytest.mark.e2e

KEYS = dict.fromkeys(
    ("BINANCE_TESTNET_API_KEY", "BINANCE_TESTNET_API_SECRET", "BINANCE_API_KEY", "BINANCE_API_SECRET"), "dummy"
)


def test_modes_out_of_reach_end_no_grid(tmp_path: Path) -> None:
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    market = ("--market", "replay", "--replay", recording, "--speed", "60")
    with Gridhive(tmp_path / "data", *market, environment=KEYS) as server, server.exchange() as exchange:
        kept = wait_for_orders(exchange)
        assert server.get("/api/operation_mode")["available_modes"] == ["Shadow", "Testnet"]
        refused = server.post("/api/operation_mode", {"mode": "Production", "confirm": True, "force": True})
        assert refused.status_code == 409
        assert "Production is not offered yet" in refused.json()["message"]
        # What is said depends on whether this machine has a network; that keys called dummy open nothing does not.
        unreachable = server.post("/api/operation_mode", {"mode": "Testnet", "force": True})
        assert not unreachable.ok
        assert "dummy" not in unreachable.text
        assert server.get("/api/operation_mode")["current_mode"] == "Shadow"
        assert exchange.open_orders() == kept
        agreed(server, exchange)
        server.stop_grid()
        server.start_grid()  # starts are taken again
        wait_for_orders(exchange)
        assert server.stop() == 0
