"""The example that proves the books, run as a person runs it: every line agrees with the exchange to the last digit."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.processes import ROOT, end_simulators, unmeasured_environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

RECORDING = "market/spot/BTCUSDT_1m.parquet"
# The stretch holds the sell-off of August 2024; on the synthetic market a few hours are enough to see every line.
RECORDED = ("--from", "2024-08-04", "--to", "2024-08-07")
SYNTHETIC = ("--symbol", "DOGEUSDT")


def recording() -> Path | None:
    folder = os.environ.get("GRIDHIVE_TEST_DATA")
    file = Path(folder) / RECORDING if folder else None
    return file if file and file.is_file() else None


def run_to_the_end(command: list[str], deadline_s: float) -> tuple[int, str]:
    """Return exit code and output; one that takes too long is ended as by Ctrl-C, so that it ends its server."""
    with subprocess.Popen(
        command, env=unmeasured_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as example:
        try:
            output, _ = example.communicate(timeout=deadline_s)
        except subprocess.TimeoutExpired:
            example.send_signal(signal.SIGINT)
            output, _ = example.communicate(timeout=60)
    return example.returncode, output


@pytest.mark.parametrize("market", ["recorded" if recording() else "synthetic"])
def test_the_books_balance_to_the_last_digit(tmp_path: Path, capsys: pytest.CaptureFixture[str], market: str) -> None:
    data = recording()
    options = ("--data", str(data), *RECORDED) if data else SYNTHETIC
    with capsys.disabled():
        sys.stdout.write(f"\nproving the books on the {market} market\n")
    command = [sys.executable, str(ROOT / "examples/prove_the_books.py"), *options, "--data-dir", str(tmp_path)]
    try:
        code, output = run_to_the_end(command, 500)
    finally:
        end_simulators(tmp_path)
    assert code == 0, output
    assert f"market: {market}" in output
    assert "the books balance to the last digit" in output
    rows = re.findall(r"^(\S.*?) {2,}(\S+) +(\S+) +equal$", output, re.MULTILINE)
    told = {what: books for what, books, _ in rows}
    assert {"fills", "change of equity", "profit identity", "residual"} <= told.keys()
    assert float(told["fills"]) >= (300 if data else 3)
    assert float(told["residual"]) == 0
