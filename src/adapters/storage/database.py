"""The connection to the database: settings that keep a commit, one writer at a time, failures in plain words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from ports.store import StoreFailed

DEFAULT_BUSY_TIMEOUT_S: Final = 5.0
CONNECT_TIMEOUT_S: Final = 5
_WRITES: Final = "gridhive_writes"

# First letters of PostgreSQL's error codes (appendix A of its manual) and first words of SQLite's error names
# (https://www.sqlite.org/rescode.html), and what a person can do.
_REMEDIES: Final = (
    ("08", "the database server does not answer; start it, or correct database.url"),
    ("57P", "the database server was shut down; start it"),
    ("28", "the database server refuses this user or password; correct database.url"),
    ("3D000", "the database server has no such database; create it, or correct database.url"),
    ("53100", "the disk of the database server is full; make room"),
    ("53300", "the database server has too many connections; close some, or raise its max_connections"),
    ("55P03", "another process holds the database; stop it, or wait until it is done"),
    ("25006", "the database may only be read; connect to the primary server"),
    ("42501", "the database user may not do that; grant it all rights on this database"),
    ("XX001", "the database is damaged; restore a backup of the server"),
    ("SQLITE_BUSY", "another process holds the database; stop it, or wait until it is done"),
    ("SQLITE_LOCKED", "another process holds the database; stop it, or wait until it is done"),
    ("SQLITE_READONLY", "the database may only be read; give this user write permission on file and folder"),
    ("SQLITE_FULL", "the disk is full; make room"),
    ("SQLITE_IOERR", "the disk failed or is full; check it before trading goes on"),
    ("SQLITE_CANTOPEN", "the file cannot be opened; check that its folder exists and may be written"),
    ("SQLITE_CORRUPT", "the file is damaged; restore a backup"),
    ("SQLITE_NOTADB", "the file is no database; move it away or name another"),
)


# One number for all of our programs: who holds this advisory lock of a PostgreSQL database is its one writer.
_WRITER_LOCK: Final = 0x67726964


class Database:
    """One database for many threads: reads run side by side, writes one after the other.

    A write takes the database's one write lock at its beginning (SQLite: BEGIN IMMEDIATE, PostgreSQL: an advisory
    lock), so that it waits its turn instead of failing half way. A commit is on disk when it returns.
    """

    def __init__(self, url: str, busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S, *, read_only: bool = False) -> None:
        self.url = _read_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and (self.url.database or ":memory:") == ":memory:":
            raise StoreFailed("the books need a file; write the URL like sqlite:///data/books.db")
        self.engine = (_sqlite if self.is_sqlite else _postgresql)(self.url, busy_timeout_s, read_only)
        self.failure = ""
        """Why the last write did not happen, empty once one has succeeded again."""
        self._writing = Lock()

    @property
    def file(self) -> Path | None:
        """Return the file of a SQLite database, None for any other."""
        return _file_of(self.url)

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
        try:
            with _in_plain_words("written"), self._writing, self.engine.connect() as plain_connection:
                connection = plain_connection.execution_options(**{_WRITES: True})
                with connection.begin():
                    yield connection
        except StoreFailed as error:
            if _is_outage(error.__cause__):
                self.failure = str(error)
            raise
        self.failure = ""

    def close(self) -> None:
        self.engine.dispose()


def file_of(url: str) -> Path | None:
    """Return the file a SQLite URL names, None for any other.

    Raises:
        StoreFailed: if the URL cannot be read.
    """
    return _file_of(_read_url(url))


def _file_of(url: URL) -> Path | None:
    named = url.database if url.get_backend_name() == "sqlite" else None
    return Path(named.removeprefix("file:")) if named else None


def _read_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError:
        raise StoreFailed("the database URL cannot be read; write it like sqlite:///data/books.db") from None
    return url.set(drivername="postgresql+psycopg") if url.drivername.startswith("postgresql") else url


def _sqlite(url: URL, busy_timeout_s: float, read_only: bool) -> Engine:
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": busy_timeout_s})

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # begin and commit are said below, not guessed by the driver
        # FULL: a commit survives loss of power, at 0.1 ms each.
        durable = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")
        for setting in ("query_only=ON",) if read_only else durable:
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL, busy_timeout_s: float, read_only: bool) -> Engine:
    wait_ms = max(1, round(busy_timeout_s * 1000))  # 0 would mean for ever
    options = f"-c lock_timeout={wait_ms} -c synchronous_commit=on -c idle_in_transaction_session_timeout=60000"
    options += " -c default_transaction_read_only=on" if read_only else ""
    given = {"options": options, "connect_timeout": CONNECT_TIMEOUT_S, "application_name": "gridhive"}
    engine = create_engine(url, pool_pre_ping=True, connect_args=given)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITES):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    return engine


@contextmanager
def _in_plain_words(done: str) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, ValueError, OverflowError) as error:
        raise StoreFailed(f"the books could not be {done}: {_cause(error)}") from error


def _is_outage(cause: BaseException | None) -> bool:
    """Tell whether the database failed, and not a value or a rule of the tables was refused."""
    return isinstance(cause, DBAPIError | sqlite3.Error) and not isinstance(cause, IntegrityError | DataError)


def _cause(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    name = getattr(original, "sqlite_errorname", None) or getattr(original, "sqlstate", None) or ""
    words = (str(original).splitlines() or [type(original).__name__])[0]
    if not name and isinstance(error, OperationalError):
        name = "08"  # psycopg gives no code where the connection itself failed
    for start, remedy in _REMEDIES:
        if name.startswith(start):
            return f"{remedy} ({words})"
    return words
