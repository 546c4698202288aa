#!/usr/bin/env python3
"""Prove from outside that a grid's books balance to the last digit.

Starts Gridhive on a replay (or, without --data, on the seeded synthetic market), lets a 20-rung grid trade through the
simulator's real REST and WebSocket ports, and then compares two accounts of the same money:

  the books      as Gridhive's API tells them
  the exchange   as raw signed REST requests to the simulator tell it

Nothing of Gridhive is imported here. The exit code is 0 if every line agrees to the last digit.

    examples/prove_the_books.py --data BTCUSDT_1m.parquet --from 2024-08-04 --to 2024-08-07 --plot books.png
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
from decimal import Decimal, getcontext
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
KEY, SECRET = "shadow-key", "shadow-secret"  # the play-money account of every Shadow simulator
RECORDED_GRID = {"initial_levels": 20, "lower_price": 53000, "upper_price": 57500, "market_type": "spot"}
SYNTHETIC_GRID = {"initial_levels": 20, "spacing_perc": 0.25, "market_type": "spot"}
SYNTHETIC_HOURS = 3
HOUR_MS = 3_600_000
START_S = 600  # a first start installs packages
STANDSTILL_S = 60

getcontext().prec = 60


def ask(url, body=None, method=None, headers=None):
    """Return the parsed JSON answer, numbers with a fraction as Decimal."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, method=method, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urlopen(request, timeout=30) as answer:
            return json.load(answer, parse_float=Decimal)
    except HTTPError as error:
        raise SystemExit(f"{url} answered {error.code}: {error.read().decode()}") from None


class Exchange:
    """Raw signed requests to the simulator, as Binance documents them."""

    def __init__(self, url):
        self.url = url

    def signed(self, path, **params):
        query = urlencode({**params, "timestamp": int(time.time() * 1000), "recvWindow": 5000})
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        return ask(f"{self.url}{path}?{query}&signature={signature}", headers={"X-MBX-APIKEY": KEY})

    def state(self):
        return ask(f"{self.url}/admin/state", headers={"X-MBX-APIKEY": KEY})

    def balances(self):
        rows = self.signed("/api/v3/account")["balances"]
        return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in rows}

    def last_price(self, symbol):
        return Decimal(ask(f"{self.url}/api/v3/ticker/price?symbol={symbol}")["price"])

    def trades(self, symbol):
        found, since = [], 0
        while page := self.signed("/api/v3/myTrades", symbol=symbol, fromId=since, limit=1000):
            found += page
            since = page[-1]["id"] + 1
        return found

    def candles(self, symbol, start_ms, end_ms):
        found = []
        while start_ms < end_ms:
            query = urlencode({"symbol": symbol, "interval": "5m", "startTime": start_ms, "limit": 1000})
            page = [row for row in ask(f"{self.url}/api/v3/klines?{query}") if row[0] < end_ms]
            if not page:
                break
            found += page
            start_ms = page[-1][0] + 1
        return found


def start_server(arguments, folder):
    """Start Gridhive without a first grid; return the process and the address it printed.

    What it says goes to a file: a pipe that nobody empties would stop it once it is full.
    """
    command = [str(ROOT / "start_api.sh"), "--port", "0", "--data-dir", str(folder), "--speed", "max"]
    if arguments.data:
        command += ["--market", "replay", "--replay", f"{arguments.symbol}={Path(arguments.data).resolve()}"]
        command += ["--from", arguments.start] if arguments.start else []
        command += ["--to", arguments.end] if arguments.end else []
    else:
        command += ["--market", "synthetic", "--seed", str(arguments.seed)]
    said = Path(folder) / "server.out"
    said.parent.mkdir(parents=True, exist_ok=True)
    with said.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    deadline = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline:
        for line in said.read_text(errors="replace").splitlines():
            if "answers on " in line:
                return server, line.split("answers on ")[1].split()[0]
        time.sleep(0.05)
    if server.poll() is None:
        stop_server(server)
    raise SystemExit(f"Gridhive did not start:\n{said.read_text(errors='replace')}")


def stop_server(server):
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(30)


def wait_for_the_market(exchange, api, symbol, synthetic):
    """Wait until the recording is over, or enough synthetic hours have passed; give up when nothing moves."""
    begin_ms = at_ms = exchange.state()["market_ms"]
    moved_s = time.monotonic()
    while True:
        state = exchange.state()
        hours = (state["market_ms"] - begin_ms) / HOUR_MS
        shown = ask(f"{api}/api/grid/status/{symbol}")
        print(f"\r  {hours:6.1f} h of market time, {shown['total_trades']} fills ", end="", flush=True)
        if state["finished"] or (synthetic and hours >= SYNTHETIC_HOURS):
            print()
            return
        if state["market_ms"] > at_ms:
            at_ms, moved_s = state["market_ms"], time.monotonic()
        if time.monotonic() - moved_s > STANDSTILL_S:
            raise SystemExit(
                f"\nthe market stood still for {STANDSTILL_S} s ({shown['phase']}: {shown['phase_reason']})"
            )
        time.sleep(0.2)


def compare(books, before, after, price, trades, base, quote):
    """Return (what, the books, the exchange) for everything both sides know."""
    held, cash = after.get(base, Decimal(0)), after[quote]
    started = before[quote] + before.get(base, Decimal(0)) * price
    fees = {asset: Decimal(0) for asset in (base, quote)}
    for trade in trades:
        fees[trade["commissionAsset"]] += Decimal(trade["commission"])
    told = {name: Decimal(value) for name, value in books.items() if isinstance(value, str)}
    explained = (
        told["grid_profit"]
        + told["inventory_value"]
        - told["inventory_cost"]
        - told["fees"]
        + told["fee_asset_revaluation"]
    )
    return [
        ("mark price", told["mark_price"], price),
        (f"{base} held", told["base_held"], held - before.get(base, Decimal(0))),
        (f"{quote} flow", told["cash_flow"], cash - before[quote]),
        (f"fees in {base}", Decimal(books["fees_by_asset"].get(base, "0")), fees[base]),
        (f"fees in {quote}", Decimal(books["fees_by_asset"].get(quote, "0")), fees[quote]),
        ("fills", Decimal(books["trades"]), Decimal(len(trades))),
        ("change of equity", told["equity_change"], cash + held * price - started),
        ("profit identity", explained, cash + held * price - started),
        ("residual", told["residual"], Decimal(0)),
    ]


def judge(status, exchange, symbol, trades):
    """Return (what, is it so): without these, equal numbers would prove nothing."""
    return [
        ("the grid has stopped", status["status"] == "stopped"),
        ("no order is left at the exchange", not exchange.signed("/api/v3/openOrders", symbol=symbol)),
        ("it bought and sold", {trade["isBuyer"] for trade in trades} == {True, False}),
    ]


def plot(path, title, candles, trades, grid_levels, start_cash):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (above, below) = plt.subplots(
        2, 1, figsize=(12, 8), sharex=True, height_ratios=(3, 1), layout="constrained"
    )
    hours = [(row[0] - candles[0][0]) / HOUR_MS for row in candles]
    above.plot(hours, [float(row[4]) for row in candles], color="#5b6b7b", linewidth=0.9, label="price")
    for level in grid_levels:
        above.axhline(float(level), color="#c8d1da", linewidth=0.5, zorder=0)
    for is_buyer, color, marker, name in ((True, "#1a9c6b", "^", "bought"), (False, "#c8443c", "v", "sold")):
        mine = [trade for trade in trades if trade["isBuyer"] is is_buyer]
        at = [(trade["time"] - candles[0][0]) / HOUR_MS for trade in mine]
        above.scatter(
            at, [float(t["price"]) for t in mine], s=16, c=color, marker=marker, label=f"{name} ({len(mine)})"
        )
    cash, base, at, equity = start_cash, Decimal(0), 0, []
    for row in candles:
        while at < len(trades) and trades[at]["time"] <= row[6]:
            trade, sign = trades[at], 1 if trades[at]["isBuyer"] else -1
            base += sign * Decimal(trade["qty"])
            cash -= sign * Decimal(trade["quoteQty"])
            if trade["commissionAsset"] in ("USDT", "USDC"):
                cash -= Decimal(trade["commission"])
            else:
                base -= Decimal(trade["commission"])
            at += 1
        equity.append(float(cash + base * Decimal(row[4]) - start_cash))
    below.plot(hours, equity, color="#2b62c4", linewidth=1.1)
    below.axhline(0, color="#9aa6b2", linewidth=0.6)
    below.set_ylabel("change of equity")
    below.set_xlabel("hours of market time")
    above.set_title(title)
    above.legend(loc="upper right", frameon=False)
    figure.savefig(path, dpi=110)


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="FILE", help="recorded 1-minute candles; without it the synthetic market")
    parser.add_argument("--symbol", default="BTCUSDT", help="what is traded (%(default)s)")
    parser.add_argument("--from", dest="start", metavar="TIME", help="start of the stretch, e.g. 2024-08-04")
    parser.add_argument("--to", dest="end", metavar="TIME", help="end of the stretch, exclusive")
    parser.add_argument("--seed", type=int, default=1, help="of the synthetic market (%(default)s)")
    parser.add_argument("--grid", type=json.loads, help="JSON of the grid's config, to try another one")
    parser.add_argument("--plot", metavar="PNG", help="draw price, rungs, fills and equity (needs matplotlib)")
    parser.add_argument("--data-dir", metavar="DIR", help="keep books and logs here (default: a temporary folder)")
    return parser.parse_args()


def run(arguments, folder):
    synthetic = not arguments.data
    name = f"synthetic, seed {arguments.seed}" if synthetic else f"recorded, {Path(arguments.data).name}"
    print(f"market: {name}")
    server, api = start_server(arguments, folder)
    try:
        exchange = Exchange(json.loads((Path(folder) / "simulator" / "running.json").read_text())["ready"]["spot_url"])
        symbol, (base, quote) = arguments.symbol, (arguments.symbol[:-4], arguments.symbol[-4:])
        before, begin_ms = exchange.balances(), exchange.state()["market_ms"]
        grid = arguments.grid or (SYNTHETIC_GRID if synthetic else RECORDED_GRID)
        ask(f"{api}/api/grid/start", {"symbol": symbol, "config": grid})
        wait_for_the_market(exchange, api, symbol, synthetic)
        ask(f"{api}/api/grid/stop", {"symbol": symbol, "on_stop": "cancel"})
        status = ask(f"{api}/api/grid/status/{symbol}")
        after, trades = exchange.balances(), exchange.trades(symbol)
        # A recording that ended has a last price that stands still; the synthetic market may still move a little.
        price = Decimal(status["books"]["mark_price"]) if synthetic else exchange.last_price(symbol)
        facts = judge(status, exchange, symbol, trades)
        rows = compare(status["books"], before, after, price, trades, base, quote)
        if arguments.plot:
            candles = exchange.candles(symbol, begin_ms, exchange.state()["market_ms"])
            title = (
                f"{symbol}, {len(status['levels'])} rungs, {len(trades)} fills: residual {status['books']['residual']}"
            )
            plot(arguments.plot, title, candles, trades, status["levels"], before[quote])
    finally:
        stop_server(server)
    print(f"{'':18}{'the books':>26}{'the exchange':>26}")
    for what, told, found in rows:
        print(f"{what:18}{told:>26f}{found:>26f}   {'equal' if told == found else 'DIFFERENT'}")
    for what, is_so in facts:
        print(f"{what}: {'yes' if is_so else 'NO'}")
    return all(told == found for _, told, found in rows) and all(is_so for _, is_so in facts)


def main():
    arguments = read_arguments()
    with tempfile.TemporaryDirectory(prefix="gridhive-proof-") as temporary:
        try:
            balanced = run(arguments, arguments.data_dir or temporary)
        except URLError as error:
            raise SystemExit(f"a request failed: {error.reason}") from None
    print("the books balance to the last digit" if balanced else "THE BOOKS DO NOT BALANCE")
    sys.exit(0 if balanced else 1)


if __name__ == "__main__":
    main()
