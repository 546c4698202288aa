"""Processes of jobs: started in a group of their own, told apart from all others by a mark, ended without remainder."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from threading import Lock, Thread, Timer
from time import monotonic, sleep
from typing import Final

import psutil

from adapters.jobs.kinds import JobKind, JobLimits

MARK: Final = "HIVE_JOB"
"""Name of the variable in the environment of every process of a job; its value is the job's own mark."""
_LONGEST_LINE: Final = 16 * 1024
_LAST_WORDS_S: Final = 5.0
_POLL_S: Final = 0.01
_THREAD_VARIABLES: Final = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "POLARS_MAX_THREADS",
)


class JobProcess:
    """One running job.

    Args:
        kind: what to run.
        folder: the job's, absolute.
        mark: by which its processes are known; see `end_marked`.
        limits: bounds.
        source_root: where modules are found.
        environment: all it gets to see of ours; no key is among it.
        on_line: hears every line it says, from a thread of its own.

    Raises:
        OSError: if no process can be made.
    """

    def __init__(
        self,
        kind: JobKind,
        folder: Path,
        mark: str,
        limits: JobLimits,
        source_root: Path,
        environment: Mapping[str, str],
        on_line: Callable[[bytes], None],
    ) -> None:
        self._mark, self._grace_s = mark, limits.grace_s
        bounds = json.dumps({**asdict(limits), "longest_s": kind.longest_s})
        paths = [str(source_root), *filter(None, [environment.get("PYTHONPATH")])]
        # A group and not a session of its own: in a session the kernel may weigh it like the whole server (autogroup).
        self._process = subprocess.Popen(  # noqa: S603 - our own module by our own interpreter
            [sys.executable, "-m", "adapters.jobs.child", bounds, kind.module, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={
                **environment,
                **dict.fromkeys(_THREAD_VARIABLES, str(limits.threads)),
                "PYTHONPATH": os.pathsep.join(paths),
                "PYTHONSAFEPATH": "1",  # what lies in the folder is never imported
                "PYTHONUNBUFFERED": "1",
                MARK: mark,
            },
            process_group=0,
        )
        self._on_line = on_line
        self._killer: Timer | None = None
        self._reaping = Lock()
        self._reader = Thread(target=self._read, name="job-output", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self) -> int:
        """Wait until it ends, end whatever it left running, and return its exit code (negative: the signal)."""
        # Not reaped yet, so its number and its group's still belong to it when the group is killed.
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self._signal(signal.SIGKILL)
        if self._killer is not None:
            self._killer.cancel()
        with self._reaping:
            code = self._process.wait()
        end_marked(self._mark)
        self._reader.join(_LAST_WORDS_S)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def end(self) -> None:
        """Ask it to end, and kill it after the grace; returns at once. A second call does nothing."""
        if self._killer is None:
            self._killer = Timer(self._grace_s, self._signal, (signal.SIGKILL,))
            self._killer.daemon = True
            self._killer.start()
            self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        with self._reaping, contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                os.killpg(self.pid, number)

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None  # noqa: S101 - asked for above
        with contextlib.suppress(ValueError, OSError):  # closed on it where a stranger kept the other end
            while line := stream.readline(_LONGEST_LINE):
                self._on_line(line)


def end_marked(mark: str) -> int:
    """Kill every process whose environment holds `mark`, wait until they are gone, and return how many there were.

    A process that only took over the number of one that has ended has no such mark.
    """
    found = list(_marked(mark))
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):  # psutil compares start times: never another of that number
            process.kill()
    end_s = monotonic() + _LAST_WORDS_S
    while any(map(_is_alive, found)) and monotonic() < end_s:
        sleep(_POLL_S)
    return len(found)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _marked(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # it ended, or belongs to another user
            if process.environ().get(MARK) == mark:
                yield process
