"""Plain signed calls and sockets against a venue, for tests that look at the wire itself."""

import json
import time
from collections.abc import Callable
from typing import Any, Self
from urllib.parse import urlencode

import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from simulator.wire.signing import sign

KEY, SECRET = "simulator-key", "simulator-secret"
DEADLINE_S = 45.0


class Caller:
    """One account at the REST door."""

    def __init__(self, url: str, key: str = KEY, secret: str = SECRET) -> None:
        self.url, self.key, self.secret = url, key, secret
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._session.close()

    def get(self, path: str, **params: object) -> Any:
        """Return the JSON of a public call."""
        return self.send("GET", path, query=urlencode(params)).json()

    def signed(self, method: str, path: str, **params: object) -> requests.Response:
        """Send a signed call, as ccxt does: GET and DELETE by query, the rest by body."""
        stamped = {"timestamp": time.time_ns() // 1_000_000, **params}
        text = urlencode(stamped)
        text += f"&signature={sign(self.secret, text)}"
        if method in {"GET", "DELETE"}:
            return self.send(method, path, query=text)
        return self.send(method, path, body=text)

    def send(self, method: str, path: str, *, query: str = "", body: str | None = None) -> requests.Response:
        """Send exactly this query and body."""
        return self._session.request(
            method,
            f"{self.url}{path}" + (f"?{query}" if query else ""),
            data=body,
            headers={"X-MBX-APIKEY": self.key, "Content-Type": "application/x-www-form-urlencoded"},
            timeout=DEADLINE_S,
        )

    def place(self, **order: object) -> Any:
        """Place a limit order unless told otherwise; return the answer's JSON."""
        usual = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.001"}
        if order.get("type", "LIMIT") == "LIMIT":
            usual["timeInForce"] = "GTC"
        return self.signed("POST", "/api/v3/order", **{**usual, **order}).json()

    def price(self, symbol: str = "BTCUSDT") -> float:
        return float(self.get("/api/v3/ticker/price", symbol=symbol)["price"])


class Socket:
    """A WebSocket whose frames are awaited with a deadline."""

    def __init__(self, url: str, *, max_queue: int | None = None) -> None:
        self._opening = connect(url, ping_interval=None, max_queue=max_queue)

    def __enter__(self) -> Self:
        self._connection: ClientConnection = self._opening.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._opening.__exit__(*error)

    def send(self, message: object) -> None:
        self._connection.send(message if isinstance(message, str) else json.dumps(message))

    def receive(self) -> Any:
        return json.loads(self._connection.recv(timeout=DEADLINE_S))

    def until(self, wanted: Callable[[Any], bool]) -> Any:
        """Return the next frame that is wanted, passing over others."""
        while True:
            frame = self.receive()
            if wanted(frame):
                return frame

    def ask(self, method: str, number: object = 1, **params: object) -> Any:
        """Send one ws-api request and return its answer."""
        self.send({"id": number, "method": method, "params": params})
        return self.until(lambda frame: frame.get("id") == number)

    def subscribe_user(self, key: str = KEY, secret: str = SECRET) -> Any:
        """Subscribe to the key's account by signature."""
        return self.ask("userDataStream.subscribe.signature", "sub", **signed_params(key, secret))

    def closing(self) -> tuple[int, str]:
        """Read to the end; return the close code and reason."""
        try:
            while True:
                self._connection.recv(timeout=DEADLINE_S)
        except ConnectionClosed as closed:
            frame = closed.rcvd
            return (frame.code, frame.reason) if frame is not None else (1006, "")


def signed_params(key: str = KEY, secret: str = SECRET, **params: object) -> dict[str, object]:
    """Return ws-api parameters with key, timestamp and signature."""
    stamped: dict[str, object] = {"apiKey": key, "timestamp": time.time_ns() // 1_000_000, **params}
    text = "&".join(f"{name}={stamped[name]}" for name in sorted(stamped))
    return {**stamped, "signature": sign(secret, text)}
