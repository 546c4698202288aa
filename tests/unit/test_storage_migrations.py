"""Books of every earlier revision are brought up to date with nothing lost, and no migration is ever edited."""

import hashlib
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from adapters.storage import BooksReader, SqlStore, open_store
from adapters.storage.database import Database
from adapters.storage.migrate import HEAD, SCRIPTS, known_revisions, revision_of
from domain.orders import PositionSide, Status
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, PLAN, SHADOW, TESTNET, fill, intent
from ports.store import StoreFailed

LEFT_BEHIND = Path(__file__).parents[1] / "fakes/books_at"
CHAIN = [script.revision for script in reversed(list(ScriptDirectory(str(SCRIPTS)).walk_revisions()))]

# Databases out there have run these texts. A change of the tables is a new file, and a new line here.
WRITTEN = {
    "v0001_first_books.py": "3b624a51b599b1b8c2adebce0ce4de1ce46baa9f6a88e28018308efc2bd3dfce",
    "v0002_values_and_baselines.py": "9b6c13a19195b24a19718c33cc3f88f3fd30ad9c7bc9fc0f5f76ca7f782ea728",
    "v0003_order_history.py": "ee5a34c4c7272eff54f49675d9cff64d8597efde8fe69f24f0fd692b1426f080",
    "v0004_futures.py": "381a039b21b8a57f3587efef5944db9cb211e28716b3722c957c3574ad6d1d14",
    "v0005_conditional_orders.py": "989adc9ed3f99b8cd6da7439888f2a5e99ce73766419b22387471dba5dcba28d",
    "v0006_grid_moves.py": "316e409df1ad8c6e5fd41085e6177deb247a43fd36bd68f1fec39a797b9de8c7",
    "v0007_market_switches.py": "cf65416845ce42477da7ac58963994c7d357e14fe59855e2fb82b24071dc41e0",
}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'books.db'}"
    return str(request.getfixturevalue("postgres").new_database())


def test_no_migration_is_edited_and_each_is_listed():
    texts = {path.name: path.read_bytes() for path in (SCRIPTS / "versions").glob("v*.py")}
    assert {name: hashlib.sha256(text).hexdigest() for name, text in texts.items()} == WRITTEN


def test_the_chain_is_one_line_and_names_its_files():
    assert CHAIN[-1] == HEAD
    assert len(CHAIN) == len(WRITTEN)
    assert known_revisions() == set(CHAIN)
    assert [name[1:5] for name in sorted(WRITTEN)] == CHAIN


def test_every_revision_has_an_example_of_what_it_left_behind():
    assert {path.stem for path in LEFT_BEHIND.glob("*.sql")} == set(CHAIN), "write tests/fakes/books_at/<revision>.sql"


def bring_to(database: Database, revision: str) -> None:
    settings = Config()
    settings.set_main_option("script_location", str(SCRIPTS))
    with database.writing() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, revision)


def live_at(url: str, revision: str) -> None:
    """Leave behind what the servers of each revision up to `revision` wrote, one after the other."""
    database = Database(url)
    for each in CHAIN[: CHAIN.index(revision) + 1]:
        bring_to(database, each)
        with database.writing() as connection:
            for line in (LEFT_BEHIND / f"{each}.sql").read_text().splitlines():
                if not line.startswith("--"):
                    connection.exec_driver_sql(line)
    with database.reading() as connection:
        assert revision_of(connection) == revision
    database.close()


@pytest.mark.parametrize("revision", CHAIN)
def test_books_of_each_revision_come_up_whole_and_go_on(url: str, revision: str):
    live_at(url, revision)
    if url.startswith("postgresql"):
        database = Database(url)  # rows were numbered by hand above, so the next number is told too
        with database.writing() as connection:
            for table in ("orders", "fills"):
                connection.exec_driver_sql(f"SELECT setval('{table}_seq_seq', 2)")
        database.close()
    store = open_store(url, SHADOW, StillClock())
    assert store.instance == "ab12"
    assert store.epoch == (4 if url.startswith("sqlite") else 3)  # no file lay beside the copy: doubt raises
    check_old_rows(store)
    store.add_intents([intent("new", grid=2)])
    store.record([], [fill(103, "new")])
    check_old_rows(store)
    store.close()
    other = open_store(url, TESTNET, StillClock())
    assert other.grids() == ()
    other.close()
    reader = BooksReader(url)
    filled = reader.history(SHADOW, "gh-ab12-3-2-rb-Iso5-0-0")
    reader.close()
    assert filled is not None
    assert [status for status, _ in filled.moves] == [Status.FILLED]
    assert [one.trade_id for one in filled.fills] == [101, 102]


def check_old_rows(store: SqlStore) -> None:
    ended, running = store.grids()
    assert (ended.on_stop, ended.ended_ms, ended.phase) == ("unwind", 1_700_000_100_000, "ended")
    assert (running.instrument, running.plan, running.ended_ms) == (BTC, PLAN, None)
    filled, resting = store.orders(2)[:2]
    assert (filled.status, resting.status) == (Status.FILLED, Status.OPEN)
    assert (filled.intent.slot.price_ticks, resting.intent.attempt) == (4_477_509, 1)
    old = store.fills(2)[:2]
    assert [(str(one.quantity), one.commission_asset, one.is_maker) for one in old] == [
        ("0.004", "BTC", True),
        ("0.006", "BNB", False),
    ]
    assert {(one.realized_profit, one.position_side) for one in old} == {(0, PositionSide.BOTH)}
    assert not filled.intent.reduce_only
    assert [row.equity_change for row in store.equity(2, 9)] == ["-0.5"]


def test_a_step_that_fails_leaves_the_old_books_as_they_were(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'books.db'}"
    live_at(url, CHAIN[0])
    database = Database(url)
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE holdings (something_else TEXT)")
    with pytest.raises(StoreFailed, match="holdings"):
        open_store(url, SHADOW, StillClock())
    with database.reading() as connection:
        assert revision_of(connection) == CHAIN[0]
        assert connection.exec_driver_sql("SELECT count(*) FROM fills").scalar() == 2
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'fee_values'").all()
        assert names == []
    database.close()
