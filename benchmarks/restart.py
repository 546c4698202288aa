"""What a restart costs: 20 running grids with 20 resting orders each, killed and started again.

    python benchmarks/restart.py [--grids 20] [--orders 20] [--changed 0 1 4 6]

Simulator and server are real processes. For each number in --changed the server is killed (SIGKILL), that many orders
per symbol fill while it is dead, and it is started again. Measured from outside: seconds from the start of the process
to the last grid that trades with its orders resting, and the request weight the simulator charged meanwhile, for
all but placements and cancels, whole and by operation. The budget is 140, plus 5 per order that changed up to four per
symbol, 20 per symbol where more changed. Besides, a server asks for the time, whether the exchange is there and whether
silent markets are: at most one unit per second, let off beyond the ten seconds that a restart may take.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

SRC = Path(__file__).parents[1] / "src"
KEY, SECRET = "shadow-key", "shadow-secret"
SYMBOLS = [
    f"{base}USDT"
    for base in (
        "BTC ETH BNB SOL ADA XRP DOGE LINK LTC TRX AVAX DOT BCH NEAR UNI ATOM ETC FIL XLM AAVE".split()  # noqa: SIM905
    )
]
SPACING_PERCENT = 2.0  # so far apart that a minute of the market fills nothing by itself
DEADLINE_S = 180.0
BASE_BUDGET, BY_ORDER, BY_SYMBOL, FEW = 140, 5, 20, 4
TARGET_S, RUNNING_PER_S = 10.0, 1.0
NOT_COUNTED = ("spot.order.new", "spot.order.cancel")
"""Trading and not recovery."""


@dataclass(frozen=True, slots=True)
class Restart:
    """What one restart took. `changed`: orders per symbol that filled meanwhile; `spent`: weight by operation."""

    changed: int
    seconds: float
    spent: Counter[str]
    budget: int

    @property
    def is_within_budget(self) -> bool:
        return self.weight <= self.budget + max(self.seconds - TARGET_S, 0.0) * RUNNING_PER_S

    @property
    def weight(self) -> int:
        return self.spent.total()

    def __str__(self) -> str:
        spent = ", ".join(f"{name} {weight}" for name, weight in self.spent.most_common())
        return f"{self.changed:>18}{self.seconds:>10.2f}{self.weight:>9}{self.budget:>9}   {spent}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grids", type=int, default=20, help="how many grids run (%(default)s, at most 20)")
    parser.add_argument("--orders", type=int, default=20, help="orders resting per grid (%(default)s)")
    parser.add_argument("--changed", type=int, nargs="+", default=[0, 1, 4, 6], help="orders per symbol that fill")
    parser.add_argument("--target-s", type=float, default=TARGET_S, help="seconds that must be kept (%(default)s)")
    given = parser.parse_args()
    symbols = SYMBOLS[: given.grids]
    with tempfile.TemporaryDirectory() as folder, simulator(symbols, Path(folder)) as venue:
        rows = measure(venue, Path(folder), symbols, given.orders, given.changed)
    print(f"{'changed per symbol':>18}{'seconds':>10}{'weight':>9}{'budget':>9}   by operation")
    for row in rows:
        print(row)
    kept = all(row.seconds < given.target_s and row.is_within_budget for row in rows)
    print("kept" if kept else "NOT KEPT")
    return 0 if kept else 1


def measure(venue: str, folder: Path, symbols: list[str], orders: int, changes: list[int]) -> list[Restart]:
    """Restart once per number in `changes`, that many orders per symbol changed meanwhile."""
    rows = []
    with server(venue, folder, symbols) as api:
        for symbol in symbols:
            config = {"initial_levels": orders + 1, "spacing_perc": SPACING_PERCENT, "market_type": "spot"}
            ask(f"{api}/api/grid/start", {"symbol": symbol, "config": config})
        wait_for(lambda: trading(api, symbols, orders), "all orders to rest")
    for changed in changes:
        held = {symbol: resting(venue, symbol) for symbol in symbols}
        killed_ms = time.time_ns() // 1_000_000
        for symbol in symbols:
            sweep(venue, symbol, changed)
        before, begin_s = charged(venue), time.monotonic()
        with server(venue, folder, symbols) as api:
            wait_for(lambda api=api: trading(api, symbols, orders), "all grids to trade again")  # type: ignore[misc]
            seconds, spent = time.monotonic() - begin_s, charged(venue) - before
        counts = [len(held[symbol] & traded(venue, symbol, killed_ms)) for symbol in symbols]
        budget = BASE_BUDGET + sum(BY_ORDER * count if count <= FEW else BY_SYMBOL for count in counts)
        rows.append(Restart(changed, seconds, spent, budget))
    return rows


def trading(api: str, symbols: list[str], orders: int) -> bool:
    return all(is_trading(ask(f"{api}/api/grid/status/{symbol}"), orders) for symbol in reversed(symbols))


def is_trading(grid: Any, orders: int) -> bool:
    resting = [order for order in grid["open_orders"] if order["status"] in ("open", "new", "partially_filled")]
    return grid["phase"] == "trading" and len(resting) == len(grid["open_orders"]) == orders


def sweep(venue: str, symbol: str, count: int) -> None:
    """Let the market trade down through the `count` nearest purchases and come back."""
    if not count:
        return
    shown = ask(f"{venue}/api/v3/ticker/price?symbol={symbol}")["price"]
    price, step = Decimal(shown), Decimal(SPACING_PERCENT) / 100
    low = price / (1 + step) ** count / (1 + step / 4)
    tick = Decimal("0.0001") if price < 5 else Decimal("0.1")
    admin(venue, "print", {"symbol": symbol, "price": f"{(low // tick) * tick:f}", "qty": "0.1"})
    admin(venue, "print", {"symbol": symbol, "price": shown, "qty": "0.1"})


def resting(venue: str, symbol: str) -> set[int]:
    return {row["orderId"] for row in signed(venue, "/api/v3/openOrders", f"symbol={symbol}")}


def traded(venue: str, symbol: str, since_ms: int) -> set[int]:
    rows = signed(venue, "/api/v3/myTrades", f"symbol={symbol}&startTime={since_ms}&limit=1000")
    return {row["orderId"] for row in rows}


def signed(venue: str, path: str, query: str) -> Any:
    sys.path.insert(0, str(SRC))
    from simulator.wire.signing import sign  # noqa: PLC0415 - the path is set up above

    stamped = f"{query}&timestamp={time.time_ns() // 1_000_000}"
    return ask(f"{venue}{path}?{stamped}&signature={sign(SECRET, stamped)}")


def charged(venue: str) -> Counter[str]:
    """Return the weight of everything but placements and cancels, by operation."""
    weights = ask(f"{venue}/admin/state")["request_weight"]
    return Counter({name: weight for name, weight in weights.items() if name not in NOT_COUNTED})


def admin(venue: str, name: str, body: dict[str, str]) -> None:
    ask(f"{venue}/admin/{name}", body)


def ask(url: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-MBX-APIKEY": KEY, "Content-Type": "application/json"}
    with urlopen(Request(url, data, headers), timeout=30) as answer:  # noqa: S310 - loopback
        return json.load(answer)


def wait_for(seen: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + DEADLINE_S
    while not seen():
        if time.monotonic() > end_s:
            raise SystemExit(f"waited {DEADLINE_S:g} s in vain for {what}")
        time.sleep(0.2)


@contextmanager
def simulator(symbols: list[str], folder: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "simulator", "--port", "0", "--futures-port", "0", "--market", "synthetic"]
    command += ["--symbols", ",".join(symbols), "--api-key", KEY, "--api-secret", SECRET]
    command += ["--balance", "USDT=1000000", "BNB=50", "--fees-in-bnb"]  # so that fees have to be valued too
    command += ["--orders-10s", "1000000", "--state", str(folder / "venue")]
    with (folder / "simulator.txt").open("wb") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, "PYTHONPATH": str(SRC)}
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise SystemExit((folder / "simulator.txt").read_text())
        yield json.loads(line)["spot_url"]
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


@contextmanager
def server(venue: str, folder: Path, symbols: list[str]) -> Iterator[str]:
    """Run the server on the same data folder, give its address, and kill it."""
    config = (SRC / "config/config.yaml").read_text()
    for old, new in (
        ("max_concurrent_pairs: 2", f"max_concurrent_pairs: {len(symbols)}"),
        ("max_orders_per_10s: 50", "max_orders_per_10s: 10000"),
        ("max_exposure_usd: 50000", "max_exposure_usd: 1000000"),
    ):
        assert old in config, old
        config = config.replace(old, new)
    (folder / "config.yaml").write_text(config)
    command = [sys.executable, str(SRC / "main.py"), "--port", "0", "--data-dir", str(folder / "data")]
    command += ["--config", str(folder / "config.yaml"), "--exchange-url", venue]
    ours = ("GRIDHIVE_", "BINANCE_", "TELEGRAM_", "REDDIT_")
    with (folder / "server.txt").open("ab") as errors:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
        )
    assert process.stdout is not None
    try:
        line = next((line for line in process.stdout if "answers on " in line), "")
        if not line:
            raise SystemExit((folder / "server.txt").read_text())
        yield line.split("answers on ")[1].split()[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    sys.exit(main())
