import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.market_examples import START_MS, SYMBOL, built_by_hand, print_runs
from simulator.core.events import MarketTrade
from simulator.market.candles import CandleBook
from simulator.market.feed import Candle, ClosedCandle, MarketError
from simulator.market.intervals import INTERVALS, MINUTE_MS
from simulator.market.running import roll_up


def fed(trades: list[MarketTrade]) -> CandleBook:
    book = CandleBook([SYMBOL])
    for trade in trades:
        book.add_trade(trade)
    return book


def traded(candles: list[Candle]) -> list[Candle]:
    return [candle for candle in candles if candle.volume]


@given(print_runs(), st.sampled_from(INTERVALS))
def test_candles_of_every_interval_equal_those_built_directly(trades: list[MarketTrade], interval: str) -> None:
    assert traded(fed(trades).candles(SYMBOL, interval, limit=10**6)) == built_by_hand(trades, interval)


@given(print_runs(), st.sampled_from(INTERVALS))
def test_rolling_up_seconds_equals_building_directly(trades: list[MarketTrade], interval: str) -> None:
    assert roll_up(built_by_hand(trades, "1s"), interval) == built_by_hand(trades, interval)


@given(print_runs(), st.sampled_from(INTERVALS))
def test_the_current_candle_is_the_newest(trades: list[MarketTrade], interval: str) -> None:
    assert fed(trades).current(SYMBOL, interval) == built_by_hand(trades, interval)[-1]


@given(print_runs(), st.integers(0, 60))
def test_a_book_seeded_with_a_past_goes_on_as_if_it_had_seen_it(trades: list[MarketTrade], cut: int) -> None:
    before, after = trades[:cut], trades[cut:]
    start_ms = before[-1].time_ms // MINUTE_MS * MINUTE_MS + MINUTE_MS if before else START_MS
    after = [trade for trade in after if trade.time_ms >= start_ms]
    book = CandleBook([SYMBOL])
    for interval in INTERVALS:
        book.seed(SYMBOL, interval, built_by_hand(before, interval), start_ms)
    for trade in after:
        book.add_trade(trade)
    for interval in INTERVALS:
        assert traded(book.candles(SYMBOL, interval, limit=10**6)) == built_by_hand(before + after, interval)


def test_quiet_intervals_are_flat_and_holes_stay_holes() -> None:
    trades = [
        MarketTrade(SYMBOL, 100, 7, START_MS, False),
        MarketTrade(SYMBOL, 110, 7, START_MS + 3 * MINUTE_MS, False),
        MarketTrade(SYMBOL, 120, 7, START_MS + 300 * MINUTE_MS, False),
    ]
    shown = fed(trades).candles(SYMBOL, "1m", now_ms=START_MS + 302 * MINUTE_MS)
    minutes = [(candle.open_ms - START_MS) // MINUTE_MS for candle in shown]
    assert minutes == [0, 1, 2, 3, 300, 301, 302]
    assert [candle.close for candle in shown] == [100, 100, 100, 110, 120, 120, 120]
    assert shown[1] == Candle(START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS - 1, 100, 100, 100, 100, 0, 0, 0, 0, 0)


@given(print_runs(), st.sampled_from(INTERVALS), st.integers(1, 20), st.data())
def test_limit_start_and_end_choose_from_the_whole(
    trades: list[MarketTrade], interval: str, limit: int, data: st.DataObject
) -> None:
    book = fed(trades)
    whole = book.candles(SYMBOL, interval, limit=10**6)
    assert book.candles(SYMBOL, interval, limit=limit) == whole[-limit:]
    start_ms, end_ms = sorted(data.draw(st.tuples(*[st.sampled_from([c.open_ms for c in whole])] * 2)))
    inside = [candle for candle in whole if start_ms <= candle.open_ms <= end_ms]
    assert book.candles(SYMBOL, interval, start_ms=start_ms, end_ms=end_ms, limit=limit) == inside[:limit]
    assert book.candles(SYMBOL, interval, end_ms=end_ms, limit=10**6)[-1].open_ms == end_ms


def test_rings_are_bounded() -> None:
    book = CandleBook([SYMBOL], keep=5)
    for minute in range(50):
        book.add_trade(MarketTrade(SYMBOL, 100 + minute, 1, START_MS + minute * MINUTE_MS, True))
    assert [candle.close for candle in book.candles(SYMBOL, "1m")] == list(range(143, 150))


def test_trade_ids_span_the_candle() -> None:
    book = CandleBook([SYMBOL])
    for at, trade_id in enumerate((41, 42, 43)):
        book.add_trade(MarketTrade(SYMBOL, 100, 1, START_MS + at * 20_000, True), trade_id)
    candle = book.current(SYMBOL, "1d")
    assert candle is not None
    assert (candle.first_trade_id, candle.last_trade_id) == (41, 43)


@given(print_runs(max_size=12), st.sampled_from(["1s", "1m", "5m", "1h", "4h", "1d"]))
def test_a_recorded_candle_settles_every_coarser_interval(trades: list[MarketTrade], interval: str) -> None:
    book = CandleBook([SYMBOL])
    told = [
        candle._replace(quote_volume=candle.quote_volume + 5, trades=candle.trades + 9, taker_buy_base=3)
        for candle in built_by_hand(trades, interval)
    ]
    for candle in told:
        for trade in trades:
            if candle.open_ms <= trade.time_ms <= candle.close_ms:
                book.add_trade(trade)
        book.close_candle(ClosedCandle(SYMBOL, interval, candle))
    assert traded(book.candles(SYMBOL, interval, limit=10**6)) == told
    for coarser in INTERVALS[INTERVALS.index(interval) :]:
        if coarser in {"1M", "1d", "12h", "3d", "1w", interval}:
            assert traded(book.candles(SYMBOL, coarser, limit=10**6)) == roll_up(told, coarser)


def test_a_recorded_candle_without_prints_still_stands() -> None:
    book = CandleBook([SYMBOL])
    quiet = Candle(START_MS, START_MS + MINUTE_MS - 1, 100, 120, 90, 110, 0, 0, 0, 0, 0)
    book.close_candle(ClosedCandle(SYMBOL, "1m", quiet))
    assert book.candles(SYMBOL, "1m") == [quiet]
    assert book.current(SYMBOL, "1h") == quiet._replace(close_ms=START_MS + 60 * MINUTE_MS - 1)


def test_strangers_are_refused_by_name() -> None:
    book = CandleBook([SYMBOL])
    with pytest.raises(MarketError, match="'ETHUSDT' is not on this market; it has BTCUSDT"):
        book.add_trade(MarketTrade("ETHUSDT", 1, 1, START_MS, True))
    with pytest.raises(MarketError, match="interval '2m' is unknown"):
        book.candles(SYMBOL, "2m")
    book.add_symbol("ETHUSDT")
    assert book.current("ETHUSDT", "1m") is None
    assert book.candles("ETHUSDT", "1m") == []
