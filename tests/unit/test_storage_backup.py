"""Copies taken while the books are written, what rotation keeps, and putting a copy back."""

import shutil
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.storage import BooksReader, SqlStore, open_store
from adapters.storage.backup import Copy, copy_online, outdated, scheduled_copies, scheduled_file
from adapters.storage.integrity import problems, refuse_damaged
from adapters.storage.restore import restore
from domain.orders import Status
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, PLAN, SHADOW, TESTNET, fill, intent, order
from ports.store import OrderRow, StoreFailed

DAY_MS = 86_400_000
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def books(folder: Path) -> Path:
    return folder / "gridhive.db"


def open_books(folder: Path) -> SqlStore:
    return open_store(f"sqlite:///{books(folder)}", SHADOW, StillClock())


@pytest.fixture
def store(tmp_path: Path):
    store = open_books(tmp_path)
    store.add_grid(BTC, PLAN, 1, 2)
    yield store
    store.close()


def tear(file: Path) -> None:
    """Write over the middle of a file, as a dying disk does."""
    with file.open("r+b") as raw:
        raw.seek(file.stat().st_size // 2)
        raw.write(b"\xff" * 4096)


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".db", ".epoch")}


# --- a damaged file ---


def test_whole_books_have_no_problems(store, tmp_path):
    assert problems(books(tmp_path)) == problems(books(tmp_path), thorough=True) == []
    refuse_damaged(tmp_path / "not there")


def test_damaged_books_are_refused_in_one_sentence_and_left_alone(store, tmp_path):
    store.record([], [fill(number, "a") for number in range(1, 400)])
    store.close()
    tear(books(tmp_path))
    before = listing(tmp_path)
    with pytest.raises(StoreFailed) as caught:
        open_books(tmp_path)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert "are damaged" in sentence
    assert "nothing was changed" in sentence
    assert "python -m cli restore FILE" in sentence
    assert listing(tmp_path) == before
    assert BooksReader(f"sqlite:///{books(tmp_path)}").problems


# --- copies ---


def test_a_copy_is_one_whole_file_and_is_never_written_over(store, tmp_path):
    copy_online(books(tmp_path), tmp_path / "to/copy.db")
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["copy.db"]
    with pytest.raises(StoreFailed, match="exists already"):
        copy_online(books(tmp_path), tmp_path / "to/copy.db")
    with BooksOf(tmp_path / "to/copy.db") as copied:
        assert copied.grids() == store.grids()


class BooksOf:
    def __init__(self, file: Path) -> None:
        self.reader = BooksReader(f"sqlite:///{file}")

    def __enter__(self) -> SqlStore:
        return self.reader.books_of(SHADOW)

    def __exit__(self, *_: object) -> None:
        self.reader.close()


def test_copies_taken_while_the_books_are_written_each_hold_whole_commits(store, tmp_path):
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            store.add_intents([intent(f"a{number}")])
            store.record([order(intent(f"a{number}"), Status.FILLED)], [fill(number, f"a{number}")])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(20):
            copy_online(books(tmp_path), tmp_path / f"copy{number}.db")
    finally:
        done.set()
        writer.join()
    sizes = []
    for number in range(20):
        with BooksOf(tmp_path / f"copy{number}.db") as copied:
            orders, fills = copied.orders(1), copied.fills(1)
        assert {row.intent.client_id for row in orders if row.status is Status.FILLED} == {f.client_id for f in fills}
        sizes.append(len(orders))
    assert sizes == sorted(sizes)
    assert sizes[-1] > 0


def test_a_copy_that_cannot_be_made_says_so_and_leaves_nothing(store, tmp_path):
    with pytest.raises(StoreFailed, match=r"there is no .*none\.db"):
        copy_online(tmp_path / "none.db", tmp_path / "copy.db")
    (tmp_path / "a file").write_text("")
    with pytest.raises(StoreFailed, match="could not be copied"):
        copy_online(books(tmp_path), tmp_path / "a file/copy.db")
    assert not list(tmp_path.glob("*.part"))
    assert not (tmp_path / "none.db").exists()


# --- rotation ---


def taken(moments: list[datetime]) -> list[Copy]:
    return [Copy(Path(str(moment)), int(moment.timestamp() * 1000)) for moment in moments]


def test_a_year_of_daily_copies_comes_down_to_seven_days_and_four_weeks():
    copies = taken([NOON - timedelta(days=days) for days in range(365)])
    gone = set(outdated(copies))
    kept = sorted({(NOON.date() - copy.day).days for copy in copies if copy not in gone})
    assert kept == [0, 1, 2, 3, 4, 5, 6, 12, 19]  # Friday: this week, and the last day of the three before
    assert outdated([copy for copy in copies if copy not in gone]) == ()


@given(st.lists(st.integers(0, 400 * 24), unique=True, max_size=60))
def test_rotation_never_takes_the_newest_nor_more_than_it_must(hours):
    copies = taken([NOON - timedelta(hours=number) for number in hours])
    kept = set(copies) - set(outdated(copies))
    assert len(kept) <= 7 + 4
    assert len(kept) >= min(7, len({copy.day for copy in copies}))
    if copies:
        assert max(copies, key=lambda copy: copy.taken_ms) in kept
    assert outdated(kept) == ()


def test_day_by_day_rotation_ends_at_the_same_as_all_at_once():
    kept: list[Copy] = []
    for days in range(364, -1, -1):
        kept += taken([NOON - timedelta(days=days)])
        kept = [copy for copy in kept if copy not in set(outdated(kept))]
    assert len(kept) in (9, 10)
    assert sum((NOON.date() - copy.day).days < 7 for copy in kept) == 7


def test_only_scheduled_names_are_seen(tmp_path):
    for name in ("gridhive-mine.db", "gridhive-20261120T120000Z.db.part", "manual-20261120T120000Z.db"):
        (tmp_path / name).write_text("")
    scheduled_file(tmp_path, 1_795_176_000_000).write_text("")
    (found,) = scheduled_copies(tmp_path)
    assert found.taken_ms == 1_795_176_000_000


# --- putting back ---


def test_a_restore_keeps_what_was_there_and_begins_a_later_life(store, tmp_path):
    copy_online(books(tmp_path), tmp_path / "copy.db")
    store.record([order(intent("later"), Status.OPEN)], [fill(1, "later")])
    store.close()
    done = restore(books(tmp_path), tmp_path / "copy.db", tmp_path / "aside")
    assert done.epoch == 2
    assert done.kept == tmp_path / "aside"
    with BooksOf(tmp_path / "aside/gridhive.db") as kept:
        assert kept.fills(1) == (fill(1, "later"),)
    again = open_books(tmp_path)
    assert (again.epoch, again.instance) == (2, store.instance)
    assert again.orders(1) == ()
    again.close()


def test_every_restore_is_a_later_life_with_or_without_the_file_beside(store, tmp_path):
    copy_online(books(tmp_path), tmp_path / "copy.db")
    store.close()
    for number in (2, 3, 4):
        assert restore(books(tmp_path), tmp_path / "copy.db", tmp_path / f"aside{number}").epoch == number
    (tmp_path / "elsewhere").mkdir()
    fresh = restore(books(tmp_path / "elsewhere"), tmp_path / "copy.db", tmp_path / "elsewhere/aside")
    assert fresh.epoch > 1000  # how many lives followed the copy is not known there
    assert fresh.kept is None


def test_damaged_books_can_be_replaced_and_their_log_is_not_played_into_the_copy(store, tmp_path):
    copy_online(books(tmp_path), tmp_path / "copy.db")
    store.record([], [fill(number, "a") for number in range(1, 400)])
    log = tmp_path / "gridhive.db-wal"
    stale = log.read_bytes()
    store.close()
    log.write_bytes(stale)  # as a killed server leaves it
    tear(books(tmp_path))
    restore(books(tmp_path), tmp_path / "copy.db", tmp_path / "aside")
    with BooksOf(books(tmp_path)) as restored:
        assert restored.last_trade_id(BTC) == 0
    assert (tmp_path / "aside/gridhive.db-wal").read_bytes() == stale


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (Path.unlink, "there is no file"),
        (tear, "damaged itself"),
        (lambda copy: copy.write_text("no database at all" * 100), "damaged itself"),
        (lambda copy: _run(copy, "DROP TABLE meta"), "holds no books"),
        (lambda copy: _run(copy, "UPDATE alembic_version SET version_num = '9999'"), "another version"),
        (lambda copy: _run(copy, "DELETE FROM meta"), "another version"),
    ],
)
def test_a_copy_that_is_none_is_refused_and_nothing_is_changed(store, tmp_path, spoil, words):
    store.record([], [fill(number, "a") for number in range(1, 400)])
    copy_online(books(tmp_path), tmp_path / "copies.db")
    copy = tmp_path / "c" / "copy.db"
    copy.parent.mkdir()
    shutil.move(tmp_path / "copies.db", copy)
    store.close()
    spoil(copy)
    before = listing(tmp_path)
    with pytest.raises(StoreFailed, match=words):
        restore(books(tmp_path), copy, tmp_path / "aside")
    assert listing(tmp_path) == before
    assert not (tmp_path / "aside").exists()


def _run(copy: Path, sql: str) -> None:
    with sqlite3.connect(copy) as connection:
        connection.execute(sql)
    connection.close()


# --- looking ---


def test_the_reader_sees_everything_and_changes_nothing(store, tmp_path):
    store.record([order(intent("a"), Status.OPEN)], [fill(1, "a")])
    reader = BooksReader(f"sqlite:///{books(tmp_path)}")
    assert reader.accounts() == (SHADOW,)
    assert (reader.instance, reader.life.epoch) == (store.instance, 1)
    rows = {"accounts": 1, "grids": 1, "orders": 1, "fills": 1, "funding": 0, "grid_moves": 0, "equity": 0}
    assert dict(reader.counts()) == rows
    with pytest.raises(StoreFailed, match="may only be read"):
        reader.books_of(SHADOW).record([], [fill(2, "a")])
    reader.close()


def test_every_order_keeps_its_history(store, tmp_path):
    stored = intent("a")
    store.add_intents([stored, intent("b")])
    for status, after_ms in ((Status.UNKNOWN, 1), (Status.OPEN, 2), (Status.OPEN, 3), (Status.FILLED, 4)):
        told = OrderRow(intent=stored, status=status, venue_order_id=7, updated_ms=stored.created_ms + after_ms)
        store.record([told], [fill(after_ms, "a")])
    with pytest.raises(StoreFailed):  # nothing of it happened
        store.record([order(stored, Status.CANCELED)], [fill(1, "a", quantity="9")])
    store.record([order(intent("late"), Status.OPEN)], [])
    reader = BooksReader(f"sqlite:///{books(tmp_path)}")
    history, adopted = reader.history(SHADOW, "a"), reader.history(SHADOW, "late")
    assert history is not None
    assert [(status, at_ms - stored.created_ms) for status, at_ms in history.moves] == [
        (Status.UNKNOWN, 1),
        (Status.OPEN, 2),
        (Status.FILLED, 4),
    ]
    assert (history.order.status, [one.trade_id for one in history.fills]) == (Status.FILLED, [1, 2, 3, 4])
    assert adopted is not None
    assert [status for status, _ in adopted.moves] == [Status.OPEN]
    assert (reader.history(SHADOW, "nobody's"), reader.history(TESTNET, "a")) == (None, None)
    reader.close()


def test_the_reader_opens_no_new_books(tmp_path):
    with pytest.raises(StoreFailed, match="--data-dir"):
        BooksReader(f"sqlite:///{books(tmp_path)}")
    assert not list(tmp_path.iterdir())


def test_the_reader_of_books_of_another_revision_says_what_to_do(store, tmp_path):
    store.close()
    _run(books(tmp_path), "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StoreFailed, match="start the server once"):
        BooksReader(f"sqlite:///{books(tmp_path)}")
