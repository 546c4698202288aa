"""Views run on threads, and a few of them wait for the exchange. Each kind has threads of its own here.

An exchange that hangs may fill one lane; whoever asks how the house is, or stops a grid, drives in another.
"""

from dataclasses import dataclass
from typing import Any, cast

from a2wsgi import WSGIMiddleware
from flask import Flask

from routes.answers import Scope, answer_plainly

RETRY_AFTER_S = 5

HOUSE = frozenset({"/", "/health", "/ready", "/api/status", "/test", "/openapi.json"})
OWN_BOOKS = ("/api/grid/status/", "/api/grid/recovery_status/", "/api/trading/", "/api/trades/", "/static/")
JOBS = ("/api/backtest", "/api/jobs")
SUBMISSIONS = {("POST", "/api/backtest"), ("POST", "/api/grid/suggest")}
STOPS = ("/api/grid/stop", "/api/grid/pause", "/api/grid/resume", "/api/risk/", "/api/agents/")


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneSize:
    """`waits_for` is what keeps its requests waiting, most likely."""

    threads: int
    waiting: int
    waits_for: str = "the exchange"


SIZES = {
    "house": LaneSize(threads=2, waiting=64),
    "own books": LaneSize(threads=4, waiting=64),
    "jobs": LaneSize(threads=4, waiting=32, waits_for="a job to end"),
    "submissions": LaneSize(threads=24, waiting=24, waits_for="what others have submitted"),
    "stops": LaneSize(threads=4, waiting=64),
}


def lane_of(path: str, method: str = "GET") -> str:
    """Return which lane answers a request; what is not known to answer from our own facts may wait for the exchange."""
    if (method, path.rstrip("/")) in SUBMISSIONS:
        return "submissions"
    if path in HOUSE:
        return "house"
    if path.startswith(OWN_BOOKS):
        return "own books"
    if path.startswith(JOBS):
        return "jobs"
    return "stops" if path.startswith(STOPS) else "exchange"


class Lane:
    """A fixed number of threads and of requests that wait for one; further ones are refused at once."""

    def __init__(self, app: Flask, size: LaneSize) -> None:
        self._bridge = WSGIMiddleware(cast("Any", app), workers=size.threads)
        self._most, self._waits_for = size.threads + size.waiting, size.waits_for
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if self._under_way >= self._most:
            sentence = (
                f"{self._under_way} requests of this kind wait already, most likely for {self._waits_for}; "
                f"ask /ready what is wrong and try again in {RETRY_AFTER_S} s"
            )
            retry_after = (b"retry-after", str(RETRY_AFTER_S).encode())
            await answer_plainly(send, 503, "Overloaded", sentence, [retry_after])
            return
        self._under_way += 1
        try:
            await self._bridge(cast("Any", scope), receive, send)
        finally:
            self._under_way -= 1


class Lanes:
    """The app as ASGI, each request on the threads of its lane.

    Args:
        app: the app.
        threads: how many views that may wait for the exchange run at once; at least twice as many more may wait.
    """

    def __init__(self, app: Flask, threads: int) -> None:
        sizes = {**SIZES, "exchange": LaneSize(threads=threads, waiting=max(32, 2 * threads))}
        self._lanes = {name: Lane(app, size) for name, size in sizes.items()}

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        await self._lanes[lane_of(scope["path"], scope["method"])](scope, receive, send)
