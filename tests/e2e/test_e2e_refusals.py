"""A start that cannot be: one plain sentence with a remedy, a non-zero exit, nothing left running."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.options import OPTIONS
from fakes.processes import (
    API_ONLY,
    ROOT,
    SERVER,
    Gridhive,
    clean_environment,
    refused,
    wait_for_orders,
    write_flat_candles,
)

pytestmark = pytest.mark.e2e

SHIPPED = (ROOT / "src/config/config.yaml").read_text()
SYNTHETIC = ("--port", "0", "--market", "synthetic")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else can be given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.mark.parametrize("program", [SERVER, API_ONLY], ids=lambda program: program.name)
def test_a_port_in_use_is_named_with_the_remedy(tmp_path: Path, taken_port: int, program: Path) -> None:
    code, told = refused(tmp_path, "--port", str(taken_port), "--market", "synthetic", program=program)
    assert code != 0
    assert len(told) == 1
    assert f"port {taken_port} on 127.0.0.1 is already in use" in told[0]
    assert "--port" in told[0]
    assert not (tmp_path / "gridhive.db").exists()


def test_a_second_instance_on_one_data_folder_is_refused_and_does_the_first_no_harm(tmp_path: Path) -> None:
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    folder, market = tmp_path / "data", ("--market", "replay", "--replay", recording, "--speed", "60")
    with Gridhive(folder, *market) as first, first.exchange() as exchange:
        kept = wait_for_orders(exchange)
        second = subprocess.run(
            [sys.executable, str(SERVER), "--port", "0", "--data-dir", str(folder), *market],
            cwd=tmp_path,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert second.returncode != 0
        assert f"in use by process {first.process.pid}" in second.stderr
        assert "give this one a data folder of its own" in second.stderr
        assert "Traceback" not in second.stderr
        assert exchange.open_orders() == kept
        assert first.get("/health")["status"] == "ok"


def test_all_mistakes_of_a_configuration_are_listed_together(tmp_path: Path) -> None:
    broken = (
        SHIPPED.replace("initial_levels: 10", "initial_levels: true")
        .replace("on_shutdown: keep", "on_shutdown: perhaps")
        .replace("capital_per_pair_usd: '1000'", "capital_per_pair_usd: '.nan'")
        .replace("max_concurrent_pairs: 2", "max_concurent_pairs: 2")
    )
    (tmp_path / "broken.yaml").write_text(broken)
    code, told = refused(tmp_path, *SYNTHETIC, "--config", str(tmp_path / "broken.yaml"), "--log-level", "LOUD")
    assert code != 0
    keys = ("initial_levels", "on_shutdown", "capital_per_pair_usd", "max_concurent_pairs", "--log-level")
    for key in keys:
        (line,) = (line for line in told if key in line)
        assert ";" in line, f"no remedy: {line}"
    assert len(told) == len(keys)
    assert not (tmp_path / "gridhive.db").exists()


@pytest.mark.parametrize("text", ["grid: [", "\0"])
def test_a_file_that_is_no_configuration_is_told_in_plain_words(tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    code, told = refused(tmp_path, *SYNTHETIC, "--config", str(tmp_path / "odd.yaml"))
    assert code != 0
    assert told
    assert all("odd.yaml" in line for line in told)


def test_an_exchange_out_of_reach_is_named_with_the_remedy(tmp_path: Path, closed_port: int) -> None:
    address = f"http://127.0.0.1:{closed_port}"
    code, told = refused(tmp_path, "--port", "0", "--exchange-url", address)
    assert code != 0
    assert len(told) == 1
    assert f"{address} does not answer" in told[0]
    assert "leave out --exchange-url" in told[0]


def test_testnet_with_keys_that_open_nothing_ends_in_one_sentence(tmp_path: Path) -> None:
    keys = {"BINANCE_TESTNET_API_KEY": "dummy", "BINANCE_TESTNET_API_SECRET": "dummy"}
    code, told = refused(tmp_path, "--port", "0", "--mode", "testnet", environment=keys)
    assert code != 0
    assert len(told) == 1
    # Which of the two depends on whether this machine has a network.
    assert "Binance's Testnet does not answer" in told[0] or "key" in told[0].lower()
    assert "dummy" not in told[0]


def test_testnet_without_keys_names_both_variables(tmp_path: Path) -> None:
    code, told = refused(tmp_path, "--port", "0", "--mode", "testnet")
    assert code != 0
    assert [re.findall(r"BINANCE_\w+", line) for line in told] == [
        ["BINANCE_TESTNET_API_KEY"],
        ["BINANCE_TESTNET_API_SECRET"],
    ]


def test_production_needs_its_confirmation_and_is_not_offered_yet(tmp_path: Path) -> None:
    keys = {"BINANCE_API_KEY": "dummy", "BINANCE_API_SECRET": "dummy"}
    code, told = refused(tmp_path, "--port", "0", "--mode", "production", environment=keys)
    assert code != 0
    assert len(told) == 1
    assert "add --confirm-production" in told[0]
    code, told = refused(tmp_path, "--port", "0", "--mode", "production", "--confirm-production", environment=keys)
    assert code != 0
    assert len(told) == 1
    assert "use --mode shadow" in told[0]


def test_too_little_capital_names_the_smallest_that_works_and_that_works(tmp_path: Path) -> None:
    recording = write_flat_candles(tmp_path / "BTCUSDT.csv", "50000.00")
    market = ("--market", "replay", "--replay", recording, "--speed", "60", "--config", str(tmp_path / "config.yaml"))

    def ask_for(capital: str) -> None:
        text = SHIPPED.replace("capital_per_pair_usd: '1000'", f"capital_per_pair_usd: '{capital}'")
        (tmp_path / "config.yaml").write_text(text)

    ask_for("8")
    code, told = refused(tmp_path / "data", "--port", "0", *market)
    assert code != 0
    assert len(told) == 1
    assert "trading.capital_per_pair_usd: 8 is too little for 10 levels" in told[0]
    smallest = re.search(r"the smallest that works is (\d+)", told[0])
    assert smallest
    ask_for(smallest[1])
    with Gridhive(tmp_path / "data", *market) as server, server.exchange() as exchange:
        wait_for_orders(exchange)


def test_unknown_options_are_named_with_the_nearest_that_exists(tmp_path: Path) -> None:
    code, told = refused(tmp_path, "--prot=5000", "--exchange-uri", "http://127.0.0.1:1")
    assert code != 0
    assert any("--prot: is not an option; did you mean --port?" in line for line in told)
    assert any("did you mean --exchange-url?" in line for line in told)


def test_books_that_are_no_database_leave_no_simulator_behind(tmp_path: Path) -> None:
    (tmp_path / "gridhive.db").write_text("this has never been a database, whatever its name says\n" * 20)
    code, told = refused(tmp_path, *SYNTHETIC)
    assert code != 0
    assert len(told) == 1
    assert str(tmp_path / "gridhive.db") in told[0]


def test_a_recording_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    code, told = refused(tmp_path, "--port", "0", "--market", "replay", "--replay", "BTCUSDT=nowhere.csv")
    assert code != 0
    assert len(told) == 1
    assert "nowhere.csv" in told[0]


@pytest.mark.parametrize("program", [SERVER, API_ONLY], ids=lambda program: program.name)
def test_help_explains_every_option(program: Path) -> None:
    shown = subprocess.run(
        [sys.executable, str(program), "--help"], capture_output=True, text=True, timeout=120, check=True
    )
    named = (
        "host port data-dir config mode confirm-production market replay speed seed exchange-url "
        "exchange-futures-url database-url redis-url no-autostart log-level"
    )
    for name in {*named.split(), *(option.name for option in OPTIONS)}:
        assert re.search(rf"^  --{name}\b", shown.stdout, re.MULTILINE), name
        assert f"GRIDHIVE_{name.replace('-', '_').upper()};" in re.sub(r"\s+", " ", shown.stdout), name


def test_a_data_folder_that_cannot_be_made_is_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, told = refused(tmp_path, *SYNTHETIC, "--data-dir", str(tmp_path / "file/data"))
    assert code != 0
    assert len(told) == 1
    assert "name a folder of your own with --data-dir" in told[0]


def test_another_market_on_the_same_data_folder_is_refused_in_words_of_its_own(tmp_path: Path) -> None:
    recordings = [write_flat_candles(tmp_path / name, "50000.00") for name in ("BTCUSDT.csv", "ETHUSDT.csv")]
    folder = tmp_path / "data"
    with Gridhive(folder, "--market", "replay", "--replay", recordings[0], "--no-autostart") as server:
        assert server.stop() == 0
    code, told = refused(folder, "--port", "0", "--market", "replay", "--replay", recordings[1])
    assert code != 0
    assert len(told) == 1
    assert "the saved state is of another market" in told[0]
    assert str(folder) in told[0]
