"""Entry points as child processes, seen only from outside: what they print, answer, exit with, and leave running."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, Self, TypeVar

import requests

from fakes.simulator_calls import Caller

ROOT = Path(__file__).parents[2]
SERVER, API_ONLY = ROOT / "src/multi_agent_bot.py", ROOT / "src/main.py"
SHADOW_KEY, SHADOW_SECRET = "shadow-key", "shadow-secret"
SHADOW_ACCOUNT = ("--api-key", SHADOW_KEY, "--api-secret", SHADOW_SECRET)
DEADLINE_S = 60.0
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+ \[\w+ *\] .*")
_never = Event()

Order = dict[str, Any]
Found = TypeVar("Found")


def until(look: Callable[[], Found], what: str, deadline_s: float = DEADLINE_S) -> Found:
    """Look again and again until there is something to see, and return it."""
    end_s = time.monotonic() + deadline_s
    while not (found := look()):
        assert time.monotonic() < end_s, f"waited {deadline_s:g} s in vain for {what}"
        _never.wait(0.05)
    return found


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without what would configure Gridhive or name keys."""
    ours = ("GRIDHIVE_", "BINANCE_", "TELEGRAM_", "REDDIT_")
    return {**{name: text for name, text in os.environ.items() if not name.startswith(ours)}, **(more or {})}


def unmeasured_environment() -> dict[str, str]:
    """Return a clean environment in which coverage is not measured: for what starts processes by the dozen."""
    return {name: text for name, text in clean_environment().items() if not name.startswith("COVERAGE_PROCESS_")}


def write_flat_candles(file: Path, price: str, minutes: int = 3000) -> str:
    """Write a recording in which nothing happens but `price`; return it as an option's value."""
    begin_s = 1_704_067_200
    rows = [f"{(begin_s + 60 * minute) * 1000},{price},{price},{price},{price},5,{minute}" for minute in range(minutes)]
    file.write_text("open_time,open,high,low,close,volume,trades\n" + "\n".join(rows) + "\n")
    return f"{file.stem}={file}"


def processes_of(folder: Path) -> list[int]:
    """Return the ids of the simulators that run on a data folder."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid=,stat=,args="], capture_output=True, text=True, check=True)
    state = f"--state {folder.resolve() / 'simulator'}"
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [int(pid) for pid, stat, *command in rows if command and state in command[0] and not stat.startswith("Z")]


class Gridhive:
    """One running instance. Ends it, and any simulator it left, at the end of a with block."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        program: Path = SERVER,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start it on a free port; return at once.

        Args:
            folder: its data folder.
            options: further ones.
            program: an entry file, or a start script.
            environment: variables besides this process's own.
            cwd: where it runs; by default the data folder, so that no .env of the repository is read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        interpreter = [sys.executable] if program.suffix == ".py" else []
        with (folder / "stderr.txt").open("ab") as errors:
            self.process = subprocess.Popen(
                [*interpreter, str(program), "--port", "0", "--data-dir", str(folder), *options],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=cwd or folder,
                env=clean_environment(environment),
                start_new_session=True,
            )
        self._lines: Queue[str] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self.url = ""

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def __enter__(self) -> Self:
        self.wait_for_address()
        return self

    def __exit__(self, *_error: object) -> None:
        self.kill()
        end_simulators(self.folder)

    # --- life ---

    def wait_for_address(self, deadline_s: float = DEADLINE_S) -> str:
        """Return the address it prints."""
        end_s = time.monotonic() + deadline_s
        while not self.url:
            try:
                line = self._lines.get(timeout=max(0.0, end_s - time.monotonic()))
            except Empty:
                line = ""
            assert line, f"it printed no address:\n{self.errors}"
            found = re.search(r"answers on (http://\S+)", line)
            self.url = found[1] if found else ""
        return self.url

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end, as a service manager or Ctrl-C does; return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(DEADLINE_S)
        self._close()
        return code

    def kill(self) -> None:
        """End it without warning; its simulator lives on."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        self._close()

    def _close(self) -> None:
        self._reader.join(DEADLINE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def errors(self) -> str:
        return (self.folder / "stderr.txt").read_text()

    # --- the API ---

    def get(self, path: str, **query: object) -> Any:
        """Return the JSON of a request that must succeed."""
        answer = requests.get(self.url + path, params={name: str(value) for name, value in query.items()}, timeout=60)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> requests.Response:
        """Send JSON; text is sent as it is, so that it may be broken."""
        text = body if isinstance(body, str) else json.dumps(body)
        return requests.post(self.url + path, data=text, headers={"Content-Type": "application/json"}, timeout=60)

    def edit_grid(self, symbol: str = "BTCUSDT", *, dry_run: bool = False, **config: object) -> Any:
        """Change a grid at work, and wait until that is done."""
        address = f"{self.url}/api/grid/{symbol}?dry_run={str(dry_run).lower()}"
        answer = requests.patch(address, json={"config": config}, timeout=60)
        assert answer.ok, answer.text
        until(lambda: not self.get(f"/api/grid/status/{symbol}")["editing"], f"the edit on {symbol} to be done")
        return answer.json()

    def start_grid(self, symbol: str = "BTCUSDT", **config: object) -> Any:
        shape = {"initial_levels": 10, "spacing_perc": 0.5, "market_type": "spot", **config}
        answer = self.post("/api/grid/start", {"symbol": symbol, "config": shape})
        assert answer.ok, answer.text
        return answer.json()

    def stop_grid(self, symbol: str = "BTCUSDT", **more: object) -> None:
        """Stop it, and wait until it has ended: on a busy machine the answer may be 202, that it has not yet."""
        answer = self.post("/api/grid/stop", {"symbol": symbol, **more})
        assert answer.ok, answer.text
        until(lambda: self.get(f"/api/grid/status/{symbol}")["status"] == "stopped", f"the grid on {symbol} to end")

    # --- the exchange beside it ---

    @property
    def simulator(self) -> dict[str, Any]:
        """Return the ready line of the child, as noted in the data folder."""
        return dict(json.loads((self.folder / "simulator/running.json").read_text())["ready"])

    @contextmanager
    def exchange(self) -> Iterator["Exchange"]:
        with Exchange(str(self.simulator["spot_url"])) as exchange:
            yield exchange


class Exchange(Caller):
    """Shadow's account by raw signed REST."""

    def __init__(self, url: str) -> None:
        super().__init__(url, SHADOW_KEY, SHADOW_SECRET)

    def _read(self, path: str, **params: object) -> Any:
        answer = self.signed("GET", path, **params)
        assert answer.ok, answer.text
        return answer.json()

    def open_orders(self, symbol: str = "BTCUSDT") -> list[Order]:
        return list(self._read("/api/v3/openOrders", symbol=symbol))

    def all_orders(self, symbol: str = "BTCUSDT") -> list[Order]:
        return list(self._read("/api/v3/allOrders", symbol=symbol, limit=1000))

    def trades(self, symbol: str = "BTCUSDT") -> list[Order]:
        return list(self._read("/api/v3/myTrades", symbol=symbol, limit=1000))

    def balances(self) -> dict[str, Order]:
        return {row["asset"]: row for row in self._read("/api/v3/account")["balances"]}

    def market_is_over(self) -> bool:
        """Tell whether a replay has reached its end."""
        answer = self.send("GET", "/admin/state")
        assert answer.ok, answer.text
        return bool(answer.json()["finished"])

    def print_trade(self, price: str, quantity: str = "50", symbol: str = "BTCUSDT") -> None:
        """Let the market trade once."""
        body = json.dumps({"symbol": symbol, "price": price, "qty": quantity})
        answer = self.send("POST", "/admin/print", body=body)
        assert answer.ok, answer.text


def wait_for_orders(exchange: Exchange, count: int = 9, symbol: str = "BTCUSDT") -> list[Order]:
    """Return the orders that rest at the exchange once there are `count`."""

    def resting() -> list[Order]:
        found = exchange.open_orders(symbol)
        return found if len(found) == count else []

    return until(resting, f"{count} resting orders")


def agreed(server: Gridhive, exchange: Exchange, symbol: str = "BTCUSDT", resting: int = 9) -> Any:
    """Wait until server and exchange tell the same of a quiet grid, check that nothing doubled; return the status."""

    def same() -> Any:
        shown = server.get(f"/api/grid/status/{symbol}")
        there = {order["clientOrderId"] for order in exchange.open_orders(symbol)}
        here = {order["client_order_id"] for order in shown["open_orders"]}
        told = server.get(f"/api/trades/{symbol}", limit=1000)
        booked = {trade["id"] for trade in told} == {trade["id"] for trade in exchange.trades(symbol)}
        return shown if here == there and len(there) == resting and booked else None

    shown = until(same, "server and exchange to agree")
    orders = exchange.open_orders(symbol)
    places = [(order["side"], order["price"]) for order in orders]
    assert len(set(places)) == len(places), f"two orders at one rung: {places}"
    ids = [order["clientOrderId"] for order in exchange.all_orders(symbol)]
    assert len(set(ids)) == len(ids), "an id was used twice"
    assert shown["books"]["residual"] == "0"
    return shown


def end_simulators(folder: Path) -> None:
    """End what still runs on a data folder."""
    for pid in processes_of(folder):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not processes_of(folder), "simulators to end")


def sentences(errors: str) -> list[str]:
    """Return what was told a person: all lines but those of the log."""
    return [line for line in errors.splitlines() if line and not LOG_LINE.fullmatch(line)]


def refused(
    folder: Path, *options: str, program: Path = SERVER, environment: Mapping[str, str] | None = None
) -> tuple[int, list[str]]:
    """Run a start that must fail; return exit code and sentences, once nothing of it runs any more."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(program), "--data-dir", str(folder), *options]
    outcome = subprocess.run(
        command,
        cwd=folder,
        env=clean_environment(environment),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    left = processes_of(folder)
    end_simulators(folder)
    assert not left, f"it left {left} running"
    assert "Traceback" not in outcome.stderr, outcome.stderr
    return outcome.returncode, sentences(outcome.stderr)
