"""The connection to the database: settings that keep a commit, one writer at a time, failures in plain words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from ports.store import StoreFailed

DEFAULT_BUSY_TIMEOUT_S: Final = 5.0
_WRITES: Final = "gridhive_writes"

# First words of SQLite's error names (https://www.sqlite.org/rescode.html), and what a person can do.
_REMEDIES: Final = (
    ("SQLITE_BUSY", "another process holds the database; stop it, or wait until it is done"),
    ("SQLITE_LOCKED", "another process holds the database; stop it, or wait until it is done"),
    ("SQLITE_READONLY", "the database may only be read; give this user write permission on file and folder"),
    ("SQLITE_FULL", "the disk is full; make room"),
    ("SQLITE_IOERR", "the disk failed or is full; check it before trading goes on"),
    ("SQLITE_CANTOPEN", "the file cannot be opened; check that its folder exists and may be written"),
    ("SQLITE_CORRUPT", "the file is damaged; restore a backup"),
    ("SQLITE_NOTADB", "the file is no database; move it away or name another"),
)


class Database:
    """One database for many threads: reads run side by side, writes one after the other.

    A write takes SQLite's write lock at its beginning (BEGIN IMMEDIATE), so that it waits its turn instead of failing
    half way.
    """

    def __init__(self, url: str, busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S) -> None:
        try:
            self.url = make_url(url)
        except ArgumentError:
            raise StoreFailed("the database URL cannot be read; write it like sqlite:///data/books.db") from None
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and (self.url.database or ":memory:") == ":memory:":
            raise StoreFailed("the books need a file; write the URL like sqlite:///data/books.db")
        self.engine = _engine(self.url.render_as_string(hide_password=False), self.is_sqlite, busy_timeout_s)
        self._writing = Lock()

    @property
    def file(self) -> Path | None:
        """Return the file of a SQLite database, None for any other."""
        if not self.is_sqlite or not self.url.database:
            return None
        return Path(self.url.database.removeprefix("file:"))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one consistent state.

        Raises:
            StoreFailed: if the database cannot be read.
        """
        with _in_plain_words("read"), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are committed at the end, or undone where anything fails.

        Raises:
            StoreFailed: if the commit did not happen.
        """
        with _in_plain_words("written"), self._writing, self.engine.connect() as plain_connection:
            connection = plain_connection.execution_options(**{_WRITES: True})
            with connection.begin():
                yield connection

    def close(self) -> None:
        self.engine.dispose()


def _engine(url: str, is_sqlite: bool, busy_timeout_s: float) -> Engine:
    if not is_sqlite:
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # begin and commit are said below, not guessed by the driver
        # FULL: a commit survives loss of power, at 0.1 ms each.
        for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def _in_plain_words(done: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, ValueError, OverflowError) as error:
        raise StoreFailed(f"the books could not be {done}: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    name = getattr(original, "sqlite_errorname", "")
    for start, remedy in _REMEDIES:
        if name.startswith(start):
            return f"{remedy} ({original})"
    return (str(original).splitlines() or [type(original).__name__])[0]
