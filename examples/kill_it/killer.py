"""Kills, starts again, has it verified."""

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress

from asking import ask, until
from exchange import Exchange
from judge import compare
from server import Server, write_config

SYNTHETIC = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
TRADING_S = 0.2
COMPARE_S = 0.4  # a comparison costs request weight, which the server sees used up


class Killer:
    """One run in one data folder."""

    def __init__(self, arguments, folder):
        self._arguments, self._folder = arguments, folder
        self._random = random.Random(f"{arguments.seed} {arguments.kill}")  # noqa: S311 - seeded on purpose
        self.symbols = [named.symbol for named in arguments.data] if arguments.data else list(SYNTHETIC)
        self.exchange = Exchange(folder)
        self.counts = Counter()
        self.recovered_s = []
        self.trades = self.orders = self.comparisons = 0
        write_config(folder, self.symbols)
        self.server = Server(arguments, folder)
        self.before = {}

    def start(self):
        """Wait for the server and start the grids."""
        until(self.server.address, "the server's address")
        self.before = until(self.exchange.balances, "the balances at the start")
        for symbol in self.symbols:
            shape = {"initial_levels": self._arguments.levels, "spacing_perc": self._arguments.spacing}
            body = {"symbol": symbol, "config": {**shape, "market_type": "spot"}}
            ask(f"{self.server.url}/api/grid/start", body)
        until(self._is_trading, "the grids to trade")

    def run(self, progress):
        rounds = 0
        while self.kills < self._arguments.kills:
            progress(self.kills, self.trades)
            self._kill()
            rounds += 1
            if rounds % self._arguments.rest_every == 0:
                self._await_trading()
                self.verify()
        self._await_trading()
        self.verify()
        self._await_trading_on()
        progress(self.kills, self.trades)

    @property
    def kills(self):
        """Return how often it was killed; server and exchange together count once."""
        struck = "simulator" if self._arguments.kill == "simulator" else "server"
        return self.counts[struck] + self.counts[f"{struck} while it started"]

    def verify(self):
        """Compare until both accounts agree."""
        market = until(
            lambda: compare(self.server, self.exchange, self.symbols, self.before),
            "the API and the exchange to agree",
            poll_s=COMPARE_S,
        )
        self.trades = sum(map(len, market.trades.values()))
        self.orders = sum(map(len, market.orders.values()))
        self.comparisons += 1

    def end(self):
        """End the server in order; return how many simulators it left behind, and end those too."""
        self.server.end()
        left = self.exchange.processes()
        for number in left:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return len(left)

    def _kill(self):
        self._sleep(0.05, self._arguments.calm)
        if self._arguments.kill == "simulator":
            self._strike_simulator()
        else:
            self._strike_server()

    def _await_trading(self):
        begin_s = time.monotonic()
        until(self._is_trading, "every grid to trade again", poll_s=TRADING_S)
        self.recovered_s.append(time.monotonic() - begin_s)

    def _strike_server(self):
        self.server.kill()
        self.counts["server"] += 1
        if self._arguments.kill == "both":
            self._kill_simulator("simulator")
        while True:
            self._sleep(0.0, self._arguments.dead)  # the market goes on meanwhile
            self.server = Server(self._arguments, self._folder)
            if not self._strikes_again():
                break
            self._sleep(0.0, self._arguments.starting)
            self.server.kill()
            self.counts["server while it started"] += 1
            if self._arguments.kill == "both":
                self._kill_simulator("simulator while it started")
        until(self.server.address, "the server's address")

    def _strike_simulator(self):
        self._kill_simulator("simulator")
        while self._strikes_again():
            until(self.exchange.processes, "the server to start a simulator again")
            self._sleep(0.0, self._arguments.starting)
            self._kill_simulator("simulator while it started")
        until(self.exchange.answers, "the exchange to answer again")

    def _strikes_again(self):
        """Tell whether this start is killed too."""
        return self.kills < self._arguments.kills and self._random.random() < self._arguments.starts

    def _kill_simulator(self, what):
        for number in self.exchange.processes():
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
                self.counts[what] += 1

    def _sleep(self, shortest_s, longest_s):
        time.sleep(self._random.uniform(shortest_s, longest_s))

    def _is_trading(self):
        shown = [self.server.get(f"/api/grid/status/{symbol}") for symbol in self.symbols]
        return all(grid["phase"] in ("trading", "entering") for grid in shown)  # entering: the price has run away

    def _await_trading_on(self):
        """See that the last life trades too."""
        seen = self.trades
        wanted = "another trade after the last kill (did the market leave the ladder? then widen it)"
        until(lambda: sum(map(len, map(self.exchange.trades, self.symbols))) > seen, wanted, poll_s=COMPARE_S)
        self.verify()
