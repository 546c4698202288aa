"""Putting a copy of the books in place of those that are there."""

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from adapters.storage.backup import copy_online
from adapters.storage.database import Database
from adapters.storage.integrity import problems, reading_file
from adapters.storage.life import Sidecar, begin_anew
from adapters.storage.migrate import known_revisions, upgrade
from ports.store import StoreFailed


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `kept` is the folder with the replaced files, None where there were none."""

    epoch: int
    kept: Path | None


def restore(books: Path, copy: Path, aside: Path) -> Restored:
    """Put `copy` in the place of `books` and begin a new life of the database. Nobody may have `books` open.

    The replaced files are kept in the new folder `aside`. Killed at any moment, either the old or the new books are
    there, and the next opening raises the epoch all the same (see `life`).

    Raises:
        StoreFailed: if `copy` is not a whole copy of our books (nothing was changed), or files cannot be written.
    """
    _refuse_what_is_no_copy(copy)
    books.parent.mkdir(parents=True, exist_ok=True)
    staged = books.with_name(f"{books.name}.restored")
    staged.unlink(missing_ok=True)
    copy_online(copy, staged)
    try:
        kept = _keep_aside(books, aside)
        # A log left behind would be played into the new file.
        for rest in _files(books)[1:]:
            rest.unlink(missing_ok=True)
        staged.replace(books)
    except OSError as error:
        raise StoreFailed(f"the books could not be replaced: {error}; run restore again") from error
    return Restored(_new_life(books), kept)


def _refuse_what_is_no_copy(copy: Path) -> None:
    if not copy.is_file():
        raise StoreFailed(f"there is no file {copy}; scheduled copies lie in the folder backups of the data folder")
    if found := problems(copy, thorough=True):
        raise StoreFailed(f"{copy} is damaged itself ({found[0]}); take another copy")
    try:
        with reading_file(copy) as connection:
            told = connection.execute("SELECT version_num, instance FROM alembic_version, meta").fetchall()
    except sqlite3.Error as error:
        raise StoreFailed(f"{copy} holds no books of Gridhive ({error}); take another file") from error
    if len(told) != 1 or told[0][0] not in known_revisions():
        raise StoreFailed(f"{copy} was written by another version of this program; restore it with that version")


def _files(books: Path) -> tuple[Path, ...]:
    return (books, *(books.with_name(f"{books.name}-{rest}") for rest in ("wal", "shm")))


def _keep_aside(books: Path, aside: Path) -> Path | None:
    there = [file for file in _files(books) if file.exists()]
    if not there:
        return None
    aside.mkdir(parents=True)
    for file in there:
        shutil.copy2(file, aside)
    return aside


def _new_life(books: Path) -> int:
    database, sidecar = Database(f"sqlite:///{books}"), Sidecar(books.with_name(f"{books.name}.epoch"), books)
    try:
        upgrade(database)
        with database.writing() as connection:
            life = begin_anew(connection, sidecar)
        sidecar.write(life)
    finally:
        database.close()
        sidecar.close()
    return life.epoch
