"""Binance's public market, relayed: trades and depth by stream, filters and the past by REST."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self

import aiohttp

from simulator.core.symbols import SymbolSpec
from simulator.market.feed import ORIGIN, Candle, ClosedCandle, FeedStep, MarketError
from simulator.market.intervals import HOUR_MS, MINUTE_MS
from simulator.market.live_rest import Closed, LiveRest, RequestPace
from simulator.market.public_messages import book_of, specs_of_info, trade_of
from simulator.market.synthetic import SyntheticFeed
from utils.closed_hosts import ClosedHosts, host_of

log = logging.getLogger(__name__)

_UNREACHABLE: Final = (aiohttp.ClientError, OSError, TimeoutError)


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Where the market is, how long to wait for it, and by which clock.

    Attributes:
        asking_s: how long `open_live_or_synthetic` waits for its one question.
        pauses_s: pause before each reconnect in a row, the last one for all further ones.
        silence_s: a stream without a message for so long is taken for dead.
        closures: folders in which bans outlive this process; see utils.closed_hosts.
        now_ms: wall time.
        sleep: how limits and bans are waited for.
    """

    rest_url: str = "https://api.binance.com"
    stream_url: str = "wss://stream.binance.com:9443"
    request_s: float = 10.0
    asking_s: float = 3.0
    pauses_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
    silence_s: float = 60.0
    closures: tuple[Path, ...] = ()
    now_ms: Callable[[], int] = _wall_ms
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class BinanceFeed:
    """A live market. Open it with `open`, read `live_steps`, end it with `close`."""

    source: Literal["live"] = "live"
    outage_ms = HOUR_MS

    def __init__(
        self,
        session: aiohttp.ClientSession,
        rest: LiveRest,
        settings: LiveSettings,
        specs: Mapping[str, SymbolSpec],
        past: Mapping[tuple[str, str], Sequence[Candle]],
        start_ms: int,
    ) -> None:
        self._session, self._rest, self._pace = session, rest, rest.pace
        self._settings = settings
        self._past = past
        self._closed = asyncio.Event()
        self._relay = _Relay(specs, start_ms)
        self.specs = specs
        self.symbols = tuple(specs)
        self.start_ms = start_ms

    @classmethod
    async def open(
        cls, symbols: Sequence[str], settings: LiveSettings | None = None, *, asking_s: float | None = None
    ) -> Self:
        """Ask for filters and the past of the symbols.

        Args:
            symbols: in the order they are to have here.
            settings: where and by which clock.
            asking_s: ask one small question first, and give up if it is not answered in this time.

        Raises:
            Closed: Binance asks this address to send nothing for now.
            MarketError: Binance cannot be reached, or does not know a symbol.
        """
        chosen = settings or LiveSettings()
        closed_hosts = ClosedHosts(chosen.closures, chosen.now_ms)
        pace = RequestPace(host_of(chosen.rest_url), closed_hosts, chosen.now_ms, chosen.sleep)
        pace.require_open()
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=chosen.request_s), trust_env=True)
        try:
            rest = LiveRest(session, chosen.rest_url, pace)
            if asking_s is not None:
                async with asyncio.timeout(asking_s):
                    await rest.get("ping")
            return await cls._of_rest(symbols, chosen, session, rest)
        except BaseException as error:
            await session.close()
            if isinstance(error, (*_UNREACHABLE, KeyError, ValueError)):
                raise MarketError(f"Binance at {chosen.rest_url} cannot be used ({_told(error)})") from error
            raise

    @classmethod
    async def _of_rest(
        cls, symbols: Sequence[str], settings: LiveSettings, session: aiohttp.ClientSession, rest: LiveRest
    ) -> Self:
        specs = specs_of_info(await rest.exchange_info(symbols))
        ordered = {symbol: specs[symbol] for symbol in symbols}
        past = await rest.past(symbols)
        return cls(session, rest, settings, ordered, past, await rest.server_ms())

    @property
    def notices(self) -> tuple[str, ...]:
        """Where the market comes from, and for as long as it lasts that Binance asks for silence."""
        told = (f"{ORIGIN}Binance's own, relayed from {self._settings.stream_url}",)
        silence = self._pace.notice()
        return told if silence is None else (*told, f"{silence}: a stream that ends comes back only then")

    def history(self, symbol: str, interval: str, end_ms: int, limit: int) -> list[Candle]:
        """Return candles fetched at the start; see `MarketPast.history`."""
        if symbol not in self.specs:
            raise MarketError(f"symbol {symbol!r} is not in this market; it has {', '.join(self.symbols)}")
        candles = [candle for candle in self._past[symbol, interval] if candle.open_ms < end_ms]
        return candles[-limit:] if limit > 0 else []

    def last_price(self, symbol: str) -> int:
        past = self.history(symbol, "1m", self.start_ms + 1, 1) or self.history(symbol, "1M", self.start_ms, 1)
        if not past:
            raise MarketError(f"symbol {symbol!r} has never traded; leave it out")
        return past[-1].close

    def state(self) -> dict[str, Any]:
        return {"source": "live", "symbols": list(self.symbols)}

    async def live_steps(self) -> AsyncIterator[FeedStep]:
        """Yield trades and books as they arrive, reconnecting until `close`, though never while Binance forbids it.

        After a break the minutes that were missed come first, as closed candles.
        """
        failures = 0
        while not self._closed.is_set():
            if wait_ms := self._pace.connection_wait_ms():
                await self._pace.nap(wait_ms)
                continue
            self._pace.connecting()
            try:
                async with self._session.ws_connect(self._stream_address()) as socket:
                    for step in await self._missed():
                        yield step
                    while not self._closed.is_set():
                        message = await socket.receive(timeout=self._settings.silence_s)
                        if message.type is not aiohttp.WSMsgType.TEXT:
                            break
                        failures = 0
                        for step in self._relay.steps_of(json.loads(message.data)):
                            yield step
            except Closed:
                log.debug("the stream waits until Binance may be asked again")
            except (*_UNREACHABLE, ValueError, KeyError) as error:
                self._heed(error)
                log.warning("market stream broke: %r", error)
            if not self._closed.is_set():
                await self._pause(failures)
                failures += 1

    async def close(self) -> None:
        """End the stream and its connections."""
        self._closed.set()
        await self._session.close()

    async def _missed(self) -> list[FeedStep]:
        if not self._relay.connected_before:
            self._relay.connected_before = True
            return []
        now_ms = await self._rest.server_ms()
        since_ms = self._relay.market_ms // MINUTE_MS * MINUTE_MS
        steps = [
            FeedStep(candle.close_ms, (), None, ClosedCandle(symbol, "1m", candle))
            for symbol in self.symbols
            for candle in await self._rest.klines(symbol, "1m", startTime=since_ms)
            if candle.close_ms < now_ms
        ]
        return self._relay.ordered(steps)

    def _heed(self, error: BaseException) -> None:
        """Close the REST side too where a stream was refused for a limit: Binance counts by address."""
        if isinstance(error, aiohttp.WSServerHandshakeError):
            with suppress(Closed):
                self._pace.heed(error.status, error.headers or {})

    def _stream_address(self) -> str:
        names = "/".join(
            f"{symbol.lower()}@{stream}" for symbol in self.symbols for stream in ("trade", "depth20@100ms")
        )
        return f"{self._settings.stream_url}/stream?streams={names}"

    async def _pause(self, failures: int) -> None:
        pauses = self._settings.pauses_s
        with suppress(TimeoutError):
            async with asyncio.timeout(pauses[min(failures, len(pauses) - 1)]):
                await self._closed.wait()


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error) if isinstance(error, _UNREACHABLE) and str(error) else repr(error)


class _Relay:
    """Turns stream messages into steps: repeats dropped, time never going back."""

    def __init__(self, symbols: Mapping[str, SymbolSpec], start_ms: int) -> None:
        self._by_stream_name = {symbol.lower(): symbol for symbol in symbols}
        self._last_ids = dict.fromkeys(symbols, -1)
        self._missed_until_ms = dict.fromkeys(symbols, start_ms - 1)
        self.market_ms = start_ms
        self.connected_before = False

    def steps_of(self, message: Mapping[str, Any]) -> Iterator[FeedStep]:
        name, _, kind = str(message.get("stream", "")).partition("@")
        symbol = self._by_stream_name.get(name)
        if symbol is None:
            return
        data = message["data"]
        if kind.startswith("depth20"):
            yield FeedStep(self.market_ms, (), book_of(symbol, data))
        elif kind == "trade" and self._is_new(symbol, data):
            trade = trade_of(data)
            self.market_ms = max(self.market_ms, trade.time_ms)
            yield FeedStep(self.market_ms, (trade,))

    def ordered(self, steps: list[FeedStep]) -> list[FeedStep]:
        """Sort the missed minutes and note that trades in them are already counted."""
        steps.sort(key=lambda step: step.time_ms)
        for step in steps:
            self.market_ms = max(self.market_ms, step.time_ms)
            if step.candle is not None:
                self._missed_until_ms[step.candle.symbol] = step.time_ms
        return steps

    def _is_new(self, symbol: str, data: Mapping[str, Any]) -> bool:
        trade_id = int(data["t"])
        if trade_id <= self._last_ids[symbol] or int(data["T"]) <= self._missed_until_ms[symbol]:
            return False
        self._last_ids[symbol] = trade_id
        return True


async def open_live_or_synthetic(
    symbols: Sequence[str],
    *,
    seed: int,
    settings: LiveSettings | None = None,
    resume: Mapping[str, Any] | None = None,
) -> BinanceFeed | SyntheticFeed:
    """Return the live market where Binance answers one question within `asking_s`, else a synthetic one.

    The synthetic feed's first notice says why it is there, of a ban also until when. A synthetic `resume` state stays
    synthetic.
    """
    chosen = settings or LiveSettings()
    reason = "the saved state is synthetic"
    if resume is None or resume.get("source") != "synthetic":
        try:
            return await BinanceFeed.open(symbols, chosen, asking_s=chosen.asking_s)
        except MarketError as error:
            reason = str(error)
    own = resume if resume is not None and resume.get("source") == "synthetic" else None
    feed = SyntheticFeed(symbols, seed=seed, start_ms=chosen.now_ms(), resume=own)
    feed.notices = (f"{reason}: a synthetic market takes its place", *feed.notices)
    return feed
