"""A small server that speaks Binance's public protocol: a few REST answers and one combined stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSCloseCode, web

from simulator.market.intervals import interval_bounds

WEIGHT = {"exchangeInfo": 20, "klines": 2, "time": 1, "ping": 1}


class PublicBinance:
    """Every connection to the stream sends the next script and is then closed, the last one stays open.

    Weight is counted as the venue does, in `used`, which a test may raise as another process on the address would, and
    set back as a new minute would. Refusals (status and Retry-After) are answered first, in turn. `when_asked` is told
    each REST path, and `stream`.
    """

    def __init__(self, scripts: list[list[dict[str, Any]]], *, now_ms: int) -> None:
        self.scripts = scripts
        self.now_ms = now_ms
        self.asked: list[str] = []
        self.stream_names: list[str] = []
        self.silent = False
        self.used = 0
        self.weight_limit = 6_000
        self.refusals: list[tuple[int, str | None]] = []
        self.stream_refusals: list[tuple[int, str | None]] = []
        self.when_asked: Callable[[str], None] = lambda _path: None
        self.url = ""
        self._released = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["PublicBinance"]:
        app = web.Application()
        app.router.add_get("/api/v3/{path}", self._rest)
        app.router.add_get("/stream", self._stream)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self._released.set()
            await runner.cleanup()

    async def _rest(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        self.asked.append(path)
        self.used += WEIGHT[path]
        self.when_asked(path)
        if self.silent:
            await self._released.wait()
        if self.refusals:
            return _refusal(*self.refusals.pop(0))
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.used)}
        return web.json_response(self._answer(path, request), headers=headers)

    def _answer(self, path: str, request: web.Request) -> Any:
        if path == "exchangeInfo":
            limit = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}
            symbols = [_symbol(name) for name in json.loads(request.query["symbols"])]
            return {"rateLimits": [{**limit, "limit": self.weight_limit}], "symbols": symbols}
        if path == "klines":
            return self._klines(request)
        return {"serverTime": self.now_ms} if path == "time" else {}

    def _klines(self, request: web.Request) -> list[list[Any]]:
        interval = request.query["interval"]
        at_ms = int(request.query.get("startTime", 0)) or None
        rows: list[list[Any]] = []
        time_ms = at_ms or interval_bounds(interval, self.now_ms)[0] - 1
        while time_ms <= self.now_ms:
            open_ms, close_ms = interval_bounds(interval, time_ms)
            rows.append([open_ms, "100.0", "101.0", "99.0", "100.5", "2.5", close_ms, "250.0", 9, "1.5", "150.0", "0"])
            time_ms = close_ms + 1
        return rows

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        self.when_asked("stream")
        if self.stream_refusals:
            return _refusal(*self.stream_refusals.pop(0))
        self.stream_names.append(request.query["streams"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for message in self.scripts.pop(0):
            self.now_ms = max(self.now_ms, message["data"].get("T", 0))
            await socket.send_json(message)
        if not self.scripts:
            await self._released.wait()
        await socket.close(code=WSCloseCode.GOING_AWAY)
        return socket


def _refusal(status: int, retry_after: str | None) -> web.Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return web.json_response({"code": -1003, "msg": "Too much request weight used."}, status=status, headers=headers)


def _symbol(name: str) -> dict[str, Any]:
    return {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": name.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9000", "stepSize": "0.001"},
        ],
    }
