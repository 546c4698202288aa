from hypothesis import given
from hypothesis import strategies as st

from fakes.market_examples import START_MS, SYMBOL, print_runs
from simulator.core.events import MarketTrade
from simulator.market.candles import CandleBook
from simulator.market.intervals import DAY_MS, MINUTE_MS


@given(print_runs(max_size=40), st.integers(0, 30 * 3_600_000))
def test_the_day_is_what_the_prints_of_the_last_24_hours_say(trades: list[MarketTrade], later_ms: int) -> None:
    book = CandleBook([SYMBOL])
    for at, trade in enumerate(trades):
        book.add_trade(trade, at)
    now_ms = (trades[-1].time_ms + later_ms) // MINUTE_MS * MINUTE_MS + MINUTE_MS
    inside = [(at, t) for at, t in enumerate(trades) if t.time_ms >= now_ms - DAY_MS]
    before = [t for t in trades if t.time_ms < now_ms - DAY_MS]
    day = book.day(SYMBOL, now_ms)
    assert day.volume == sum(t.qty for _, t in inside)
    assert day.quote_volume == sum(t.qty * t.price for _, t in inside)
    assert day.count == len(inside)
    assert (day.open_ms, day.close_ms) == (now_ms - DAY_MS, now_ms)
    assert day.last_qty == trades[-1].qty
    if inside:
        first = inside[0][1]
        assert (day.open, day.last) == (first.price, trades[-1].price)
        assert (day.high, day.low) == (max(t.price for _, t in inside), min(t.price for _, t in inside))
        assert day.previous_close == (before[-1].price if before else first.price)
        assert day.weighted_average == day.quote_volume // day.volume
        assert (day.first_trade_id, day.last_trade_id) == (inside[0][0], inside[-1][0])
        assert day.change == day.last - day.open
    else:
        assert day.open == day.high == day.low == day.last == trades[-1].price


def test_before_any_print_everything_is_zero() -> None:
    day = CandleBook([SYMBOL]).day(SYMBOL, START_MS)
    assert (day.open, day.last, day.volume, day.count, day.weighted_average) == (0, 0, 0, 0, 0)
