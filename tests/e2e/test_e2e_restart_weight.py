"""What a restart of twenty grids asks of the venue, by the weight that the simulator charges for it."""

from pathlib import Path

import pytest

from benchmarks.restart import SYMBOLS, measure, simulator

pytestmark = pytest.mark.e2e


def test_a_restart_of_twenty_grids_keeps_its_request_budget(tmp_path: Path) -> None:
    with simulator(SYMBOLS, tmp_path) as venue:
        rows = measure(venue, tmp_path, SYMBOLS, 20, [0, 1, 6])
    assert [changed for changed, *_ in rows] == [0, 1, 6]
    for changed, _seconds, weight, budget in rows:
        assert weight <= budget, f"{weight} instead of at most {budget} with {changed} changed orders per symbol"
    assert rows[0][3] == 140
