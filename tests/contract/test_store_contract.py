"""One suite for every implementation of ports.store.Store: SQLite, PostgreSQL and the one in memory."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from adapters.storage import open_store
from domain.account import Account
from domain.grids import GridStatus
from domain.orders import Side, Status
from fakes.store import InMemoryStore, MemoryDatabase
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, BTC_FUTURES, ETH, PLAN, SHADOW, TESTNET, fill, intent, order
from ports.store import EquityRow, Store, StoreFailed

Opener = Callable[[Account], Store]


@contextmanager
def sql_opener(url: str) -> Iterator[Opener]:
    opened = []

    def opener(account: Account) -> Store:
        opened.append(open_store(url, account, StillClock()))
        return opened[-1]

    try:
        yield opener
    finally:
        for store in opened:
            store.close()


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the books of any account in one and the same database."""
    if request.param == "sqlite":
        with sql_opener(f"sqlite:///{tmp_path / 'books.db'}") as opens:
            yield opens
    elif request.param == "postgresql":
        with sql_opener(request.getfixturevalue("postgres").new_database()) as opens:
            yield opens
    else:
        database = MemoryDatabase()
        yield lambda account: InMemoryStore(account, database)


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener(SHADOW)


@pytest.fixture
def with_grid(store: Store) -> Store:
    store.add_grid(BTC, PLAN, 1_000, 2_000)
    return store


def test_identity(store: Store):
    assert store.account == SHADOW
    assert len(store.instance) == 4
    assert set(store.instance) <= set("0123456789abcdefghijklmnopqrstuvwxyz")
    assert store.epoch == 1


def test_a_new_grid_is_running_and_its_plan_comes_back_exactly(store: Store):
    row = store.add_grid(BTC, PLAN, 1_000, 2_000)
    assert (row.grid_id, row.status, row.phase, row.on_stop, row.ended_ms) == (
        1,
        GridStatus.RUNNING,
        "starting",
        None,
        None,
    )
    assert row.plan == PLAN
    assert store.grids() == (row,)
    assert store.add_grid(ETH, PLAN, 1_000, 2_000).grid_id == 2


def test_a_grids_state_changes_and_what_is_not_told_stays(with_grid: Store):
    with_grid.set_grid(1, status=GridStatus.RUNNING, phase="stopping", phase_reason="asked", on_stop="unwind")
    with_grid.set_grid(1, status=GridStatus.STOPPED, phase="ended", phase_reason="sold", ended_ms=3_000)
    (row,) = with_grid.grids()
    assert (row.status, row.phase, row.phase_reason) == (GridStatus.STOPPED, "ended", "sold")
    assert (row.on_stop, row.ended_ms) == ("unwind", 3_000)
    with_grid.set_grid(1, status=GridStatus.RUNNING, phase="trading", phase_reason="", on_stop="")
    assert with_grid.grids()[0].on_stop == "", "a word that is taken back is not one that is not told"


def test_a_grid_that_does_not_exist_cannot_be_changed(store: Store):
    with pytest.raises(StoreFailed, match="grid 9"):
        store.set_grid(9, status=GridStatus.STOPPED, phase="ended", phase_reason="")


def test_intents_are_stored_as_created_in_their_order(with_grid: Store):
    first, second = intent("b"), intent("a", side=Side.SELL)
    with_grid.add_intents([first, second])
    assert with_grid.orders(1) == (order_created(first), order_created(second))


def order_created(of):
    return replace(order(of, Status.CREATED, None), updated_ms=of.created_ms)


def test_a_client_id_is_never_used_twice_and_nothing_is_half_stored(with_grid: Store):
    with_grid.add_intents([intent("a")])
    with pytest.raises(StoreFailed):
        with_grid.add_intents([intent("b"), intent("a")])
    with pytest.raises(StoreFailed):
        with_grid.add_intents([intent("c"), intent("c")])
    assert [row.intent.client_id for row in with_grid.orders(1)] == ["a"]


def test_an_intent_of_an_unknown_grid_is_refused(with_grid: Store):
    with pytest.raises(StoreFailed):
        with_grid.add_intents([intent("a", grid=2)])
    assert with_grid.orders(2) == ()


def test_recording_updates_by_client_id_and_keeps_the_stored_intent(with_grid: Store):
    stored = intent("a")
    with_grid.add_intents([stored])
    with_grid.record([order(replace(stored, quantity=Decimal(9)), Status.OPEN)], [])
    assert with_grid.orders(1) == (order(stored, Status.OPEN),)


def test_an_order_the_books_lack_is_adopted(with_grid: Store):
    with_grid.record([order(intent("a"), Status.OPEN)], [fill(1, "a")])
    assert with_grid.orders(1) == (order(intent("a"), Status.OPEN),)
    assert with_grid.fills(1) == (fill(1, "a"),)


def test_live_orders_are_those_that_may_still_take_money(with_grid: Store):
    for status in Status:
        with_grid.record([order(intent(status.value), status)], [])
    live = {row.status for row in with_grid.orders(1, live_only=True)}
    assert live == {Status.CREATED, Status.SENT, Status.UNKNOWN, Status.OPEN}
    assert len(with_grid.orders(1)) == len(Status)


def test_a_fill_is_booked_once_however_often_it_is_told(with_grid: Store):
    same = fill(5, "a")
    with_grid.record([order(intent("a"), Status.OPEN)], [same, same, fill(4, "a")])
    with_grid.record([], [fill(5, "a"), replace(same, quantity=Decimal("0.0100"))])
    assert with_grid.fills(1) == (same, fill(4, "a"))
    assert with_grid.last_trade_id(BTC) == 5


def test_a_fill_told_again_with_other_amounts_is_an_error_and_changes_nothing(with_grid: Store):
    with_grid.record([order(intent("a"), Status.OPEN)], [fill(5, "a")])
    with pytest.raises(StoreFailed, match=r"0\.01.*0\.02"):
        with_grid.record([order(intent("a"), Status.FILLED)], [fill(6, "a"), fill(5, "a", quantity="0.02")])
    assert with_grid.orders(1)[0].status is Status.OPEN
    assert with_grid.fills(1) == (fill(5, "a"),)


def test_two_different_tellings_in_one_call_are_an_error(with_grid: Store):
    with pytest.raises(StoreFailed):
        with_grid.record([], [fill(5, "a"), fill(5, "a", quantity="0.02")])
    assert with_grid.last_trade_id(BTC) == 0


@pytest.mark.parametrize("status", Status)
def test_a_fill_is_never_refused_whatever_the_status(with_grid: Store, status: Status):
    with_grid.record([order(intent("a"), status)], [])
    with_grid.record([], [fill(1, "a")])
    assert with_grid.fills(1) == (fill(1, "a"),)


def test_a_fill_before_its_order_is_kept_and_found_when_the_order_is_adopted(with_grid: Store):
    with_grid.record([], [fill(1, "late")])
    assert with_grid.fills(1) == ()
    assert with_grid.last_trade_id(BTC) == 1
    with_grid.record([order(intent("late"), Status.FILLED)], [])
    assert with_grid.fills(1) == (fill(1, "late"),)


def test_trade_ids_are_unique_per_instrument_only(with_grid: Store):
    with_grid.record([order(intent("a"), Status.OPEN)], [fill(1, "a"), fill(1, "a", instrument=BTC_FUTURES)])
    assert len(with_grid.fills(1)) == 2
    assert with_grid.last_trade_id(BTC_FUTURES) == 1
    assert with_grid.last_trade_id(ETH) == 0


def test_the_newest_fills_are_those_of_all_grids_on_the_instrument(with_grid: Store, opener: Opener):
    with_grid.add_grid(BTC, PLAN, 3, 4)
    with_grid.record([order(intent("a"), Status.OPEN), order(intent("b", grid=2), Status.OPEN)], [])
    with_grid.record([], [fill(9, "a"), fill(7, "b"), fill(8, "b"), fill(10, "nobody's"), fill(6, "a")])
    with_grid.record([order(intent("e"), Status.OPEN)], [fill(11, "e", instrument=ETH)])
    other = opener(TESTNET)
    other.add_grid(BTC, PLAN, 1, 2)
    other.record([order(intent("a"), Status.OPEN)], [fill(12, "a")])
    assert with_grid.newest_fills(BTC, 3) == (fill(9, "a"), fill(8, "b"), fill(7, "b"))
    assert [one.trade_id for one in with_grid.newest_fills(BTC, 100)] == [9, 8, 7, 6]
    assert with_grid.newest_fills(ETH, 1) == (fill(11, "e", instrument=ETH),)
    assert with_grid.newest_fills(BTC_FUTURES, 5) == with_grid.newest_fills(BTC, 0) == ()


def test_many_fills_at_once(with_grid: Store):
    told = [fill(number, "a") for number in range(1, 1_203)]
    with_grid.record([order(intent("a"), Status.OPEN)], told)
    with_grid.record([], [*told, fill(1_203, "a")])
    assert with_grid.fills(1) == (*told, fill(1_203, "a"))


def test_recording_nothing_is_nothing(store: Store):
    store.record([], [])
    store.add_intents([])
    assert store.grids() == ()


def equity_row(time_ms: int, change: str = "1.50") -> EquityRow:
    return EquityRow(grid_id=1, time_ms=time_ms, equity_change=change, grid_profit="2.5", mark_price="45000.10")


def test_equity_gives_the_newest_rows_oldest_first(with_grid: Store):
    for time_ms in (3, 1, 2):
        with_grid.add_equity(equity_row(time_ms))
    with_grid.add_equity(equity_row(3, "-7"))
    assert with_grid.equity(1, 2) == (equity_row(2), equity_row(3, "-7"))
    assert len(with_grid.equity(1, 100)) == 3
    assert with_grid.equity(2, 100) == ()


@pytest.mark.parametrize("text", ["", "NaN", "1e999x", "Infinity"])
def test_equity_that_is_no_amount_is_refused(with_grid: Store, text: str):
    with pytest.raises(StoreFailed):
        with_grid.add_equity(equity_row(1, text))
    assert with_grid.equity(1, 1) == ()


def test_rows_of_another_account_are_neither_seen_nor_touched(opener: Opener):
    """Shadow first, then Testnet, on one data folder: a Shadow grid can never wake up elsewhere."""
    shadow = opener(SHADOW)
    shadow.add_grid(BTC, PLAN, 1, 2)
    shadow.add_intents([intent("a")])
    shadow.record([], [fill(5, "a")])
    shadow.add_equity(equity_row(1))
    testnet = opener(TESTNET)
    assert testnet.instance == shadow.instance
    assert testnet.grids() == testnet.orders(1) == testnet.fills(1) == testnet.equity(1, 9) == ()
    assert testnet.last_trade_id(BTC) == 0
    with pytest.raises(StoreFailed):
        testnet.set_grid(1, status=GridStatus.STOPPED, phase="ended", phase_reason="")
    with pytest.raises(StoreFailed):
        testnet.add_intents([intent("b")])
    assert testnet.add_grid(ETH, PLAN, 3, 4).grid_id == 1
    testnet.add_intents([intent("a", instrument=ETH)])
    testnet.record([order(intent("a"), Status.CANCELED)], [fill(5, "a", quantity="0.02")])
    assert shadow.orders(1)[0].status is Status.CREATED
    assert shadow.fills(1) == (fill(5, "a"),)
    assert [row.instrument for row in shadow.grids()] == [BTC]


def test_everything_is_there_after_opening_again(opener: Opener):
    store = opener(SHADOW)
    store.add_grid(BTC, PLAN, 1, 2)
    store.record([order(intent("a"), Status.OPEN)], [fill(5, "a")])
    again = opener(SHADOW)
    assert again.grids() == store.grids()
    assert again.orders(1) == store.orders(1)
    assert again.fills(1) == store.fills(1)
    assert (again.instance, again.epoch) == (store.instance, store.epoch)


def test_many_threads_use_one_store(with_grid: Store):
    def work(thread: int) -> None:
        for number in range(10):
            name = f"{thread}-{number}"
            with_grid.add_intents([intent(name)])
            with_grid.record([order(intent(name), Status.FILLED)], [fill(100 * thread + number + 1, name)])
            assert name in {row.intent.client_id for row in with_grid.orders(1)}

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(12)))
    assert len(with_grid.orders(1)) == len(with_grid.fills(1)) == 120
    assert with_grid.orders(1, live_only=True) == ()
