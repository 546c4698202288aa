"""The first thing a job's process does: become modest, and see that it ends when the server does.

    python -m adapters.jobs.child LIMITS MODULE FOLDER

Then it runs MODULE as `python -m MODULE FOLDER` would. Standard input is a lifeline: nothing is ever written to it, and
when its other end closes, because the server was killed, this process and all others of its group are killed too.
"""

import contextlib
import json
import os
import resource
import runpy
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Thread
from typing import Any

LOWEST_PRIORITY = 19


def main() -> None:
    """Set the bounds, hold the lifeline, run the job."""
    limits, module, folder = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3]
    hold_lifeline()
    keep_bounds(limits)
    if limits["in_background"]:
        step_back()
    sys.argv = [module, folder]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def hold_lifeline() -> None:
    """Watch standard input from a thread; whoever reads it afterwards finds it empty."""
    lifeline = os.dup(0)
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    Thread(target=_die_with, args=(lifeline,), name="lifeline", daemon=True).start()


def _die_with(lifeline: int) -> None:
    while os.read(lifeline, 1):
        pass
    os.killpg(os.getpgrp(), signal.SIGKILL)


def keep_bounds(limits: Mapping[str, Any]) -> None:
    """Bound memory, files and time of this process, and have it killed first where memory runs out."""
    _lower(resource.RLIMIT_DATA, limits["data_bytes"])
    _lower(resource.RLIMIT_FSIZE, limits["file_bytes"])
    _lower(resource.RLIMIT_CORE, 0)
    signal.setitimer(signal.ITIMER_REAL, limits["longest_s"])  # not caught, so that it ends compiled code too
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _lower(which: int, wanted: int) -> None:
    _, hard = resource.getrlimit(which)
    bound = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):  # not every system bounds everything
        resource.setrlimit(which, (bound, bound))


def step_back() -> None:
    """Take only what nobody else wants of processor and disk."""
    import psutil  # noqa: PLC0415 - only here, so that a process in a hurry starts without it

    os.setpriority(os.PRIO_PROCESS, 0, LOWEST_PRIORITY)
    if hasattr(os, "SCHED_IDLE"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    if hasattr(psutil, "IOPRIO_CLASS_IDLE"):
        with contextlib.suppress(OSError, psutil.Error):
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)


if __name__ == "__main__":
    main()
