"""Binance's public archives (data.binance.vision): a zip with one CSV file per month or day, beside each its SHA-256.

Layout and columns: github.com/binance/binance-public-data. A month's file appears in the first days of the next month,
a day's file during the next day; funding rates have monthly files only.
"""

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, TypeVar

from aiohttp import ClientConnectionError, ClientError, ClientResponse, ClientSession, ClientTimeout

from domain.errors import NotFound, Unreachable, VenueError
from domain.instrument import Market
from ports.archives import ArchiveFile, Recording
from utils.closed_hosts import ClosedHosts, host_of, user_folders

ATTEMPTS: Final = 6
"""How often a request is tried without a byte of progress."""
ATTEMPTS_BEFORE_FIRST_ANSWER: Final = 3
"""Fewer while nothing ever answered: a person who is offline should not wait for minutes."""
LONGEST_PAUSE_S: Final = 60.0
"""Of those nobody asked for; what the server asks for is kept to the second."""
LONGEST_WAIT_S: Final = 900.0
"""A server that asks for more silence than this ends the download, which goes on where it was when asked again."""
THROTTLED_S: Final = 10
"""How long a server that sends less, or nothing, to this address is left alone where it does not say."""
CONNECT_S: Final = 10.0
SILENCE_S: Final = 30.0
_CHUNK: Final = 1 << 18
_MARKET: Final[Mapping[Market, str]] = {Market.SPOT: "spot", Market.FUTURES: "futures/um"}
_KIND: Final[Mapping[Recording, str]] = {
    Recording.KLINES: "klines",
    Recording.MARK: "markPriceKlines",
    Recording.TRADES: "trades",
    Recording.AGG_TRADES: "aggTrades",
    Recording.FUNDING: "fundingRate",
}
_SHA256: Final = re.compile(r"(?P<digest>[0-9a-fA-F]{64})\b")
_RANGE: Final = re.compile(r"bytes (?P<start>\d+)-")

T = TypeVar("T")
Pause = Callable[[float], Awaitable[None]]


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Corrupt(VenueError):
    """A file does not match its checksum, even fetched a second time."""


class _TryAgain(Exception):
    """What happened may pass. `after_s`: the server asks everyone here to be silent for so long."""

    def __init__(self, text: str, after_s: int | None = None) -> None:
        super().__init__(text)
        self.after_s = after_s


class _AlreadyWhole(Exception):
    """The server has nothing behind what we hold."""


@dataclass(slots=True)
class _Part:
    """A file on its way. Its name carries the checksum, so that a replaced file is never continued."""

    path: Path

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def start_at(self, offset: int) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.truncate(offset)

    def append(self, chunk: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(chunk)

    def matches(self, sha256: str) -> bool:
        if not self.path.exists():
            return False
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256

    def become(self, whole: "_Part") -> Path:
        """Take the finished file's name, and drop what is left of files the archive has replaced since."""
        path = self.path.replace(whole.path)
        for stale in path.parent.glob(f"{path.name}.*.part"):
            stale.unlink()
        return path

    def drop(self) -> None:
        self.path.unlink(missing_ok=True)


class BinanceArchives:
    """Satisfies ports.archives.Archives. Use within one event loop and `close` it there.

    Args:
        address: scheme, host and path below which `data/spot/...` lies.
        at_once: requests in flight.
        pause: waits so many seconds between attempts.
        now_ms: wall time.
        closures: folders in which the server's demand for silence reaches other processes.
    """

    def __init__(
        self,
        address: str,
        *,
        at_once: int = 6,
        pause: Pause = asyncio.sleep,
        now_ms: Callable[[], int] = _wall_ms,
        closures: Sequence[Path] = (),
    ) -> None:
        self._address, self._host = address.rstrip("/"), host_of(address)
        self._now_ms, self._closed_hosts = now_ms, ClosedHosts(closures, now_ms)
        self._turns = asyncio.Semaphore(at_once)
        self._pause = pause
        self._session: ClientSession | None = None
        self._answered = False

    @classmethod
    def of_user(cls, address: str) -> Self:
        """Return archives that share with this user's other processes what the server asked for."""
        return cls(address, closures=user_folders())

    @property
    def address(self) -> str:
        return self._address

    def url(self, file: ArchiveFile) -> str:
        """Return the file's address, e.g. `.../data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2023-01.zip`."""
        kind = _KIND[file.kind]
        rhythm = "monthly" if file.day is None else "daily"
        below = f"{file.symbol}/{file.interval}" if file.interval else file.symbol
        name = f"{file.symbol}-{file.interval or kind}-{file.period}.zip"
        return f"{self._address}/data/{_MARKET[file.market]}/{rhythm}/{kind}/{below}/{name}"

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def size(self, file: ArchiveFile) -> int | None:
        """Ask for the head alone; see ports.archives."""
        url = self.url(file)

        async def ask() -> int:
            async with self._asking("HEAD", url, 0) as reply:
                return int(reply.headers.get("Content-Length", 0))

        try:
            return await self._patiently(ask)
        except NotFound:
            return None

    async def fetch(self, file: ArchiveFile, folder: Path, arrived: Callable[[int], None]) -> Path:
        """See ports.archives.

        Raises:
            NotFound, Unreachable, Corrupt.
        """
        url = self.url(file)
        expected = await self._checksum(url)
        whole = _Part(folder / _part_stem(file))
        if await asyncio.to_thread(whole.matches, expected):
            arrived(whole.size())
            return whole.path
        part = _Part(folder / f"{_part_stem(file)}.{expected[:16]}.part")
        for _ in range(2):  # a part that an older run left may hold anything; the second time begins at zero
            await self._complete(url, part, arrived)
            if await asyncio.to_thread(part.matches, expected):
                return part.become(whole)
            part.drop()
        raise Corrupt(
            f"{url} does not match its checksum, fetched anew too; nothing of it was used. Try again later: the "
            "archive may be replacing the file just now"
        )

    async def _checksum(self, url: str) -> str:
        async def ask() -> str:
            async with self._asking("GET", f"{url}.CHECKSUM", 0) as reply:
                text = (await reply.content.read(1024)).decode("ascii", "replace")
            if not (found := _SHA256.match(text)):
                raise _TryAgain("its checksum file holds no SHA-256")
            return found["digest"].lower()

        return await self._patiently(ask)

    async def _complete(self, url: str, part: _Part, arrived: Callable[[int], None]) -> None:
        async def go_on() -> None:
            offset = part.size()
            try:
                async with self._asking("GET", url, offset) as reply:
                    start = _start_of(reply)
                    part.start_at(min(start, offset))
                    if start > offset:
                        raise _TryAgain(f"it answered from byte {start}, asked for {offset}")
                    async for chunk in reply.content.iter_chunked(_CHUNK):
                        part.append(chunk)
                        arrived(part.size())
            except _AlreadyWhole:
                arrived(offset)

        await self._patiently(go_on, part.size)

    async def _patiently(self, act: Callable[[], Awaitable[T]], progress: Callable[[], int] = lambda: 0) -> T:
        """Try again after growing pauses, for as long as something arrives, and never while the server forbids it."""
        failures, reached = 0, progress()
        while True:
            try:
                async with self._turns:
                    await self._until_open()
                    return await act()
            except (_TryAgain, ClientError, TimeoutError) as error:
                failures = 1 if progress() > reached else failures + 1
                reached = progress()
                asked_s = error.after_s if isinstance(error, _TryAgain) else None
                if asked_s is not None:
                    self._closed_hosts.close(self._host, self._now_ms() + asked_s * 1000, banned=False)
                most = ATTEMPTS if self._answered else ATTEMPTS_BEFORE_FIRST_ANSWER
                if failures >= most:
                    raise Unreachable(f"{self._address} cannot be reached: {_told(error)}") from error
                if asked_s is None:
                    await self._pause(min(LONGEST_PAUSE_S, 2.0 ** (failures - 1)))

    async def _until_open(self) -> None:
        """Wait for as long as the server asked this address to be silent, whichever request or process it told so.

        Raises:
            Unreachable: that is too long to wait for.
        """
        while closure := self._closed_hosts.closure(self._host):
            wait_s = (closure.until_ms - self._now_ms()) / 1000
            if wait_s > LONGEST_WAIT_S:
                until = f"{datetime.fromtimestamp(closure.until_ms / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
                raise Unreachable(
                    f"{self._address} asks for silence until {until}; ask again then, it goes on from here"
                )
            await self._pause(max(wait_s, 0.0))

    @asynccontextmanager
    async def _asking(self, method: str, url: str, offset: int) -> AsyncIterator[ClientResponse]:
        if self._session is None:
            timeout = ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S)
            # The archives are public and hold no secrets: a proxy that the environment names may carry them.
            self._session = ClientSession(timeout=timeout, trust_env=True, auto_decompress=False)
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        async with self._session.request(method, url, headers=headers, allow_redirects=False) as reply:
            self._answered = True
            _judge(reply, url)
            yield reply


def _judge(reply: ClientResponse, url: str) -> None:
    match reply.status:
        case 200 | 206:
            return
        case 404:
            raise NotFound(f"{url} does not exist")
        case 416:
            raise _AlreadyWhole
        case 408 | 418 | 425 | 429 | 500 | 502 | 503 | 504:
            asked = reply.headers.get("Retry-After", "")
            unasked_s = THROTTLED_S if reply.status in (418, 429) else None
            raise _TryAgain(f"it answered {reply.status}", int(asked) if asked.isdecimal() else unasked_s)
        case status:
            raise Unreachable(f"{url} answered {status}; is the address of the archives right?")


def _start_of(reply: ClientResponse) -> int:
    if reply.status == 200:
        return 0
    found = _RANGE.match(reply.headers.get("Content-Range", ""))
    return int(found["start"]) if found else 0


def _part_stem(file: ArchiveFile) -> str:
    """Return a name that is one file's alone: the archives' own names repeat between markets."""
    return "_".join(filter(None, (file.market, file.kind, file.symbol, file.interval, f"{file.period}.zip")))


def _told(error: BaseException) -> str:
    if isinstance(error, ClientConnectionError):
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return str(error) or type(error).__name__
