"""The books in SQLite or PostgreSQL; `open_store` is the way in, `BooksReader` the way to look only."""

from adapters.storage.reader import BooksReader
from adapters.storage.store import SqlStore, open_store

__all__ = ["BooksReader", "SqlStore", "open_store"]
