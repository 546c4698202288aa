"""Server and exchange killed at random moments while they trade; the exchange's books against the API's afterwards."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.processes import ROOT, clean_environment, unmeasured_environment

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

KILLS = 20
QUICK = ["--seed", "7", "--calm", "0.4", "--dead", "0.2", "--starting", "1.0", "--speed", "200"]
# Half of all starts of the server are killed too, and trading is awaited and compared after every fifth round only:
# what was doubled or lost stays so and is found by any later comparison. Of a simulator's starts few are: each failure
# has the server wait longer before it tries to connect again.
OFTEN = ["--starts", "0.5", "--rest-every", "5"]
SELDOM = ["--starts", "0.1"]


@pytest.mark.parametrize(("what", "rhythm"), [("server", OFTEN), ("simulator", SELDOM), ("both", OFTEN)])
def test_twenty_kills_lose_and_double_nothing(tmp_path: Path, what: str, rhythm: list[str]) -> None:
    summary_file = tmp_path / "summary.json"
    command = [sys.executable, str(ROOT / "examples/kill_it"), "--kill", what, "--kills", str(KILLS), *QUICK, *rhythm]
    outcome = subprocess.run(
        [*command, "--json", str(summary_file), "--data-dir", str(tmp_path / "data")],
        cwd=tmp_path,
        env=unmeasured_environment(),
        capture_output=True,
        text=True,
        timeout=870,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    summary = json.loads(summary_file.read_text())
    assert summary["difference"] is None
    assert sum(summary["kills"].values()) >= KILLS
    assert summary["trades"] > 0


def test_a_difference_is_told_and_makes_the_command_fail(tmp_path: Path) -> None:
    """A check that finds nothing proves nothing: a slot with two live orders and an id used twice are found."""
    probe = (
        "import judge\n"
        "from asking import Difference\n"
        "one = {'clientOrderId': 'gh-ab12-1-1-rb-9xK-3-0'}\n"
        "two = {'clientOrderId': 'gh-ab12-1-1-rb-9xK-3-1'}\n"
        "for orders, live in (([one, one], []), ([one, two], [one, two]), ([one], [{'clientOrderId': 'gh-odd'}])):\n"
        "    try:\n"
        "        judge.check_orders('BTCUSDT', orders, live)\n"
        "    except Difference:\n"
        "        continue\n"
        "    raise SystemExit('not found')\n"
        "judge.check_orders('BTCUSDT', [one, two], [one])\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", probe],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": str(ROOT / "examples/kill_it")}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
