"""What fees were worth and where an account begins, in every implementation of the store."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.storage import open_store
from domain.conditional import ConditionalIntent, ConditionalKind, ConditionalStatus
from domain.futures import FundingPayment
from domain.grids import Move, MoveKind
from domain.instrument import Market
from domain.orders import FeeValue, PositionSide, Side, Status
from fakes.store import InMemoryStore, MemoryDatabase
from fakes.store_clock import StillClock
from fakes.store_examples import BTC, BTC_FUTURES, ETH, PLAN, SHADOW, TESTNET, amounts, fill, intent, order
from ports.store import AccountingStore, Baseline, ConditionalRow, Holding, StoreFailed


class Books:
    """One database that can be closed and opened again."""

    def __init__(self, kind: str, folder: Path, url: str = "") -> None:
        self._url = url or f"sqlite:///{folder / 'books.db'}"
        self._memory = MemoryDatabase() if kind == "memory" else None
        self._open: list[object] = []

    def of(self, account=SHADOW) -> AccountingStore:
        if self._memory is not None:
            return InMemoryStore(account, self._memory)
        store = open_store(self._url, account, StillClock())
        self._open.append(store)
        return store

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    url = request.getfixturevalue("postgres").new_database() if request.param == "postgresql" else ""
    opened = Books(request.param, tmp_path, url)
    yield opened
    opened.close()


def value(trade_id: int, price: str = "512.3", instrument=BTC) -> FeeValue:
    return FeeValue(instrument=instrument, trade_id=trade_id, asset="BNB", price=Decimal(price), at_ms=1_000)


def with_fills(store: AccountingStore) -> AccountingStore:
    store.add_grid(BTC, PLAN, 1_000, 2_000)
    store.add_grid(ETH, PLAN, 1_000, 2_000)
    store.add_intents([intent("a"), intent("b", grid=2, instrument=ETH)])
    store.record([order(intent("a"), Status.FILLED)], [fill(1, "a"), fill(2, "a")])
    store.record([], [fill(1, "b", instrument=ETH)])
    return store


def test_values_come_back_by_grid_in_their_order_after_a_restart(books: Books):
    store = with_fills(books.of())
    store.add_fee_value(value(2))
    store.add_fee_value(value(1))
    store.add_fee_value(value(1, "3", ETH))
    books.close()
    again = books.of()
    assert again.fee_values(1) == (value(2), value(1))
    assert again.fee_values(2) == (value(1, "3", ETH),)


def test_the_first_value_of_a_trade_stays(books: Books):
    store = with_fills(books.of())
    store.add_fee_value(value(1))
    store.add_fee_value(value(1, "999"))
    assert store.fee_values(1) == (value(1),)


def test_values_belong_to_their_account(books: Books):
    store, other = with_fills(books.of()), with_fills(books.of(TESTNET))
    store.add_fee_value(value(1))
    assert other.fee_values(1) == ()


def payment(number: int, amount: str = "-0.375", instrument=BTC_FUTURES, at_ms: int = 0) -> FundingPayment:
    return FundingPayment(
        instrument=instrument, id=2**53 + number, amount=Decimal(amount), asset="USDT", at_ms=at_ms or number
    )


def test_funding_comes_back_by_grid_oldest_first_and_each_payment_counts_once(books: Books):
    store = with_fills(books.of())
    assert store.last_funding_ms(BTC_FUTURES) is None
    store.add_funding(1, [payment(3), payment(1)])
    store.add_funding(1, [payment(3, "77"), payment(2, "0.12345678")])
    store.add_funding(2, [payment(3), payment(3, instrument=ETH)])
    with pytest.raises(StoreFailed):
        store.add_funding(9, [payment(4)])
    books.close()
    again = books.of()
    assert again.funding(1) == (payment(1), payment(2, "0.12345678"), payment(3))
    assert again.funding(2) == (payment(3, instrument=ETH),)
    assert (again.last_funding_ms(BTC_FUTURES), again.last_funding_ms(BTC)) == (3, None)
    assert (books.of(TESTNET).funding(1), books.of(TESTNET).last_funding_ms(ETH)) == ((), None)


def test_a_conditional_order_is_stored_before_it_is_sent_and_keeps_its_intent(books: Books):
    store = with_fills(books.of())
    stop = ConditionalIntent(
        client_id="gh-t3st-1-1-us-4d-0-0",
        instrument=BTC_FUTURES,
        kind=ConditionalKind.STOP_MARKET,
        side=Side.SELL,
        trigger_price=Decimal("40000.10"),
        quantity=None,
        position_side=PositionSide.LONG,
        reason="the grid's stop",
        created_ms=5,
    )
    store.record_conditionals(1, [ConditionalRow(intent=stop)])
    fired = ConditionalRow(intent=stop, status=ConditionalStatus.FINISHED, venue_order_id=2**60, updated_ms=9)
    assert books.of().conditionals(1) == (ConditionalRow(intent=stop),)
    store.record_conditionals(1, [replace(fired, intent=replace(stop, reason="other"))])
    assert books.of().conditionals(1) == (fired,)
    assert books.of(TESTNET).conditionals(1) == books.of().conditionals(2) == ()
    again = ConditionalRow(intent=replace(stop, client_id="gh-t3st-1-1-us-4d-0-9"))
    books.of(TESTNET).add_grid(BTC_FUTURES, PLAN, 1_000, 2_000)
    books.of(TESTNET).record_conditionals(1, [], forget=[stop.client_id])
    assert books.of().conditionals(1) == (fired,), "another account's"
    store.record_conditionals(1, [again], forget=[stop.client_id])
    assert books.of().conditionals(1) == (again,)
    with pytest.raises(StoreFailed):
        store.record_conditionals(77, [ConditionalRow(intent=replace(stop, client_id="gh-t3st-1-1-us-4d-0-1"))])


def test_moves_of_a_ladder_come_back_by_number_and_each_number_is_given_once(books: Books):
    store = with_fills(books.of())
    first = Move(number=1, kind=MoveKind.TRAIL, after_trade=2**60, data='{"first":3}', market_ms=7)
    second = replace(first, number=2, kind=MoveKind.EDIT, market_ms=9)
    store.add_move(1, first)
    store.add_move(1, second)
    store.add_move(2, first)
    for grid_id, move in ((1, replace(first, data="{}")), (77, first)):
        with pytest.raises(StoreFailed):
            store.add_move(grid_id, move)
    books.close()
    again = books.of()
    assert (again.moves(1), again.moves(2), again.moves(77)) == ((first, second), (first,), ())
    assert books.of(TESTNET).moves(1) == ()


def test_what_an_order_and_a_fill_of_a_contract_say_comes_back(books: Books):
    store = books.of()
    store.add_grid(BTC_FUTURES, PLAN, 1_000, 2_000)
    asked = replace(intent("a", instrument=BTC_FUTURES), position_side=PositionSide.SHORT, reduce_only=True)
    told = replace(
        fill(1, "a", instrument=BTC_FUTURES), realized_profit=Decimal("-1.5"), position_side=PositionSide.SHORT
    )
    store.add_intents([asked])
    store.record([], [told])
    books.close()
    assert books.of().orders(1)[0].intent == asked
    assert books.of().fills(1) == (told,)


def test_each_wallet_has_a_baseline_of_its_own(books: Books):
    store = books.of()
    spot = Baseline(at_ms=5, valued_in="USDT", holdings=())
    futures = Baseline(
        at_ms=9, valued_in="USDT", holdings=(Holding(asset="USDT", amount=Decimal(7), price=Decimal(1)),)
    )
    store.set_baseline(futures, Market.FUTURES)
    assert store.baseline() is None
    store.set_baseline(spot)
    store.set_baseline(spot, Market.FUTURES)
    books.close()
    assert (books.of().baseline(), books.of().baseline(Market.FUTURES)) == (spot, futures)


def test_the_first_baseline_stays(books: Books):
    store = books.of()
    assert store.baseline() is None
    begun = Baseline(
        at_ms=5,
        valued_in="USDT",
        holdings=(
            Holding(asset="BTC", amount=Decimal("0.1"), price=Decimal("60000.01")),
            Holding(asset="ODD", amount=Decimal(3), price=None),
        ),
    )
    store.set_baseline(begun)
    store.set_baseline(Baseline(at_ms=6, valued_in="USDT", holdings=()))
    books.close()
    assert books.of().baseline() == begun
    assert books.of(TESTNET).baseline() is None


def test_an_empty_account_has_a_baseline_too(books: Books):
    store = books.of()
    store.set_baseline(Baseline(at_ms=5, valued_in="USDT", holdings=()))
    assert store.baseline() == Baseline(at_ms=5, valued_in="USDT", holdings=())


def test_the_first_mark_of_an_instrument_stays(books: Books):
    store = books.of()
    store.set_trade_mark(BTC, 8)
    store.set_trade_mark(BTC, 9)
    store.set_trade_mark(ETH, 1)
    books.close()
    assert books.of().trade_marks() == {BTC: 8, ETH: 1}
    assert books.of(TESTNET).trade_marks() == {}


def test_a_store_that_fails_keeps_nothing():
    store = with_fills(InMemoryStore())
    store.failing = "disk full"
    for write in (
        lambda: store.add_fee_value(value(1)),
        lambda: store.set_trade_mark(BTC, 1),
        lambda: store.set_baseline(Baseline(at_ms=5, valued_in="USDT", holdings=())),
    ):
        with pytest.raises(StoreFailed):
            write()
    store.failing = None
    assert (store.fee_values(1), store.trade_marks(), store.baseline()) == ((), {}, None)


@given(st.lists(amounts.filter(lambda amount: amount > 0), max_size=5))
def test_prices_come_back_exactly(tmp_path_factory: pytest.TempPathFactory, prices: list[Decimal]):
    opened = Books("sqlite", tmp_path_factory.mktemp("values"))
    store = opened.of()
    store.add_grid(BTC, PLAN, 1_000, 2_000)
    store.add_intents([intent("a")])
    store.record([], [fill(number, "a") for number in range(1, len(prices) + 1)])
    for number, price in enumerate(prices, 1):
        store.add_fee_value(value(number, str(price)))
    assert [stored.price for stored in store.fee_values(1)] == prices
    opened.close()
