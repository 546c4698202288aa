"""Opening the books of one account, whose database is made or brought up to date first."""

from pathlib import Path

from sqlalchemy import Connection, insert, select

from adapters.storage.database import DEFAULT_BUSY_TIMEOUT_S, Database
from adapters.storage.integrity import refuse_damaged
from adapters.storage.life import Sidecar, settle
from adapters.storage.migrate import upgrade
from adapters.storage.store import SqlStore
from adapters.storage.tables import accounts, grids
from domain.account import Account
from ports.clock import Clock


def open_store(
    url: str,
    account: Account,
    clock: Clock,
    *,
    sidecar: Path | None = None,
    busy_timeout_s: float = DEFAULT_BUSY_TIMEOUT_S,
    boot: str | None = None,
) -> SqlStore:
    """Open the books of `account`, bringing the database to the newest revision first.

    Args:
        url: `sqlite:///path/to/file` or a PostgreSQL URL.
        account: whose rows are seen; its row is made where it is new.
        clock: for the account's time of creation.
        sidecar: where the life of the database is kept a second time (see `life`); for SQLite the default is
            `<file>.epoch`, for other databases there is none unless it is given.
        busy_timeout_s: how long a commit waits for another process that writes.
        boot: what tells this run of the machine from another; None asks the system.

    Raises:
        StoreFailed: if the database is damaged, or cannot be opened, read or brought up to date.
    """
    database = Database(url, busy_timeout_s)
    if database.file:
        refuse_damaged(database.file)
    path = sidecar or (database.file and database.file.with_name(f"{database.file.name}.epoch"))
    keeper = Sidecar(path, database.file, boot) if path else None
    try:
        upgrade(database)
        with database.writing() as connection:
            _add_account(connection, account, clock.wall_ms())
            instance, life = settle(connection, keeper)
            is_whole = keeper is not None and keeper.is_whole(life)
            doubted = set() if is_whole else _running_grids(connection)
    except BaseException:
        database.close()
        raise
    if keeper:
        keeper.write(life)
        if not doubted:
            keeper.note_whole()
    return SqlStore(database, account, instance, life, keeper, doubted)


def _running_grids(connection: Connection) -> set[tuple[str, int]]:
    wanted = select(grids.c.account, grids.c.grid_id).where(grids.c.ended_ms.is_(None))
    return {(row.account, row.grid_id) for row in connection.execute(wanted)}


def _add_account(connection: Connection, account: Account, wall_ms: int) -> None:
    if connection.execute(select(accounts.c.id).where(accounts.c.id == account.id)).first() is None:
        connection.execute(
            insert(accounts).values(
                id=account.id,
                venue=account.venue,
                mode=account.mode.value,
                fingerprint=account.fingerprint,
                created_ms=wall_ms,
            )
        )
