"""The data folder and what a person may do with it: where the books lie, who runs on them, copies and restores.

Besides the books it holds `server.json`, written when a server answers and removed when it ends: `pid` and `url`.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.heartbeat import read_heartbeat
from adapters.locks import lock_data_folder
from adapters.storage import BooksReader
from adapters.storage.backup import copy_online, scheduled_copies, stamp
from adapters.storage.database import file_of
from adapters.storage.restore import Restored, restore
from domain.errors import Conflict
from utils.clock import SystemClock

BOOKS: Final = "gridhive.db"
SERVER_NOTE: Final = "server.json"


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """What the folder itself tells. `copies` are the scheduled ones as (file name, wall ms), oldest first."""

    folder: Path
    server: dict[str, Any] | None
    heartbeat: dict[str, Any] | None
    copies: tuple[tuple[str, int], ...]


class DataFolder:
    """One data folder.

    Args:
        folder: need not exist.
        url: where the books are, if not in a SQLite file of the folder.
    """

    def __init__(self, folder: Path, url: str | None) -> None:
        self.folder = folder.resolve()
        self.url = url or f"sqlite:///{self.folder / BOOKS}"
        self.backups = self.folder / "backups"

    @property
    def books_file(self) -> Path | None:
        """Return the SQLite file of the books, None where a database server keeps them."""
        return file_of(self.url)

    @property
    def sidecar(self) -> Path | None:
        """Return where the life of the books is kept a second time; None is the place beside a SQLite file."""
        return None if self.books_file else self.folder / "postgresql.epoch"

    # --- the server's notes ---

    def note_server(self, address: str) -> None:
        note = self.folder / SERVER_NOTE
        fresh = note.with_suffix(".part")
        fresh.write_text(json.dumps({"pid": os.getpid(), "url": address}) + "\n", "utf-8")
        fresh.replace(note)

    def note_end(self) -> None:
        (self.folder / SERVER_NOTE).unlink(missing_ok=True)

    # --- for people ---

    def facts(self) -> FolderFacts:
        copies = tuple((copy.file.name, copy.taken_ms) for copy in scheduled_copies(self.backups))
        return FolderFacts(self.folder, self._server(), read_heartbeat(self.folder), copies)

    def _server(self) -> dict[str, Any] | None:
        try:
            told = json.loads((self.folder / SERVER_NOTE).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return told if isinstance(told, dict) else None

    def reader(self) -> BooksReader:
        """Open the books for looking; a server may be at work on them.

        Raises:
            StoreFailed: see `BooksReader`.
        """
        return BooksReader(self.url)

    def back_up(self, to: Path | None = None) -> Path:
        """Copy the books, in use or not, and return the copy's file. Copies taken by hand are never rotated away.

        Raises:
            StoreFailed: if it could not be made.
            Conflict: where the books are in no file of ours.
        """
        target = to or self.backups / f"manual-{stamp(SystemClock().wall_ms())}.db"
        copy_online(self._file("copied", "pg_dump"), target.resolve())
        return target

    def restore(self, copy: Path) -> Restored:
        """Put a copy in place of the books; those are kept in the folder `replaced`.

        Raises:
            StoreFailed: if it is no whole copy; nothing was changed.
            Conflict: if a server holds the folder, or the books are in no file of ours.
        """
        books = self._file("restored", "pg_restore")
        with lock_data_folder(self.folder):
            return restore(books, copy.resolve(), self.folder / "replaced" / stamp(SystemClock().wall_ms()))

    def _file(self, done: str, program: str) -> Path:
        file = self.books_file
        if file is None:
            raise Conflict(f"books in PostgreSQL are {done} with its own tools ({program}); stop the server first")
        return file
