"""The books of all accounts as they lie there, for looking only. A server may be at work on them meanwhile."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import func, select

from adapters.storage.database import Database
from adapters.storage.history import read_history, read_moves
from adapters.storage.integrity import problems
from adapters.storage.life import Life
from adapters.storage.migrate import HEAD, revision_of
from adapters.storage.store import SqlStore
from adapters.storage.tables import accounts, equity, fills, funding, grid_moves, grids, meta, orders
from domain.account import Account, Mode
from ports.books import Moves
from ports.store import OrderHistory, StoreFailed

_COUNTED: Final = {table.name: table for table in (accounts, grids, orders, fills, funding, grid_moves, equity)}


class BooksReader:
    """Opens nothing for writing: migrations, epochs and accounts stay as they are.

    Raises:
        StoreFailed: if there are no books, they are damaged, or are not of this version of the program.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url, read_only=True)
        file = self._database.file
        if file is not None and not file.exists():
            raise StoreFailed(f"there are no books at {file}; name their folder with --data-dir")
        self.problems: tuple[str, ...] = tuple(problems(file, thorough=True)) if file else ()
        """What is wrong with the file itself; a PostgreSQL server keeps its files whole by its own means."""
        if self.problems:
            return
        try:
            self._read_identity()
        except BaseException:
            self.close()
            raise

    def _read_identity(self) -> None:
        with self._database.reading() as connection:
            revision = revision_of(connection)
            if revision != HEAD:
                raise StoreFailed(
                    f"the books are of revision {revision or 'none'}, this program's is {HEAD}; start the server once "
                    "to bring them up to date, or use the version that wrote them"
                )
            row = connection.execute(select(meta)).one()
        self.instance: str = row.instance
        self.life = Life(row.birth, row.epoch, row.generation)

    @property
    def epoch(self) -> int:
        return self.life.epoch

    def accounts(self) -> tuple[Account, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(select(accounts).order_by(accounts.c.created_ms)).all()
        return tuple(Account(row.venue, Mode(row.mode), row.fingerprint) for row in rows)

    def books_of(self, account: Account) -> SqlStore:
        """Return the account's books; every write to them is refused."""
        return SqlStore(self._database, account, self.instance, self.life, None)

    def history(self, account: Account, client_id: str) -> OrderHistory | None:
        """Return everything stored of one order, None where the account's books lack it."""
        with self._database.reading() as connection:
            return read_history(connection, account.id, client_id)

    def moves_of(self, account: Account, grid_id: int) -> Mapping[str, Moves]:
        """Return the moves of a grid's orders by client id."""
        with self._database.reading() as connection:
            return read_moves(connection, account.id, grid_id)

    def counts(self) -> Mapping[str, int]:
        """Return the number of rows of each table, over all accounts."""
        with self._database.reading() as connection:
            return {
                name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in _COUNTED.items()
            }

    def strays(self, account: Account) -> tuple[str, ...]:
        """Return the client ids of booked fills whose order the account's books lack."""
        same = (orders.c.account == fills.c.account) & (orders.c.client_id == fills.c.client_id)
        wanted = (
            select(fills.c.client_id)
            .distinct()
            .select_from(fills.outerjoin(orders, same))
            .where(fills.c.account == account.id, orders.c.client_id.is_(None))
            .order_by(fills.c.client_id)
        )
        with self._database.reading() as connection:
            return tuple(connection.execute(wanted).scalars())

    def close(self) -> None:
        self._database.close()
