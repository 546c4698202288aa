"""An account of Shadow is one server's, by whatever address it is reached; its simulator is told no secret."""

from pathlib import Path

import pytest

from fakes.processes import (
    SHADOW_ACCOUNT,
    Exchange,
    Gridhive,
    processes_of,
    refused,
    wait_for_orders,
    write_flat_candles,
)
from fakes.venue_process import VenueProcess

pytestmark = pytest.mark.e2e


@pytest.fixture
def market(tmp_path: Path) -> tuple[str, ...]:
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    return ("--market", "replay", "--replay", recording, "--speed", "60")


def by_name(url: str) -> str:
    assert "127.0.0.1" in url
    return url.replace("127.0.0.1", "localhost")


def test_another_spelling_of_the_address_is_the_same_account(tmp_path: Path) -> None:
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    with (
        VenueProcess("--market", "replay", "--data", recording, "--speed", "60", *SHADOW_ACCOUNT) as venue,
        Exchange(venue.url) as exchange,
        Gridhive(tmp_path / "one", "--exchange-url", venue.url) as one,
    ):
        kept = wait_for_orders(exchange)
        code, told = refused(tmp_path / "two", "--port", "0", "--exchange-url", by_name(venue.url))
        assert code != 0
        assert len(told) == 1
        assert f"in use by process {one.process.pid}; stop it first, or use another simulator" in told[0]
        assert exchange.open_orders() == kept


def test_the_simulator_of_one_server_is_no_exchange_for_another(tmp_path: Path, market: tuple[str, ...]) -> None:
    with Gridhive(tmp_path / "one", *market) as one, one.exchange() as exchange:
        kept = wait_for_orders(exchange)
        for url in (one.simulator["spot_url"], by_name(one.simulator["spot_url"])):
            code, told = refused(tmp_path / "two", "--port", "0", "--exchange-url", url)
            assert code != 0
            assert f"in use by process {one.process.pid}" in told[0]
        assert exchange.open_orders() == kept


def test_a_refused_start_leaves_the_simulator_to_whom_it_serves(tmp_path: Path, market: tuple[str, ...]) -> None:
    with Gridhive(tmp_path / "one", *market) as one, one.exchange() as exchange:
        kept = wait_for_orders(exchange)
        url, running = one.simulator["spot_url"], processes_of(one.folder)
        one.kill()
        with Gridhive(tmp_path / "two", "--exchange-url", url, "--no-autostart") as two:
            again = Gridhive(one.folder, *market)
            assert again.process.wait(120) != 0
            again.kill()
            assert f"in use by process {two.process.pid}" in again.errors
            assert processes_of(one.folder) == running
            assert exchange.open_orders() == kept
            assert two.get("/ready")["ready"] is True


def test_the_simulator_sees_no_key(tmp_path: Path, market: tuple[str, ...]) -> None:
    keys = {"BINANCE_TESTNET_API_KEY": "dummy-key-text", "BINANCE_TESTNET_API_SECRET": "dummy-secret-text"}
    with Gridhive(tmp_path / "data", *market, "--no-autostart", environment=keys) as server:
        seen = Path(f"/proc/{server.simulator['pid']}/environ").read_text()
        assert "PATH=" in seen
        assert "BINANCE" not in seen
        assert "dummy" not in seen


@pytest.mark.parametrize("option", ["exchange-url", "exchange-futures-url"])
def test_an_exchange_on_another_machine_is_refused_under_the_name_that_was_typed(tmp_path: Path, option: str) -> None:
    code, told = refused(tmp_path, "--port", "0", f"--{option}", "http://example.com:8090")
    assert code == 2
    (line,) = told
    assert line.startswith(f"--{option}: ")
    assert "is http://example.com:8090, which is not on this machine; write the address of a simulator here" in line
    assert "spot_" not in line
