"""The two start scripts with a warm environment: they start what they say and pass options and signals on."""

import signal
from pathlib import Path

import pytest

from fakes.processes import ROOT, Gridhive, agreed, processes_of, wait_for_orders, write_flat_candles

pytestmark = pytest.mark.e2e

warm = pytest.mark.skipif(
    not (ROOT / ".venv/.installed-requirements.txt").exists(),
    reason="the environment is not warm: run ./start_api.sh --help once, it installs what requirements.txt names",
)


@pytest.fixture
def market(tmp_path: Path) -> tuple[str, ...]:
    return ("--market", "replay", "--replay", write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00"), "--speed", "60")


@warm
def test_the_whole_system_starts_with_a_first_grid_and_ends_on_a_signal(
    tmp_path: Path, market: tuple[str, ...]
) -> None:
    folder = tmp_path / "data"
    with Gridhive(folder, *market, program=ROOT / "start_multi_agent_bot.sh") as server, server.exchange() as exchange:
        wait_for_orders(exchange)
        agreed(server, exchange)
        assert server.stop() == 0, server.errors
        assert processes_of(folder) == []


@warm
def test_the_api_starts_without_a_first_grid_and_resumes_one_that_ran(tmp_path: Path, market: tuple[str, ...]) -> None:
    folder, script = tmp_path / "data", ROOT / "start_api.sh"
    with Gridhive(folder, *market, program=script) as server, server.exchange() as exchange:
        assert server.get("/api/trading/executions")["executions"] == []
        server.start_grid()
        wait_for_orders(exchange)
        before = agreed(server, exchange)
        assert server.stop(signal.SIGINT) == 0, server.errors
        assert processes_of(folder) == []
    with Gridhive(folder, *market, program=script) as again, again.exchange() as exchange:
        assert agreed(again, exchange)["grid_id"] == before["grid_id"]
