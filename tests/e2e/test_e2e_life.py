"""Starting, ending and being killed, seen from outside: the same orders before and after, none twice, none lost."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.processes import (
    SHADOW_ACCOUNT,
    Exchange,
    Gridhive,
    Order,
    agreed,
    processes_of,
    until,
    wait_for_orders,
    write_flat_candles,
)
from fakes.venue_process import VenueProcess

pytestmark = pytest.mark.e2e

MINUTE_A_SECOND = ("--speed", "60")
SHIPPED_CONFIG = Path(__file__).parents[2] / "src/config/config.yaml"


@pytest.fixture
def quiet_market(tmp_path: Path) -> tuple[str, ...]:
    """Options of a market that stands at 50000 unless a test prints a trade."""
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    return ("--market", "replay", "--replay", recording, *MINUTE_A_SECOND)


@pytest.fixture
def quiet_venue(tmp_path: Path) -> Iterator[VenueProcess]:
    """The same market at a simulator that does not belong to the server."""
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    with VenueProcess("--market", "replay", "--data", recording, *MINUTE_A_SECOND, *SHADOW_ACCOUNT) as venue:
        yield venue


def ids_of(orders: list[Order]) -> set[str]:
    return {order["clientOrderId"] for order in orders}


def test_the_first_start_reaches_resting_orders(tmp_path: Path) -> None:
    with Gridhive(tmp_path / "data", "--market", "synthetic") as server, server.exchange() as exchange:
        orders = wait_for_orders(exchange)  # ten levels; the one nearest the price rests empty
        assert {order["side"] for order in orders} == {"BUY", "SELL"}
        assert {order["type"] for order in orders} == {"LIMIT_MAKER"}
        status = server.get("/api/status")
        assert (status["operation_mode"], status["market_source"]) == ("Shadow", "synthetic")
        assert status["active_bots"]["BTCUSDT"]["grid_levels"] == 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_end_keeps_the_orders_and_the_next_start_takes_them_up(
    tmp_path: Path, quiet_market: tuple[str, ...], number: signal.Signals
) -> None:
    folder = tmp_path / "data"
    with Gridhive(folder, *quiet_market) as server:
        with server.exchange() as exchange:
            wait_for_orders(exchange)
            before = agreed(server, exchange)
            placed = ids_of(exchange.all_orders())
        assert server.stop(number) == 0, server.errors
        assert processes_of(folder) == []
        assert "Traceback" not in server.errors
    with Gridhive(folder, *quiet_market) as again, again.exchange() as exchange:
        after = agreed(again, exchange)
        assert after["grid_id"] == before["grid_id"]
        assert after["levels"] == before["levels"]
        assert ids_of(exchange.all_orders()) == placed, "the resumed grid placed or replaced an order"
        assert again.get("/api/grid/recovery_status/BTCUSDT")["symbol"] == "BTCUSDT"


def test_orders_that_filled_while_it_was_down_are_booked_and_answered(
    tmp_path: Path, quiet_venue: VenueProcess
) -> None:
    folder, options = tmp_path / "data", ("--exchange-url", quiet_venue.url)
    with Exchange(quiet_venue.url) as exchange:
        with Gridhive(folder, *options) as server:
            wait_for_orders(exchange)
            before = agreed(server, exchange)
            assert server.stop() == 0, server.errors
        kept = ids_of(exchange.open_orders())
        assert len(kept) == 9, "a clean end must keep the orders"
        exchange.print_trade("49400")
        gone = until(lambda: kept - ids_of(exchange.open_orders()), "orders to fill while the server is down")
        assert len(gone) == 2
        with Gridhive(folder, *options) as again:
            after = agreed(again, exchange)
            assert after["grid_id"] == before["grid_id"]
            assert after["total_trades"] >= before["total_trades"] + len(gone)
            assert kept - gone <= ids_of(exchange.all_orders())


def test_a_killed_server_leaves_its_simulator_and_the_next_one_adopts_it(
    tmp_path: Path, quiet_market: tuple[str, ...]
) -> None:
    folder = tmp_path / "data"
    with Gridhive(folder, *quiet_market) as server:
        with server.exchange() as exchange:
            wait_for_orders(exchange)
            before = agreed(server, exchange)
        simulator = server.simulator["pid"]
        server.kill()
        assert processes_of(folder) == [simulator]
        with server.exchange() as exchange:
            exchange.print_trade("49400")
        with Gridhive(folder, *quiet_market) as again, again.exchange() as exchange:
            assert again.simulator["pid"] == simulator
            assert processes_of(folder) == [simulator]
            after = agreed(again, exchange)
            assert after["grid_id"] == before["grid_id"]
            assert after["total_trades"] >= before["total_trades"] + 2
            assert again.stop() == 0, again.errors
            assert processes_of(folder) == [], "an adopted simulator must end with its server too"


def test_a_killed_simulator_is_started_again_and_the_grid_goes_on(
    tmp_path: Path, quiet_market: tuple[str, ...]
) -> None:
    folder = tmp_path / "data"
    with Gridhive(folder, *quiet_market) as server, server.exchange() as exchange:
        kept = ids_of(wait_for_orders(exchange))
        before = agreed(server, exchange)
        old = server.simulator["pid"]
        os.kill(old, signal.SIGKILL)
        until(lambda: server.simulator["pid"] != old, "another simulator")
        assert ids_of(wait_for_orders(exchange)) == kept, "accounts and orders survive"
        until(lambda: server.get("/api/grid/status/BTCUSDT")["phase"] == "trading", "the grid to trade again")
        exchange.print_trade("49400")
        grown = until(lambda: len(exchange.trades()) >= before["total_trades"] + 2, "fills after the restart")
        assert grown
        agreed(server, exchange)


def test_on_shutdown_cancel_leaves_no_order_and_yet_resumes(tmp_path: Path, quiet_venue: VenueProcess) -> None:
    folder, config = tmp_path / "data", tmp_path / "config.yaml"
    config.write_text(SHIPPED_CONFIG.read_text().replace("on_shutdown: keep", "on_shutdown: cancel"))
    options = ("--exchange-url", quiet_venue.url, "--config", str(config))
    with Exchange(quiet_venue.url) as exchange:
        with Gridhive(folder, *options) as server:
            wait_for_orders(exchange)
            before = agreed(server, exchange)
            assert server.stop() == 0, server.errors
        assert exchange.open_orders() == []
        with Gridhive(folder, *options) as again:
            wait_for_orders(exchange)
            after = agreed(again, exchange)
            assert after["grid_id"] == before["grid_id"]
            assert after["levels"] == before["levels"]
