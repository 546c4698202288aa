"""Jobs that do next to nothing, run by `fakes.job_module`, and waiting for what becomes of them."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from adapters.jobs.kinds import JobKind, JobLimits
from adapters.jobs.queue import ChildJobs
from config.loading import child_environment
from fakes.job_module import RESULT
from ports.jobs import Job
from utils.clock import SystemClock

TESTS = Path(__file__).parents[1]
SRC = TESTS.parent / "src"
MODULE = "fakes.job_module"
QUICK = JobLimits(in_background=False, free_disk_bytes=1, grace_s=1.0, check_s=30.0)
DEADLINE_S = 60.0
_never = threading.Event()


class Wanted(BaseModel):
    """What such a job does, by name, and a number for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    act: str = "answer"
    number: int = 0


KINDS = {
    "example": JobKind(module=MODULE, parameters=Wanted, results=(RESULT,)),
    "looked at": JobKind(module=MODULE, parameters=Wanted, results=(RESULT,), check="fakes.job_look"),
    "short": JobKind(module=MODULE, parameters=Wanted, results=(RESULT,), longest_s=0.5),
    "brief": JobKind(module=MODULE, parameters=Wanted, results=(RESULT,), is_brief=True, unshown=("number",)),
}


def jobs_in(folder: Path, limits: JobLimits = QUICK, kinds: Mapping[str, JobKind] = KINDS) -> ChildJobs:
    """Return jobs that run this file; call `start`, and `close` at the end."""

    def environment() -> dict[str, str]:
        return {**child_environment(), "PYTHONPATH": str(TESTS)}

    return ChildJobs(folder / "jobs", SRC, environment, SystemClock(), kinds=kinds, limits=limits)


def wait_until(jobs: ChildJobs, job_id: str, fits: Callable[[Job], bool]) -> Job:
    """Return the job once it fits."""
    end_s = time.monotonic() + DEADLINE_S
    while not fits(job := jobs.job(job_id)):
        assert time.monotonic() < end_s, f"waited in vain: {job}\n{jobs.log(job_id)}"
        _never.wait(0.01)
    return job


def ended(jobs: ChildJobs, job_id: str) -> Job:
    return wait_until(jobs, job_id, lambda job: job.state.has_ended)


def told(jobs: ChildJobs, job_id: str) -> list[int]:
    """Return the process ids that a running job tells as its progress, once it does."""
    doing = wait_until(jobs, job_id, lambda job: job.progress.doing.startswith("pids ")).progress.doing
    return [int(pid) for pid in doing.split()[1:]]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(pids: list[int]) -> bool:
    """Wait until none of these processes runs."""
    end_s = time.monotonic() + DEADLINE_S
    while any(map(is_running, pids)):
        if time.monotonic() > end_s:
            return False
        _never.wait(0.01)
    return True
