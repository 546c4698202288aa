"""Shadow's exchange: our own simulator, run as a child process by its command line.

It is started on free ports, watched, started again when it dies and ended on a clean stop. One that outlived a killed
server is adopted, because the account it holds is the one our books belong to; also one that was still starting then.
"""

import contextlib
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from adapters.simulator_folder import SimulatorFolder
from domain.errors import Unreachable
from ports.control import PartState

log = logging.getLogger(__name__)

SHADOW_KEY = "shadow-key"
SHADOW_SECRET = "shadow-secret"  # noqa: S105 - opens play money on loopback only
READY_S = 30.0
STOP_S = 5.0
POLL_S = 0.02
WATCH_S = 0.2
LOG_PREFIX = re.compile(r"^[\d-]+ [\d:,]+ [A-Z]+ ")


@dataclass(frozen=True, slots=True)
class SimulatorAddresses:
    """Where a running simulator answers."""

    spot_url: str
    futures_url: str | None


class SimulatorProcess:
    """One simulator for one data folder.

    Args:
        folder: its state and the note of the running process.
        arguments: options of `python -m simulator` but ports and state; paths absolute.
        source_root: the folder from which `python -m simulator` is found.
        log_file: where it may say what it has to say.
        environment: all it gets to see of ours; no key is among it.
    """

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str],
        source_root: Path,
        log_file: Path,
        *,
        environment: Mapping[str, str],
    ) -> None:
        self._folder = SimulatorFolder(folder)
        self._arguments = tuple(arguments)
        self._source_root = source_root
        self._log_file = log_file
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self._stopping = Event()
        self._lock = Lock()
        self._watcher: Thread | None = None
        self.when_restarted: Callable[[], None] | None = None
        """Called in a thread of its own once one that died answers again."""
        self._ready: dict[str, Any] = {}

    def start(self) -> SimulatorAddresses:
        """Adopt the simulator that already runs on this folder, or start one; return its addresses.

        Raises:
            Unreachable: if it does not become ready; the text holds its own last words.
        """
        adopted, lock = self._find()
        if lock is not None:
            self._launch(("--port", "0", "--futures-port", "0"), lock)
        else:
            self._ready, self._pid = adopted, int(adopted["pid"])
            self._folder.note(adopted, self._arguments)
            log.info("adopted the simulator that already runs (pid %d)", self._pid)
        self._watcher = Thread(target=self._watch, name="simulator-watch", daemon=True)
        self._watcher.start()
        return self._addresses()

    def part(self) -> PartState:
        """Return whether the process runs; one that died is started again within seconds."""
        alive = self._pid is not None and self._is_alive(self._pid)
        reason = "" if alive else "its process has ended and is being started again"
        return PartState(name="simulator", alive=alive, ready=alive, reason=reason)

    def stop(self) -> None:
        """End the simulator; its state stays in the folder."""
        self._stopping.set()
        with self._lock:
            if self._pid is not None and _is_running(self._pid):
                _terminate(self._pid, self._process)
            self._folder.forget()

    def abandon(self) -> None:
        """Leave it as it was found: end it if it was started here, let one that was adopted run."""
        if self._process is not None:
            self.stop()
        self._stopping.set()

    # --- helpers ---

    def _addresses(self) -> SimulatorAddresses:
        return SimulatorAddresses(self._ready["spot_url"], self._ready["futures_url"])

    def _find(self) -> tuple[dict[str, Any], int | None]:
        """Return what the simulator says that runs here, or the lock where none does (any more).

        One that an earlier server had just begun to start is waited for, as is one that is slow to answer.
        """
        end_s = monotonic() + READY_S
        while (lock := self._folder.lock()) is None:
            ready = self._folder.ready()
            if ready is not None and self._folder.arguments() != list(self._arguments):
                log.warning("a simulator with other options runs on this folder (pid %d): ending it", ready["pid"])
                _terminate(int(ready["pid"]), None)
            elif ready is not None and _answers(ready["spot_url"]):
                return ready, None
            elif monotonic() >= end_s:
                which = f"process {ready['pid']}" if ready else "a process"
                raise Unreachable(
                    f"the simulator on {self._folder.path} ({which}) does not answer; end it and start again"
                )
            else:
                sleep(POLL_S)
        return {}, lock

    def _launch(self, ports: Sequence[str], lock: int) -> None:
        """Start one that inherits the lock, so that it is known of whenever this process is killed."""
        command = [sys.executable, "-m", "simulator", *self._arguments, *ports, "--state", str(self._folder.path)]
        with contextlib.ExitStack() as closing:
            closing.callback(os.close, lock)
            output = self._folder.begin(lock, self._arguments)
            closing.callback(os.close, output)
            self._log_file.parent.mkdir(parents=True, exist_ok=True)
            errors = closing.enter_context(self._log_file.open("ab"))
            # A session of its own: Ctrl-C in the terminal reaches the server, which then ends the simulator last.
            self._process = subprocess.Popen(  # noqa: S603 - our own module by our own interpreter
                command,
                stdout=output,
                stderr=errors,
                cwd=self._source_root,
                env=self._environment,
                start_new_session=True,
                pass_fds=(lock,),
            )
        try:
            self._ready = self._await_ready(self._process)
        except BaseException:  # an interrupted start leaves nothing behind either
            _terminate(self._process.pid, self._process)
            raise
        self._pid = int(self._ready["pid"])
        self._folder.note(self._ready, self._arguments)

    def _await_ready(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        end_s = monotonic() + READY_S
        while monotonic() < end_s:
            has_ended = process.poll() is not None
            ready = self._folder.ready()
            if ready is not None:
                return ready
            if has_ended:
                break
            sleep(POLL_S)
        raise Unreachable(f"the simulator did not start: {self._last_words()} (its --state is {self._folder.path})")

    def _last_words(self) -> str:
        lines = self._log_file.read_text(errors="replace").strip().splitlines()
        return LOG_PREFIX.sub("", lines[-1]) if lines else f"it said nothing within {READY_S:g} s; see {self._log_file}"

    def _watch(self) -> None:
        pause_s = WATCH_S
        while not self._stopping.wait(pause_s):
            with self._lock:
                if self._stopping.is_set() or (self._pid is not None and self._is_alive(self._pid)):
                    pause_s = WATCH_S
                    continue
                log.error("the simulator died; starting it again on the same ports")
                try:
                    self._launch_again()
                except Unreachable as error:
                    pause_s = min(pause_s * 2, 30.0)
                    log.error("%s; next try in %g s", error, pause_s)  # noqa: TRY400 - the sentence says it all

    def _launch_again(self) -> None:
        lock = self._folder.lock()
        if lock is None:
            raise Unreachable(f"a process still holds {self._folder.path}")
        self._launch(_ports_of(self._ready), lock)
        if self.when_restarted is not None:
            self.when_restarted()

    def _is_alive(self, pid: int) -> bool:
        if self._process is not None and self._process.pid == pid:
            return self._process.poll() is None
        return _is_running(pid)


def _ports_of(ready: Mapping[str, Any]) -> tuple[str, ...]:
    spot, futures = (str(ready[name]).rsplit(":", 1)[1].rstrip("/") for name in ("spot_url", "futures_url"))
    return ("--port", spot, "--futures-port", futures)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        # An adopted one that ended stays a zombie where nobody reaps orphans, as in a container without an init.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/api/v3/ping", timeout=2) as answer:  # noqa: S310 - a loopback address we wrote down
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _terminate(pid: int, process: subprocess.Popen[bytes] | None) -> None:
    """End it and wait until it is gone, so that its state is written before anyone opens it again."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    if not _ends_in_time(pid, process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _ends_in_time(pid, process)


def _ends_in_time(pid: int, process: subprocess.Popen[bytes] | None) -> bool:
    end_s = monotonic() + STOP_S
    while process.poll() is None if process is not None else _is_running(pid):
        if monotonic() >= end_s:
            return False
        sleep(POLL_S)
    return True
