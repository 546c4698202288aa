"""Whatever happens on the exchange, what is read back equals what was there."""

import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator.core.errors import ExchangeError
from simulator.core.events import ExchangeEvent, MarketTrade
from simulator.core.exchange import Exchange
from simulator.core.order_lists import OcoLeg, OcoParams
from simulator.core.orders import CONDITIONAL_TYPES, MARKET_TYPES, OrderParams, OrderType, Side, TimeInForce
from simulator.core.symbols import NOTIONAL_UNIT, UNIT, SymbolSpec
from simulator.state import CRASH_GAP, Position, StateError, StateStore, Transaction

SPEC = SymbolSpec(symbol="BTCUSDT", base="BTC", quote="USDT", tick=UNIT // 100, lot=UNIT // 10_000)
MARKET = {"source": "synthetic", "seed": 1}
ACCOUNTS = ("a1", "b2")

places = st.tuples(
    st.just("place"),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(list(Side)),
    st.sampled_from(OrderType),
    st.integers(90, 110),
    st.integers(1, 40_000),
)
cancels = st.tuples(st.just("cancel"), st.sampled_from(ACCOUNTS), st.integers(1, 20))
prints = st.tuples(st.just("print"), st.integers(88, 112), st.integers(1, 30_000))
deposits = st.tuples(st.just("deposit"), st.sampled_from(ACCOUNTS), st.integers(1, 10**20))
pairs = st.tuples(st.just("pair"), st.sampled_from(ACCOUNTS), st.integers(1, 12), st.integers(1, 12))
actions = st.lists(st.one_of(places, cancels, prints, deposits, pairs), min_size=1, max_size=40)


class Venue:
    """An exchange whose turns are recorded as the process records them."""

    def __init__(self, store: StateStore) -> None:
        self.events: list[ExchangeEvent] = []
        self.store = store
        saved = store.exchange_dump([SPEC])
        if saved is None:
            self.exchange = Exchange([SPEC], listener=self.events.append)
            for account in ACCOUNTS:
                self.exchange.open_account(account, {"USDT": 100_000 * NOTIONAL_UNIT, "BTC": 10 * NOTIONAL_UNIT})
        else:
            self.exchange = Exchange.load(saved, listener=self.events.append)
        store.adopt(self.exchange, MARKET)

    def act(self, now_ms: int, action: tuple[object, ...]) -> None:
        kind, *rest = action
        with suppress(ExchangeError):
            getattr(self, f"_{kind}")(now_ms, *rest)
        self.store.record(self.exchange, self.events, Position(now_ms, 1))
        self.events.clear()

    def _place(self, now_ms: int, account: str, side: Side, kind: OrderType, price: int, lots: int) -> None:
        limited = kind not in MARKET_TYPES
        timed = limited and kind is not OrderType.LIMIT_MAKER
        params = OrderParams(
            symbol="BTCUSDT",
            side=side,
            type=kind,
            quantity=lots * SPEC.lot,
            price=price * UNIT if limited else None,
            stop_price=price * UNIT if kind in CONDITIONAL_TYPES else None,
            time_in_force=TimeInForce.GTC if timed else None,
        )
        self.exchange.place(account, params, now_ms)

    def _pair(self, now_ms: int, account: str, up: int, down: int) -> None:
        last = self.exchange.last_price("BTCUSDT")
        above = OcoLeg(type=OrderType.LIMIT_MAKER, price=last + up * UNIT)
        below = OcoLeg(type=OrderType.STOP_LOSS, stop_price=last - down * UNIT)
        params = OcoParams(symbol="BTCUSDT", side=Side.SELL, quantity=SPEC.lot, above=above, below=below)
        self.exchange.place_oco(account, params, now_ms)

    def _cancel(self, now_ms: int, account: str, order_id: int) -> None:
        self.exchange.cancel(account, "BTCUSDT", order_id=order_id, now_ms=now_ms)

    def _print(self, now_ms: int, price: int, lots: int) -> None:
        self.exchange.print_trade(MarketTrade("BTCUSDT", price * UNIT, lots * SPEC.lot, now_ms, buyer_is_maker=False))
        levels = [(price * UNIT, UNIT), ((price - 1) * UNIT, UNIT)]
        asks = [((price + 1) * UNIT, UNIT), ((price + 2) * UNIT, 2 * UNIT)]
        self.exchange.set_book("BTCUSDT", levels, asks, now_ms=now_ms)

    def _deposit(self, _now_ms: int, account: str, amount: int) -> None:
        self.exchange.deposit(account, "USDT", amount)

    def shown(self) -> list[tuple[object, ...]]:
        exchange = self.exchange
        return [
            (
                dict(exchange.balances(account)),
                exchange.all_orders(account, "BTCUSDT", limit=1_000),
                exchange.open_orders(account),
                exchange.trades(account, "BTCUSDT", limit=1_000),
                exchange.all_order_lists(account),
            )
            for account in ACCOUNTS
        ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=actions)
def test_everything_recorded_comes_back_exactly(actions: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = StateStore.open(Path(folder))
        venue = Venue(store)
        venue.act(1_000, ("print", 100, 10_000))
        for number, action in enumerate(actions, start=2):
            venue.act(number * 1_000, action)
        before, last_trade = venue.shown(), venue.exchange.dump()["listings"][0]["ids"]
        store.close()
        again = StateStore.open(Path(folder))
        restored = Venue(again)
        assert restored.shown() == before
        ids = restored.exchange.dump()["listings"][0]["ids"]
        assert (ids[0], ids[2], ids[3]) == (last_trade[0], last_trade[2], last_trade[3])
        assert last_trade[1] < ids[1] <= last_trade[1] + CRASH_GAP
        for now_ms, price in ((10**6, 130), (10**6 + 1, 70)):  # beyond every stop price
            restored.act(now_ms, ("print", price, 1))
        assert all(order.is_working for account in ACCOUNTS for order in restored.exchange.open_orders(account))
        assert not any(restored.exchange.open_order_lists(account) for account in ACCOUNTS)
        again.close()


def test_a_clean_end_leaves_no_gap_in_trade_ids(tmp_path: Path) -> None:
    store = StateStore.open(tmp_path)
    venue = Venue(store)
    venue.act(1_000, ("print", 100, 10_000))
    store.checkpoint(venue.exchange, MARKET, None, clean=True)
    store.close()
    again = StateStore.open(tmp_path)
    assert Venue(again).exchange.dump()["listings"][0]["ids"][1] == 1
    assert again.market == MARKET
    again.close()


def test_one_process_at_a_time_and_a_folder_that_can_be_written(tmp_path: Path) -> None:
    store = StateStore.open(tmp_path / "state")
    with pytest.raises(StateError, match="cannot be used"):
        StateStore.open(tmp_path / "state")
    store.close()
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        StateStore.open(tmp_path / "file")


def test_the_id_of_these_accounts_is_kept_and_nobody_elses(tmp_path: Path) -> None:
    ids = []
    for folder in ("one", "one", "two"):
        store = StateStore.open(tmp_path / folder)
        ids.append(store.instance)
        store.close()
    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) == 16


def test_a_disk_that_is_full_is_told_in_one_sentence_with_the_remedy() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("CREATE TABLE facts (text TEXT)")
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages}")
    with (
        pytest.raises(StateError, match="cannot be written: database or disk is full; make room"),
        Transaction(connection),
    ):
        connection.execute("INSERT INTO facts VALUES (?)", ("x" * 100_000,))
    assert not connection.in_transaction
