"""Recorded markets find their way in, and minutes make the very five-minute candles that were recorded apart."""

import os
from pathlib import Path

import numpy as np
import pytest

from backtest.data.coverage import cover
from backtest.data.importing import Words, import_files
from backtest.data.intake import Intake
from backtest.data.loading import load_candles, load_funding
from backtest.data.series import Series
from backtest.data.store import Put, Store
from fakes.recorded_rows import ms

RECORDED = os.environ.get("GRIDHIVE_TEST_DATA")
pytestmark = pytest.mark.skipif(not RECORDED, reason="set GRIDHIVE_TEST_DATA to the folder of recorded markets")


def test_recorded_files_are_imported_and_agree_with_each_other(tmp_path: Path) -> None:
    spot, um = (Path(str(RECORDED)) / "market" / name for name in ("spot", "um"))
    store = Store(tmp_path / "market")
    files = [spot / "SOLUSDT_1m.parquet", spot / "SOLUSDT_5m.parquet", um / "SOLUSDT_funding.csv"]
    minutes, fives, rates = import_files(store, files, Words(), Intake())
    assert (minutes.put, fives.put, rates.put) == (Put(added=161_918), Put(added=228_384), Put(added=1_762))
    assert any("binary floats" in note for note in minutes.notices)
    series = Series.named("SOLUSDT", "spot", "klines", "1m")
    assert len(cover(store, series).gaps) == 1
    recorded = load_candles(store, "SOLUSDT", "spot", "5m")
    with store.writing():
        store.drop(fives.series)
    made = load_candles(store, "SOLUSDT", "spot", "5m", allow_gaps=True)
    _, at_made, at_recorded = np.intersect1d(made.open_ms, recorded.open_ms, return_indices=True)
    assert len(at_made) > 20_000
    whole = np.ones(len(at_made), dtype=bool)
    for gap in made.gaps:  # a candle at either end of a stretch may be made of fewer minutes than it had
        whole &= ~np.isin(made.open_ms[at_made], (gap.from_ms - 300_000, gap.until_ms))
    for name in ("open", "high", "low", "close"):
        assert np.array_equal(getattr(made, name)[at_made][whole], getattr(recorded, name)[at_recorded][whole]), name
    loaded = load_funding(store, "SOLUSDT", ms("2024-03-01"))
    assert np.all(np.diff(loaded.time_ms) == 8 * 3_600_000)
