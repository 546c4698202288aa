"""Long work of one data folder."""

from pathlib import Path
from typing import Final

from adapters.jobs.queue import ChildJobs
from config.loading import child_environment
from utils.clock import SystemClock

_SOURCE_ROOT: Final = Path(__file__).parents[1]


def child_jobs(data_dir: Path, clock: SystemClock) -> ChildJobs:
    """Return the jobs of a data folder; nothing is read or run before `start`."""
    return ChildJobs(data_dir.resolve() / "jobs", _SOURCE_ROOT, child_environment, clock)
