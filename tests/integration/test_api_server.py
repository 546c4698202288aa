"""The real server on loopback: sockets, threads and signals."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import pytest

from fakes.house import House, app_of
from routes.asgi import AddressInUse, BufferedBody, Stop, bind, build_asgi, serve

ROOT = Path(__file__).resolve().parents[2]
GRID = {"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": 0.5}}


@dataclass
class Running:
    address: str
    port: int


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    ready: Queue[Stop] = Queue()
    asgi = build_asgi(app_of(House()), threads=4)
    thread = threading.Thread(target=serve, args=(asgi, listener), kwargs={"on_ready": ready.put})
    thread.start()
    stop = ready.get(timeout=60)
    yield Running(f"http://127.0.0.1:{port}", port)
    stop()
    thread.join(timeout=60)
    assert not thread.is_alive()


def raw(port: int, request: bytes) -> tuple[int, dict[str, object]]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request)
        with connection.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            length = 0
            while (line := stream.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            return status, json.loads(stream.read(length))


def test_reads_and_writes_over_a_socket(server: Running) -> None:
    with httpx.Client(base_url=server.address, trust_env=False, timeout=60) as client:
        assert client.get("/health").json()["status"] == "ok"
        assert client.get("/api/klines/BTC%2FUSDT", params={"limit": 2}).json()["symbol"] == "BTCUSDT"
        started = client.post("/api/grid/start", json=GRID, headers={"Origin": server.address})
        assert started.status_code == 200
        assert client.get("/api/grid/status/BTC%2FUSDT").json()["active_orders"] == 9
        assert client.post("/api/grid/stop", json={"symbol": "BTCUSDT"}).json()["status"] == "stopped"
        assert client.get("/api/status").headers["content-type"] == "application/json"
        assert "server" not in client.get("/api/status").headers


def test_a_foreign_host_name_is_refused(server: Running) -> None:
    status, body = raw(server.port, b"GET /api/status HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert (status, body["error"]) == (421, "HostRefused")


def test_a_body_in_chunks_is_read_whole(server: Running) -> None:
    text = json.dumps(GRID).encode()
    halves = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (text[:20], text[20:]))
    head = b"POST /api/grid/config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    status, body = raw(server.port, head + b"Transfer-Encoding: chunked\r\n\r\n" + halves + b"0\r\n\r\n")
    assert (status, body["valid"]) == (200, True)


def test_a_body_beyond_the_limit_is_cut_off(server: Running) -> None:
    with httpx.Client(base_url=server.address, trust_env=False, timeout=60) as client:
        response = client.post("/api/grid/config", content=b"x" * 300_000, headers={"Content-Type": "application/json"})
    assert response.status_code == 413
    assert response.json()["error"] == "TooLarge"


def test_requests_side_by_side_do_not_mix(server: Running) -> None:
    with httpx.Client(base_url=server.address, trust_env=False, timeout=60) as client:
        answers: dict[int, int] = {}

        def ask(limit: int) -> None:
            answers[limit] = len(client.get("/api/klines/BTCUSDT", params={"limit": limit}).json()["data"])

        threads = [threading.Thread(target=ask, args=(limit,)) for limit in range(1, 25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    assert answers == {limit: limit for limit in range(1, 25)}


def test_a_slow_sender_holds_no_thread(server: Running) -> None:
    head = b"POST /api/grid/config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=60) for _ in range(12)]
    try:
        for connection in slow:
            connection.sendall(head + b"Content-Length: 99\r\n\r\n")
        assert httpx.get(f"{server.address}/health", timeout=60, trust_env=False).status_code == 200
        assert select.select(slow, [], [], 0)[0] == [], "they had been sent away by then"
    finally:
        for connection in slow:
            connection.close()


def test_a_body_that_does_not_arrive_is_given_up() -> None:
    sent: list[dict[str, Any]] = []

    async def never() -> dict[str, Any]:
        return await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def unreached(*_: object) -> None:
        pytest.fail("the app was called without a body")

    slow = BufferedBody(unreached, most_bytes=10, timeout_s=0.01)
    asyncio.run(slow({"type": "http", "headers": []}, never, send))
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["error"] == "TooSlow"


def test_a_taken_port_is_told_in_one_sentence() -> None:
    with bind("127.0.0.1", 0) as taken, pytest.raises(AddressInUse, match=r"already in use: .* --port"):
        bind("127.0.0.1", taken.getsockname()[1])


def test_an_address_of_another_machine_is_told_in_one_sentence() -> None:
    with pytest.raises(AddressInUse, match="--host"):
        bind("192.0.2.1", 0)


PROGRAM = """
from fakes.house import House, app_of
from routes.asgi import bind, build_asgi, serve
listener = bind("127.0.0.1", 0)
serve(build_asgi(app_of(House())), listener, on_ready=lambda stop: print(listener.getsockname()[1], flush=True))
print("cleaned up", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_server_and_leaves_time_to_clean_up(number: signal.Signals) -> None:
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        assert httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False, timeout=60).status_code == 200
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert out.strip() == "cleaned up", err
    assert process.returncode == 0
