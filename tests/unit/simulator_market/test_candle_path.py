import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.market_examples import LOT, START_MS, SYMBOL, recorded_candles
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle, ClosedCandle
from simulator.market.path import CandlePath, shares, waypoints


@given(recorded_candles())
def test_the_prints_of_a_candle_rebuild_it_exactly(candle: Candle) -> None:
    book = CandleBook([SYMBOL])
    prints = CandlePath(SYMBOL, LOT).prints(candle)
    for trade in prints:
        book.add_trade(trade)
    if not prints:
        book.close_candle(ClosedCandle(SYMBOL, "1m", candle))
    (rebuilt,) = book.candles(SYMBOL, "1m")
    assert rebuilt[:7] == candle[:7]


@given(recorded_candles())
def test_prints_lie_inside_the_candle_in_strict_order(candle: Candle) -> None:
    times = [trade.time_ms for trade in CandlePath(SYMBOL, LOT).prints(candle)]
    assert times == sorted(set(times))
    if times:
        assert times[0] == candle.open_ms
        assert len(times) == 1 or times[-1] == candle.close_ms


@given(st.lists(st.integers(1, 100), min_size=4, max_size=4), st.integers(0, 10**6), st.integers(1, 10**4))
def test_volume_is_split_without_loss_and_in_lots_where_it_can_be(prices: list[int], volume: int, lot: int) -> None:
    parts = shares(prices, volume, lot)
    assert sum(quantity for _, quantity in parts) == (volume if parts else 0)
    assert all(quantity > 0 for _, quantity in parts)
    if volume >= 4 * lot:
        assert [price for price, _ in parts] == prices
        assert all(quantity % lot == 0 for _, quantity in parts[:-1])
        assert parts[-1][1] % lot == volume % lot


@pytest.mark.parametrize(
    ("candle", "order"),
    [
        ((100, 110, 95, 105), (100, 95, 110, 105)),
        ((100, 103, 90, 95), (100, 103, 90, 95)),
        ((100, 105, 95, 101), (100, 95, 105, 101)),
        ((100, 105, 95, 99), (100, 105, 95, 99)),
    ],
)
def test_the_nearer_extreme_comes_first(candle: tuple[int, ...], order: tuple[int, ...]) -> None:
    assert waypoints(*candle) == order


def test_takers_buy_upwards_and_sell_downwards() -> None:
    candle = Candle(START_MS, START_MS + 59_999, 100, 110, 95, 95, 8 * LOT, 0, 0, 0, 0)
    path = CandlePath(SYMBOL, LOT)
    prints = path.prints(candle)
    assert [(t.price, t.qty, t.buyer_is_maker) for t in prints] == [
        (100, 2 * LOT, False),
        (95, 2 * LOT, True),
        (110, 2 * LOT, False),
        (95, 2 * LOT, True),
    ]
    flat = Candle(START_MS + 60_000, START_MS + 119_999, 95, 95, 95, 95, 9 * LOT, 0, 0, 0, 0)
    assert [(t.qty, t.buyer_is_maker) for t in path.prints(flat)] == [
        (2 * LOT, True),
        (2 * LOT, True),
        (2 * LOT, True),
        (3 * LOT, True),
    ]


def test_a_single_lot_is_a_single_print() -> None:
    candle = Candle(START_MS, START_MS + 59_999, 100, 100, 100, 100, LOT, 0, 0, 0, 0)
    assert [(t.time_ms, t.qty) for t in CandlePath(SYMBOL, LOT).prints(candle)] == [(START_MS, LOT)]
