"""The server seen from outside: one life of its process, and its API."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

from asking import Difference, ask

ROOT = Path(__file__).resolve().parents[2]
NOT_HANDED_ON = ("GRIDHIVE_", "BINANCE_", "TELEGRAM_", "REDDIT_")


def write_config(folder, symbols):
    """Write the shipped configuration with room for a grid on each symbol, and no more symbols than those."""
    text = (ROOT / "src/config/config.yaml").read_text()
    for old, new in (
        ("max_concurrent_pairs: 2", f"max_concurrent_pairs: {len(symbols)}"),
        ("symbols: [BTCUSDT, ETHUSDT, BNBUSDT, SOLUSDT, ADAUSDT, XRPUSDT,", f"symbols: [{', '.join(symbols)}]  #"),
        ("max_orders_per_10s: 50", "max_orders_per_10s: 10000"),
    ):
        if old not in text:
            raise SystemExit(f"config.yaml no longer says {old}")
        text = text.replace(old, new)
    (folder / "config.yaml").write_text(text)


class Server:
    """From its start to its death."""

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
        self._folder, self._said = folder, folder / "server.txt"
        with self._said.open("wb") as said, (folder / "stderr.txt").open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                stdout=said,
                stderr=errors,
                cwd=folder,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if not name.startswith(NOT_HANDED_ON)},
            )
        self.url = ""

    def address(self):
        """Return its address, empty until it has told it."""
        found = re.search(r"answers on (http://\S+)", self._said.read_text())
        if not found and self.process.poll() is not None:
            last = (self._folder / "stderr.txt").read_text()[-2000:]
            raise Difference(f"the server ended by itself, exit code {self.process.returncode}:\n{last}")
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

    def end(self):
        """Stop it in order; kill it where that takes too long."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
