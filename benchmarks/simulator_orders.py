"""REST orders per second through the simulator over loopback: place and cancel, signed, state on disk.

    python benchmarks/simulator_orders.py [--orders 4000] [--connections 8] [--target 500]

The simulator runs as a process of its own with `--state`, so every answer waited for a durable commit.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

SRC = Path(__file__).parents[1] / "src"
sys.path.insert(0, str(SRC))

from simulator.wire.signing import sign  # noqa: E402 - the path is set up above

KEY, SECRET = "simulator-key", "simulator-secret"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=4_000, help="order calls to send in all")
    parser.add_argument("--connections", type=int, default=8, help="clients at work at the same time")
    parser.add_argument("--target", type=float, default=500.0, help="calls per second that must be reached")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, url = start(folder)
        try:
            result = asyncio.run(measure(url, given.orders, given.connections))
        finally:
            process.terminate()
            process.wait(10)
    result["target_per_s"] = given.target
    result["ok"] = result["orders_per_s"] >= given.target
    print(json.dumps({"benchmark": "simulator_orders", **result}))
    print(
        f"{result['orders_per_s']:.0f} order calls/s over {given.connections} connections, "
        f"{result['median_ms']:.2f} ms median, {result['p99_ms']:.2f} ms p99 (target {given.target:.0f}/s)"
    )
    return 0 if result["ok"] else 1


def start(folder: str) -> tuple[subprocess.Popen[bytes], str]:
    options = ["--market", "synthetic", "--port", "0", "--futures-port", "0", "--state", folder]
    room = ["--orders-10s", "1000000", "--orders-day", "10000000", "--request-weight-limit", "10000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", *options, *room, "--balance", "USDT=10000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())["spot_url"]


async def measure(url: str, orders: int, connections: int) -> dict[str, float]:
    """Place and cancel in turn on every connection; return the rate and the latencies in ms."""
    took_ms: list[float] = []
    async with aiohttp.ClientSession(headers={"X-MBX-APIKEY": KEY}) as session:
        async with session.get(f"{url}/api/v3/ticker/price?symbol=BTCUSDT") as answer:
            price = f"{float((await answer.json())['price']) * 0.5:.2f}"
        began_s = time.perf_counter()
        await asyncio.gather(
            *(client(session, url, price, orders // connections // 2, took_ms) for _ in range(connections))
        )
        whole_s = time.perf_counter() - began_s
    took_ms.sort()
    return {
        "orders_per_s": len(took_ms) / whole_s,
        "median_ms": took_ms[len(took_ms) // 2],
        "p99_ms": took_ms[len(took_ms) * 99 // 100],
    }


async def client(session: aiohttp.ClientSession, url: str, price: str, pairs: int, took_ms: list[float]) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
    for _ in range(pairs):
        placed = await call(session.post, f"{url}/api/v3/order", {**order, "price": price}, took_ms)
        await call(session.delete, f"{url}/api/v3/order", {"symbol": "BTCUSDT", "orderId": placed["orderId"]}, took_ms)


async def call(send, address: str, params: dict[str, object], took_ms: list[float]) -> dict[str, object]:  # type: ignore[no-untyped-def]
    text = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
    began_s = time.perf_counter()
    async with send(f"{address}?{text}&signature={sign(SECRET, text)}") as answer:
        assert answer.status == 200, await answer.text()
        body: dict[str, object] = await answer.json()
    took_ms.append((time.perf_counter() - began_s) * 1_000)
    return body


if __name__ == "__main__":
    sys.exit(main())
