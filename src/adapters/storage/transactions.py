"""Transactions on one account's books, counted so that a copy that was put back is known for what it is."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from adapters.storage.database import Database
from adapters.storage.life import Life, Sidecar

# Every commit runs this one, so it goes past the statement compiler.
_NEXT_GENERATION = "UPDATE meta SET generation = generation + 1 RETURNING generation"


class Transactions:
    """Of one account, whose id is `_id`; what stores something of it is built on this."""

    def __init__(self, database: Database, account_id: str, life: Life, sidecar: Sidecar | None) -> None:
        self._database = database
        self._id = account_id
        self._life = life
        self._sidecar = sidecar

    @property
    def epoch(self) -> int:
        return self._life.epoch

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Give a write transaction that counts the generation up, in the database and then beside it."""
        with self._database.writing() as connection:
            yield connection
            generation = connection.exec_driver_sql(_NEXT_GENERATION).scalar_one()
        if self._sidecar:
            self._sidecar.note(generation)
