"""Random histories told to the books on disk and to those in memory: both must answer alike at every step."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from adapters.storage import open_store
from domain.grids import GridStatus
from domain.orders import Status
from fakes.store import InMemoryStore, MemoryDatabase
from fakes.store_clock import StillClock
from fakes.store_examples import (
    BTC,
    BTC_FUTURES,
    ETH,
    SHADOW,
    TESTNET,
    amounts,
    fills,
    instruments,
    intents,
    payments,
    plans,
    texts,
    times_ms,
)
from ports.store import EquityRow, OrderRow, Store, StoreFailed

client_ids = st.sampled_from(["a", "b", "c", "d"])
grid_ids = st.integers(1, 3)
accounts = st.sampled_from([SHADOW, TESTNET])
order_rows = st.builds(
    OrderRow,
    intent=intents(client_ids, grid_ids),
    status=st.sampled_from(Status),
    venue_order_id=st.none() | st.integers(0, 2**62),
    updated_ms=times_ms,
)
decimal_texts = amounts.map(str)


class TwoBooks(RuleBasedStateMachine):
    """Each rule does one thing to both; `invariant` compares all that can be asked."""

    def __init__(self, new_database: Callable[[], str] | None = None) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.url = new_database() if new_database else f"sqlite:///{Path(self.folder.name) / 'books.db'}"
        self.database = MemoryDatabase()
        self.pairs: dict[str, tuple[Store, Store]] = {}

    @initialize()
    def open(self) -> None:
        for account in (SHADOW, TESTNET):
            self.pairs[account.id] = (
                open_store(self.url, account, StillClock()),
                InMemoryStore(account, self.database),
            )

    def teardown(self) -> None:
        for real, _ in self.pairs.values():
            real.close()
        self.folder.cleanup()

    def both(self, account, act) -> None:
        outcomes = []
        for store in self.pairs[account.id]:
            try:
                outcomes.append(act(store))
            except StoreFailed:
                outcomes.append(StoreFailed)
        assert outcomes[0] == outcomes[1]

    @rule(account=accounts, instrument=instruments, plan=plans, at=times_ms)
    def add_grid(self, account, instrument, plan, at):
        self.both(account, lambda store: store.add_grid(instrument, plan, at, at + 1))

    @rule(
        account=accounts,
        grid=grid_ids,
        status=st.sampled_from(GridStatus),
        reason=texts,
        on_stop=st.none() | st.just("unwind"),
        ended=st.none() | times_ms,
    )
    def set_grid(self, account, grid, status, reason, on_stop, ended):
        self.both(
            account,
            lambda store: store.set_grid(
                grid, status=status, phase="trading", phase_reason=reason, on_stop=on_stop, ended_ms=ended
            ),
        )

    @rule(account=accounts, some=st.lists(intents(client_ids, grid_ids), max_size=3))
    def add_intents(self, account, some):
        self.both(account, lambda store: store.add_intents(some))

    @rule(
        account=accounts,
        orders=st.lists(order_rows, max_size=3),
        told=st.lists(fills(client_ids), max_size=4),
    )
    def record(self, account, orders, told):
        self.both(account, lambda store: store.record(orders, told))

    @rule(account=accounts, grid=grid_ids, told=st.lists(payments, max_size=3))
    def add_funding(self, account, grid, told):
        self.both(account, lambda store: store.add_funding(grid, told))

    @rule(account=accounts, grid=grid_ids, at=st.integers(0, 3), texts=st.tuples(*[decimal_texts] * 3))
    def add_equity(self, account, grid, at, texts):
        row = EquityRow(grid_id=grid, time_ms=at, equity_change=texts[0], grid_profit=texts[1], mark_price=texts[2])
        self.both(account, lambda store: store.add_equity(row))

    @invariant()
    def they_answer_alike(self) -> None:
        for real, fake in self.pairs.values():
            assert real.grids() == fake.grids()
            for instrument in (BTC, BTC_FUTURES, ETH):
                assert real.last_trade_id(instrument) == fake.last_trade_id(instrument)
                assert real.last_funding_ms(instrument) == fake.last_funding_ms(instrument)
                for limit in (0, 2, 100):
                    assert real.newest_fills(instrument, limit) == fake.newest_fills(instrument, limit)
            for grid in (1, 2, 3):
                assert real.orders(grid) == fake.orders(grid)
                assert real.orders(grid, live_only=True) == fake.orders(grid, live_only=True)
                assert real.fills(grid) == fake.fills(grid)
                assert real.funding(grid) == fake.funding(grid)
                assert real.equity(grid, 2) == fake.equity(grid, 2)


TwoBooks.TestCase.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
test_both_books_answer_alike = TwoBooks.TestCase


def test_books_in_postgresql_answer_alike(postgres):
    few = settings(max_examples=8, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(lambda: TwoBooks(postgres.new_database), settings=few)
