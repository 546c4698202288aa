"""Bring a database to the newest revision."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from adapters.storage.database import Database
from ports.store import StoreFailed

HEAD: Final = "0007"
"""The newest revision; a test holds it equal to the scripts."""

SCRIPTS: Final = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Run `alembic upgrade head` in one transaction; do nothing at all where the database is there already.

    Raises:
        StoreFailed: if a newer version of the program wrote this database, or a step failed (nothing is changed).
    """
    with database.reading() as connection:
        if revision_of(connection) == HEAD:
            return
    # Only here, because it takes a quarter of a second that a common start does not have to pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    settings = Config()  # without a file: alembic then leaves the logging set-up alone
    settings.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    with database.writing() as connection:
        settings.attributes["connection"] = connection
        try:
            command.upgrade(settings, "head")
        except CommandError as error:
            raise StoreFailed(
                f"the database is of another version of this program ({error}); start that version or a newer one"
            ) from error


def revision_of(connection: Connection) -> str | None:
    """Return the revision a database is of, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def known_revisions() -> frozenset[str]:
    """Return every revision this program can bring up to date."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - see above

    return frozenset(script.revision for script in ScriptDirectory(str(SCRIPTS)).walk_revisions())
