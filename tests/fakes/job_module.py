"""What the processes of example jobs do, each by its name; the module they run."""

# ruff: noqa: T201 - what they print is their log and their progress

import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from ports.jobs import Progress, progress_line

RESULT = "answer.txt"


def say(fraction: float, doing: str) -> None:
    print(progress_line(Progress(fraction, doing)), flush=True)


def answer(folder: Path, number: int) -> None:
    say(0.5, "half way")
    print("a word for the log", flush=True)
    (folder / RESULT).write_text(str(number * 2))


def look(folder: Path, _number: int) -> None:
    """Tell in what state it runs."""
    told = {
        "nice": os.getpriority(os.PRIO_PROCESS, 0),
        "policy": os.sched_getscheduler(0),
        "variables": dict(os.environ),
        "data": resource.getrlimit(resource.RLIMIT_DATA)[0],
        "file": resource.getrlimit(resource.RLIMIT_FSIZE)[0],
        "input": sys.stdin.read(),
        "cwd": str(Path.cwd()),
        "group": os.getpgrp() == os.getpid(),
    }
    (folder / RESULT).write_text(json.dumps(told))


def fail(_folder: Path, _number: int) -> None:
    print("error: candles: there are none; get them first", flush=True)
    sys.exit(1)


def forget(_folder: Path, _number: int) -> None:
    """Leave no result."""


def die(_folder: Path, _number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def eat(_folder: Path, _number: int) -> None:
    bytearray(3 * 1024**3)


def flood(folder: Path, _number: int) -> None:
    (folder / RESULT).write_bytes(bytes(64 * 1024**2))


def chatter(folder: Path, number: int) -> None:
    for line in range(number):
        print(f"{line:06} {'x' * 993}")
    answer(folder, 0)


def hang(_folder: Path, _number: int) -> None:
    """Run on with a grandchild, and with another that left the group, whatever it is asked."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
    ]
    children = [subprocess.Popen(sleep), subprocess.Popen(sleep, start_new_session=True)]
    say(0.1, f"pids {os.getpid()} {children[0].pid} {children[1].pid}")
    time.sleep(600)


def wait(_folder: Path, _number: int) -> None:
    say(0.1, f"pids {os.getpid()}")
    time.sleep(600)


def own(folder: Path, _number: int) -> None:
    """Be a server that has one job which hangs and one that waits, tell of both, and be killed."""
    from fakes.job_examples import jobs_in, told  # noqa: PLC0415 - what a server needs, a job does without

    jobs = jobs_in(folder)
    jobs.start()
    running, queued = jobs.submit("example", {"act": "hang"}), jobs.submit("example", {"act": "answer", "number": 21})
    print(json.dumps([running.job_id, queued.job_id, told(jobs, running.job_id)]), flush=True)
    threading.Event().wait()


ACTS = {act.__name__: act for act in (answer, look, fail, forget, die, eat, flood, chatter, hang, wait)}

if __name__ == "__main__":
    place = Path(sys.argv[1])
    if len(sys.argv) > 2:
        own(place, 0)
    given = json.loads((place / "parameters.json").read_text())
    ACTS[given["act"]](place, given["number"])
