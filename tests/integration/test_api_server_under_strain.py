"""The real server on loopback against callers who hold connections, an exchange that hangs, and a loop that stands."""

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from queue import Queue

import httpx
import pytest

from domain.events import Balance
from domain.instrument import Market
from fakes.house import House, app_of
from routes.asgi import LOOP_HUNG_S, LoopPulse, Stop, bind, build_asgi, serve
from routes.connections import ConnectionLimits
from utils.exit_deadline import EXIT_CODE

ROOT = Path(__file__).resolve().parents[2]
THREADS = 2
HEAD = b"Host: localhost\r\nContent-Type: application/json\r\n"


@dataclass
class HungHouse(House):
    """Its exchange answers nothing about balances until it is let go."""

    released: threading.Event = field(default_factory=threading.Event)
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def balances(self, market: Market) -> tuple[Balance, ...]:
        self.asked.release()
        self.released.wait(200)
        return (Balance("USDT", Decimal(1), Decimal(0)),)


@contextmanager
def serving(house: House, limits: ConnectionLimits | None = None, pulse: LoopPulse | None = None) -> Iterator[int]:
    listener = bind("127.0.0.1", 0)
    port: int = listener.getsockname()[1]
    ready: Queue[Stop] = Queue()
    thread = threading.Thread(
        target=serve,
        args=(build_asgi(app_of(house), threads=THREADS), listener),
        kwargs={"on_ready": ready.put, "limits": limits, "pulse": pulse},
    )
    thread.start()
    stop = ready.get(timeout=60)
    try:
        yield port
    finally:
        stop()
        thread.join(timeout=60)
        assert not thread.is_alive()


def connect(port: int, stack: ExitStack, data: bytes = b"") -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
    connection.sendall(data)
    return connection


def whole(connection: socket.socket) -> bytes:
    """Return what the server sends until it closes."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def body_of(answer: bytes) -> dict[str, str]:
    told: dict[str, str] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return told


# --- an exchange that hangs ---


@pytest.fixture
def hung() -> Iterator[tuple[HungHouse, int, ExitStack]]:
    house = HungHouse()
    with serving(house) as port, ExitStack() as stack:
        stack.callback(house.released.set)
        yield house, port, stack


def fill_exchange_lane(house: HungHouse, port: int, stack: ExitStack) -> list[socket.socket]:
    request = b"GET /api/balance HTTP/1.1\r\n" + HEAD + b"\r\n"
    waiting = [connect(port, stack, request) for _ in range(THREADS + 32)]
    for _ in range(THREADS):
        assert house.asked.acquire(timeout=60)
    return waiting


@pytest.mark.parametrize("path", ["/health", "/ready", "/api/status", "/", "/api/trading/executions"])
def test_a_hung_exchange_keeps_nobody_from_asking_how_the_house_is(
    hung: tuple[HungHouse, int, ExitStack], path: str
) -> None:
    house, port, stack = hung
    fill_exchange_lane(house, port, stack)
    assert httpx.get(f"http://127.0.0.1:{port}{path}", timeout=60, trust_env=False).status_code == 200


def test_a_hung_exchange_keeps_nobody_from_stopping_a_grid(hung: tuple[HungHouse, int, ExitStack]) -> None:
    house, port, stack = hung
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
        grid = {"symbol": "BTCUSDT", "config": {"initial_levels": 10, "spacing_perc": 0.5}}
        assert client.post("/api/grid/start", json=grid).status_code == 200
        fill_exchange_lane(house, port, stack)
        assert client.post("/api/grid/stop", json={"symbol": "BTCUSDT"}).json()["status"] == "stopped"


def test_more_than_may_wait_for_the_exchange_are_refused_at_once_with_the_remedy(
    hung: tuple[HungHouse, int, ExitStack],
) -> None:
    house, port, stack = hung
    fill_exchange_lane(house, port, stack)
    answers: Queue[httpx.Response] = Queue()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
        answers.put(client.get("/api/klines/BTCUSDT"))
    refused = answers.get()
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert refused.json()["error"] == "Overloaded"
    assert "/ready" in refused.json()["message"]
    assert refused.json()["trace_id"] == refused.headers["x-trace-id"]


def test_once_the_exchange_answers_so_does_everybody_who_waited(hung: tuple[HungHouse, int, ExitStack]) -> None:
    house, port, stack = hung
    waiting = fill_exchange_lane(house, port, stack)
    house.released.set()
    assert all(connection.recv(65536).startswith(b"HTTP/1.1 200") for connection in waiting)


# --- callers who hold connections ---

HASTY = ConnectionLimits(arrival_s=0.2, most=10)
PATIENT = ConnectionLimits(arrival_s=1.5, most=10)
"""For heads that do arrive: on a busy machine a caller may be kept from sending for some time."""


@pytest.fixture(scope="module")
def hasty() -> Iterator[int]:
    with serving(House(), HASTY) as port:
        yield port


@pytest.fixture(scope="module")
def patient() -> Iterator[int]:
    with serving(House(), PATIENT) as port:
        yield port


@pytest.mark.parametrize("start", [b"", b"GET /a", b"GET / HTTP/1.1\r\nHost: local"])
def test_a_request_whose_head_never_ends_is_hung_up_on(hasty: int, start: bytes) -> None:
    with ExitStack() as stack:
        assert whole(connect(hasty, stack, start)) == b""


def test_what_is_no_http_is_told_so_in_the_one_shape_of_errors(patient: int) -> None:
    with ExitStack() as stack:
        answer = whole(connect(patient, stack, b"x\r\n\r\n"))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert body_of(answer)["error"] == "Malformed"


def test_a_head_sent_byte_by_byte_buys_no_time(hasty: int) -> None:
    with ExitStack() as stack:
        connection = connect(hasty, stack)
        connection.settimeout(0.02)
        sent = 0
        while sent < 1500:  # each wait below is 20 ms: half a minute in all where nobody hangs up
            try:
                connection.sendall(b"G")
                sent += 1
                if connection.recv(100) == b"":
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert sent < 1500


def test_the_second_head_on_a_connection_has_a_deadline_too(patient: int) -> None:
    with ExitStack() as stack:
        connection = connect(patient, stack, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        began_s = time.monotonic()
        connection.sendall(b"GET /he")
        assert b"HTTP/1.1" not in whole(connection)
        assert time.monotonic() - began_s < 14  # the server lets a silent connection rest for 15 s


def test_a_connection_that_asked_and_got_its_answer_may_rest_longer_than_a_head_takes(patient: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{patient}", trust_env=False, timeout=60) as client:
        assert client.get("/health").status_code == 200
        with ExitStack() as stack:  # a deadline passes meanwhile: another's connection is hung up on
            assert whole(connect(patient, stack, b"GET")) == b""
        assert client.get("/health").status_code == 200


def test_a_caller_who_reads_no_answers_is_hung_up_on(hasty: int) -> None:
    asked = 400
    with ExitStack() as stack:
        connection = stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", hasty))
        connection.settimeout(20)
        connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * asked)
        for _ in range(10):  # each passes one deadline
            assert whole(connect(hasty, stack, b"GET")) == b""
        assert whole(connection).count(b"HTTP/1.1 200") < asked


def test_a_connection_too_many_is_told_so(caplog: pytest.LogCaptureFixture) -> None:
    with serving(House(), ConnectionLimits(arrival_s=30, most=5)) as port, ExitStack() as stack:
        for _ in range(5):
            connect(port, stack, b"GET /a")
        answers = [whole(connect(port, stack)) for _ in range(20)]
    assert all(answer.startswith(b"HTTP/1.1 503 ") for answer in answers)
    assert body_of(answers[0])["error"] == "Overloaded"
    assert "5 connections are open" in body_of(answers[0])["message"]
    assert sum("connections at once" in record.getMessage() for record in caplog.records) == 1


def test_a_slow_body_is_told_with_a_trace_id_that_the_log_has(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    asgi = build_asgi(app_of(House()), threads=THREADS)
    asgi._timeout_s = 0.01
    sent: list[dict[str, object]] = []

    async def never() -> dict[str, object]:
        return await asyncio.get_running_loop().create_future()

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(asgi({"type": "http", "headers": [], "path": "/api/grid/start"}, never, send))
    told = json.loads(bytes(sent[1]["body"]))  # type: ignore[call-overload]
    assert (sent[0]["status"], told["error"]) == (408, "TooSlow")
    assert len(told["trace_id"]) == 32
    assert told["trace_id"] in {getattr(record, "trace_id", None) for record in caplog.records}


# --- WebSocket requests ---


@pytest.mark.parametrize("path", [b"/", b"/ws/portfolio"])
def test_who_asks_for_a_websocket_is_told_that_there_is_none(
    patient: int, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n"
    with ExitStack() as stack:
        answer = whole(
            connect(patient, stack, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n" + upgrade + b"\r\n")
        )
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert body_of(answer)["error"] == "NoSuchAddress"
    assert "pip install" not in caplog.text


# --- the loop as a part of the house ---


def test_a_loop_that_stands_is_a_dead_part() -> None:
    now = [100.0]
    pulse = LoopPulse(lambda: now[0])
    assert pulse.part().alive
    pulse.beat()
    now[0] += LOOP_HUNG_S
    assert pulse.part().alive
    now[0] += 1
    part = pulse.part()
    assert (part.name, part.alive, part.ready) == ("http server", False, False)
    assert part.reason == "its loop has not turned for 16 s"


def test_the_server_tells_the_pulse_of_its_turns() -> None:
    turned = threading.Event()
    turns = 0

    def clock() -> float:
        nonlocal turns
        turns += 1
        if turns > 3:
            turned.set()
        return 0.0

    with serving(House(), pulse=LoopPulse(clock)):
        assert turned.wait(60)


HANGS_AT_THE_END = """
import logging, threading
from fakes.house import House, app_of
from routes.asgi import bind, build_asgi, serve
from utils.exit_deadline import ExitDeadline
logging.basicConfig(level="INFO")
listener = bind("127.0.0.1", 0)
serve(
    build_asgi(app_of(House())),
    listener,
    on_ready=lambda stop: print("ready", flush=True),
    on_signal=ExitDeadline(0.5).start,
)
threading.Event().wait()
"""


def test_a_signal_ends_even_a_process_whose_clean_up_hangs() -> None:
    paths = os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))
    with subprocess.Popen(
        [sys.executable, "-c", HANGS_AT_THE_END],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        try:
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == EXIT_CODE
    assert told.count("the process ends now") == 1
