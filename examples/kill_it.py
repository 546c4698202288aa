#!/usr/bin/env python3
"""Kill Gridhive at random moments while it trades, and verify from outside that nothing doubled or vanished.

Starts the server, which starts its simulator, on a replay (--data) or on the seeded synthetic market. Several dense
grids trade; the market goes on while whatever was killed is dead. Killed is, with SIGKILL and at seeded moments of
start-up, recovery and trading,

  --kill server      the server; its simulator lives on and the next server adopts it
  --kill simulator   the exchange; the server starts it again and recovers
  --kill both        the server and then the exchange

After each kill and at the end two accounts of the same facts are compared, the API's and the exchange's own (raw signed
REST): no client id twice, at most one live order per slot, every trade in the API's list exactly once, every open order
known, the books equal to the balances to the last digit, residual 0, and the grids trade on.

Nothing of Gridhive is imported here. The exit code is 0 if nothing differed. docs/chaos-processes.md tells more.

    examples/kill_it.py --kills 100 --seed 1 --data BTCUSDT=BTCUSDT_1m.parquet --from 2024-08-05
"""

import argparse
import hashlib
import hmac
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from decimal import Decimal, getcontext
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parent.parent
KEY, SECRET = "shadow-key", "shadow-secret"  # the play-money account of every Shadow simulator
SYNTHETIC = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
QUOTE = "USDT"
DEADLINE_S = 60.0
POLL_S = 0.05
COMPARE_S = 0.4  # a comparison costs request weight, which the server sees used up
STARTS_KILLED = 0.25  # this share of kills strikes before the server has answered
# gh-<instance>-<epoch>-<grid>-<role><side>-<price>-<cycle>-<attempt>, numbers in base 62 (docs/chaos-processes.md)
CLIENT_ID = re.compile(
    r"gh-[0-9a-z]{4}-[0-9A-Za-z]+-([0-9A-Za-z]+)-([reu])([bs])-([0-9A-Za-z]+)-[0-9A-Za-z]+-[0-9A-Za-z]+"
)

getcontext().prec = 60


class Difference(Exception):
    """What the two accounts do not agree on."""


class NoAnswer(Exception):
    """Whoever was asked is dead, or does not know yet."""


def ask(url, body=None, headers=None):
    """Return the parsed JSON answer and its headers, numbers with a fraction as Decimal."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json", **(headers or {})})
    try:
        with urlopen(request, timeout=10) as answer:
            return json.load(answer, parse_float=Decimal)
    except HTTPError as error:
        raise NoAnswer(f"{url} answered {error.code}: {error.read().decode()[:200]}") from None
    except (URLError, OSError, ValueError) as error:
        raise NoAnswer(f"{url}: {error}") from None


def until(look, what, deadline_s=DEADLINE_S, poll_s=POLL_S):
    """Look again and again until there is something; what raised NoAnswer or was empty counts as nothing."""
    end_s, last = time.monotonic() + deadline_s, None
    while time.monotonic() < end_s:
        try:
            if found := look():
                return found
        except NoAnswer as error:
            last = error
        time.sleep(poll_s)
    raise Difference(f"waited {deadline_s:g} s in vain for {what}{f' ({last})' if last else ''}")


class Exchange:
    """Raw signed requests to the simulator, as Binance documents them."""

    def __init__(self, folder):
        self._note = folder / "simulator" / "running.json"

    @property
    def ready(self):
        try:
            return json.loads(self._note.read_text())["ready"]
        except (OSError, ValueError, KeyError) as error:
            raise NoAnswer(f"no simulator yet: {error}") from None

    def signed(self, path, **params):
        query = urlencode({**params, "timestamp": int(time.time() * 1000), "recvWindow": 5000})
        signature = hmac.new(SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
        url = f"{self.ready['spot_url']}{path}?{query}&signature={signature}"
        return ask(url, headers={"X-MBX-APIKEY": KEY})

    def open_orders(self, symbol):
        return self.signed("/api/v3/openOrders", symbol=symbol)

    def all_orders(self, symbol):
        return self._pages("/api/v3/allOrders", "orderId", "orderId", symbol)

    def trades(self, symbol):
        return self._pages("/api/v3/myTrades", "fromId", "id", symbol)

    def balances(self):
        rows = self.signed("/api/v3/account")["balances"]
        return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in rows}

    def answers(self):
        return bool(self.signed("/api/v3/account"))

    def _pages(self, path, since, number, symbol):
        found, at = [], 0
        while page := self.signed(path, symbol=symbol, limit=1000, **{since: at}):
            found += page
            at = page[-1][number] + 1
            if len(page) < 1000:
                break
        return found


class Server:
    """One life of the server process."""

    def __init__(self, arguments, folder):
        command = [sys.executable, str(ROOT / "src/main.py"), "--port", "0", "--data-dir", str(folder)]
        command += ["--config", str(folder / "config.yaml"), "--speed", str(arguments.speed)]
        if arguments.data:
            command += ["--market", "replay"]
            for named in arguments.data:
                command += ["--replay", f"{named.symbol}={named.file}"]
            command += ["--from", arguments.start] if arguments.start else []
            command += ["--to", arguments.end] if arguments.end else []
        else:
            command += ["--market", "synthetic", "--seed", str(arguments.seed)]
        self._said = folder / "server.txt"
        self._errors = (folder / "stderr.txt").open("ab")
        ours = ("GRIDHIVE_", "BINANCE_", "TELEGRAM_", "REDDIT_")
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                command,
                stdout=said,
                stderr=self._errors,
                cwd=folder,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if not name.startswith(ours)},
            )
        self.url = ""

    def address(self):
        """Return its address, empty until it has told it."""
        found = re.search(r"answers on (http://\S+)", self._said.read_text())
        if not found and self.process.poll() is not None:
            raise Difference(f"the server ended by itself:\n{Path(self._errors.name).read_text()[-2000:]}")
        self.url = found[1] if found else ""
        return self.url

    def get(self, path, **query):
        return ask(f"{self.url}{path}?{urlencode(query)}")

    def trades(self, symbol):
        found, more = [], {}
        while page := self.get(f"/api/trades/{symbol}", limit=1000, **more):
            found += page
            more = {"before": page[-1]["id"]}
            if len(page) < 1000:
                break
        return found

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._errors.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._errors.close()


# --- the exchange's own account ---


def slot_of(client_id):
    """Return grid, role, side and price of an order of ours, None for anybody else's."""
    found = CLIENT_ID.fullmatch(client_id)
    return found.groups() if found else None


def check_orders(symbol, orders, live):
    """Refuse ids that were used twice and slots that hold two live orders."""
    twice = [name for name, count in Counter(order["clientOrderId"] for order in orders).items() if count > 1]
    if twice:
        raise Difference(f"{symbol}: client ids used twice: {twice}")
    slots = Counter(slot_of(order["clientOrderId"]) for order in live)
    if None in slots:
        raise Difference(f"{symbol}: orders whose id is not of the documented layout: {live}")
    doubled = [slot for slot, count in slots.items() if count > 1]
    if doubled:
        raise Difference(f"{symbol}: more than one live order in slots {doubled}")


class Market:
    """What the exchange says of all symbols at one moment."""

    def __init__(self, exchange, symbols):
        self.open = {symbol: exchange.open_orders(symbol) for symbol in symbols}
        self.trades = {symbol: exchange.trades(symbol) for symbol in symbols}
        self.balances = exchange.balances()
        again = {symbol: exchange.open_orders(symbol) for symbol in symbols}
        if again != self.open or exchange.balances() != self.balances:
            raise NoAnswer("the market moved while it was read")


# --- against the API's ---


def compare(server, exchange, symbols, before):
    """Compare both accounts at a moment when neither moves.

    Raises:
        Difference: for what can never be right, however fast the market moves.
        NoAnswer: where they do not agree, which may be because one of them was just told of a fill.
    """
    market = Market(exchange, symbols)
    for symbol in symbols:
        check_orders(symbol, exchange.all_orders(symbol), market.open[symbol])
    shown = {symbol: server.get(f"/api/grid/status/{symbol}") for symbol in symbols}
    for symbol, grid in shown.items():
        refuse_never(symbol, grid)
        told = server.trades(symbol)
        twice = [number for number, count in Counter(trade["id"] for trade in told).items() if count > 1]
        if twice:
            raise Difference(f"{symbol}: trades told twice: {twice}")
        there = {facts(trade, "quoteQty", "commissionAsset") for trade in market.trades[symbol]}
        expect(f"{symbol} trades", {facts(trade, "quote_quantity", "commission_asset") for trade in told}, there)
        expect(f"{symbol} trades in the books", grid["books"]["trades"], len(market.trades[symbol]))
        here = {order["client_order_id"] for order in grid["open_orders"]}
        expect(f"{symbol} open orders", here, {order["clientOrderId"] for order in market.open[symbol]})
        base = symbol.removesuffix(QUOTE)
        change = market.balances.get(base, Decimal(0)) - before.get(base, Decimal(0))
        expect(f"{base} held", Decimal(grid["books"]["base_held"]), change)
    cash = sum(Decimal(grid["books"]["cash_flow"]) for grid in shown.values())
    expect(f"{QUOTE} flow", cash, market.balances[QUOTE] - before[QUOTE])
    return market


def refuse_never(symbol, grid):
    books = grid["books"]
    if Decimal(books["residual"]) != 0:
        raise Difference(f"{symbol}: the residual is {books['residual']}")
    if grid["phase"] == "faulted" or grid["faulted_slots"]:
        raise Difference(f"{symbol}: {grid['phase']} {grid['phase_reason']} {grid['faulted_slots']}")
    earned = [books[name] for name in ("grid_profit", "inventory_value", "fee_asset_revaluation", "equity_change")]
    profit, value, revaluation, equity = map(Decimal, earned)
    rounding = Decimal(books.get("quote_rounding", "0"))
    if profit + value - Decimal(books["inventory_cost"]) - Decimal(books["fees"]) + revaluation + rounding != equity:
        raise Difference(f"{symbol}: the identity of the books does not hold: {books}")


def facts(trade, amount, asset):
    """Return a trade's id, amount and fee; the names of two fields differ between the API and the exchange."""
    return (trade["id"], Decimal(trade[amount]), Decimal(trade["commission"]), trade[asset])


def expect(what, told, found):
    if told != found:
        raise NoAnswer(f"{what}: the API says {summary(told, found)}, the exchange {summary(found, told)}")


def summary(one, other):
    return f"also {sorted(one - other)[:5]}" if isinstance(one, set) else one


# --- killing ---


class Killer:
    """Kills, starts again, verifies."""

    def __init__(self, arguments, folder):
        self._arguments, self._folder = arguments, folder
        self._random = random.Random(f"{arguments.seed} {arguments.kill}")  # noqa: S311 - seeded on purpose
        self.symbols = [named.symbol for named in arguments.data] if arguments.data else list(SYNTHETIC)
        self.exchange = Exchange(folder)
        self.counts = Counter()
        self.recovered_s = []
        self.trades = 0
        self._write_config()
        self.server = Server(arguments, folder)
        self.before = {}

    def start(self):
        """Wait for the server and start the grids."""
        until(self.server.address, "the server's address")
        self.before = until(self.exchange.balances, "the balances at the start")
        self._start_grids()

    def run(self, progress):
        while self.kills < self._arguments.kills:
            progress(self.kills, self.trades)
            self._kill()
            self.verify()
        self._await_trading_on()
        progress(self.kills, self.trades)

    @property
    def kills(self):
        """Return how often it was killed; server and exchange together count once."""
        struck = "simulator" if self._arguments.kill == "simulator" else "server"
        return self.counts[struck] + self.counts["server while it started"]

    def verify(self):
        """Compare until both accounts agree."""
        market = until(
            lambda: compare(self.server, self.exchange, self.symbols, self.before),
            "the API and the exchange to agree",
            poll_s=COMPARE_S,
        )
        self.trades = sum(map(len, market.trades.values()))
        self.counts["comparisons"] += 1

    def end(self):
        """Leave nothing running."""
        if self.server.process.poll() is None:
            try:
                self.server.stop()
            except subprocess.TimeoutExpired:
                self.server.kill()
        with suppress(NoAnswer, ProcessLookupError):  # a clean stop has ended it already
            os.kill(self.exchange.ready["pid"], signal.SIGKILL)

    def _kill(self):
        if self._arguments.kill != "simulator":
            self._kill_server()
        else:
            time.sleep(self._random.uniform(0.05, self._arguments.calm))
            self._kill_simulator()
            until(self.exchange.answers, "the exchange to answer again")
        begin_s = time.monotonic()
        until(self._is_trading, "every grid to trade again")
        self.recovered_s.append(time.monotonic() - begin_s)

    def _kill_server(self):
        time.sleep(self._random.uniform(0.05, self._arguments.calm))
        self.server.kill()
        self._note_kill("server")
        if self._arguments.kill == "both":
            self._kill_simulator()
        while True:
            time.sleep(self._random.uniform(0.0, self._arguments.dead))  # the market goes on meanwhile
            self.server = Server(self._arguments, self._folder)
            if self._random.random() >= STARTS_KILLED or self.kills >= self._arguments.kills:
                break
            time.sleep(self._random.uniform(0.0, self._arguments.starting))
            self.server.kill()
            self._note_kill("server while it started")
        until(self.server.address, "the server's address")

    def _kill_simulator(self):
        try:
            os.kill(self.exchange.ready["pid"], signal.SIGKILL)
        except ProcessLookupError:
            return
        self._note_kill("simulator")

    def _note_kill(self, what):
        self.counts[what] += 1

    def _is_trading(self):
        shown = [self.server.get(f"/api/grid/status/{symbol}") for symbol in self.symbols]
        return all(grid["phase"] in ("trading", "entering") for grid in shown)  # entering: the price has run away

    def _await_trading_on(self):
        """See that the last life trades too."""
        seen = self.trades
        wanted = "another trade after the last kill (did the market leave the ladder? then widen it)"
        until(lambda: sum(map(len, map(self.exchange.trades, self.symbols))) > seen, wanted, poll_s=COMPARE_S)
        self.verify()

    def _start_grids(self):
        for symbol in self.symbols:
            shape = {"initial_levels": self._arguments.levels, "spacing_perc": self._arguments.spacing}
            body = {"symbol": symbol, "config": {**shape, "market_type": "spot"}}
            ask(f"{self.server.url}/api/grid/start", body)
        until(self._is_trading, "the grids to trade")

    def _write_config(self):
        shipped = (ROOT / "src/config/config.yaml").read_text()
        for old, new in (
            ("max_concurrent_pairs: 2", f"max_concurrent_pairs: {len(self.symbols)}"),
            ("max_orders_per_10s: 50", "max_orders_per_10s: 10000"),
        ):
            if old not in shipped:
                raise SystemExit(f"config.yaml no longer says {old}")
            shipped = shipped.replace(old, new)
        (self._folder / "config.yaml").write_text(shipped)


class Named:
    """SYMBOL=FILE."""

    def __init__(self, text):
        self.symbol, mark, file = text.partition("=")
        self.file = Path(file).resolve()
        if not mark or not self.file.is_file():
            raise argparse.ArgumentTypeError(f"{text}: write SYMBOL=FILE with a file that exists")


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kill", choices=("server", "simulator", "both"), default="server", help="what (%(default)s)")
    parser.add_argument("--kills", type=int, default=100, help="how often (%(default)s)")
    parser.add_argument("--seed", type=int, help="of the moments and of the synthetic market; drawn if not given")
    parser.add_argument("--data", type=Named, nargs="+", metavar="SYMBOL=FILE", help="recorded 1-minute candles")
    parser.add_argument("--from", dest="start", metavar="TIME", help="start of the stretch, e.g. 2024-08-05")
    parser.add_argument("--to", dest="end", metavar="TIME", help="end of the stretch, exclusive")
    parser.add_argument("--speed", type=float, default=600, help="market seconds per second (%(default)s)")
    parser.add_argument("--levels", type=int, default=80, help="rungs per grid (%(default)s)")
    parser.add_argument("--spacing", type=float, default=0.3, help="percent between rungs (%(default)s)")
    parser.add_argument("--calm", type=float, default=1.5, help="longest time between kills, in s (%(default)s)")
    parser.add_argument("--dead", type=float, default=1.0, help="longest time a server stays dead, in s (%(default)s)")
    parser.add_argument("--starting", type=float, default=3.0, help="a start is killed within, in s (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write the summary here too")
    parser.add_argument("--data-dir", metavar="DIR", help="keep books and logs here (default: a temporary folder)")
    given = parser.parse_args()
    given.seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    return given


def show(done, of, trades):
    filled = 40 * done // of
    print(f"\r[{'#' * filled}{'.' * (40 - filled)}] {done}/{of} kills, {trades} trades ", end="", flush=True)


def run(arguments, folder):
    begin_s, difference = time.monotonic(), None
    killer = Killer(arguments, folder)
    try:
        killer.start()
        killer.run(lambda done, trades: show(done, arguments.kills, trades))
    except (Difference, NoAnswer) as error:
        difference = str(error)
    finally:
        killer.end()
    times = sorted(killer.recovered_s) or [0.0]
    return {
        "kill": arguments.kill,
        "seed": arguments.seed,
        "kills": dict(killer.counts),
        "trades": killer.trades,
        "symbols": killer.symbols,
        "recovery_s": {"median": round(times[len(times) // 2], 2), "longest": round(times[-1], 2)},
        "seconds": round(time.monotonic() - begin_s),
        "difference": difference,
    }


def main():
    arguments = read_arguments()
    print(f"seed {arguments.seed}, killing: {arguments.kill}")
    with tempfile.TemporaryDirectory(prefix="gridhive-kills-") as temporary:
        folder = Path(arguments.data_dir or temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise SystemExit(f"--data-dir {folder} is not empty; name a new folder, so that the counts begin at zero")
        summary = run(arguments, folder)
    text = json.dumps(summary, indent=2)
    print(f"\n{text}")
    if arguments.json:
        Path(arguments.json).write_text(text + "\n")
    print("NOT EQUAL" if summary["difference"] else "nothing doubled, vanished or miscounted")
    sys.exit(1 if summary["difference"] else 0)


if __name__ == "__main__":
    main()
