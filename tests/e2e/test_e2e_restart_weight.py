"""What a restart of twenty grids asks of the venue, by the weight that the simulator charges for it."""

from pathlib import Path

import pytest

from benchmarks.restart import SYMBOLS, measure, simulator

pytestmark = pytest.mark.e2e


def test_a_restart_of_twenty_grids_keeps_its_request_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # measuring coverage doubles what a start takes
    with simulator(SYMBOLS, tmp_path) as venue:
        rows = measure(venue, tmp_path, SYMBOLS, 20, [0, 1, 6])
    assert [row.changed for row in rows] == [0, 1, 6]
    told = "\n".join(map(str, rows))
    assert all(row.is_within_budget for row in rows), told
    assert rows[0].budget == 140
    for row in rows:
        assert row.spent["spot.openOrders"] == 80, told  # one listing for all, however long they take to ask
        assert row.spent["spot.account"] == 0 or row.seconds > 50, told  # what can wait a minute does
