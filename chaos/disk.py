"""The bot's database on a disk that forgets: real files, real SQLite, and what a crash leaves of them."""

import json
import shutil
import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path

from adapters.storage import SqlStore, open_store
from chaos import statements
from chaos.clock import EventHeap
from domain.account import Account, Mode

ACCOUNT = Account.of_key("binance", Mode.SHADOW, "chaos")
INSTANCE = "chao"
_WAL_HEADER = 32
_FRAME_HEADER = 24


def make_template(path: Path) -> None:
    """Write an empty database of the newest revision, with an instance that is the same in every run."""
    open_store(_url(path), ACCOUNT, EventHeap(0)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET instance = ?", (INSTANCE,))
    connection.close()


class Disk:
    """Holds one database and its sidecar file across the lives of the process."""

    def __init__(self, folder: Path, template: Path, clock: EventHeap) -> None:
        self._file = folder / "books.db"
        self._sidecar = folder / "books.db.epoch"
        self._clock = clock
        self._locker: sqlite3.Connection | None = None
        self._boots = 0
        for leftover in folder.glob("books.db*"):
            leftover.unlink()
        shutil.copyfile(template, self._file)
        self.open().close()  # the copy is told apart from the template once, here

    def open(self) -> SqlStore:
        """Open the books as the program does."""
        boot = f"boot {self._boots}"
        return open_store(_url(self._file), ACCOUNT, self._clock, busy_timeout_s=0.0, boot=boot)

    @property
    def is_locked(self) -> bool:
        return self._locker is not None

    def lock(self) -> None:
        """Let another process hold the database."""
        self._locker = sqlite3.connect(self._file, timeout=0.0, isolation_level=None)
        self._locker.execute("BEGIN IMMEDIATE")

    def unlock(self) -> None:
        if self._locker is not None:
            self._locker.close()
            self._locker = None

    def crash(self, store: SqlStore, *, lost_commits: int, lagging_notes: int) -> int:
        """End the process's hold on its files and leave them as a dead process does; return the commits lost.

        Args:
            store: what the process had open.
            lost_commits: how many of the newest commits power loss takes along (those not checkpointed yet).
            lagging_notes: how many commits the sidecar's note is behind, as after a death between commit and note.
        """
        was_locked = self._locker is not None
        self.unlock()
        self._boots += lost_commits > 0  # losing power means that the machine was started anew
        wal_file = self._file.with_name("books.db-wal")
        base, wal = self._file.read_bytes(), wal_file.read_bytes() if wal_file.exists() else b""
        sidecar = self._sidecar.read_bytes()
        store.close()
        self._sidecar.write_bytes(_set_back(sidecar, lagging_notes))
        ends = list(_commit_ends(wal))
        lost = min(lost_commits, len(ends))
        end = ends[-1 - lost] if lost < len(ends) else _WAL_HEADER
        with self._file.open("r+b") as file:  # in place: the file keeps its inode
            file.write(base)
            file.truncate()
        wal_file.write_bytes(wal[:end] if wal else b"")
        if was_locked:
            self.lock()
        return lost


def _url(path: Path) -> str:
    return f"sqlite:///{path}?plugin={statements.NAME}"


def _commit_ends(wal: bytes) -> Iterator[int]:
    """Yield where each commit of a write-ahead log ends (https://www.sqlite.org/fileformat2.html, section 4)."""
    if len(wal) < _WAL_HEADER:
        return
    page_size = int(struct.unpack_from(">I", wal, 8)[0])
    salts = wal[16:24]
    at = _WAL_HEADER
    while at + _FRAME_HEADER + page_size <= len(wal):
        if wal[at + 8 : at + 16] != salts:
            return
        pages_after_commit = struct.unpack_from(">I", wal, at + 4)[0]
        at += _FRAME_HEADER + page_size
        if pages_after_commit:
            yield at


def _set_back(sidecar: bytes, notes: int) -> bytes:
    if not notes:
        return sidecar
    told = json.loads(sidecar)
    told["generation"] = max(1, told["generation"] - notes)
    return json.dumps(told).encode("ascii").ljust(len(sidecar) - 1) + b"\n"
