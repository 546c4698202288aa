"""The books in SQLite or PostgreSQL; `open_store` is the way in, `BooksReader` the way to look only."""

from adapters.storage.opening import open_store
from adapters.storage.reader import BooksReader
from adapters.storage.store import SqlStore

__all__ = ["BooksReader", "SqlStore", "open_store"]
