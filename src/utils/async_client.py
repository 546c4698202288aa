"""Many market-data requests at once, a few in flight at a time, and every failure told with its item."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

import orjson
from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

from domain.errors import Unreachable, VenueError
from domain.instrument import Market
from utils.binance_errors import Purpose, translate
from utils.binance_signing import Params, encode

K = TypeVar("K", bound=Hashable)
Fetch = Callable[[str, Params], Awaitable[Any]]
"""Gets a path with parameters and returns the decoded JSON; raises VenueError."""

_TICKER_PATH: Final[Mapping[Market, str]] = {
    Market.SPOT: "/api/v3/ticker/24hr",
    Market.FUTURES: "/fapi/v1/ticker/24hr",
}
_KLINES_PATH: Final[Mapping[Market, str]] = {Market.SPOT: "/api/v3/klines", Market.FUTURES: "/fapi/v1/klines"}


@dataclass(frozen=True, slots=True)
class Batch(Generic[K]):
    """What became of each item: its JSON in `found`, or why there is none in `failed`."""

    found: Mapping[K, Any]
    failed: Mapping[K, VenueError]


class AsyncAPIClient:
    """Batches of public market data; decimals stay the texts the venue sent.

    Use as `async with`. `fetch` replaces the client's own session where requests are to share another's limits.
    The address is the caller's to choose and to check.
    """

    def __init__(
        self,
        base_url: str,
        *,
        market: Market = Market.SPOT,
        at_once: int = 8,
        timeout_s: float = 10.0,
        fetch: Fetch | None = None,
    ) -> None:
        if at_once < 1:
            raise ValueError(f"at_once must be at least 1, was {at_once}")
        self._base, self._market, self._timeout_s = base_url.rstrip("/"), market, timeout_s
        self._fetch = fetch or self._get
        self._turns = asyncio.Semaphore(at_once)
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def batch_fetch_tickers(self, symbols: Sequence[str]) -> Batch[str]:
        """Return the 24 h ticker of each symbol."""
        path = _TICKER_PATH[self._market]
        return await self._gather({symbol: self._one(path, {"symbol": symbol}) for symbol in symbols})

    async def batch_fetch_klines(
        self, requests: Sequence[tuple[str, str]], *, limit: int = 500
    ) -> Batch[tuple[str, str]]:
        """Return the latest `limit` klines of each (symbol, interval), oldest first."""
        path = _KLINES_PATH[self._market]
        work = {
            (symbol, interval): self._one(path, {"symbol": symbol, "interval": interval, "limit": limit})
            for symbol, interval in requests
        }
        return await self._gather(work)

    async def _gather(self, work: Mapping[K, Coroutine[Any, Any, Any]]) -> Batch[K]:
        outcomes = await asyncio.gather(*work.values(), return_exceptions=True)
        found: dict[K, Any] = {}
        failed: dict[K, VenueError] = {}
        for item, outcome in zip(work, outcomes, strict=True):
            if isinstance(outcome, VenueError):
                failed[item] = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                found[item] = outcome
        return Batch(found, failed)

    async def _one(self, path: str, params: Params) -> Any:
        async with self._turns:
            return await self._fetch(path, params)

    async def _get(self, path: str, params: Params) -> Any:
        if self._session is None:
            self._session = ClientSession(timeout=ClientTimeout(total=self._timeout_s))
        url = URL(f"{self._base}{path}?{encode(params.items())}", encoded=True)
        try:
            async with self._session.get(url, allow_redirects=False) as reply:
                body = await reply.read()
                if reply.status >= 300:
                    raise translate(self._market, reply.status, body, reply.headers, Purpose.READ)
                return orjson.loads(body)
        except (ClientError, TimeoutError, OSError) as e:
            raise Unreachable(f"GET {path} got no answer: {type(e).__name__}") from e
        except orjson.JSONDecodeError as e:
            raise Unreachable(f"GET {path} answered something unreadable") from e
