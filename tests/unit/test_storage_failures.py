"""A commit that cannot happen says so in one sentence and leaves nothing half done."""

import logging
import resource
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event

from adapters.storage import SqlStore, open_store
from adapters.storage.migrate import HEAD, SCRIPTS
from adapters.storage.tables import metadata
from domain.orders import Status
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, PLAN, SHADOW, fill, intent, order
from ports.store import StoreFailed


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "books.db"


@pytest.fixture
def store(path: Path):
    store = open_store(f"sqlite:///{path}", SHADOW, StillClock(), busy_timeout_s=0.01)
    store.add_grid(BTC, PLAN, 1, 2)
    store.add_intents([intent("a")])
    yield store
    store.close()


def try_to_write(store: SqlStore, words: str) -> None:
    before = (store.grids(), store.orders(1), store.fills(1))
    with pytest.raises(StoreFailed, match=words):
        store.record([order(intent("a"), Status.FILLED)], [fill(1, "a")])
    with pytest.raises(StoreFailed, match=words):
        store.add_intents([intent("b")])
    with pytest.raises(StoreFailed, match=words):
        store.add_grid(BTC, PLAN, 1, 2)
    assert (store.grids(), store.orders(1), store.fills(1)) == before


def write_again(store: SqlStore) -> None:
    store.record([order(intent("a"), Status.FILLED)], [fill(1, "a")])
    assert store.orders(1)[0].status is Status.FILLED
    assert store.fills(1) == (fill(1, "a"),)


def test_a_locked_database(store, path):
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try_to_write(store, "another process holds the database")
    other.execute("ROLLBACK")
    other.close()
    write_again(store)


def test_a_database_that_may_only_be_read(store):
    engine = store._database.engine
    switch = {"query_only": "ON"}

    @event.listens_for(engine, "checkout")
    def _limit(connection, record, proxy):
        connection.execute(f"PRAGMA query_only={switch['query_only']}").close()

    try_to_write(store, "may only be read; give this user write permission")
    switch["query_only"] = "OFF"
    write_again(store)


def test_opening_what_may_only_be_read(store, path):
    store.close()
    with pytest.raises(StoreFailed, match="may only be read"):
        open_store(f"sqlite:///file:{path}?mode=ro&uri=true", SHADOW, StillClock())


def test_a_disk_that_takes_no_more(store, path):
    """A limit on the size of files stands in for a full disk: the same write fails in the same place."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wal = path.with_name("books.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (wal, hard))
    try:
        try_to_write(store, "the disk failed or is full|the disk is full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    write_again(store)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:////nowhere/at/all/books.db", "check that its folder exists"),
        ("sqlite://", "need a file"),
        ("sqlite:///:memory:", "need a file"),
        ("no url", "cannot be read"),
    ],
)
def test_a_database_that_cannot_be_opened(url, words):
    with pytest.raises(StoreFailed, match=words):
        open_store(url, SHADOW, StillClock())


def test_a_file_that_is_no_database(path):
    path.write_text("these are not the books you are looking for" * 20)
    with pytest.raises(StoreFailed, match=r"not a database.*nothing was changed.*python -m cli restore"):
        open_store(f"sqlite:///{path}", SHADOW, StillClock())


def test_a_database_of_a_newer_version_is_refused_and_left_alone(store, path):
    store.close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    with pytest.raises(StoreFailed, match="another version of this program"):
        open_store(f"sqlite:///{path}", SHADOW, StillClock())


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": Decimal("NaN")},
        {"quantity": 0.1},
        {"created_ms": 2**70},
    ],
)
def test_a_value_that_cannot_be_kept_exactly_is_refused(store, wrong):
    with pytest.raises(StoreFailed):
        store.add_intents([intent("b"), replace(intent("c"), **wrong)])
    assert len(store.orders(1)) == 1


def test_the_scripts_make_what_the_tables_say(store, path):
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    assert ScriptDirectory(str(SCRIPTS)).get_current_head() == HEAD


def test_a_database_is_durable_and_holds_its_references(store):
    with store._database.reading() as connection:
        told = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert told == ["wal", 2, 1]


def test_money_lies_in_the_file_as_plain_text(store, path):
    store.record([], [replace(fill(1, "a"), price=Decimal("1E-8"), quote_quantity=Decimal("0.30"))])
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT price, quote_quantity, typeof(price) FROM fills").fetchall() == [
        ("0.00000001", "0.3", "text")
    ]
    raw.close()


def test_opening_leaves_the_logging_set_up_alone(path):
    before = (logging.root.level, list(logging.root.handlers), logging.getLogger("alembic").level)
    open_store(f"sqlite:///{path}", SHADOW, StillClock()).close()
    assert (logging.root.level, list(logging.root.handlers), logging.getLogger("alembic").level) == before
    assert not logging.getLogger("adapters.storage.life").disabled
