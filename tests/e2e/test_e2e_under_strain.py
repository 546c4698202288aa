"""A real server whose exchange hangs, and one whose console nobody reads: it answers, says what is so, and ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from fakes.processes import (
    SERVER,
    Gridhive,
    clean_environment,
    end_simulators,
    processes_of,
    until,
    wait_for_orders,
)

pytestmark = pytest.mark.e2e

QUICK_S = 15.0  # a hung exchange costs three times that where its waiters take all threads


@contextmanager
def hanging(server: Gridhive) -> Iterator[None]:
    """Let the exchange accept connections and answer none."""
    (pid,) = processes_of(server.folder)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_hung_exchange_holds_up_neither_health_nor_stops_and_no_stop_is_claimed(tmp_path: Path) -> None:
    with Gridhive(tmp_path, "--market", "synthetic", "--seed", "5") as server:
        with server.exchange() as exchange:
            wait_for_orders(exchange)
        with hanging(server), ThreadPoolExecutor(40) as callers:
            balances = [callers.submit(requests.get, f"{server.url}/api/balance", timeout=60) for _ in range(40)]
            told = until(lambda: next((one for one in balances if one.done()), None), "the first balances").result()
            assert "did not answer within 5 s" in told.json()["spot"]["error"]
            for path in ("/health", "/api/status"):
                assert requests.get(server.url + path, timeout=QUICK_S).ok, path
            assert requests.get(f"{server.url}/ready", timeout=QUICK_S).status_code in (200, 503)
            stopped = server.post("/api/grid/stop", {"symbol": "BTCUSDT"})
            assert stopped.status_code == 202
            assert (stopped.json()["success"], stopped.json()["status"]) == (False, "running")
            assert "has not ended yet" in stopped.json()["message"]
        until(lambda: server.get("/api/grid/status/BTCUSDT")["status"] == "stopped", "the grid to end")
        with server.exchange() as exchange:
            assert exchange.open_orders() == []
        assert server.stop() == 0


def test_a_server_whose_console_nobody_reads_trades_answers_and_stops(tmp_path: Path) -> None:
    command = [sys.executable, str(SERVER), "--port", "0", "--data-dir", str(tmp_path), "--market", "synthetic"]
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
            assert found
            for _ in range(2500):  # each is told of in a line on the console, some 100 bytes
                with socket.create_connection(("127.0.0.1", int(found[1])), timeout=60) as connection:
                    connection.sendall(b"x\r\n\r\n")
                    connection.recv(1000)
            assert requests.get(f"{found[0]}/health", timeout=QUICK_S).json()["status"] == "ok"
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        finally:
            process.kill()
            end_simulators(tmp_path)
    assert "nobody reads the console" in (tmp_path / "logs/bot.log").read_text()
