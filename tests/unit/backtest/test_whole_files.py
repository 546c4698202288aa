"""Files that appear whole or not at all, a full disk included."""

import errno
from pathlib import Path

import polars as pl
import pytest

from backtest.whole_files import as_os_error, write_table, write_text

TABLE = pl.DataFrame({"row": list(range(50_000))})


def test_files_are_written_and_replaced(tmp_path: Path):
    file = tmp_path / "new" / "a.parquet"
    write_table(file, TABLE)
    write_table(file, TABLE.head(3), row_group_size=2)
    assert pl.read_parquet(file).equals(TABLE.head(3))
    write_text(tmp_path / "a.txt", "né")
    assert (tmp_path / "a.txt").read_text("utf-8") == "né"
    assert sorted(path.name for path in file.parent.iterdir()) == ["a.parquet"]


def test_a_full_disk_leaves_what_was_there_and_nothing_besides(tmp_path: Path):
    file, page = tmp_path / "a.parquet", tmp_path / "a.html"
    write_table(file, TABLE.head(3))
    write_text(page, "before")
    for path in (file, page):
        (tmp_path / f"{path.name}.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match=r"No space left on device.*a\.parquet") as told:
        write_table(file, TABLE)
    assert told.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left on device"):
        write_text(page, "after" * 100_000)
    assert pl.read_parquet(file).height == 3
    assert page.read_text("utf-8") == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.html", "a.parquet"]


def test_other_mistakes_of_a_table_stay_what_they_are(tmp_path: Path):
    (tmp_path / "no.parquet").write_bytes(b"half a file")
    with pytest.raises(pl.exceptions.ComputeError), as_os_error(tmp_path):
        pl.read_parquet(tmp_path / "no.parquet")
