"""A database put back from a backup begins a new epoch; nothing else does."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.storage import SqlStore, open_store
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, PLAN, SHADOW, fill
from ports.store import StoreFailed


def open_books(folder: Path, **options) -> SqlStore:
    return open_store(f"sqlite:///{folder / 'books.db'}", SHADOW, StillClock(), **options)


def epoch_of(folder: Path) -> int:
    store = open_books(folder)
    store.close()
    return store.epoch


def work(store: SqlStore, trade_id: int = 1) -> None:
    store.record([], [fill(trade_id, "a")])


def backup(folder: Path, to: Path) -> None:
    """What an operator's tool does while the server runs."""
    with sqlite3.connect(folder / "books.db") as source, sqlite3.connect(to) as target:
        source.backup(target)
    source.close()
    target.close()


def put_back(copy: Path, folder: Path) -> None:
    """Copy over the file, so that even its inode stays."""
    shutil.copyfile(copy, folder / "books.db")
    for rest in ("books.db-wal", "books.db-shm"):
        (folder / rest).unlink(missing_ok=True)


def test_opening_again_keeps_instance_and_epoch(tmp_path):
    first = open_books(tmp_path)
    work(first)
    first.close()
    for _ in range(3):
        again = open_books(tmp_path)
        again.close()
        assert (again.instance, again.epoch) == (first.instance, 1)


def test_an_old_copy_put_back_raises_the_epoch_in_both_places(tmp_path):
    store = open_books(tmp_path)
    backup(tmp_path, tmp_path / "old.db")
    work(store)
    store.close()
    put_back(tmp_path / "old.db", tmp_path)
    restored = open_books(tmp_path)
    restored.close()
    assert (restored.instance, restored.epoch) == (store.instance, 2)
    assert json.loads((tmp_path / "books.db.epoch").read_text())["epoch"] == 2
    assert epoch_of(tmp_path) == 2


def test_every_restore_raises_it_again_also_of_the_same_copy(tmp_path):
    open_books(tmp_path).close()
    backup(tmp_path, tmp_path / "old.db")
    for expected in (2, 3, 4):
        store = open_books(tmp_path)
        work(store, expected)
        store.close()
        put_back(tmp_path / "old.db", tmp_path)
        assert epoch_of(tmp_path) == expected


def test_a_grid_of_a_new_life_never_gets_the_id_of_one_that_was_lost(tmp_path):
    store = open_books(tmp_path)
    assert store.add_grid(BTC, PLAN, 1, 2).grid_id == 1
    backup(tmp_path, tmp_path / "old.db")
    lost = store.add_grid(BTC, PLAN, 1, 2).grid_id
    store.close()
    put_back(tmp_path / "old.db", tmp_path)
    restored = open_books(tmp_path)
    new = [restored.add_grid(BTC, PLAN, 1, 2).grid_id for _ in range(2)]
    restored.close()
    assert (lost, new) == (2, [1001, 1002])


def test_a_copy_of_a_life_that_was_left_is_noticed_though_it_counts_more_commits(tmp_path):
    store = open_books(tmp_path)
    backup(tmp_path, tmp_path / "early.db")
    for trade_id in range(1, 20):
        work(store, trade_id)
    backup(tmp_path, tmp_path / "late.db")
    store.close()
    put_back(tmp_path / "early.db", tmp_path)
    assert epoch_of(tmp_path) == 2
    put_back(tmp_path / "late.db", tmp_path)
    assert epoch_of(tmp_path) == 3


def test_a_kill_between_commit_and_sidecar_does_not_raise_it(tmp_path):
    store = open_books(tmp_path)
    before = (tmp_path / "books.db.epoch").read_bytes()
    work(store)
    store.close()
    (tmp_path / "books.db.epoch").write_bytes(before)
    assert epoch_of(tmp_path) == 1


def test_every_commit_reaches_the_sidecar_before_close(tmp_path):
    store = open_books(tmp_path)
    before = json.loads((tmp_path / "books.db.epoch").read_text())["generation"]
    work(store, 1)
    work(store, 2)
    assert json.loads((tmp_path / "books.db.epoch").read_text())["generation"] == before + 2
    store.close()


def test_a_whole_folder_copied_back_raises_it(tmp_path):
    (tmp_path / "data").mkdir()
    open_books(tmp_path / "data").close()
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    assert epoch_of(tmp_path / "copy") == 2


def test_a_folder_moved_does_not(tmp_path):
    (tmp_path / "data").mkdir()
    open_books(tmp_path / "data").close()
    (tmp_path / "data").rename(tmp_path / "moved")
    assert epoch_of(tmp_path / "moved") == 1


@pytest.mark.parametrize(
    "spoil",
    [
        Path.unlink,
        lambda path: path.write_text(""),
        lambda path: path.write_text("[]"),
        lambda path: path.write_bytes(b"\x00" * 192),
        lambda path: path.write_text(path.read_text()[:40]),
    ],
)
def test_a_lost_or_damaged_sidecar_raises_it(tmp_path, spoil: Callable[[Path], object]):
    open_books(tmp_path).close()
    spoil(tmp_path / "books.db.epoch")
    assert epoch_of(tmp_path) == 2
    assert epoch_of(tmp_path) == 2


def test_another_database_put_in_place_goes_above_both(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        open_books(tmp_path / name).close()
    for _ in range(4):
        (tmp_path / "one" / "books.db.epoch").unlink()
        epoch_of(tmp_path / "one")
    assert epoch_of(tmp_path / "one") == 5
    put_back(tmp_path / "two" / "books.db", tmp_path / "one")
    assert epoch_of(tmp_path / "one") == 6


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")])
def test_books_that_are_gone_are_not_begun_anew_until_a_person_says_so(tmp_path, lose: Callable[[Path], object]):
    old = open_books(tmp_path)
    old.close()
    lose(tmp_path / "books.db")
    for _ in range(2):
        with pytest.raises(StoreFailed, match=r"restore FILE.*remove .*books\.db\.epoch to begin new ones"):
            open_books(tmp_path)
    (tmp_path / "books.db.epoch").unlink()
    new = open_books(tmp_path)
    new.close()
    assert new.instance != old.instance
    assert new.grids() == ()


def test_who_knows_of_a_restore_may_say_so(tmp_path):
    store = open_books(tmp_path)
    store.add_grid(BTC, PLAN, 1, 2)
    assert store.raise_epoch() == store.epoch == 2
    work(store)
    store.close()
    assert epoch_of(tmp_path) == 2


def test_a_sidecar_elsewhere(tmp_path):
    open_books(tmp_path, sidecar=tmp_path / "life").close()
    assert (tmp_path / "life").exists()
    assert not (tmp_path / "books.db.epoch").exists()


def test_a_sidecar_that_cannot_be_written_warns_once_and_stops_nothing(tmp_path, caplog):
    store = open_books(tmp_path, sidecar=tmp_path / "missing" / "life")
    work(store, 1)
    work(store, 2)
    store.close()
    assert [record.getMessage().split(" (")[0] for record in caplog.records] == [
        f"{tmp_path / 'missing' / 'life'} cannot be written"
    ]
    again = open_books(tmp_path, sidecar=tmp_path / "missing" / "life")
    again.close()
    assert again.epoch == 2
