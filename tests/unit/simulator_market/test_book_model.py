from hypothesis import given
from hypothesis import strategies as st

from fakes.market_examples import START_MS, SYMBOL, TICK, prices, print_runs
from simulator.core.events import MarketTrade
from simulator.market.books import LEVELS, BookModel, opening_book
from simulator.market.catalogue import SPECS
from simulator.market.intervals import MINUTE_MS

SPEC = SPECS[SYMBOL]


@given(print_runs())
def test_the_book_stands_around_the_last_print(trades: list[MarketTrade]) -> None:
    model = BookModel(SPEC)
    for trade in trades:
        book = model.after(trade)
        best_ask = book.asks[0][0]
        assert best_ask == (trade.price + TICK if trade.buyer_is_maker else trade.price)
        if best_ask > TICK:
            assert book.bids[0][0] == best_ask - TICK
        bids, asks = ([price for price, _ in side] for side in (book.bids, book.asks))
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert len(asks) == LEVELS
        assert all(price > 0 and price % SPEC.tick == 0 for price in bids + asks)
        assert all(size > 0 and size % SPEC.lot == 0 for _, size in book.bids + book.asks)


@given(print_runs())
def test_the_book_depends_on_the_prints_alone(trades: list[MarketTrade]) -> None:
    one, two = BookModel(SPEC), BookModel(SPEC)
    assert [one.after(trade) for trade in trades] == [two.after(trade) for trade in trades]


@given(prices, st.integers(1, 10**4))
def test_depth_follows_the_volume_of_recent_minutes(price: int, lots: int) -> None:
    def depth(quantity: int) -> int:
        model = BookModel(SPEC)
        for minute in range(4):
            book = model.after(MarketTrade(SYMBOL, price, quantity, START_MS + minute * MINUTE_MS, False))
        return sum(size for _, size in book.asks)

    quantity = lots * 10_000 * SPEC.lot
    assert quantity * 1.0 < depth(quantity) < quantity * 3.0
    assert depth(3 * quantity) > depth(quantity)


def test_a_level_keeps_its_size_while_the_price_moves_a_tick() -> None:
    model = BookModel(SPEC)
    trades = [MarketTrade(SYMBOL, 6_000_000 * TICK + at * TICK, SPEC.lot, START_MS, False) for at in (0, 0)]
    first, second = (model.after(trade) for trade in trades)
    assert [price for price, _ in first.bids] == [price for price, _ in second.bids]


def test_before_the_first_print_there_is_a_small_book() -> None:
    book = opening_book(SPEC, 6_000_000 * TICK, START_MS)
    assert (book.bids[0][0], book.asks[0][0]) == (6_000_000 * TICK, 6_000_001 * TICK)
    assert {size for _, size in book.bids + book.asks} == {SPEC.lot}
