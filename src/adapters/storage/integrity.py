"""Is a SQLite file whole? Asked without changing a byte of it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ports.store import StoreFailed

_SHOWN: Final = 5
_DAMAGED: Final = ("SQLITE_CORRUPT", "SQLITE_NOTADB")


def refuse_damaged(file: Path) -> None:
    """Pass where `file` is whole or not there yet. Anything but damage is left to the opening itself to tell.

    Raises:
        StoreFailed: in one sentence with the remedy, if it is damaged.
    """
    found = problems(file) if file.exists() else []
    if found:
        raise StoreFailed(
            f"the books {file} are damaged ({found[0]}); nothing was changed. Put a copy back with "
            f"`python -m cli restore FILE`; scheduled copies lie in {file.parent / 'backups'}"
        )


def problems(file: Path, *, thorough: bool = False) -> list[str]:
    """Return what is wrong with the file, nothing where it is whole.

    Args:
        file: a SQLite database, which another process may be using.
        thorough: compare every index with its table too (`integrity_check` instead of `quick_check`).
    """
    check = "integrity_check" if thorough else "quick_check"
    try:
        with reading_file(file) as connection:
            told = [str(row[0]) for row in connection.execute(f"PRAGMA {check}({_SHOWN})")]
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "") or ""
        return [str(error)] if name.startswith(_DAMAGED) else []
    return [line for text in told for line in text.splitlines() if line != "ok"]


@contextmanager
def reading_file(file: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that cannot write to the file."""
    with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as connection:
        yield connection
