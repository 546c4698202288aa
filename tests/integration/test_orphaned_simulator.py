"""A server killed while its simulator starts: the next server knows of that simulator and takes it over."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.simulator_folder import SimulatorFolder
from adapters.simulator_process import SimulatorProcess
from fakes.processes import ROOT, clean_environment

ARGUMENTS = ["--market", "synthetic", "--seed", "7", "--speed", "max", "--api-key", "key", "--api-secret", "secret"]
DIES_WHILE_IT_STARTS = """
import os, signal, sys
from pathlib import Path
from adapters.simulator_process import SimulatorProcess

class Killed(SimulatorProcess):
    def _await_ready(self, process):
        print(process.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

folder, *arguments = sys.argv[1:]
Killed(Path(folder), arguments, Path.cwd(), Path(folder) / "log.txt", environment=dict(os.environ)).start()
"""


def process_of(folder: Path, arguments: list[str]) -> SimulatorProcess:
    return SimulatorProcess(folder, arguments, ROOT / "src", folder / "log.txt", environment=clean_environment())


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[int]:
    """Return the process id of a simulator whose server was killed right after it had launched it."""
    outcome = subprocess.run(
        [sys.executable, "-c", DIES_WHILE_IT_STARTS, str(tmp_path), *ARGUMENTS],
        cwd=ROOT / "src",
        env=clean_environment({"PYTHONPATH": str(ROOT / "src")}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert outcome.returncode == -signal.SIGKILL, outcome.stderr
    number = int(outcome.stdout)
    yield number
    try:
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_it_is_adopted_and_ended_with_its_new_server(tmp_path: Path, orphan: int) -> None:
    successor = process_of(tmp_path, ARGUMENTS)
    successor.start()
    ready = SimulatorFolder(tmp_path).ready()
    assert ready is not None
    assert ready["pid"] == orphan
    assert successor.part().alive
    successor.stop()
    lock = SimulatorFolder(tmp_path).lock()  # nobody is left on this folder
    assert lock is not None
    os.close(lock)


def test_one_with_other_options_gives_way(tmp_path: Path, orphan: int) -> None:
    successor = process_of(tmp_path, [*ARGUMENTS, "--balance", "USDT=5"])
    successor.start()
    ready = SimulatorFolder(tmp_path).ready()
    assert ready is not None
    assert ready["pid"] != orphan
    successor.stop()
