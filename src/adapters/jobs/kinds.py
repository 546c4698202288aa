"""What kinds of long work there are, and within which bounds it runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psutil
from pydantic import BaseModel

from ports.backtest_job import BACKTEST, BacktestParameters
from ports.backtest_job import RESULTS as BACKTEST_RESULTS
from ports.suggest_job import RESULTS as SUGGEST_RESULTS
from ports.suggest_job import SUGGEST, UNSHOWN, SuggestParameters

MIB: Final = 1024**2
GIB: Final = 1024**3
HOUR_S: Final = 3600.0
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """One row: `python -m MODULE FOLDER` reads parameters.json of the folder and leaves the files `results` there.

    `check`, where there is one, is a module that is run the same way before a job is taken, on a list of the parameters
    of one or more, and tells what cannot work; it leaves nothing. For a brief one somebody waits: one of these may run
    beside long ones. `unshown` parameters its process alone is given.
    """

    module: str
    parameters: type[BaseModel]
    results: tuple[str, ...]
    check: str = ""
    longest_s: float = 6 * HOUR_S
    is_brief: bool = False
    unshown: tuple[str, ...] = ()


KINDS: Final[Mapping[str, JobKind]] = {
    BACKTEST: JobKind(
        module="backtest.job", parameters=BacktestParameters, results=BACKTEST_RESULTS, check="backtest.job_check"
    ),
    SUGGEST: JobKind(
        module="backtest.suggest_job",
        parameters=SuggestParameters,
        results=SUGGEST_RESULTS,
        longest_s=900.0,
        is_brief=True,
        unshown=UNSHOWN,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """Bounds of all jobs together and of each; seconds and bytes.

    `running` counts long ones. `data_bytes` bounds the writable memory of each process, `file_bytes` each file it
    writes. `grace_s` is how long one that is asked to end may take, `check_s` how long the look before a job is taken
    may, its wait for a turn included. `in_background`: it gets only what nobody else wants of processor and disk.
    `kept`, `kept_ms` and `kept_bytes` bound what is kept of jobs that have ended, the oldest go first.
    """

    running: int = 1
    queued: int = 20
    threads: int = 1
    data_bytes: int = 2 * GIB
    file_bytes: int = 2 * GIB
    free_disk_bytes: int = 256 * MIB
    grace_s: float = 3.0
    check_s: float = 8.0
    in_background: bool = True
    kept: int = 100
    kept_ms: int = 30 * DAY_MS
    kept_bytes: int = 2 * GIB

    @classmethod
    def of_this_machine(cls) -> "JobLimits":
        """Return bounds that leave trading a processor and half of the memory."""
        threads = max(1, (os.cpu_count() or 1) - 1)
        memory = psutil.virtual_memory().total
        return cls(threads=threads, data_bytes=min(max(memory // 2, GIB), 8 * GIB))
