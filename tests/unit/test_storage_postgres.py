"""What differs with a database server: outages, one writer over processes, the life kept beside the data folder."""

import threading

import pytest

from adapters.storage import BooksReader, open_store
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, PLAN, SHADOW, fill, intent
from ports.store import StoreFailed


@pytest.fixture
def url(postgres):
    return postgres.new_database()


def open_books(url, **options):
    return open_store(url, SHADOW, StillClock(), **options)


def test_every_commit_is_forced_to_disk(url):
    store = open_books(url)
    with store._database.writing() as connection:
        told = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("synchronous_commit", "fsync")]
    store.close()
    assert told == ["on", "on"]


def test_a_server_that_dies_is_told_and_comes_back(postgres, url):
    store = open_books(url)
    store.add_grid(BTC, PLAN, 1, 2)
    store.add_intents([intent("a")])
    postgres.kill()
    try:
        with pytest.raises(StoreFailed, match="does not answer; start it"):
            store.add_intents([intent("b")])
        with pytest.raises(StoreFailed, match="does not answer; start it"):
            store.probe()
        assert "does not answer" in store.failure
    finally:
        postgres.start()
    store.probe()
    assert store.failure == ""
    assert [row.intent.client_id for row in store.orders(1)] == ["a"]
    store.close()


def test_a_refused_value_is_no_outage(url):
    store = open_books(url)
    store.add_grid(BTC, PLAN, 1, 2)
    store.add_intents([intent("a")])
    with pytest.raises(StoreFailed):
        store.add_intents([intent("a")])
    assert store.failure == ""
    store.close()


def test_a_second_writer_waits_and_then_is_told(url):
    first, second = open_books(url), open_books(url, busy_timeout_s=0.05)
    with first._database.writing(), pytest.raises(StoreFailed, match="another process holds the database"):
        second.add_grid(BTC, PLAN, 1, 2)
    assert second.add_grid(BTC, PLAN, 1, 2).grid_id == 1
    first.close()
    second.close()


def test_two_processes_worth_of_stores_give_out_each_grid_id_once(url):
    stores = [open_books(url) for _ in range(4)]
    found: list[int] = []

    def work(store) -> None:
        found.extend(store.add_grid(BTC, PLAN, 1, 2).grid_id for _ in range(5))

    threads = [threading.Thread(target=work, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    assert sorted(found) == list(range(1, 21))


def test_an_older_state_of_the_server_raises_the_epoch_where_a_file_beside_is_kept(postgres, url, tmp_path):
    beside = tmp_path / "postgresql.epoch"
    store = open_books(url, sidecar=beside)
    store.record([], [fill(1, "a")])
    store.close()
    again = open_books(url, sidecar=beside)
    assert again.epoch == 1
    with again._database.writing() as connection:
        connection.exec_driver_sql("UPDATE meta SET generation = 1")
    again._sidecar = None  # as a restore behind our back: the file is not told
    again.close()
    restored = open_books(url, sidecar=beside)
    assert restored.epoch == 2
    restored.close()


def test_a_wrong_address_is_told_without_the_password(tmp_path):
    with pytest.raises(StoreFailed, match="does not answer") as caught:
        open_books("postgresql://somebody:hidden-word@127.0.0.1:1/books")
    assert "hidden-word" not in str(caught.value)


def test_a_database_that_is_not_there(postgres):
    with pytest.raises(StoreFailed, match=r"does not answer|no such database"):
        open_books(postgres.url("nowhere"))


def test_the_reader_of_a_server(url):
    store = open_books(url)
    store.add_grid(BTC, PLAN, 1, 2)
    reader = BooksReader(url)
    assert reader.counts()["grids"] == 1
    assert reader.problems == ()
    with pytest.raises(StoreFailed, match="may only be read"):
        reader.books_of(SHADOW).add_grid(BTC, PLAN, 1, 2)
    reader.close()
    store.close()
