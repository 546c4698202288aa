"""One instance per account on a host, and one per data folder.

Locks are the operating system's (flock), so that a process that died holds nothing. Beside each lock file lies a note
with the holder's process id, read only by whoever finds the lock taken.
"""

import errno
import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from filelock import FileLock, Timeout

from domain.errors import Conflict

_OURS: Final = "gridhive"
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(slots=True)
class HeldLocks:
    """Locks in hand until `release`, the end of a with block, or the end of the process."""

    what: str
    _stack: ExitStack = field(repr=False)

    def release(self) -> None:
        """Give the locks back; a second time does nothing."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def runtime_folders(xdg_runtime_dir: str | None = None) -> tuple[Path, ...]:
    """Return the folders of this user in which locks of accounts lie, whatever data folder is used.

    More than one, because a service and a shell of the same user need not agree on XDG_RUNTIME_DIR: `/run/user/<uid>`
    counts where it exists, told or not, and the temp folder counts always.

    Args:
        xdg_runtime_dir: the value of XDG_RUNTIME_DIR; only configuration reads the environment.
    """
    uid = os.getuid()
    bases = [Path(xdg_runtime_dir)] if xdg_runtime_dir else []
    bases.append(Path(f"/run/user/{uid}"))
    # Resolved, so that two spellings of one folder are not locked against each other.
    folders = [base.resolve() / _OURS for base in bases if base.is_dir() and os.access(base, os.W_OK)]
    return (*dict.fromkeys(folders), Path(tempfile.gettempdir()) / f"{_OURS}-{uid}")


def lock_account(
    account_id: str, folders: Sequence[Path], remedy: str = "stop it first, or use another key"
) -> HeldLocks:
    """Become the only instance on this account.

    Args:
        account_id: `Account.id`; in Shadow with the simulator's own id, since each of them holds an account.
        folders: what `runtime_folders` returned; all of them are locked.
        remedy: what to do where another process holds it.

    Raises:
        Conflict: if another process holds it, or a folder is not this user's own.
    """
    name = _file_name(account_id)
    for folder in folders:
        _make_private(folder)
    return _hold([folder / f"{name}.lock" for folder in folders], f"account {account_id}", remedy)


def lock_data_folder(folder: Path) -> HeldLocks:
    """Become the only instance on a data folder, which is made where it is missing.

    Raises:
        Conflict: if another process holds it, or it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Conflict(f"data folder {folder} cannot be made: {error}; {_way_out(error, folder.parent)}") from error
    remedy = "stop it first, or give this one a data folder of its own"
    return _hold([folder / f"{_OURS}.lock"], f"data folder {folder}", remedy)


def _hold(files: Sequence[Path], what: str, remedy: str) -> HeldLocks:
    with ExitStack() as stack:
        for file in files:
            # Not thread_local: who releases it at shutdown need not be the thread that took it.
            lock = FileLock(file, timeout=0, thread_local=False, mode=0o600)
            note = _note(file)
            try:
                lock.acquire()
                stack.callback(lock.release)
                note.write_text(f"{os.getpid()}\n", "ascii")
            except Timeout:
                raise Conflict(f"{what} is in use by {_holder(file)}; {remedy}") from None
            except OSError as error:
                raise Conflict(f"{what} cannot be locked: {error}; {_way_out(error, file.parent)}") from error
            stack.callback(note.unlink, missing_ok=True)
        return HeldLocks(what, stack.pop_all())


def _holder(file: Path) -> str:
    try:
        return f"process {int(_note(file).read_text('ascii'))}"
    except (OSError, ValueError):
        return "another process (it is just starting or ending)"


def _way_out(error: OSError, folder: Path) -> str:
    if error.errno in _NO_ROOM:
        return f"make room on the disk of {folder}"
    if error.errno == errno.ENOTDIR:
        return f"{folder} or what it lies in is a file; remove it, or name another folder"
    return f"make {folder} writable"


def _note(file: Path) -> Path:
    return file.with_suffix(".pid")


def _file_name(account_id: str) -> str:
    """Return a name that people can read and that no two accounts share."""
    digest = hashlib.sha256(account_id.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', account_id)[:80]}-{digest}"


def _make_private(folder: Path) -> None:
    """Make a folder only this user can enter, and refuse one that somebody else laid there before."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise Conflict(f"the lock folder {folder} cannot be made: {error}; {_way_out(error, folder.parent)}") from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise Conflict(f"the lock folder {folder} is not this user's own; remove it, or ask its owner to")
