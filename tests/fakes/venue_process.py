"""The real simulator as a process of its own, for tests that need a venue."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import orjson
import requests

SRC = Path(__file__).parents[2] / "src"
KEY, SECRET = "simulator-key", "simulator-secret"


class VenueProcess:
    """`python -m simulator` on free loopback ports with the given options; a standing market unless told otherwise.

    In a standing market (`--speed max`) prices move by `print_trade` and `step` only.
    """

    def __init__(self, *options: str) -> None:
        chosen = options or ("--market", "synthetic", "--seed", "7", "--speed", "max")
        command = [sys.executable, "-m", "simulator", "--port", "0", "--futures-port", "0", *chosen]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(SRC)}
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise AssertionError(f"the simulator did not start: {' '.join(command)}")
        self.ready: dict[str, Any] = json.loads(line)

    @property
    def url(self) -> str:
        return str(self.ready["spot_url"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask for an orderly end, which must be one, unless it was killed before."""
        self._process.terminate()
        status = self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()
        assert status in (0, -signal.SIGKILL), f"the simulator left with {status}"

    def kill(self) -> None:
        """End it without warning, as a power cut would."""
        self._process.kill()
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def admin(self, name: str, **body: object) -> dict[str, Any]:
        """POST one admin call and return its answer."""
        answer = requests.post(
            f"{self.url}/admin/{name}", data=orjson.dumps(body), headers={"X-MBX-APIKEY": KEY}, timeout=60
        )
        assert answer.ok, answer.text
        return dict(answer.json())

    def state(self) -> dict[str, Any]:
        """Return what the venue tells of itself and its market."""
        answer = requests.get(f"{self.url}/admin/state", headers={"X-MBX-APIKEY": KEY}, timeout=60)
        assert answer.ok, answer.text
        return dict(answer.json())

    def fault(self, kind: str, match: str = "*", **more: object) -> None:
        """Let the next matching request, frame or event go wrong (see docs/simulator.md)."""
        self.admin("faults", kind=kind, match=match, **more)

    def clear_faults(self) -> None:
        requests.delete(f"{self.url}/admin/faults", headers={"X-MBX-APIKEY": KEY}, timeout=60)

    def print_trade(self, symbol: str, price: object, quantity: object) -> None:
        """Let the market trade once, at a price and size of the test's choosing."""
        self.admin("print", symbol=symbol, price=str(price), qty=str(quantity))

    def step(self, points: int) -> dict[str, Any]:
        return self.admin("step", points=points, until=None)
