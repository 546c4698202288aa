"""Which life of the database this is: an order's client id carries instance and epoch and is never used twice.

A database restored from a backup forgets ids it has given away. So what is known of the newest state is kept twice:
in the database (table meta) and in a small file beside it, `<database>.epoch`. Both hold

- birth: a random word from the database's creation,
- epoch: the number of this life, from 1,
- generation: counted up by every commit; the file is written after the commit,

and the file also holds the inode number of the database it belongs to.

**The rule, applied at each opening.** The database is the one the file speaks of when birth, epoch and inode are equal
and the database's generation is not below the file's. (It may be above: the process was killed, or power was lost,
between commit and file.) In every other case, a missing or unreadable file included, an older or another database may
have been put in place: the epoch becomes one more than the larger of the two and is stored in both. Raising without
need costs a number and nothing else, so doubt raises. Books that are empty beside a file that tells of others are
refused: they were deleted or cut to nothing, and new ones would leave the orders of the old ones unwatched.

**What may be missing.** Every commit is durable once it returns, yet disks lie, and copies are put back. So the file
also names the run of the machine (its boot id) in which the books were known to be whole. While the machine runs on,
no death of a process takes a commit along. Under another boot id, after a raised epoch, after a restore, and where the
books lie on a database server, orders may have left that the books do not know: recovery then reads every trade since
the last one known, and only when each running grid has done so are the books called whole again.

The inode is there for a whole data folder copied back, file and all. What no rule here can see is a file system put
back as a whole (a snapshot of the machine); whoever does that calls `SqlStore.raise_epoch`, or restores a copy.
"""

import json
import logging
import os
import secrets
import string
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Final

from sqlalchemy import Connection, insert, select, update

from adapters.storage.tables import meta
from ports.store import StoreFailed

log = logging.getLogger(__name__)

_ALPHABET: Final = string.digits + string.ascii_lowercase
_INSTANCE_LENGTH: Final = 4
_LEAP: Final = 1000
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_FILE_BYTES: Final = 192  # always the same length, so that a shorter text leaves no rest of a longer one


@dataclass(frozen=True, slots=True)
class Life:
    birth: str
    epoch: int
    generation: int
    inode: int | None = None
    whole_in: str = ""
    """The boot in which these books were last known to hold every order of ours; empty where they are not."""


def boot_id() -> str:
    """Return what tells this run of the machine from every other; empty where the system does not say."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


class Sidecar:
    """The file beside the database. Its loss is answered by a raised epoch, so its own failures only warn.

    Args:
        boot: the machine's boot id, None for the true one.
    """

    def __init__(self, path: Path, database_file: Path | None, boot: str | None = None) -> None:
        self.path = path
        self._database_file = database_file
        # A database server's machine may lose power without ours: there the books are never taken for whole.
        self._boot = (boot_id() if boot is None else boot) if database_file else ""
        self._lock = Lock()
        self._warned = False
        self._written: Life | None = None
        self._descriptor: int | None = None

    def read(self) -> Life | None:
        """Return what the file says, None where it is missing or unreadable."""
        try:
            told = json.loads(self.path.read_text("ascii"))
            life = Life(str(told["birth"]), int(told["epoch"]), int(told["generation"]), told["inode"])
            return replace(life, whole_in=str(told.get("whole_in", "")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def inode(self) -> int | None:
        return self._database_file.stat().st_ino if self._database_file else None

    def write(self, life: Life) -> None:
        """Write `life` through to the disk."""
        with self._lock:
            self._written = replace(life, inode=self.inode())
            self._put(self._written, durable=True)

    def note(self, generation: int) -> None:
        """Remember a commit, from any thread and in any order. Not forced to disk: a lag is not held against us."""
        with self._lock:
            if self._written is not None and generation > self._written.generation:
                self._written = replace(self._written, generation=generation)
                self._put(self._written, durable=False)

    def is_whole(self, life: Life) -> bool:
        """Tell whether no order of ours can be missing in books that were left like this."""
        return bool(self._boot) and life.whole_in == self._boot

    def note_whole(self) -> None:
        """Remember that the books hold every order of ours, for as long as this machine runs on."""
        with self._lock:
            if self._written is not None and self._written.whole_in != self._boot:
                self._written = replace(self._written, whole_in=self._boot)
                self._put(self._written, durable=True)

    def close(self) -> None:
        with self._lock:
            if self._written is not None:
                self._put(self._written, durable=True)
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = self._written = None

    def _put(self, life: Life, *, durable: bool) -> None:
        told = {name: getattr(life, name) for name in ("birth", "epoch", "generation", "inode", "whole_in")}
        text = json.dumps(told).encode("ascii").ljust(_FILE_BYTES - 1) + b"\n"
        try:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            os.pwrite(self._descriptor, text, 0)
            if durable:
                os.fsync(self._descriptor)
        except OSError as error:
            if not self._warned:
                log.warning("%s cannot be written (%s); the next start will raise the epoch", self.path, error)
            self._warned = True


def settle(connection: Connection, sidecar: Sidecar | None) -> tuple[str, Life]:
    """Apply the rule inside a write transaction; return instance and life, to be written to the sidecar after it.

    Raises:
        StoreFailed: if the books are gone of which the sidecar tells.
    """
    told = sidecar.read() if sidecar else None
    row = connection.execute(select(meta)).one_or_none()
    if row is None and sidecar and told:
        raise StoreFailed(
            f"the books are empty, and {sidecar.path} tells of books that were kept here. Put a copy back "
            f"(`python -m cli restore FILE`), or remove {sidecar.path} to begin new ones: orders of the old ones that "
            "rest at the exchange are then yours to cancel"
        )
    if row is None:
        return _be_born(connection)
    stored = Life(row.birth, row.epoch, row.generation)
    epoch = stored.epoch
    if sidecar and not _same_life(stored, told, sidecar.inode()):
        epoch = max(stored.epoch, told.epoch if told else 0) + 1
        log.warning("the database may have been restored from a backup: its epoch is now %d", epoch)
    whole_in = told.whole_in if told and epoch == stored.epoch else ""
    life = replace(stored, epoch=epoch, generation=stored.generation + 1, whole_in=whole_in)
    connection.execute(update(meta).values(epoch=life.epoch, generation=life.generation))
    return row.instance, life


def begin_anew(connection: Connection, sidecar: Sidecar) -> Life:
    """Raise the epoch above everything known of, whatever the rule would say; the sidecar is to be written after it.

    Without the file beside, as on a new machine, nobody knows how many lives followed the copy: a leap then makes it
    unlikely that one of theirs is begun a second time.
    """
    told, row = sidecar.read(), connection.execute(select(meta)).one()
    step = 1 if told else _LEAP + secrets.randbelow(_LEAP)
    epoch = max(row.epoch, told.epoch if told else 0) + step
    life = Life(row.birth, epoch, row.generation + 1)
    connection.execute(update(meta).values(epoch=life.epoch, generation=life.generation))
    return life


def _be_born(connection: Connection) -> tuple[str, Life]:
    instance = "".join(secrets.choice(_ALPHABET) for _ in range(_INSTANCE_LENGTH))
    life = Life(secrets.token_hex(8), epoch=1, generation=1)
    connection.execute(
        insert(meta).values(id=1, instance=instance, birth=life.birth, epoch=life.epoch, generation=life.generation)
    )
    return instance, life


def _same_life(stored: Life, told: Life | None, inode: int | None) -> bool:
    return (
        told is not None
        and (told.birth, told.epoch, told.inode) == (stored.birth, stored.epoch, inode)
        and stored.generation >= told.generation
    )
