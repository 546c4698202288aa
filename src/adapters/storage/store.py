"""The books of one account in SQLite or PostgreSQL."""

from collections.abc import Iterable

from sqlalchemy import update

from adapters.storage.database import Database
from adapters.storage.grid_store import GridStore
from adapters.storage.life import Life, Sidecar
from adapters.storage.money_store import MoneyStore
from adapters.storage.order_store import OrderStore
from adapters.storage.switches import SqlSwitches
from adapters.storage.tables import meta
from domain.account import Account
from ports.control import PartState


class SqlStore(GridStore, OrderStore, MoneyStore):
    """Implements `ports.store.Store`; may be used by many threads at once. Made by `open_store`."""

    def __init__(
        self,
        database: Database,
        account: Account,
        instance: str,
        life: Life,
        sidecar: Sidecar | None,
        doubted: Iterable[tuple[str, int]] = (),
    ) -> None:
        super().__init__(database, account.id, life, sidecar)
        self._account = account
        self._instance = instance
        self._doubted = set(doubted)

    @property
    def account(self) -> Account:
        return self._account

    @property
    def instance(self) -> str:
        return self._instance

    def may_lack_orders(self, grid_id: int) -> bool:
        """Tell whether orders of the grid may have left that these books do not know (see `life`)."""
        return (self._id, grid_id) in self._doubted

    def holds_all_orders(self, grid_id: int) -> None:
        """Note that every trade of the grid was read and every order of ours found."""
        self._doubted.discard((self._id, grid_id))
        if not self._doubted and self._sidecar:
            self._sidecar.note_whole()

    @property
    def failure(self) -> str:
        """Return why the last write did not happen; empty once one has succeeded again."""
        return self._database.failure

    def part(self) -> PartState:
        return PartState(name="database", alive=not self.failure, ready=not self.failure, reason=self.failure)

    def probe(self) -> None:
        """Commit next to nothing, to know whether the next commit would succeed.

        Raises:
            StoreFailed: if it would not.
        """
        with self._writing():
            pass

    def raise_epoch(self) -> int:
        """Begin a new life because a restore is known to have happened; return its number."""
        with self._database.writing() as connection:
            row = connection.execute(
                update(meta)
                .values(epoch=meta.c.epoch + 1, generation=meta.c.generation + 1)
                .returning(meta.c.epoch, meta.c.generation)
            ).one()
        self._life = Life(self._life.birth, row.epoch, row.generation)
        if self._sidecar:
            self._sidecar.write(self._life)
        return self._life.epoch

    def close(self) -> None:
        """Give connections and files back. The store is not to be used afterwards."""
        self._database.close()
        if self._sidecar:
            self._sidecar.close()

    @property
    def switches(self) -> SqlSwitches:
        """Return the account's pairs on their way to another market."""
        return SqlSwitches(self._id, self.epoch, self._database.reading, self._writing)
