"""The books in SQLite or PostgreSQL; `open_store` is the way in."""

from adapters.storage.store import SqlStore, open_store

__all__ = ["SqlStore", "open_store"]
