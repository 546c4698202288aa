"""Which hosts asked this address to send nothing, and until when: known to all processes of one user on this machine.

Binance counts and bans per IP, and going on lengthens a ban, up to three days (protocol section 3). So a closure must
outlive the process that earned it, and whoever else asks the same host from here must heed it. There is one small file
per host, replaced as a whole; of two closures the later one holds.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final
from urllib.parse import urlsplit

LOG: Final = logging.getLogger(__name__)

LONGEST_S: Final = 3 * 86_400
"""The longest ban Binance documents; more is taken for a mistake, as of a clock that was wrong."""

FOLDER_NAME: Final = "closed-hosts"

_Signature = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Closure:
    """Nothing is sent before `until_ms`, wall time. `banned`: the address is, so its other hosts are closed too."""

    until_ms: int
    banned: bool


class ClosedHosts:
    """Closures by host. Use each instance from one thread.

    Args:
        folders: where the files lie, all written and all read; none keeps closures in memory alone.
        now_ms: wall time.
    """

    def __init__(self, folders: Sequence[Path], now_ms: Callable[[], int]) -> None:
        self._folders, self._now_ms = tuple(folders), now_ms
        self._own: dict[str, Closure] = {}
        self._read: dict[Path, tuple[_Signature, Closure | None]] = {}

    def close(self, host: str, until_ms: int, *, banned: bool) -> None:
        """Note that `host` is to be left alone until `until_ms`; a closure that ends later stays."""
        now_ms, known = self._now_ms(), self.closure(host)
        if until_ms <= now_ms:
            return
        until_ms = min(until_ms, now_ms + LONGEST_S * 1000)
        new = Closure(max(until_ms, known.until_ms), banned or known.banned) if known else Closure(until_ms, banned)
        if new == known:
            return
        self._own[host] = new
        for folder in self._folders:
            try:
                _write(folder / _file_name(host), new)
            except OSError as error:
                LOG.warning("other processes will not know that %s is closed: %s", host, error)

    def closure(self, host: str) -> Closure | None:
        """Return what holds for `host` now, whoever noted it; None where it is open."""
        found = [self._own.get(host), *(self._of_file(folder / _file_name(host)) for folder in self._folders)]
        now_ms = self._now_ms()
        return max(
            (closure for closure in found if closure is not None and closure.until_ms > now_ms),
            key=lambda closure: closure.until_ms,
            default=None,
        )

    def _of_file(self, path: Path) -> Closure | None:
        """Return the file's closure, read again only once the file is another."""
        try:
            stat = path.stat()
            signature = (stat.st_mtime_ns, stat.st_ino)
            if (known := self._read.get(path)) is None or known[0] != signature:
                known = self._read[path] = (signature, self._parsed(path))
        except OSError:
            return None
        return known[1]

    def _parsed(self, path: Path) -> Closure | None:
        try:
            told = json.loads(path.read_bytes())
            until_ms, banned = int(told["until_ms"]), bool(told["banned"])
        except (ValueError, KeyError, TypeError) as error:
            LOG.warning("%s is left out, it tells no closure: %r", path, error)
            return None
        return Closure(min(until_ms, self._now_ms() + LONGEST_S * 1000), banned)


def user_folders() -> tuple[Path, ...]:
    """Return the folder that all processes of this user share, none for a user without a home."""
    try:
        return (Path.home() / ".cache" / "gridhive" / FOLDER_NAME,)
    except RuntimeError:
        return ()


def host_of(url: str) -> str:
    """Return the name, and the port where one is given, under which an address is closed."""
    return urlsplit(url).netloc.rpartition("@")[2].lower()


def _file_name(host: str) -> str:
    return f"{host.replace(':', '_')}.json"


def _write(path: Path, closure: Closure) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
        fresh = Path(file.name)
        try:
            file.write(json.dumps({"until_ms": closure.until_ms, "banned": closure.banned}))
            file.flush()
            os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            fresh.unlink(missing_ok=True)  # a full disk is left no fuller
            raise
