"""How long a person waits for the first resting order, and how long a fill waits for its counter-order.

    .venv/bin/python benchmarks/start_up.py [--starts 5] [--fills 200]

Both are seen from outside, through real ports. Start: from the start of the process in a warm environment until an
order rests at the simulator. Latency: from the arrival of a fill's report to the arrival of the report that the
exchange accepted the counter-order, both on one user stream beside the server's. The last line is JSON.
"""

import argparse
import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Self
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent
ENTRY = ROOT / "src/multi_agent_bot.py"
KEY, SECRET = "shadow-key", "shadow-secret"
DEADLINE_S = 60.0
BEGIN_MS = 1_704_067_200_000
START = 50_000


def signed(params: dict[str, object]) -> dict[str, object]:
    stamped = {**params, "timestamp": time.time_ns() // 1_000_000}
    text = "&".join(f"{name}={stamped[name]}" for name in sorted(stamped))
    return {**stamped, "signature": hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()}


def ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-MBX-APIKEY": KEY, "Content-Type": "application/json"}
    request = Request(url, data=data, headers=headers)  # noqa: S310 - loopback
    with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def open_orders(exchange: str) -> int:
    return len(ask(f"{exchange}/api/v3/openOrders?{urlencode(signed({'symbol': 'BTCUSDT'}))}"))


class Server:
    """The whole system as a child process; ends on leaving the with block."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.began_s = time.perf_counter()
        self._folder = folder
        self._errors = folder / "stderr.txt"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [sys.executable, str(ENTRY), "--port", "0", "--data-dir", str(folder), *options],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=folder,
                env={name: text for name, text in os.environ.items() if not name.startswith(("GRIDHIVE_", "BINANCE_"))},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(DEADLINE_S)

    def exchange(self) -> str:
        """Return the address of its simulator once it is noted."""
        note = self._folder / "simulator/running.json"
        while True:
            if note.exists() and (text := note.read_text()):
                return str(json.loads(text)["ready"]["spot_url"])
            self.pause()

    def pause(self) -> None:
        assert self._process.poll() is None, self._errors.read_text()[-2000:]
        assert time.perf_counter() - self.began_s < DEADLINE_S, "it took too long"
        time.sleep(0.01)


def start_once() -> float:
    """Return the seconds from process start to the first resting order."""
    with (
        tempfile.TemporaryDirectory(prefix="gridhive-start-") as folder,
        Server(Path(folder), "--market", "synthetic") as server,
    ):
        exchange = server.exchange()
        while not open_orders(exchange):
            server.pause()
        return time.perf_counter() - server.began_s


def write_standing_market(file: Path) -> None:
    rows = (f"{BEGIN_MS + 60_000 * minute},{START},{START},{START},{START},5" for minute in range(60))
    file.write_text("open_time,open,high,low,close,volume\n" + "\n".join(rows) + "\n")


def write_config(file: Path) -> None:
    """Write the shipped configuration with a gate that lets a benchmark's order rate pass."""
    shipped = (ROOT / "src/config/config.yaml").read_text()
    file.write_text(shipped.replace("max_orders_per_10s: 50\n", "max_orders_per_10s: 10000\n"))


def report(stream: ClientConnection, kind: str, status: str) -> float:
    """Return when the next execution report of that kind arrived."""
    while True:
        event = json.loads(stream.recv(timeout=DEADLINE_S)).get("event", {})
        if event.get("e") == "executionReport" and (event["x"], event["X"]) == (kind, status):
            return time.perf_counter()


def fill_latencies(fills: int) -> list[float]:
    """Return the ms from a fill's report to the acceptance of its counter-order; prices zigzag over one rung."""
    with tempfile.TemporaryDirectory(prefix="gridhive-latency-") as name:
        folder = Path(name)
        write_standing_market(folder / "BTCUSDT.csv")
        write_config(folder / "config.yaml")
        options = ("--market", "replay", "--replay", f"BTCUSDT={folder / 'BTCUSDT.csv'}", "--speed", "0.05")
        with Server(folder, *options, "--config", str(folder / "config.yaml")) as server:
            exchange = server.exchange()

            def print_trade(price: float) -> None:
                ask(f"{exchange}/admin/print", {"symbol": "BTCUSDT", "price": f"{price:.2f}", "qty": "50"})

            while open_orders(exchange) < 9:
                print_trade(START)
                server.pause()
            return list(zigzag(f"ws{exchange.removeprefix('http')}/ws-api/v3", fills, print_trade))


def zigzag(url: str, fills: int, print_trade: Any) -> Any:
    with connect(url, ping_interval=None, max_queue=None) as stream:
        subscribe = {"id": 1, "method": "userDataStream.subscribe.signature", "params": signed({"apiKey": KEY})}
        stream.send(json.dumps(subscribe))
        while json.loads(stream.recv(timeout=DEADLINE_S)).get("id") != 1:
            pass
        for number in range(fills):
            print_trade(START * 0.9945 if number % 2 == 0 else START + 1)
            filled_s = report(stream, "TRADE", "FILLED")
            yield (report(stream, "NEW", "NEW") - filled_s) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--fills", type=int, default=200)
    arguments = parser.parse_args()
    starts = [start_once() for _ in range(arguments.starts)]
    latencies = fill_latencies(arguments.fills)
    p99 = quantiles(latencies, n=100)[98]
    print(
        f"first resting order after {median(starts):.2f} s (median of {len(starts)}, slowest {max(starts):.2f} s); "
        f"fill to counter-order {median(latencies):.1f} ms median, {p99:.1f} ms p99 of {len(latencies)}"
    )
    print(
        json.dumps(
            {
                "benchmark": "start_up",
                "first_order_s": {"median": round(median(starts), 3), "worst": round(max(starts), 3)},
                "fill_to_counter_order_ms": {"median": round(median(latencies), 2), "p99": round(p99, 2)},
                "fills": len(latencies),
            }
        )
    )


if __name__ == "__main__":
    main()
