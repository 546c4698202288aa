"""Whether orders may have left that the books do not know, and until when that is said."""

from pathlib import Path

import pytest

from adapters.storage import SqlStore, open_store
from adapters.storage.restore import restore
from domain.grids import GridStatus
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, PLAN, SHADOW, TESTNET


def open_books(folder: Path, boot: str = "monday", account=SHADOW) -> SqlStore:
    return open_store(f"sqlite:///{folder / 'books.db'}", account, StillClock(), boot=boot)


@pytest.fixture
def grid(tmp_path) -> int:
    """A running grid in books that were left by a killed process."""
    store = open_books(tmp_path)
    row = store.add_grid(BTC, PLAN, 1, 1)
    assert not store.may_lack_orders(row.grid_id)
    store._database.close()
    return row.grid_id


def test_a_killed_process_leaves_whole_books(tmp_path, grid):
    assert not open_books(tmp_path).may_lack_orders(grid)


@pytest.mark.parametrize("boot", ["tuesday", ""])
def test_after_a_start_of_the_machine_books_are_in_doubt_until_the_trades_were_read(tmp_path, grid, boot):
    for _ in range(2):  # a process that dies before it has read them leaves the doubt standing
        store = open_books(tmp_path, boot)
        assert store.may_lack_orders(grid)
        store.close()
    store = open_books(tmp_path, boot)
    store.holds_all_orders(grid)
    assert not store.may_lack_orders(grid)
    store.close()
    assert open_books(tmp_path, boot).may_lack_orders(grid) is (boot == "")


def test_books_are_whole_again_only_once_every_running_grid_has_read_its_trades(tmp_path, grid):
    testnet = open_books(tmp_path, account=TESTNET)
    other = testnet.add_grid(BTC, PLAN, 1, 1).grid_id
    testnet.close()
    store = open_books(tmp_path, "tuesday")
    store.holds_all_orders(grid)
    store.close()
    assert open_books(tmp_path, "tuesday", TESTNET).may_lack_orders(other)


def test_a_restored_copy_is_in_doubt(tmp_path, grid):
    store = open_books(tmp_path)
    store.close()
    (tmp_path / "copy.db").write_bytes((tmp_path / "books.db").read_bytes())
    restore(tmp_path / "books.db", tmp_path / "copy.db", tmp_path / "aside")
    assert open_books(tmp_path).may_lack_orders(grid)


def test_an_older_file_put_back_is_in_doubt(tmp_path, grid):
    old = (tmp_path / "books.db").read_bytes()
    store = open_books(tmp_path)
    store.set_grid(grid, status=GridStatus.RUNNING, phase="trading", phase_reason="")
    store.close()
    (tmp_path / "books.db").write_bytes(old)
    assert open_books(tmp_path).may_lack_orders(grid)
